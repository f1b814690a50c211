// What all builders share: they append values, and freeze into a column without copying what was appended.

import Memory

/// Builds one column. A builder has one user at a time.
///
/// `finish()` hands the memory to the column and leaves the builder empty, ready for the next one.
public class ColumnBuilder {
  public final let type: DataType
  @exclusivity(unchecked) @usableFromInline final var validity = ValidityBuilder()

  init(type: DataType) { self.type = type }

  /// Values appended so far.
  @inlinable public final var count: Int { validity.count }

  /// Appends a null. Columns without validity of their own (unions, run-end encoded) append one to a child.
  public func appendNull() {
    appendEmptySlot()
    validity.appendNull()
  }

  /// Appends a value that is not null but zero or empty: what stands below a null parent, whose child may not be nullable.
  public func appendEmpty() {
    appendEmptySlot()
    validity.appendValid()
  }

  /// Appends one value of a fixed-width, text or binary type as its bytes, as `Column.bytes(at:)` gives them; of a dictionary and of
  /// runs, the value that is meant. Traps for other types, and when fixed-width bytes are of another width.
  /// - Throws: `.limit` when the column cannot hold more.
  public func append(bytes: RawSpan) throws(DataError) { preconditionFailure("\(type) has no bytes") }

  /// Appends one boolean; of a dictionary and of runs too.
  func append(bool: Bool) throws(DataError) { preconditionFailure("\(type) is not bool") }

  /// Builds the items of lists.
  var itemBuilder: ColumnBuilder { preconditionFailure("\(type) has no items") }

  /// Makes a list of the items that were appended since the last one.
  func closeItems() throws(DataError) { preconditionFailure("\(type) has no items") }

  /// Adds the bytes of one zero or empty value.
  func appendEmptySlot() { preconditionFailure("every builder has its own") }

  /// Appends rows of a column of the same type.
  ///
  /// The column must have passed `check(.access)`. Copies runs of bytes where the layout allows it.
  /// - Throws: `.limit` when offsets or dictionary indices of this width cannot count so far. What was appended before the
  ///   error stays; the builder is to be thrown away.
  public final func append(_ column: Column, rows: Range<Int>) throws(DataError) {
    precondition(column.type == type, "a \(column.type) column for a builder of \(type)")
    precondition(rows.lowerBound >= 0 && rows.upperBound <= column.count, "rows outside of the column")
    guard !rows.isEmpty else { return }
    // A few bytes can claim any number of nulls: the sum may be more than an `Int` counts.
    guard rows.count <= Int.max - count else {
      throw DataError(.limit, "a \(type) column of more than \(Int.max) values")
    }
    try appendSlots(column, rows)
    validity.append(column.validity, rows: rows)
  }

  public final func append(_ column: Column) throws(DataError) { try append(column, rows: 0..<column.count) }

  /// Copies what `rows` have besides their validity.
  func appendSlots(_ column: Column, _ rows: Range<Int>) throws(DataError) {
    preconditionFailure("every builder has its own")
  }

  /// The layout of everything appended; the builder's own storage is empty afterwards.
  func finishLayout() -> Layout { preconditionFailure("every builder has its own") }

  /// Freezes what was appended into a column, without a copy.
  public final func finish() -> Column {
    let layout = finishLayout()
    let count = count
    let (bits, nulls) = validity.finish()
    return Column(
      unchecked: type, count: count, validity: type.hasValidity ? bits : nil,
      nullCount: type.hasValidity ? nulls : nil, layout: layout, level: .access)
  }
}

/// Validity that costs nothing until the first null.
@usableFromInline
struct ValidityBuilder: ~Copyable {
  private var bits = GrowableBitmap()
  private var nullCount = 0
  @usableFromInline private(set) var count = 0

  @usableFromInline init() {}

  @usableFromInline
  mutating func appendValid(_ n: Int = 1) {
    if nullCount > 0 { bits.append(repeating: true, count: n) }
    count += n
  }

  @usableFromInline
  mutating func appendNull(_ n: Int = 1) {
    if nullCount == 0 { bits.append(repeating: true, count: count) }
    bits.append(repeating: false, count: n)
    nullCount += n
    count += n
  }

  mutating func append(_ validity: Bitmap?, rows: Range<Int>) {
    guard let slice = validity?.slice(rows), case let nulls = slice.count - slice.countOnes(), nulls > 0
    else {
      appendValid(rows.count)
      return
    }
    if nullCount == 0 { bits.append(repeating: true, count: count) }
    bits.append(contentsOf: slice)
    nullCount += nulls
    count += rows.count
  }

  mutating func finish() -> (bits: Bitmap?, nullCount: Int) {
    defer {
      nullCount = 0
      count = 0
    }
    return nullCount > 0 ? (bits.freeze(), nullCount) : (nil, 0)
  }
}

extension DataType {
  /// A builder for columns of this type; for nested types its children come with it.
  public func makeBuilder() -> ColumnBuilder {
    switch layoutKind {
    case .null: NullBuilder()
    case .bits: BooleanBuilder()
    case .fixed:
      if case .fixedSizeBinary = self {
        FixedSizeBinaryBuilder(type: self)
      } else {
        switch byteWidth! {
        case 1: FixedBuilder<UInt8>(type: self)
        case 2: FixedBuilder<UInt16>(type: self)
        case 4: FixedBuilder<UInt32>(type: self)
        case 8: FixedBuilder<UInt64>(type: self)
        default: FixedSizeBinaryBuilder(type: self)
        }
      }
    case .variable:
      if hasLargeOffsets { BinaryBuilder<Int64>(type: self) } else { BinaryBuilder<Int32>(type: self) }
    case .views: BinaryViewBuilder(type: self)
    case .list: if hasLargeOffsets { ListBuilder<Int64>(type: self) } else { ListBuilder<Int32>(type: self) }
    case .listView:
      if hasLargeOffsets { ListViewBuilder<Int64>(type: self) } else { ListViewBuilder<Int32>(type: self) }
    case .fixedList: FixedSizeListBuilder(type: self)
    case .structure: StructBuilder(type: self)
    case .union: UnionBuilder(type: self)
    case .dictionary: DictionaryBuilder(type: self)
    case .runs: RunEndBuilder(type: self)
    }
  }
}

extension Column {
  /// One column of all the values, in order. A single column is returned as it is.
  public static func concatenating(_ columns: [Column]) throws(DataError) -> Column {
    precondition(!columns.isEmpty)
    if columns.count == 1 { return columns[0] }
    let builder = columns[0].type.makeBuilder()
    for column in columns {
      try column.check(.access)
      try builder.append(column)
    }
    return builder.finish()
  }
}
