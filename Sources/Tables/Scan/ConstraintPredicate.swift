// SQLite's comparisons with a column of an Arrow type, as conditions on what is stored.
//
// A condition may let more through than the comparison, never less: SQLite checks every row that comes out again.

import Arrow
import Kernels
import Memory
import SQLite

/// A condition on one column.
struct ColumnCondition {
  let column: Int
  let predicate: RangePredicate
  /// Where the condition is only right while all integers of a block are within these, as text order is only the order of years 0 to 9999.
  var domain: ClosedRange<Int64>?

  /// Whether the condition may be used on values of which this is known.
  func applies(_ statistics: BlockStatistics) -> Bool {
    guard let domain else { return true }
    guard case .integers(let low, let high) = statistics.bounds else { return true }
    return domain.contains(low) && domain.contains(high)
  }
}

/// A comparison that a scan can use, by the letter that stands for it in a plan.
enum ScanOperator: UInt8 {
  case equal = 0x3D  // =
  case less = 0x3C  // <
  case lessOrEqual = 0x6C  // l
  case greater = 0x3E  // >
  case greaterOrEqual = 0x67  // g
  case `is` = 0x69  // i
  case isNull = 0x6E  // n
  case isNotNull = 0x4E  // N
  case like = 0x4C  // L
  case glob = 0x47  // G
  case `in` = 0x49  // I

  init?(_ comparison: IndexRequest.Operator, isList: Bool) {
    switch comparison {
    case .equal: self = isList ? .in : .equal
    case .less: self = .less
    case .lessOrEqual: self = .lessOrEqual
    case .greater: self = .greater
    case .greaterOrEqual: self = .greaterOrEqual
    case .is: self = .is
    case .isNull: self = .isNull
    case .isNotNull: self = .isNotNull
    case .like: self = .like
    case .glob: self = .glob
    default: return nil
    }
  }
}

extension DataType {
  /// The condition that a comparison with `value` means for stored values of this type; nil when there is none that is sure to let
  /// everything through that the comparison does.
  /// - Parameter isLiteral: whether the value stands in the statement, and so has no affinity.
  func condition(
    column: Int, _ comparison: ScanOperator, _ value: SQLValue, isLiteral: Bool = false
  ) -> ColumnCondition? {
    if case .dictionary(_, let values, _) = self {
      // A dictionary of dictionaries has nulls at every level.
      if case .dictionary = values { return nil }
      return values.condition(column: column, comparison, value, isLiteral: isLiteral)
    }
    func made(_ predicate: RangePredicate?, domain: ClosedRange<Int64>? = nil) -> ColumnCondition? {
      predicate.map { ColumnCondition(column: column, predicate: $0, domain: domain) }
    }
    switch comparison {
    case .isNotNull: return hasValidity ? made(.isNotNull) : nil
    case .isNull: return mayBeNull ? made(.isNull) : nil
    case .is:
      if value == .null { return mayBeNull ? made(.isNull) : nil }
      return condition(column: column, .equal, value)
    case .in: return nil
    default: break
    }
    if value == .null { return made(.nothing) }
    switch self {
    case .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .duration:
      return made(IntegerBounds.of(comparison, value).map { $0.predicate })
    case .float16, .float32, .float64: return made(DataType.realPredicate(comparison, value))
    case .utf8, .largeUtf8, .utf8View:
      guard case .text(let text) = value else { return nil }
      return made(DataType.textPredicate(comparison, Array(text.utf8), isLiteral: isLiteral))
    case .binary, .largeBinary, .binaryView, .fixedSizeBinary:
      guard case .blob(let bytes) = value, comparison != .like, comparison != .glob else { return nil }
      return made(DataType.bytePredicate(comparison, bytes))
    case .date32, .date64, .time32, .time64, .timestamp:
      guard case .text(let text) = value, let domain = textDomain else { return nil }
      return made(textPredicate(comparison, Array(text.utf8), domain), domain: domain)
    case .decimal32(let precision, let scale), .decimal64(let precision, let scale),
      .decimal128(let precision, let scale):
      if scale == 0, precision <= 18 { return made(IntegerBounds.of(comparison, value).map { $0.predicate }) }
      guard scale > 0, precision <= 15 else { return nil }
      return made(decimalPredicate(comparison, value, scale: scale))
    default: return nil
    }
  }

  /// Whether NULL in SQL is a null here and nothing else; NaN is NULL, too.
  private var mayBeNull: Bool { hasValidity && valueDomain != .reals }

  private static func realPredicate(_ comparison: ScanOperator, _ value: SQLValue) -> RangePredicate? {
    let (low, high): (Double, Double)
    switch value {
    case .real(let real): (low, high) = (real, real)
    case .integer(let integer):
      let real = Double(integer)
      if let exact = Double(exactly: integer) {
        (low, high) = (exact, exact)
      } else {
        (low, high) = (real.nextDown, real.nextUp)
      }
    default: return nil
    }
    switch comparison {
    case .equal: return low == high ? .reals(low...high) : .nothing
    case .less, .lessOrEqual: return .reals(-.infinity...high)
    case .greater, .greaterOrEqual: return .reals(low ... .infinity)
    default: return nil
    }
  }

  /// The other side may be of numeric affinity and text all the same: text here that looks like a number is one then, and less.
  private static func textPredicate(
    _ comparison: ScanOperator, _ bytes: [UInt8], isLiteral: Bool
  ) -> RangePredicate? {
    if !isLiteral, comparison == .less || comparison == .lessOrEqual, let first = bytes.first, first < 0x3A {
      // Every text that looks like a number begins with a digit, or with one of the bytes before those.
      return bytePredicate(.less, [0x3A])
    }
    return bytePredicate(comparison, bytes)
  }

  private static func bytePredicate(_ comparison: ScanOperator, _ bytes: [UInt8]) -> RangePredicate? {
    switch comparison {
    case .equal:
      let bound = ByteBound(bytes, isInclusive: true)
      return .bytes(lower: bound, upper: bound)
    case .less: return .bytes(lower: nil, upper: ByteBound(bytes, isInclusive: false))
    case .lessOrEqual: return .bytes(lower: nil, upper: ByteBound(bytes, isInclusive: true))
    case .greater: return .bytes(lower: ByteBound(bytes, isInclusive: false), upper: nil)
    case .greaterOrEqual: return .bytes(lower: ByteBound(bytes, isInclusive: true), upper: nil)
    case .like:
      let prefix = bytes.prefix { $0 != UInt8(ascii: "%") && $0 != UInt8(ascii: "_") && $0 != 0 }
      return .prefix(prefix.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }, foldsCase: true)
    case .glob:
      let prefix = bytes.prefix {
        $0 != UInt8(ascii: "*") && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "[") && $0 != 0
      }
      return .prefix(Array(prefix), foldsCase: false)
    default: return nil
    }
  }

  // MARK: Values whose SQL form is made from an integer, in the same order

  /// The ticks whose text is in the order of time: those of the years 0 to 9999, or of one day.
  private var textDomain: ClosedRange<Int64>? {
    let (firstDay, lastDay): (Int64, Int64) = (-719_528, 2_932_896)
    func days(_ ticksPerDay: Int64) -> ClosedRange<Int64> {
      let (low, lowOverflows) = firstDay.multipliedReportingOverflow(by: ticksPerDay)
      let (high, highOverflows) = (lastDay + 1).multipliedReportingOverflow(by: ticksPerDay)
      return (lowOverflows ? .min : low)...(highOverflows ? .max : high - 1)
    }
    switch self {
    case .date32: return days(1)
    case .date64: return days(86_400_000)
    case .timestamp(let unit, _): return days(86_400 * unit.perSecond)
    case .time32(let unit), .time64(let unit): return 0...(86_400 * unit.perSecond - 1)
    default: return nil
    }
  }

  private func textPredicate(
    _ comparison: ScanOperator, _ constant: [UInt8], _ domain: ClosedRange<Int64>
  ) -> RangePredicate? {
    func order(_ ticks: Int64) -> Int {
      var text: [UInt8] = []
      SQLText.append(ticks: ticks, self, to: &text)
      return text.withUnsafeBytes { left in constant.withUnsafeBytes { compareBytes(left, $0) } }
    }
    if comparison == .equal, let ticks = SQLText.ticks(constant, self), domain.contains(ticks) {
      return .integers(ticks...ticks)
    }
    return IntegerBounds.search(comparison, within: domain, order)?.predicate
  }

  private func decimalPredicate(_ comparison: ScanOperator, _ value: SQLValue, scale: Int) -> RangePredicate?
  {
    let constant: Double
    switch value {
    case .real(let real): constant = real
    case .integer(let integer):
      guard let exact = Double(exactly: integer) else { return nil }
      constant = exact
    default: return nil
    }
    let limit: Int64 = 1_000_000_000_000_000
    let found = IntegerBounds.search(comparison, within: -limit...limit) { unscaled in
      let real = DecimalText.double(Int256(Int(unscaled)), scale: scale)
      return real < constant ? -1 : real > constant ? 1 : 0
    }
    // Bytes from outside may have more digits than the type says: behind the ends of what was searched may be anything.
    guard let found else { return nil }
    let end = DecimalText.double(Int256(Int(limit)), scale: scale)
    guard let range = found.range else { return constant.magnitude < end ? .nothing : nil }
    return .integers(
      (range.lowerBound == -limit ? .min : range.lowerBound)...(range.upperBound == limit
        ? .max : range.upperBound))
  }
}

/// The integers that satisfy a comparison.
struct IntegerBounds {
  /// Nil when there is none.
  var range: ClosedRange<Int64>?

  var predicate: RangePredicate { range.map { .integers($0) } ?? .nothing }

  /// Those that compare with a number so. Nil for what is no number.
  static func of(_ comparison: ScanOperator, _ value: SQLValue) -> IntegerBounds? {
    switch value {
    case .integer(let constant):
      switch comparison {
      case .equal: return IntegerBounds(range: constant...constant)
      case .less: return IntegerBounds(range: .min...(constant == .min ? .min : constant - 1))
      case .lessOrEqual: return IntegerBounds(range: .min...constant)
      case .greater:
        // What is stored may be beyond Int64, and stands at its end then.
        return IntegerBounds(range: (constant == .max ? .max : constant + 1)...(.max))
      case .greaterOrEqual: return IntegerBounds(range: constant...(.max))
      default: return nil
      }
    case .real(let constant):
      guard !constant.isNaN else { return nil }
      switch comparison {
      case .equal:
        // What is beyond Int64 stands at its ends.
        if constant >= 0x1p63 { return IntegerBounds(range: .max ... .max) }
        if constant < -0x1p63 { return IntegerBounds(range: .min ... .min) }
        return IntegerBounds(range: Int64(exactly: constant).map { $0...$0 })
      case .less, .lessOrEqual:
        let end = constant.rounded(.down)
        if end >= 0x1p63 { return IntegerBounds(range: .min ... .max) }
        return IntegerBounds(range: .min...(end < -0x1p63 ? .min : Int64(end)))
      case .greater, .greaterOrEqual:
        let start = constant.rounded(.up)
        if start < -0x1p63 { return IntegerBounds(range: .min ... .max) }
        return IntegerBounds(range: start >= 0x1p63 ? .max ... .max : Int64(start)...(.max))
      default: return nil
      }
    default: return nil
    }
  }

  /// Those within `domain` whose image compares with a constant so, found by halving; `order` must not descend.
  static func search(
    _ comparison: ScanOperator, within domain: ClosedRange<Int64>, _ order: (Int64) -> Int
  ) -> IntegerBounds? {
    /// The first of the domain that satisfies what all behind it do too; nil when none does.
    func first(_ satisfies: (Int) -> Bool) -> Int64? {
      guard satisfies(order(domain.upperBound)) else { return nil }
      var (low, high) = (domain.lowerBound, domain.upperBound)
      while low < high {
        let middle = low + Int64((UInt64(bitPattern: high) &- UInt64(bitPattern: low)) / 2)
        if satisfies(order(middle)) { high = middle } else { low = middle + 1 }
      }
      return low
    }
    func before(_ end: Int64?) -> IntegerBounds {
      guard let end else { return IntegerBounds(range: domain) }
      return IntegerBounds(range: end == domain.lowerBound ? nil : domain.lowerBound...end - 1)
    }
    switch comparison {
    case .greaterOrEqual: return IntegerBounds(range: first { $0 >= 0 }.map { $0...domain.upperBound })
    case .greater: return IntegerBounds(range: first { $0 > 0 }.map { $0...domain.upperBound })
    case .less: return before(first { $0 >= 0 })
    case .lessOrEqual: return before(first { $0 > 0 })
    case .equal:
      guard let low = first({ $0 >= 0 }), order(low) == 0 else { return IntegerBounds(range: nil) }
      let end = first { $0 > 0 }
      return IntegerBounds(range: low...(end.map { $0 - 1 } ?? domain.upperBound))
    default: return nil
    }
  }
}
