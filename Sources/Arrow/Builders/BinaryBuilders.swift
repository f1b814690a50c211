// Builders of text and binary columns: by offsets, and by views.

import Memory

/// Text and binary columns with 32- or 64-bit offsets.
public final class BinaryBuilder<Offset: FixedWidthInteger & SignedInteger & BitwiseCopyable>: ColumnBuilder {
  @exclusivity(unchecked) private var offsets = GrowableBuffer()
  @exclusivity(unchecked) private var bytes = GrowableBuffer()

  public override init(type: DataType) {
    precondition(
      type.layoutKind == .variable && type.hasLargeOffsets == (Offset.self == Int64.self),
      "\(type) has no offsets of \(Offset.self)")
    super.init(type: type)
    offsets.append(Offset(0))
  }

  /// - Throws: `.limit` past 2 GiB of bytes under 32-bit offsets.
  public func append(_ value: RawSpan) throws(DataError) {
    try appendSlot(value)
    validity.appendValid()
  }

  public func append(_ value: String) throws(DataError) {
    var value = value
    let failed: DataError? = value.withUTF8 { utf8 in
      do throws(DataError) {
        try append(UnsafeRawBufferPointer(utf8).bytes)
        return nil
      } catch {
        return error
      }
    }
    if let failed { throw failed }
  }

  public override func append(bytes: RawSpan) throws(DataError) { try append(bytes) }

  private func appendSlot(_ value: RawSpan) throws(DataError) {
    try checkRoom(for: value.byteCount)
    bytes.append(contentsOf: value)
    offsets.append(Offset(truncatingIfNeeded: bytes.count))
  }

  private func checkRoom(for more: Int) throws(DataError) {
    guard Int(Offset.max) - bytes.count >= more else {
      throw DataError(
        .limit, "a \(type) column holds at most \(Offset.max) bytes; cut it into smaller batches")
    }
  }

  override func appendEmptySlot() { offsets.append(Offset(truncatingIfNeeded: bytes.count)) }

  override func appendSlots(_ column: Column, _ rows: Range<Int>) throws(DataError) {
    guard case .variable(let source, let sourceBytes) = column.layout else { preconditionFailure() }
    let start = column.offset(rows.lowerBound, in: source)
    let end = column.offset(rows.upperBound, in: source)
    try checkRoom(for: end - start)
    offsets.appendOffsets(source.values(of: Offset.self), rows, from: start, to: bytes.count)
    bytes.append(contentsOf: sourceBytes.slice(start..<end).bytes)
  }

  override func finishLayout() -> Layout {
    let layout = Layout.variable(offsets: offsets.freeze(), bytes: bytes.freeze())
    offsets.append(Offset(0))
    return layout
  }
}

extension GrowableBuffer {
  /// Appends the ends of `rows`, moved so that what began at `start` begins at `newStart`.
  mutating func appendOffsets<Offset: FixedWidthInteger & BitwiseCopyable>(
    _ offsets: Span<Offset>, _ rows: Range<Int>, from start: Int, to newStart: Int
  ) {
    let shift = Offset(truncatingIfNeeded: newStart &- start)
    appendUninitialized(rows.count * MemoryLayout<Offset>.stride) { target in
      let target = target.assumingMemoryBound(to: Offset.self)
      for i in 0..<rows.count { target[i] = offsets[rows.lowerBound + i + 1] &+ shift }
    }
  }
}

/// Text and binary columns of views: short values stand in the view, longer ones in shared blocks.
public final class BinaryViewBuilder: ColumnBuilder {
  @exclusivity(unchecked) private var views = GrowableBuffer()
  @exclusivity(unchecked) private var block = GrowableBuffer()
  private var blocks: [Buffer] = []
  /// The data buffers of the column that was appended last, and the place of the first of them among `blocks`.
  private var adopted: (first: Int, data: [Buffer]) = (0, [])

  /// Offsets in a view are 32-bit, and a block is copied while it grows: so blocks end early.
  private static let blockSize = 1 << 20

  public override init(type: DataType) {
    precondition(type.layoutKind == .views, "\(type) has no views")
    super.init(type: type)
  }

  /// - Throws: `.limit` for a value of more than 2 GiB.
  public func append(_ value: RawSpan) throws(DataError) {
    try appendSlot(value)
    validity.appendValid()
  }

  public override func append(bytes: RawSpan) throws(DataError) { try append(bytes) }

  private func appendSlot(_ value: RawSpan) throws(DataError) {
    let length = value.byteCount
    guard length <= Int32.max else {
      throw DataError(.limit, "a value of \(length) bytes; a view reaches 2 GiB")
    }
    if length <= BinaryViewValue.inlineLimit {
      views.append(Int32(length))
      views.append(contentsOf: value)
      views.append(repeating: 0, count: BinaryViewValue.inlineLimit - length)
      return
    }
    if block.count > 0, block.count + length > BinaryViewBuilder.blockSize { blocks.append(block.freeze()) }
    // SAFETY: there are at least 13 bytes.
    let prefix = value.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt32.self)
    views.append(BinaryViewValue(length: length, prefix: prefix, buffer: blocks.count, offset: block.count))
    block.append(contentsOf: value)
  }

  override func appendEmptySlot() { views.append(BinaryViewValue(low: 0, high: 0)) }

  override func appendSlots(_ column: Column, _ rows: Range<Int>) throws(DataError) {
    guard case .views(let sourceViews, let data) = column.layout else { preconditionFailure() }
    // Views may overlap, so that copying what each of them names could take any amount of memory: the data is shared.
    adopt(data)
    let source = sourceViews.values(of: BinaryViewValue.self)
    for row in rows {
      let view = source[row]
      if column.isNull(row) {
        // A null's view may point anywhere.
        appendEmptySlot()
      } else if view.isInline {
        views.append(view)
      } else {
        views.append(
          BinaryViewValue(
            length: view.length, prefix: view.prefix, buffer: adopted.first + view.bufferIndex,
            offset: view.offset))
      }
    }
  }

  private func adopt(_ data: [Buffer]) {
    guard !data.isEmpty else { return }
    if data.count == adopted.data.count, zip(data, adopted.data).allSatisfy({ $0.isSame(as: $1) }) { return }
    if block.count > 0 { blocks.append(block.freeze()) }
    adopted = (blocks.count, data)
    blocks.append(contentsOf: data)
  }

  override func finishLayout() -> Layout {
    if block.count > 0 { blocks.append(block.freeze()) }
    defer {
      blocks = []
      adopted = (0, [])
    }
    return .views(views.freeze(), data: blocks)
  }
}
