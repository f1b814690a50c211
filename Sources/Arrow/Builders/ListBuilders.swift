// Builders of lists, list views, fixed-size lists and maps.

import Memory

/// Lists and maps: append the items to `child`, then close the list.
public final class ListBuilder<Offset: FixedWidthInteger & SignedInteger & BitwiseCopyable>: ColumnBuilder {
  /// Builds the items; of a map, structs of key and value.
  public let child: ColumnBuilder
  @exclusivity(unchecked) private var offsets = GrowableBuffer()

  public override init(type: DataType) {
    precondition(
      type.layoutKind == .list && type.hasLargeOffsets == (Offset.self == Int64.self),
      "\(type) has no offsets of \(Offset.self)")
    child = type.children[0].type.makeBuilder()
    super.init(type: type)
    offsets.append(Offset(0))
  }

  /// Makes a list of the items that were appended to `child` since the last one.
  /// - Throws: `.limit` past 2³¹ items under 32-bit offsets.
  public func closeList() throws(DataError) {
    try checkRoom(for: 0)
    appendEmptySlot()
    validity.appendValid()
  }

  override var itemBuilder: ColumnBuilder { child }
  override func closeItems() throws(DataError) { try closeList() }

  private func checkRoom(for more: Int) throws(DataError) {
    guard Int(Offset.max) - child.count >= more else {
      throw DataError(
        .limit, "a \(type) column holds at most \(Offset.max) items; cut it into smaller batches")
    }
  }

  override func appendEmptySlot() { offsets.append(Offset(truncatingIfNeeded: child.count)) }

  override func appendSlots(_ column: Column, _ rows: Range<Int>) throws(DataError) {
    guard case .list(let source, let items) = column.layout else { preconditionFailure() }
    let start = column.offset(rows.lowerBound, in: source)
    let end = column.offset(rows.upperBound, in: source)
    try checkRoom(for: end - start)
    offsets.appendOffsets(source.values(of: Offset.self), rows, from: start, to: child.count)
    try child.append(items, rows: start..<end)
  }

  override func finishLayout() -> Layout {
    let layout = Layout.list(offsets: offsets.freeze(), child: child.finish())
    offsets.append(Offset(0))
    return layout
  }
}

/// List views: as lists, each list after the one before it.
public final class ListViewBuilder<Offset: FixedWidthInteger & SignedInteger & BitwiseCopyable>: ColumnBuilder
{
  public let child: ColumnBuilder
  @exclusivity(unchecked) private var offsets = GrowableBuffer()
  @exclusivity(unchecked) private var sizes = GrowableBuffer()
  /// Where the list begins that is being appended.
  private var start = 0

  public override init(type: DataType) {
    precondition(
      type.layoutKind == .listView && type.hasLargeOffsets == (Offset.self == Int64.self),
      "\(type) has no offsets of \(Offset.self)")
    child = type.children[0].type.makeBuilder()
    super.init(type: type)
  }

  /// Makes a list of the items that were appended to `child` since the last one.
  /// - Throws: `.limit` past 2³¹ items under 32-bit offsets.
  public func closeList() throws(DataError) {
    guard child.count <= Int(Offset.max) else { throw tooManyItems }
    offsets.append(Offset(truncatingIfNeeded: start))
    sizes.append(Offset(truncatingIfNeeded: child.count - start))
    start = child.count
    validity.appendValid()
  }

  override var itemBuilder: ColumnBuilder { child }
  override func closeItems() throws(DataError) { try closeList() }

  private var tooManyItems: DataError {
    DataError(.limit, "a \(type) column holds at most \(Offset.max) items; cut it into smaller batches")
  }

  override func appendEmptySlot() {
    offsets.append(Offset(truncatingIfNeeded: start))
    sizes.append(Offset(0))
  }

  override func appendSlots(_ column: Column, _ rows: Range<Int>) throws(DataError) {
    guard case .listView(let sourceOffsets, let sourceSizes, let items) = column.layout else {
      preconditionFailure()
    }
    // Lists may overlap and come in any order: what all of them span is copied once, and they keep their places in it.
    let span = column.itemSpan(rows)
    guard span.count <= Int(Offset.max) - child.count else { throw tooManyItems }
    let shift = child.count - span.lowerBound
    try child.append(items, rows: span)
    let oldOffsets = sourceOffsets.values(of: Offset.self)
    let oldSizes = sourceSizes.values(of: Offset.self)
    for row in rows {
      let size = oldSizes[row]
      offsets.append(
        size == 0 ? Offset(truncatingIfNeeded: start) : oldOffsets[row] &+ Offset(truncatingIfNeeded: shift))
      sizes.append(size)
    }
    start = child.count
  }

  override func finishLayout() -> Layout {
    start = 0
    return .listView(offsets: offsets.freeze(), sizes: sizes.freeze(), child: child.finish())
  }
}

/// Fixed-size lists: append exactly that many items to `child`, then close the list.
public final class FixedSizeListBuilder: ColumnBuilder {
  public let child: ColumnBuilder
  private let size: Int

  public override init(type: DataType) {
    guard case .fixedSizeList(let field, let size) = type else {
      preconditionFailure("\(type) is no fixed-size list")
    }
    child = field.type.makeBuilder()
    self.size = size
    super.init(type: type)
  }

  /// Traps when not exactly `size` items were appended since the last list.
  public func closeList() {
    precondition(child.count == (count + 1) * size, "a list of another size than \(size)")
    validity.appendValid()
  }

  override var itemBuilder: ColumnBuilder { child }
  override func closeItems() throws(DataError) {
    let items = child.count - count * size
    guard items == size else { throw DataError(.invalid, "\(items) items for a \(type)") }
    closeList()
  }

  override func appendEmptySlot() { for _ in 0..<size { child.appendEmpty() } }

  override func appendSlots(_ column: Column, _ rows: Range<Int>) throws(DataError) {
    try child.append(column.children[0], rows: rows.lowerBound * size..<rows.upperBound * size)
  }

  override func finishLayout() -> Layout { .fixedList(child.finish()) }
}
