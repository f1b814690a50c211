// Comparisons, by SQLite's order: NULL is unknown, numbers by value whatever their class, text and blobs by their bytes.

import Arrow
import Kernels
import Memory
import SQL

enum Order: Hashable, Sendable {
  case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual

  init?(_ symbol: BinaryOperator) {
    switch symbol {
    case .equal, .is: self = .equal
    case .notEqual, .isNot: self = .notEqual
    case .less: self = .less
    case .lessOrEqual: self = .lessOrEqual
    case .greater: self = .greater
    case .greaterOrEqual: self = .greaterOrEqual
    default: return nil
    }
  }

  /// The same comparison with its operands exchanged.
  var mirrored: Order {
    switch self {
    case .equal, .notEqual: self
    case .less: .greater
    case .lessOrEqual: .greaterOrEqual
    case .greater: .less
    case .greaterOrEqual: .lessOrEqual
    }
  }

  /// Whether it is true when the left side compares to the right one so (below, at or above 0).
  @inline(__always)
  func holds(_ order: Int) -> Bool {
    switch self {
    case .equal: order == 0
    case .notEqual: order != 0
    case .less: order < 0
    case .lessOrEqual: order <= 0
    case .greater: order > 0
    case .greaterOrEqual: order >= 0
    }
  }
}

/// Calls `body` once with the comparison as a closure that the compiler sees through.
@inline(__always)
private func compare<T: Comparable>(
  _ order: Order, _ n: Int, _ target: UnsafeMutablePointer<UInt8>, _ a: UnsafePointer<T>, _ b: (Int) -> T
) {
  switch order {
  case .equal: for i in 0..<n { target[i] = a[i] == b(i) ? 2 : 0 }
  case .notEqual: for i in 0..<n { target[i] = a[i] != b(i) ? 2 : 0 }
  case .less: for i in 0..<n { target[i] = a[i] < b(i) ? 2 : 0 }
  case .lessOrEqual: for i in 0..<n { target[i] = a[i] <= b(i) ? 2 : 0 }
  case .greater: for i in 0..<n { target[i] = a[i] > b(i) ? 2 : 0 }
  case .greaterOrEqual: for i in 0..<n { target[i] = a[i] >= b(i) ? 2 : 0 }
  }
}

/// Two values of any classes.
final class ComparePredicate: Predicate {
  private let order: Order
  private let left: Node
  private let right: Node
  /// IS and IS NOT: NULL is a value.
  private let isExact: Bool
  /// The left side where it is a column of integers and the right side a constant.
  private let column: ColumnNode?

  init(_ order: Order, _ left: Node, _ right: Node, isExact: Bool) {
    column = left.kind == .integer && right.constant != nil ? left as? ColumnNode : nil
    self.order = order
    self.left = left
    self.right = right
    self.isExact = isExact
  }

  override var readsStored: Bool {
    guard let column = left as? ColumnNode, right.constant != nil else { return false }
    return column.kind == right.constant!.kind && column.kind.isNumeric && column.type.decimal == nil
  }

  override func test(_ frame: Frame) throws(QueryError) -> UnsafePointer<UInt8> {
    let n = frame.count
    let order = order
    if let column, case .integer(let constant)? = right.constant,
      try column.compareStored(frame, order, constant, scratch)
    {
      finish(try column.validity(frame), nil, n)
      return UnsafePointer(scratch)
    }
    let a = try left.evaluate(frame)
    let b = try right.evaluate(frame)
    switch (left.kind, right.kind) {
    case (.integer, .integer), (.ticks, .ticks):
      if case .integer(let constant)? = right.constant {
        compare(order, n, scratch, a.integers) { _ in constant }
      } else {
        let other = b.integers
        compare(order, n, scratch, a.integers) { other[$0] }
      }
    case (.real, .real):
      if case .real(let constant)? = right.constant {
        compareDoubles(order, a.values, constant, n, scratch)
      } else {
        let other = b.reals
        compare(order, n, scratch, a.reals) { other[$0] }
      }
    case (.integer, .real):
      let (x, y) = (a.integers, b.reals)
      for i in 0..<n { scratch[i] = order.holds(compareNumbers(x[i], y[i])) ? 2 : 0 }
    case (.real, .integer):
      let (x, y) = (a.reals, b.integers)
      for i in 0..<n { scratch[i] = order.holds(-compareNumbers(y[i], x[i])) ? 2 : 0 }
    case (.text, .text), (.blob, .blob): compareSlices(a, b, n)
    default:
      // Of different classes: numbers before text before blobs.
      let truth: UInt8 = order.holds(left.kind.classRank - right.kind.classRank) ? 2 : 0
      scratch.update(repeating: left.kind == .null || right.kind == .null ? 1 : truth, count: n)
    }
    finish(a.valid, b.valid, n)
    return UnsafePointer(scratch)
  }

  override func testValues(_ frame: Frame) throws(QueryError) -> (
    truth: UnsafePointer<UInt8>, column: ColumnNode
  )? {
    if isExact { return nil }
    if let column, case .integer(let constant)? = right.constant,
      try column.compareStored(frame, order, constant, scratch)
    {
      return (UnsafePointer(scratch), column)
    }
    // NaN, which is NULL, is not equal to anything.
    guard let (column, constant) = realBound, order != .notEqual, let values = try column.storedRun(frame)
    else { return nil }
    compareDoubles(order, values, constant, frame.count, scratch)
    return (UnsafePointer(scratch), column)
  }

  /// A column of doubles and the number that it is compared with.
  private var realBound: (ColumnNode, Double)? {
    guard let column = left as? ColumnNode, column.type == .float64,
      case .real(let constant)? = right.constant
    else { return nil }
    return (column, constant)
  }

  /// The one range in which both comparisons of the same column hold; nil where they are of another kind.
  static func range(_ a: Predicate, _ b: Predicate) -> Predicate? {
    guard let a = a as? ComparePredicate, let b = b as? ComparePredicate, !a.isExact, !b.isExact,
      let (column, first) = a.realBound, let (other, second) = b.realBound, column === other
    else { return nil }
    var (low, high): (Double?, Double?)
    for (order, bound) in [(a.order, first), (b.order, second)] where bound.isFinite {
      switch order {
      case .greaterOrEqual: low = bound
      case .greater: low = bound.nextUp
      case .lessOrEqual: high = bound
      case .less: high = bound.nextDown
      default: break
      }
    }
    guard let low, let high else { return nil }
    return RealRangePredicate(column, low, high)
  }

  private func compareSlices(_ a: Vector, _ b: Vector, _ n: Int) {
    let (x, y) = (a.slices, b.slices)
    // Equality mostly fails by the length.
    if order == .equal || order == .notEqual {
      let (ifEqual, ifNot): (UInt8, UInt8) = order == .equal ? (2, 0) : (0, 2)
      for i in 0..<n {
        scratch[i] = equalBytes(x[i], y[i]) ? ifEqual : ifNot
      }
      return
    }
    for i in 0..<n { scratch[i] = order.holds(compareBytes(x[i], y[i])) ? 2 : 0 }
  }

  private func finish(_ a: UnsafePointer<UInt8>?, _ b: UnsafePointer<UInt8>?, _ n: Int) {
    guard isExact else {
      mask(scratch, a, n)
      mask(scratch, b, n)
      return
    }
    if a == nil, b == nil { return }
    let (ifEqual, ifNot): (UInt8, UInt8) = order == .equal ? (2, 0) : (0, 2)
    for i in 0..<n {
      let (x, y) = (a.map { $0[i] } ?? 1, b.map { $0[i] } ?? 1)
      if x & y == 0 { scratch[i] = x == y ? ifEqual : ifNot }
    }
  }
}

/// Doubles between two others, or equal to them.
final class RealRangePredicate: Predicate {
  private let column: ColumnNode
  private let low: Double
  private let high: Double

  init(_ column: ColumnNode, _ low: Double, _ high: Double) {
    self.column = column
    self.low = low
    self.high = high
  }

  override var readsStored: Bool { true }

  override func test(_ frame: Frame) throws(QueryError) -> UnsafePointer<UInt8> {
    let vector = try column.evaluate(frame)
    compareDoubles(between: low, high, vector.values, frame.count, scratch)
    mask(scratch, vector.valid, frame.count)
    return UnsafePointer(scratch)
  }

  override func testValues(_ frame: Frame) throws(QueryError) -> (
    truth: UnsafePointer<UInt8>, column: ColumnNode
  )? {
    guard let values = try column.storedRun(frame) else { return nil }
    compareDoubles(between: low, high, values, frame.count, scratch)
    return (UnsafePointer(scratch), column)
  }
}

extension ValueKind {
  /// Where its storage class stands among the others.
  var classRank: Int {
    switch self {
    case .null: 0
    case .integer, .real: 1
    case .text, .ticks: 2
    case .blob: 3
    }
  }
}

/// An integer and a real, exactly (SQLite's `sqlite3IntFloatCompare`).
@inline(__always)
func compareNumbers(_ integer: Int64, _ real: Double) -> Int {
  if real < -0x1p63 { return 1 }
  if real >= 0x1p63 { return -1 }
  guard real == real else { return 1 }
  let whole = Int64(real)
  if integer != whole { return integer < whole ? -1 : 1 }
  let widened = Double(integer)
  return widened < real ? -1 : widened > real ? 1 : 0
}

/// Ticks within a range; those whose text would not be in the order of the ticks leave the query to SQLite.
final class TickRangePredicate: Predicate {
  private let node: Node
  private let range: ClosedRange<Int64>?
  private let negated: Bool
  private let domain: ClosedRange<Int64>

  init(_ node: Node, _ range: ClosedRange<Int64>?, negated: Bool, domain: ClosedRange<Int64>) {
    self.node = node
    self.range = range
    self.negated = negated
    self.domain = domain
  }

  override var readsStored: Bool { node is ColumnNode }

  override func test(_ frame: Frame) throws(QueryError) -> UnsafePointer<UInt8> {
    if try testStored(frame) { return UnsafePointer(scratch) }
    let vector = try node.evaluate(frame)
    let n = frame.count
    try checkTicks(vector, n, domain)
    let ticks = vector.integers
    let (inside, outside): (UInt8, UInt8) = negated ? (0, 2) : (2, 0)
    if let range {
      let (low, high) = (range.lowerBound, range.upperBound)
      for i in 0..<n { scratch[i] = (ticks[i] >= low) != (ticks[i] > high) ? inside : outside }
    } else {
      scratch.update(repeating: outside, count: n)
    }
    mask(scratch, vector.valid, n)
    return UnsafePointer(scratch)
  }
}

extension TickRangePredicate {
  /// Tests ticks of four bytes as they are stored, where the block's statistics say that all of them are within the domain.
  private func testStored(_ frame: Frame) throws(QueryError) -> Bool {
    guard let range, !negated, let column = node as? ColumnNode, column.type.byteWidth == 4,
      let values = try column.storedRun(frame),
      case .integers(let low, let high)? = frame.part(column.index).block!.knownStatistics(column.index)?
        .bounds,
      domain.contains(low), domain.contains(high)
    else { return false }
    compareInt32(
      between: Int32(clamping: range.lowerBound), Int32(clamping: range.upperBound), values, frame.count,
      scratch)
    mask(scratch, try column.validity(frame), frame.count)
    return true
  }
}

/// Throws when some ticks are not of the years 0 to 9999.
func checkTicks(_ vector: Vector, _ n: Int, _ domain: ClosedRange<Int64>) throws(QueryError) {
  let ticks = vector.integers
  let (low, high) = (domain.lowerBound, domain.upperBound)
  var outside: UInt8 = 0
  if let valid = vector.valid {
    for i in 0..<n { outside |= (ticks[i] < low || ticks[i] > high) ? valid[i] : 0 }
  } else {
    for i in 0..<n { outside |= (ticks[i] < low || ticks[i] > high) ? 1 : 0 }
  }
  if outside != 0 { throw QueryError(.leftToSQLite, "a time is not of the years 0 to 9999") }
}

/// Whether bytes are equal, without a call for the short ones that most are.
@inline(__always)
func equalBytes(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
  let n = a.count
  guard n == b.count else { return false }
  guard n <= 16, let x = a.baseAddress, let y = b.baseAddress else { return compareBytes(a, b) == 0 }
  if n >= 8 {
    return x.loadUnaligned(as: UInt64.self) == y.loadUnaligned(as: UInt64.self)
      && (x + (n &- 8)).loadUnaligned(as: UInt64.self) == (y + (n &- 8)).loadUnaligned(as: UInt64.self)
  }
  if n >= 4 {
    return x.loadUnaligned(as: UInt32.self) == y.loadUnaligned(as: UInt32.self)
      && (x + (n &- 4)).loadUnaligned(as: UInt32.self) == (y + (n &- 4)).loadUnaligned(as: UInt32.self)
  }
  for i in 0..<n where x.load(fromByteOffset: i, as: UInt8.self) != y.load(fromByteOffset: i, as: UInt8.self)
  {
    return false
  }
  return true
}

@inline(__always)
func compareBytesEqual(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
  a.count == b.count && compareBytes(a, b) == 0
}
