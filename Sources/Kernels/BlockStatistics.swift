// What is known of the values of a run of rows: nulls, the smallest, the largest, whether they ascend.

import Arrow
import Memory

/// The least and the greatest of some values, and the nulls among them.
public struct BlockStatistics: Sendable, Hashable {
  public enum Bounds: Sendable, Hashable {
    /// Nothing is known, or there is no value.
    case none
    /// Ends of Int64 may stand for what is beyond them.
    case integers(low: Int64, high: Int64)
    /// Without the NaNs.
    case reals(low: Double, high: Double)
    /// Beginnings of the least and the greatest; the greatest may go on behind `prefixLength` bytes.
    case bytes(low: [UInt8], high: [UInt8])
  }

  public var bounds: Bounds
  public var nullCount: Int
  /// How many values are NaN, which SQL takes for NULL.
  public var nanCount: Int
  /// Whether every value is at least the one before; false where there is a null, or nobody looked.
  public var isAscending: Bool

  public init(bounds: Bounds = .none, nullCount: Int = 0, nanCount: Int = 0, isAscending: Bool = false) {
    self.bounds = bounds
    self.nullCount = nullCount
    self.nanCount = nanCount
    self.isAscending = isAscending
  }

  /// How many bytes of a text are kept.
  public static let prefixLength = 24

  /// Whether some of `count` values may satisfy a condition. True when in doubt.
  public func mayMatch(_ predicate: RangePredicate, count: Int) -> Bool {
    switch predicate {
    case .nothing: return false
    case .isNull: return nullCount > 0
    case .isNotNull: return nullCount < count
    default: break
    }
    if nullCount == count { return false }
    switch (predicate, bounds) {
    case (.integers(let range), .integers(let low, let high)):
      return range.lowerBound <= high && range.upperBound >= low
    case (.integerSet(let set), .integers(let low, let high)):
      return set.count > 1000 || set.contains { $0 >= low && $0 <= high }
    case (.reals(let range), .reals(let low, let high)):
      return range.lowerBound <= high && range.upperBound >= low
    case (.realSet(let set), .reals(let low, let high)):
      return set.count > 1000 || set.contains { $0 >= low && $0 <= high }
    case (.bytes(let lower, let upper), .bytes(let low, let high)):
      if let lower, BlockStatistics.isBehind(lower.bytes, high) { return false }
      if let upper, BlockStatistics.isBefore(upper.bytes, low) { return false }
      return true
    case (.byteSet(let set), .bytes(let low, let high)):
      return set.count > 1000
        || set.contains { !BlockStatistics.isBehind($0, high) && !BlockStatistics.isBefore($0, low) }
    case (.prefix(let prefix, foldsCase: false), .bytes(let low, let high)):
      return !BlockStatistics.isBehind(prefix, high)
        && !BlockStatistics.isBefore(prefix + [0xFF], low)
    default: return true
    }
  }

  /// Whether `bytes` come after everything that begins with `high`.
  private static func isBehind(_ bytes: [UInt8], _ high: [UInt8]) -> Bool {
    let isCut = high.count >= prefixLength
    let compared = isCut ? Array(bytes.prefix(high.count)) : bytes
    return compared.withUnsafeBytes { left in high.withUnsafeBytes { compareBytes(left, $0) > 0 } }
  }

  private static func isBefore(_ bytes: [UInt8], _ low: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { left in low.withUnsafeBytes { compareBytes(left, $0) < 0 } }
  }
}

extension Column {
  /// Looks at the values of `rows` once. The column must have passed `check(.access)`.
  public func statistics(_ rows: Range<Int>) -> BlockStatistics {
    var entries = EntryStatistics()
    return statistics(rows, &entries)
  }

  /// The same, for one block after the other of columns that share a dictionary: its entries are looked at once.
  public func statistics(_ rows: Range<Int>, _ entries: inout EntryStatistics) -> BlockStatistics {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= count)
    if case .dictionary(_, let values) = layout { return dictionaryStatistics(values, rows, &entries) }
    let mask = ValidRows(self, rows)
    var statistics: BlockStatistics
    switch (type.valueDomain, layout) {
    case (.integers, .bits(let bits)):
      var seen = (false, false)
      mask.forEach { if bits[unchecked: $0] { seen.1 = true } else { seen.0 = true } }
      statistics = BlockStatistics(
        bounds: seen == (false, false)
          ? .none : .integers(low: seen.0 ? 0 : 1, high: seen.1 ? 1 : 0))
    case (.integers, .fixed(let buffer)): statistics = integerStatistics(buffer.base, mask)
    case (.reals, .fixed(let buffer)):
      switch type {
      case .float16: statistics = realStatistics(buffer.base, of: Float16.self, mask)
      case .float32: statistics = realStatistics(buffer.base, of: Float.self, mask)
      default: statistics = realStatistics(buffer.base, of: Double.self, mask)
      }
    case (.bytes, _): statistics = byteStatistics(mask)
    default: statistics = BlockStatistics()
    }
    statistics.nullCount = mask.nullCount
    return statistics
  }

  private func integerStatistics(_ values: UnsafeRawPointer, _ mask: ValidRows) -> BlockStatistics {
    switch type {
    case .int8: integerStatistics(values, of: Int8.self, mask)
    case .int16: integerStatistics(values, of: Int16.self, mask)
    case .int32, .date32, .time32, .decimal32: integerStatistics(values, of: Int32.self, mask)
    case .uint8: integerStatistics(values, of: UInt8.self, mask)
    case .uint16: integerStatistics(values, of: UInt16.self, mask)
    case .uint32: integerStatistics(values, of: UInt32.self, mask)
    case .uint64: integerStatistics(values, of: UInt64.self, mask)
    case .decimal128: integerStatistics(values, of: Int128.self, mask)
    default: integerStatistics(values, of: Int64.self, mask)
    }
  }

  private func integerStatistics<T: FixedWidthInteger & BitwiseCopyable>(
    _ values: UnsafeRawPointer, of _: T.Type, _ mask: ValidRows
  ) -> BlockStatistics {
    var low = T.max
    var high = T.min
    var isAscending = mask.nullCount == 0
    var before = T.min
    mask.forEach { row in
      let value = load(values, row, as: T.self)
      low = value < low ? value : low
      high = value > high ? value : high
      isAscending = isAscending && value >= before
      before = value
    }
    guard mask.validCount > 0 else { return BlockStatistics() }
    return BlockStatistics(
      bounds: .integers(low: Int64(clamping: low), high: Int64(clamping: high)), isAscending: isAscending)
  }

  private func realStatistics<T: BinaryFloatingPoint & BitwiseCopyable>(
    _ values: UnsafeRawPointer, of _: T.Type, _ mask: ValidRows
  ) -> BlockStatistics {
    var low = T.infinity
    var high = -T.infinity
    var isAscending = mask.nullCount == 0
    var before = -T.infinity
    var nans = 0
    mask.forEach { row in
      let value = load(values, row, as: T.self)
      // Comparisons with NaN are false, so that it is neither the least nor the greatest.
      low = value < low ? value : low
      high = value > high ? value : high
      nans &+= value == value ? 0 : 1
      isAscending = isAscending && value >= before
      before = value
    }
    return BlockStatistics(
      bounds: mask.validCount > nans ? .reals(low: Double(low), high: Double(high)) : .none, nanCount: nans,
      isAscending: isAscending && nans == 0)
  }

  private func byteStatistics(_ mask: ValidRows) -> BlockStatistics {
    guard mask.validCount > 0, let values = ByteValues(self) else { return BlockStatistics() }
    var low: UnsafeRawBufferPointer?
    var high = UnsafeRawBufferPointer(start: nil, count: 0)
    var (lowLeading, highLeading) = (UInt64.max, UInt64.min)
    mask.forEach { row in
      let value = values[row]
      let leading = leadingBytes(value)
      guard let least = low else {
        (low, high, lowLeading, highLeading) = (value, value, leading, leading)
        return
      }
      if leading < lowLeading || (leading == lowLeading && compareBytes(value, least) < 0) {
        (low, lowLeading) = (value, leading)
      } else if leading > highLeading || (leading == highLeading && compareBytes(value, high) > 0) {
        (high, highLeading) = (value, leading)
      }
    }
    let cut = BlockStatistics.prefixLength
    return BlockStatistics(bounds: .bytes(low: Array(low!.prefix(cut)), high: Array(high.prefix(cut))))
  }

  /// The bounds of all entries, whether the rows have them or not.
  private func dictionaryStatistics(
    _ values: Column, _ rows: Range<Int>, _ entries: inout EntryStatistics
  ) -> BlockStatistics {
    var nulls = 0
    if values.nullCount > 0 || values.type == .null {
      for row in rows where isNull(row) || values.isNullEntry(integer(at: row)) { nulls += 1 }
    } else if let validity {
      nulls = rows.count - validity.slice(rows).countOnes()
    }
    var statistics = entries.of(values)
    statistics.nullCount = nulls
    statistics.nanCount = statistics.nanCount > 0 ? rows.count - nulls : 0
    statistics.isAscending = false
    return statistics
  }
}

/// What is known of the dictionary that was looked at last.
public struct EntryStatistics {
  private var dictionary: Column?
  private var statistics = BlockStatistics()

  public init() {}

  mutating func of(_ values: Column) -> BlockStatistics {
    if dictionary !== values {
      dictionary = values
      statistics = values.count > 0 ? values.statistics(0..<values.count) : BlockStatistics()
    }
    return statistics
  }
}

/// The rows of a range whose value is not null.
private struct ValidRows {
  let rows: Range<Int>
  let validity: Bitmap?
  let validCount: Int
  var nullCount: Int { rows.count - validCount }

  init(_ column: Column, _ rows: Range<Int>) {
    self.rows = rows
    if case .null = column.layout {
      validity = nil
      validCount = 0
    } else {
      validity = column.validity?.slice(rows)
      validCount = validity?.countOnes() ?? rows.count
    }
  }

  @inline(__always)
  func forEach(_ body: (Int) -> Void) {
    if validCount == 0 { return }
    guard let validity, validCount < rows.count else {
      for row in rows { body(row) }
      return
    }
    let first = rows.lowerBound
    validity.forEachOne { body(first &+ $0) }
  }
}
