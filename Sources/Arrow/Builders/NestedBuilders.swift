// Builders of structs, unions, dictionaries and run-end encoded columns.

import Memory

/// Structs: append one value to every child, then close the struct.
public final class StructBuilder: ColumnBuilder {
  public let children: [ColumnBuilder]

  public override init(type: DataType) {
    guard case .structure(let fields) = type else { preconditionFailure("\(type) is no struct") }
    children = fields.map { $0.type.makeBuilder() }
    super.init(type: type)
  }

  /// Traps when some child has not got exactly one value since the last struct.
  public func closeStruct() {
    for child in children {
      precondition(child.count == count + 1, "a struct without one value of each field")
    }
    validity.appendValid()
  }

  override func appendEmptySlot() { for child in children { child.appendEmpty() } }

  override func appendSlots(_ column: Column, _ rows: Range<Int>) throws(DataError) {
    for (child, source) in zip(children, column.children) { try child.append(source, rows: rows) }
  }

  override func finishLayout() -> Layout { .structure(children.map { $0.finish() }) }
}

/// Unions: append a value to one child, then say which.
public final class UnionBuilder: ColumnBuilder {
  public let children: [ColumnBuilder]
  private let ids: [Int8]
  private let isDense: Bool
  @exclusivity(unchecked) private var typeIDs = GrowableBuffer()
  @exclusivity(unchecked) private var offsets = GrowableBuffer()

  public override init(type: DataType) {
    guard case .union(let mode, let fields, let ids) = type else {
      preconditionFailure("\(type) is no union")
    }
    children = fields.map { $0.type.makeBuilder() }
    self.ids = ids
    isDense = mode == .dense
    super.init(type: type)
  }

  /// The value is the one just appended to `children[index]`.
  public func closeValue(child index: Int) {
    closeSlot(index)
    validity.appendValid()
  }

  private func closeSlot(_ index: Int) {
    typeIDs.append(ids[index])
    if isDense {
      offsets.append(Int32(children[index].count - 1))
    } else {
      for (other, child) in children.enumerated() where other != index { child.appendEmpty() }
    }
  }

  public override func appendNull() {
    precondition(!children.isEmpty, "a union of nothing has no null")
    children[0].appendNull()
    closeValue(child: 0)
  }

  override func appendEmptySlot() {
    precondition(!children.isEmpty, "a union of nothing has no value")
    children[0].appendEmpty()
    closeSlot(0)
  }

  override func appendSlots(_ column: Column, _ rows: Range<Int>) throws(DataError) {
    guard case .union(let sourceIDs, let sourceOffsets, let sources) = column.layout else {
      preconditionFailure()
    }
    guard let sourceOffsets else {
      // Every child has a value for every row. They are taken along, named or not: unlike empty values their appending
      // may fail, as it must where 16-bit run ends cannot count so far.
      for (child, source) in zip(children, sources) { try child.append(source, rows: rows) }
      typeIDs.append(contentsOf: sourceIDs.slice(rows).bytes)
      return
    }
    // Values may name the same rows of a child: what they span is copied once, and they keep their places in it.
    var spans = [Range<Int>?](repeating: nil, count: 128)
    let typeIDs = sourceIDs.values(of: Int8.self)
    let places = sourceOffsets.values(of: Int32.self)
    for row in rows {
      let (id, place) = (Int(typeIDs[row]), Int(places[row]))
      let span = spans[id] ?? place..<place + 1
      spans[id] = min(span.lowerBound, place)..<max(span.upperBound, place + 1)
    }
    var shifts = [Int](repeating: 0, count: 128)
    for (i, id) in ids.enumerated() {
      guard let span = spans[Int(id)] else { continue }
      guard span.count <= Int(Int32.max) - children[i].count else {
        throw DataError(
          .limit, "a \(type) column reaches row \(Int32.max) of a child; cut it into smaller batches")
      }
      shifts[Int(id)] = children[i].count - span.lowerBound
      try children[i].append(sources[i], rows: span)
    }
    self.typeIDs.append(contentsOf: sourceIDs.slice(rows).bytes)
    for row in rows { offsets.append(Int32(Int(places[row]) + shifts[Int(typeIDs[row])])) }
  }

  override func finishLayout() -> Layout {
    .union(
      ids: typeIDs.freeze(), offsets: isDense ? offsets.freeze() : nil, children: children.map { $0.finish() }
    )
  }
}

/// Dictionary columns: each distinct value is kept once.
public final class DictionaryBuilder: ColumnBuilder {
  private let indexType: IntegerType
  private let values: ColumnBuilder
  @exclusivity(unchecked) private var indices = GrowableBuffer()
  /// The index of every value so far, by `Column.key(at:)`.
  private var known: [[UInt8]: Int] = [:]
  private var keptKeys = KeyAllowance()
  /// Where the values of the dictionary that was read last are in this one; -1 for those not met yet.
  private var translated: [Int] = []
  private var translatedFrom: Column?

  public override init(type: DataType) {
    guard case .dictionary(let indexType, let valueType, _) = type else {
      preconditionFailure("\(type) is no dictionary")
    }
    self.indexType = indexType
    values = valueType.makeBuilder()
    super.init(type: type)
  }

  /// Distinct values so far.
  public var distinctCount: Int { values.count }

  /// Appends one value of a column of the dictionary's value type.
  /// - Throws: `.limit` when the index type cannot count one more distinct value.
  public func append(value column: Column, at row: Int) throws(DataError) {
    indices.append(try index(of: column, row), as: indexType)
    validity.appendValid()
  }

  /// Appends a value by its index among the distinct ones, as `index(of:_:)` gave it.
  public func append(index: Int) {
    precondition(index >= 0 && index < values.count, "no value has that index")
    indices.append(index, as: indexType)
    validity.appendValid()
  }

  public override func append(bytes: RawSpan) throws(DataError) {
    let index = try index(of: Column.key(ofBytes: bytes, values.type)) { values throws(DataError) in
      try values.append(bytes: bytes)
    }
    indices.append(index, as: indexType)
    validity.appendValid()
  }

  override func append(bool: Bool) throws(DataError) {
    let index = try index(of: [1, bool ? 1 : 0]) { values throws(DataError) in try values.append(bool: bool) }
    indices.append(index, as: indexType)
    validity.appendValid()
  }

  /// The index of a value, which is added to the dictionary if it is new.
  public func index(of column: Column, _ row: Int) throws(DataError) -> Int {
    try index(of: column.key(at: row)) { values throws(DataError) in
      try values.append(column, rows: row..<row + 1)
    }
  }

  private func index(
    of key: [UInt8], _ append: (ColumnBuilder) throws(DataError) -> Void
  ) throws(DataError) -> Int {
    if let index = known[key] { return index }
    try keptKeys.add(key)
    let index = values.count
    guard index <= indexType.maximum else {
      throw DataError(
        .limit, "more than \(index) distinct values; indices of type \(indexType) cannot count further")
    }
    try append(values)
    known[key] = index
    return index
  }

  /// There may be no value yet that an index could name: an empty slot is a null.
  public override func appendEmpty() { appendNull() }

  override func appendEmptySlot() { indices.append(0, as: indexType) }

  override func appendSlots(_ column: Column, _ rows: Range<Int>) throws(DataError) {
    guard case .dictionary(_, let source) = column.layout else { preconditionFailure() }
    if translatedFrom !== source {
      translatedFrom = source
      translated = [Int](repeating: -1, count: source.count)
    }
    for row in rows {
      guard !column.isNull(row) else {
        appendEmptySlot()
        continue
      }
      let old = column.integer(at: row)
      if translated[old] < 0 { translated[old] = try index(of: source, old) }
      indices.append(translated[old], as: indexType)
    }
  }

  override func finishLayout() -> Layout {
    known = [:]
    keptKeys = KeyAllowance()
    translatedFrom = nil
    return .dictionary(indices: indices.freeze(), values: values.finish())
  }
}

/// Run-end encoded columns: equal neighbours become one run.
public final class RunEndBuilder: ColumnBuilder {
  private let endType: IntegerType
  private let values: ColumnBuilder
  @exclusivity(unchecked) private var ends = GrowableBuffer()
  /// The value of the run that is still growing.
  private var lastKey: [UInt8] = []
  private var copiedKeys = KeyAllowance()
  private var rowCount = 0

  public override init(type: DataType) {
    guard case .runEndEncoded(let runEnds, let valueField) = type else {
      preconditionFailure("\(type) is not run-end encoded")
    }
    endType = runEnds.type.integerType!
    values = valueField.type.makeBuilder()
    super.init(type: type)
  }

  /// Appends a value of a column of the value type, `length` times.
  /// - Throws: `.limit` when run ends of this width cannot count so far.
  public func append(value column: Column, at row: Int, length: Int = 1) throws(DataError) {
    try appendRun(column, row, length)
    validity.appendValid(length)
  }

  public override func append(bytes: RawSpan) throws(DataError) {
    try appendRun(Column.key(ofBytes: bytes, values.type), 1) { values throws(DataError) in
      try values.append(bytes: bytes)
    }
    validity.appendValid()
  }

  override func append(bool: Bool) throws(DataError) {
    try appendRun([1, bool ? 1 : 0], 1) { values throws(DataError) in try values.append(bool: bool) }
    validity.appendValid()
  }

  private func appendRun(_ column: Column, _ row: Int, _ length: Int) throws(DataError) {
    guard length > 0 else { return }
    try appendRun(column.key(at: row), length) { values throws(DataError) in
      try values.append(column, rows: row..<row + 1)
    }
  }

  private func appendRun(
    _ key: [UInt8], _ length: Int, _ append: (ColumnBuilder) throws(DataError) -> Void
  ) throws(DataError) {
    if values.count == 0 || key != lastKey {
      try copiedKeys.add(key)
      try closeRun()
      try append(values)
      lastKey = key
    }
    guard length <= endType.maximum - rowCount else {
      throw DataError(.limit, "run ends of type \(endType) reach row \(endType.maximum)")
    }
    rowCount += length
  }

  private func closeRun() throws(DataError) {
    if values.count > 0 { ends.append(rowCount, as: endType) }
  }

  public override func appendNull() {
    let null = values.type.makeBuilder()
    null.appendNull()
    appendOne(of: null.finish())
    validity.appendValid()
  }

  override func appendEmptySlot() {
    let empty = values.type.makeBuilder()
    empty.appendEmpty()
    appendOne(of: empty.finish())
  }

  private func appendOne(of column: Column) {
    do throws(DataError) {
      try appendRun(column, 0, 1)
    } catch {
      preconditionFailure(error.message)
    }
  }

  override func appendSlots(_ column: Column, _ rows: Range<Int>) throws(DataError) {
    guard case .runs(let sourceEnds, let sourceValues, let offset) = column.layout else {
      preconditionFailure()
    }
    var row = rows.lowerBound
    var run = column.run(at: row)
    while row < rows.upperBound {
      let end = min(sourceEnds.integer(at: run) - offset, rows.upperBound)
      try appendRun(sourceValues, run, end - row)
      row = end
      run += 1
    }
  }

  override func finishLayout() -> Layout {
    if values.count > 0 { ends.append(rowCount, as: endType) }
    let runCount = values.count
    let endColumn = Column(
      unchecked: endType.dataType, count: runCount, validity: nil, layout: .fixed(ends.freeze()), level: .full
    )
    rowCount = 0
    lastKey = []
    copiedKeys = KeyAllowance()
    return .runs(ends: endColumn, values: values.finish(), offset: 0)
  }
}

extension GrowableBuffer {
  /// Appends an integer in the width of a type; the caller knows that it fits.
  public mutating func append(_ value: Int, as type: IntegerType) {
    switch type.byteWidth {
    case 1: append(UInt8(truncatingIfNeeded: value))
    case 2: append(UInt16(truncatingIfNeeded: value))
    case 4: append(UInt32(truncatingIfNeeded: value))
    default: append(UInt64(truncatingIfNeeded: value))
    }
  }
}
