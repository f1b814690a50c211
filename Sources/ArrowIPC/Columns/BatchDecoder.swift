// Columns out of the body of a message: nodes and buffers in the order of the fields, nothing copied that need not be.

import Arrow
import Memory

/// Walks the fields of a schema and the nodes and buffers of one batch side by side.
struct BatchDecoder {
  let header: BatchHeader
  let body: Buffer
  let version: MetadataVersion
  /// The values of every dictionary received so far.
  let dictionaries: [Int64: Column]
  let reading: ReadContext

  private var nextNode = 0
  private var nextBuffer = 0
  private var nextVariadic = 0
  /// The buffers of a compressed body, decompressed.
  private var decompressed: [Int: Buffer] = [:]

  init(
    header: BatchHeader, body: Buffer, version: MetadataVersion, dictionaries: [Int64: Column],
    reading: ReadContext
  ) {
    self.header = header
    self.body = body
    self.version = version
    self.dictionaries = dictionaries
    self.reading = reading
  }

  /// Decodes the columns of `fields`, those outside of `projection` excepted.
  mutating func columns(_ fields: [IPCField], projection: [Int]? = nil) throws(DataError) -> [Column] {
    guard header.count <= reading.options.maximumRows else {
      throw DataError(
        .limit, "a batch of \(header.count) rows; the limit is \(reading.options.maximumRows) rows")
    }
    let wanted = projection.map(Set.init)
    if let codec = header.codec { try decompress(fields, wanted, codec) }
    var columns: [Int: Column] = [:]
    for (i, field) in fields.enumerated() {
      if let wanted, !wanted.contains(i) {
        try skip(field)
        continue
      }
      do throws(DataError) { columns[i] = try column(field) } catch {
        throw error.within("column '\(field.field.name)'")
      }
    }
    return (projection ?? Array(fields.indices)).map { columns[$0]! }
  }

  // MARK: One column

  mutating func column(_ field: IPCField) throws(DataError) -> Column {
    let (count, nullCount) = try node()
    let type = field.dictionary == nil ? field.storage : field.field.type
    if let dictionary = field.dictionary {
      let validity = try validity(count, nullCount)
      let indices = try buffer(count, width: dictionary.indices.byteWidth, type)
      let values = try values(of: dictionary.id, field, isNeeded: count > 0 && nullCount < count)
      return try Column(
        type: type, count: count, validity: validity, nullCount: nullCount,
        layout: .dictionary(indices: indices, values: values))
    }
    let offsetWidth = type.hasLargeOffsets ? 8 : 4
    var bits: Bitmap?
    let layout: Layout
    switch type.layoutKind {
    case .null: layout = .null
    case .bits:
      bits = try validity(count, nullCount)
      layout = .bits(try bitmap(count, "values"))
    case .fixed:
      bits = try validity(count, nullCount)
      layout = .fixed(try buffer(count, width: type.byteWidth!, type))
    case .variable:
      bits = try validity(count, nullCount)
      let offsets = try offsets(count, width: offsetWidth, type)
      layout = .variable(offsets: offsets, bytes: try buffer())
    case .views:
      bits = try validity(count, nullCount)
      let views = try buffer(count, width: 16, type)
      var data: [Buffer] = []
      let variadic = try header.variadicCount(nextVariadic)
      nextVariadic += 1
      for _ in 0..<variadic { data.append(try buffer()) }
      layout = .views(views, data: data)
    case .list:
      bits = try validity(count, nullCount)
      let offsets = try offsets(count, width: offsetWidth, type)
      layout = .list(offsets: offsets, child: try column(field.children[0]))
    case .listView:
      bits = try validity(count, nullCount)
      let offsets = try buffer(count, width: offsetWidth, type)
      let sizes = try buffer(count, width: offsetWidth, type)
      layout = .listView(offsets: offsets, sizes: sizes, child: try column(field.children[0]))
    case .fixedList:
      bits = try validity(count, nullCount)
      guard case .fixedSizeList(_, let size) = type else { preconditionFailure() }
      let child = try column(field.children[0])
      let (items, overflow) = count.multipliedReportingOverflow(by: size)
      layout = .fixedList(overflow ? child : child.cut(to: items))
    case .structure:
      bits = try validity(count, nullCount)
      layout = .structure(try children(field, cutTo: count))
    case .union:
      guard case .union(let mode, _, _) = type else { preconditionFailure() }
      try skipOldValidity(type, count, nullCount)
      let ids = try buffer(count, width: 1, type)
      let offsets = mode == .dense ? try buffer(count, width: 4, type) : nil
      layout = .union(
        ids: ids, offsets: offsets, children: try children(field, cutTo: mode == .sparse ? count : nil))
    case .runs:
      try skipOldValidity(type, count, nullCount)
      let ends = try column(field.children[0])
      layout = .runs(ends: ends, values: try column(field.children[1]), offset: 0)
    case .dictionary: preconditionFailure("a dictionary's storage is never a dictionary")
    }
    return try Column(type: type, count: count, validity: bits, nullCount: nullCount, layout: layout)
  }

  /// Before V5 unions and run-end encoded columns had a place for validity, too. Nothing is lost as long as it is unused.
  private mutating func skipOldValidity(_ type: DataType, _ count: Int, _ nullCount: Int) throws(DataError) {
    guard version == .v4 else { return }
    guard try validity(count, nullCount) == nil else {
      throw DataError(.unsupported, "\(type) with nulls of its own, as Arrow before 1.0 had them")
    }
  }

  private mutating func children(_ field: IPCField, cutTo count: Int?) throws(DataError) -> [Column] {
    var children: [Column] = []
    for child in field.children {
      let column = try column(child)
      children.append(count.map { column.cut(to: $0) } ?? column)
    }
    return children
  }

  private func values(of id: Int64, _ field: IPCField, isNeeded: Bool) throws(DataError) -> Column {
    if let values = dictionaries[id] { return values }
    guard !isNeeded else { throw DataError(.malformed, "dictionary \(id) was not sent before it is used") }
    return field.storage.makeBuilder().finish()
  }

  /// Passes over a field's nodes and buffers.
  private mutating func skip(_ field: IPCField) throws(DataError) {
    _ = try node()
    nextBuffer += field.bufferCount(version)
    if field.dictionary != nil { return }
    if field.storage.layoutKind == .views {
      nextBuffer += try header.variadicCount(nextVariadic)
      nextVariadic += 1
    }
    for child in field.children { try skip(child) }
  }

  /// Decompresses all buffers of the wanted fields.
  private mutating func decompress(
    _ fields: [IPCField], _ wanted: Set<Int>?, _ codec: Codec
  ) throws(DataError) {
    var scout = self
    var places: [Int] = []
    var names: [String] = []
    var compressed: [Buffer] = []
    for (i, field) in fields.enumerated() {
      let start = scout.nextBuffer
      try scout.skip(field)
      guard wanted?.contains(i) ?? true else { continue }
      for place in start..<scout.nextBuffer {
        places.append(place)
        names.append("column '\(field.field.name)'")
        compressed.append(try stored(place))
      }
    }
    let buffers = try reading.decompress(compressed, names, codec)
    decompressed = Dictionary(uniqueKeysWithValues: zip(places, buffers))
  }

  // MARK: Nodes and buffers

  private mutating func node() throws(DataError) -> (count: Int, nullCount: Int) {
    guard nextNode < header.nodes.count else {
      throw DataError(.malformed, "the batch has \(header.nodes.count) columns, fewer than its schema")
    }
    let count = header.nodes.load(nextNode, as: Int64.self)
    let nullCount = header.nodes.load(nextNode, offset: 8, as: Int64.self)
    nextNode += 1
    guard count >= 0, nullCount >= 0, nullCount <= count else {
      throw DataError(.malformed, "\(count) values of which \(nullCount) are null")
    }
    guard count <= reading.options.maximumRows else {
      throw DataError(
        .limit,
        "a column of \(count) values; the limit is \(reading.options.maximumRows) for rows and list items")
    }
    return (Int(count), Int(nullCount))
  }

  /// The bytes of a buffer as they are in the body.
  private func stored(_ index: Int) throws(DataError) -> Buffer {
    guard index < header.buffers.count else {
      throw DataError(
        .malformed, "the batch has \(header.buffers.count) buffers, fewer than its schema needs")
    }
    let offset = header.buffers.load(index, as: Int64.self)
    let length = header.buffers.load(index, offset: 8, as: Int64.self)
    guard offset >= 0, length >= 0, offset <= body.count, length <= Int64(body.count) - offset else {
      throw DataError(
        .malformed, "buffer \(index) is \(length) bytes from \(offset) on, in a body of \(body.count)")
    }
    return body.slice(Int(offset)..<Int(offset + length))
  }

  private mutating func buffer() throws(DataError) -> Buffer {
    let index = nextBuffer
    nextBuffer += 1
    if let buffer = decompressed[index] { return buffer }
    return try stored(index)
  }

  /// A buffer of exactly `count` values; what follows them is padding.
  private mutating func buffer(_ count: Int, width: Int, _ type: DataType) throws(DataError) -> Buffer {
    let buffer = try buffer()
    let (needed, overflow) = count.multipliedReportingOverflow(by: width)
    guard !overflow, buffer.count >= needed else {
      throw DataError(.malformed, "a buffer of \(buffer.count) bytes for \(count) values of \(type)")
    }
    let alignment = type.layoutKind == .fixed ? type.valueAlignment : min(width, 8)
    return try reading.aligned(buffer.slice(0..<needed), to: alignment)
  }

  private mutating func offsets(_ count: Int, width: Int, _ type: DataType) throws(DataError) -> Buffer {
    // Writers may leave out the single offset of a column without values.
    if count == 0 {
      _ = try buffer()
      return .empty
    }
    return try buffer(count + 1, width: width, type)
  }

  private mutating func bitmap(_ count: Int, _ what: String) throws(DataError) -> Bitmap {
    let buffer = try buffer()
    guard buffer.count >= (count + 7) / 8 else {
      throw DataError(.malformed, "\(buffer.count) bytes of \(what) for \(count) bits")
    }
    return Bitmap(buffer: buffer, count: count)
  }

  private mutating func validity(_ count: Int, _ nullCount: Int) throws(DataError) -> Bitmap? {
    if nullCount == 0 {
      _ = try buffer()
      return nil
    }
    return try bitmap(count, "validity")
  }
}

extension IPCField {
  /// The buffers of this field itself, those of views that are counted elsewhere excepted.
  func bufferCount(_ version: MetadataVersion) -> Int {
    if dictionary != nil { return 2 }
    switch storage.layoutKind {
    case .null: return 0
    case .runs: return version == .v4 ? 1 : 0
    case .structure, .fixedList: return 1
    case .bits, .fixed, .list, .views: return 2
    case .variable, .listView: return 3
    case .union:
      guard case .union(let mode, _, _) = storage else { preconditionFailure() }
      return (version == .v4 ? 1 : 0) + (mode == .dense ? 2 : 1)
    case .dictionary: preconditionFailure("a dictionary's storage is never a dictionary")
    }
  }
}

extension Column {
  /// The first values, when there are more: some writers give children more than their parent uses.
  fileprivate func cut(to count: Int) -> Column { self.count > count ? slice(0..<count) : self }
}
