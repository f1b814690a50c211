// A column: a type, a number of values, which of them are null, and the bytes.

import Memory
import Synchronization

/// An immutable column of an Arrow type. Sharing, slicing and passing it on copies no values.
///
/// What `init` checks is the structure: enough bytes, children and counts for the layout. Whether the *content* stays inside
/// (offsets, indices, run ends, views) costs a pass over the bytes, so it is left to `check(_:)`, which columns from
/// outside must pass once before their values are looked at; it remembers that it was done.
public final class Column: Sendable {
  public let type: DataType
  /// How many values there are.
  public let count: Int
  /// A 1 for each value that is not null; nil when there is no null.
  public let validity: Bitmap?
  public let layout: Layout

  /// The null count, or -1 while nobody has asked.
  let knownNullCount: Atomic<Int>
  /// The highest `CheckLevel` that has passed.
  let passedLevel: Atomic<UInt8>

  /// Checks the structure.
  /// - Parameters:
  ///   - nullCount: when it is known; never believed for memory safety, and 0 drops the bitmap.
  ///   - trusted: true for content that was made, not received, and so needs no check.
  /// - Throws: `.malformed` when the buffers are too small for the count, or the children do not fit.
  public init(
    type: DataType, count: Int, validity: Bitmap? = nil, nullCount: Int? = nil, layout: Layout,
    trusted: Bool = false
  ) throws(DataError) {
    let layout = Column.withFirstOffset(layout, count: count)
    try Column.checkStructure(type: type, count: count, validity: validity, layout: layout)
    self.type = type
    self.count = count
    self.validity = nullCount == 0 ? nil : validity
    self.layout = layout
    knownNullCount = Atomic(self.validity == nil ? 0 : nullCount ?? -1)
    passedLevel = Atomic(trusted ? CheckLevel.full.rawValue : CheckLevel.structure.rawValue)
  }

  /// A column whose parts were checked together already: by `slice` and by builders.
  init(
    unchecked type: DataType, count: Int, validity: Bitmap?, nullCount: Int? = nil, layout: Layout,
    level: CheckLevel
  ) {
    self.type = type
    self.count = count
    self.validity = nullCount == 0 ? nil : validity
    self.layout = layout
    knownNullCount = Atomic(self.validity == nil ? 0 : nullCount ?? -1)
    passedLevel = Atomic(level.rawValue)
  }

  /// How many values are null in the validity bitmap; every value of a null column is. Unions and run-end encoded columns
  /// have none of their own: theirs are in their children.
  public var nullCount: Int {
    if case .null = layout { return count }
    let known = knownNullCount.load(ordering: .relaxed)
    if known >= 0 { return known }
    let counted = validity.map { count - $0.countOnes() } ?? 0
    knownNullCount.store(counted, ordering: .relaxed)
    return counted
  }

  /// Whether a value is null in this column's own bitmap (see `nullCount`).
  @inlinable
  public func isNull(_ index: Int) -> Bool {
    if let validity { return !validity[index] }
    if case .null = layout { return true }
    return false
  }

  // MARK: Slicing

  /// The values of `range`, without a copy; costs as much as the type has nested fields.
  public func slice(_ range: Range<Int>) -> Column {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "slice outside of the column")
    if range.count == count { return self }
    func cut(_ buffer: Buffer, _ width: Int) -> Buffer {
      buffer.slice(range.lowerBound * width..<range.upperBound * width)
    }
    func cutOffsets(_ buffer: Buffer) -> Buffer {
      let width = type.hasLargeOffsets ? 8 : 4
      return buffer.slice(range.lowerBound * width..<(range.upperBound + 1) * width)
    }
    let cutLayout: Layout
    switch layout {
    case .null: cutLayout = .null
    case .bits(let bits): cutLayout = .bits(bits.slice(range))
    case .fixed(let values): cutLayout = .fixed(cut(values, type.byteWidth!))
    case .variable(let offsets, let bytes): cutLayout = .variable(offsets: cutOffsets(offsets), bytes: bytes)
    case .views(let views, let data): cutLayout = .views(cut(views, 16), data: data)
    case .list(let offsets, let child): cutLayout = .list(offsets: cutOffsets(offsets), child: child)
    case .listView(let offsets, let sizes, let child):
      let width = type.hasLargeOffsets ? 8 : 4
      cutLayout = .listView(offsets: cut(offsets, width), sizes: cut(sizes, width), child: child)
    case .fixedList(let child):
      let size = type.fixedListSize
      cutLayout = .fixedList(child.slice(range.lowerBound * size..<range.upperBound * size))
    case .structure(let children): cutLayout = .structure(children.map { $0.slice(range) })
    case .union(let ids, let offsets, let children):
      cutLayout = .union(
        ids: cut(ids, 1), offsets: offsets.map { cut($0, 4) },
        children: offsets == nil ? children.map { $0.slice(range) } : children)
    case .dictionary(let indices, let values):
      cutLayout = .dictionary(indices: cut(indices, type.indexWidth), values: values)
    case .runs(let ends, let values, let offset):
      cutLayout = .runs(ends: ends, values: values, offset: offset + range.lowerBound)
    }
    return Column(
      unchecked: type, count: range.count, validity: validity?.slice(range),
      nullCount: knownNullCount.load(ordering: .relaxed) == 0 ? 0 : nil, layout: cutLayout,
      level: CheckLevel(rawValue: passedLevel.load(ordering: .relaxed))!)
  }

  /// The same values under another type of the same layout and width, such as a timestamp's ticks as int64.
  public func reinterpreted(as other: DataType) throws(DataError) -> Column {
    try Column(
      type: other, count: count, validity: validity, nullCount: nil, layout: layout)
  }

  // MARK: Values

  /// The values of a fixed-width column, or the indices of a dictionary; those of null slots are arbitrary.
  /// Traps when `T` is not as wide as the column's values.
  @inlinable
  @_lifetime(borrow self)
  public func values<T: BitwiseCopyable>(of type: T.Type = T.self) -> Span<T> {
    let buffer: Buffer
    switch layout {
    case .fixed(let values): buffer = values
    case .dictionary(let indices, _): buffer = indices
    default: preconditionFailure("\(self.type) has no fixed-width values")
    }
    precondition(buffer.count == count * MemoryLayout<T>.stride, "values of another width")
    // SAFETY: this column keeps the buffer, and the span cannot outlive the borrow of the column.
    return unsafe _overrideLifetime(
      Span(_unsafeStart: buffer.pointer(to: T.self), count: count), borrowing: self)
  }
}
