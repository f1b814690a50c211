// Arithmetic by SQLite's rules. Where an integer would overflow into a real, the query is left to SQLite.

import Arrow
import SQL

/// `+ - * / % & | << >>` of two integers.
final class IntegerArithmeticNode: Node {
  private let symbol: BinaryOperator
  private let left: Node
  private let right: Node
  private let scratch = Scratch()

  init(_ symbol: BinaryOperator, _ left: Node, _ right: Node) {
    self.symbol = symbol
    self.left = left
    self.right = right
    super.init(.integer)
  }

  override func evaluate(_ frame: Frame) throws(QueryError) -> Vector {
    let a = try left.evaluate(frame)
    let b = try right.evaluate(frame)
    let n = frame.count
    let (x, y) = (a.integers, b.integers)
    let target = scratch.integers
    switch symbol {
    case .divide, .remainder: return try divide(a, b, n)
    case .bitAnd: for i in 0..<n { target[i] = x[i] & y[i] }
    case .bitOr: for i in 0..<n { target[i] = x[i] | y[i] }
    case .shiftLeft: for i in 0..<n { target[i] = shift(x[i], by: y[i]) }
    case .shiftRight: for i in 0..<n { target[i] = shift(x[i], by: y[i] == .min ? .max : -y[i]) }
    default:
      let valid = scratch.combine(a.valid, b.valid, n)
      if try overflows(x, y, valid, n) { throw .overflow() }
      return scratch.vector(valid)
    }
    return scratch.vector(scratch.combine(a.valid, b.valid, n))
  }

  /// Computes sums, differences and products; true when one of them that counts overflowed.
  private func overflows(
    _ x: UnsafePointer<Int64>, _ y: UnsafePointer<Int64>, _ valid: UnsafePointer<UInt8>?, _ n: Int
  ) throws(QueryError) -> Bool {
    let target = scratch.integers
    // The sign bit tells of overflow.
    var flags: Int64 = 0
    switch symbol {
    case .add:
      for i in 0..<n {
        let sum = x[i] &+ y[i]
        target[i] = sum
        flags |= (x[i] ^ sum) & (y[i] ^ sum)
      }
    case .subtract:
      for i in 0..<n {
        let difference = x[i] &- y[i]
        target[i] = difference
        flags |= (x[i] ^ y[i]) & (x[i] ^ difference)
      }
    default:
      for i in 0..<n {
        let (product, overflow) = x[i].multipliedReportingOverflow(by: y[i])
        target[i] = product
        flags |= overflow ? .min : 0
      }
    }
    guard flags < 0 else { return false }
    guard let valid else { return true }
    // It may have been the garbage of a NULL's slot.
    for i in 0..<n where valid[i] != 0 {
      let overflow =
        switch symbol {
        case .add: x[i].addingReportingOverflow(y[i]).overflow
        case .subtract: x[i].subtractingReportingOverflow(y[i]).overflow
        default: x[i].multipliedReportingOverflow(by: y[i]).overflow
        }
      if overflow { return true }
    }
    return false
  }

  private func divide(_ a: Vector, _ b: Vector, _ n: Int) throws(QueryError) -> Vector {
    let (x, y) = (a.integers, b.integers)
    let target = scratch.integers
    let isRemainder = symbol == .remainder
    if case .integer(let divisor)? = right.constant, divisor > 0 {
      if isRemainder {
        for i in 0..<n { target[i] = x[i] % divisor }
      } else {
        for i in 0..<n { target[i] = x[i] / divisor }
      }
      return scratch.vector(a.valid)
    }
    let valid = scratch.writableValid(a.valid, b.valid, n)
    for i in 0..<n {
      target[i] = 0
      guard valid[i] != 0 else { continue }
      switch y[i] {
      case 0: valid[i] = 0
      case -1:
        if isRemainder { continue }
        if x[i] == .min { throw .overflow() }
        target[i] = -x[i]
      default: target[i] = isRemainder ? x[i] % y[i] : x[i] / y[i]
      }
    }
    return scratch.vector(UnsafePointer(valid))
  }
}

/// Bits to the left by `places`, to the right if that is negative.
private func shift(_ value: Int64, by places: Int64) -> Int64 {
  if places >= 0 { return places >= 64 ? 0 : Int64(bitPattern: UInt64(bitPattern: value) << UInt64(places)) }
  return places <= -64 ? (value < 0 ? -1 : 0) : value >> -places
}

/// `+ - * / %` where an operand is real.
final class RealArithmeticNode: Node {
  private let symbol: BinaryOperator
  private let left: Node
  private let right: Node
  private let scratch = Scratch()

  /// Both must be real.
  init(_ symbol: BinaryOperator, _ left: Node, _ right: Node) {
    self.symbol = symbol
    self.left = left
    self.right = right
    super.init(.real)
  }

  override func evaluate(_ frame: Frame) throws(QueryError) -> Vector {
    let a = try left.evaluate(frame)
    let b = try right.evaluate(frame)
    let n = frame.count
    let (x, y) = (a.reals, b.reals)
    let target = scratch.reals
    let valid: UnsafePointer<UInt8>?
    switch symbol {
    case .add:
      for i in 0..<n { target[i] = x[i] + y[i] }
      valid = scratch.combine(a.valid, b.valid, n)
    case .subtract:
      for i in 0..<n { target[i] = x[i] - y[i] }
      valid = scratch.combine(a.valid, b.valid, n)
    case .multiply:
      for i in 0..<n { target[i] = x[i] * y[i] }
      valid = scratch.combine(a.valid, b.valid, n)
    default:
      let writable = scratch.writableValid(a.valid, b.valid, n)
      if symbol == .divide {
        for i in 0..<n {
          target[i] = x[i] / y[i]
          writable[i] &= y[i] == 0 ? 0 : 1
        }
      } else {
        for i in 0..<n where writable[i] != 0 {
          let (whole, divisor) = (truncated(x[i]), truncated(y[i]))
          if divisor == 0 { writable[i] = 0 }
          target[i] = divisor == 0 || divisor == -1 ? 0 : Double(whole % divisor)
        }
      }
      valid = UnsafePointer(writable)
    }
    return scratch.vector(nullForNaN(valid, n))
  }

  private func nullForNaN(_ valid: UnsafePointer<UInt8>?, _ n: Int) -> UnsafePointer<UInt8>? {
    let target = scratch.reals
    var nans: UInt8 = 0
    for i in 0..<n { nans |= target[i] == target[i] ? 0 : 1 }
    if nans == 0 { return valid }
    let writable = scratch.writableValid(valid, nil, n)
    for i in 0..<n { writable[i] &= target[i] == target[i] ? 1 : 0 }
    return UnsafePointer(writable)
  }
}

/// A real as SQLite makes an integer of it: cut, and clamped to what Int64 has.
@inline(__always)
func truncated(_ real: Double) -> Int64 {
  if real <= -0x1p63 { return .min }
  if real >= 0x1p63 { return .max }
  return real == real ? Int64(real) : 0
}

/// One value from one, without NULLs of its own.
final class UnaryNode: Node {
  enum Operation {
    case negateInteger, negateReal, bitNot, absInteger, absReal, integerToReal, realToInteger
    /// An integer that must be told by a real.
    case exactReal
  }
  private let operation: Operation
  private let operand: Node
  private let scratch = Scratch()

  init(_ operation: Operation, _ operand: Node) {
    self.operation = operation
    self.operand = operand
    switch operation {
    case .negateReal, .absReal, .integerToReal, .exactReal: super.init(.real)
    default: super.init(.integer)
    }
  }

  override func evaluate(_ frame: Frame) throws(QueryError) -> Vector {
    let a = try operand.evaluate(frame)
    let n = frame.count
    switch operation {
    case .negateInteger:
      try refuseSmallest(a, n)
      for i in 0..<n { scratch.integers[i] = 0 &- a.integers[i] }
    case .absInteger:
      try refuseSmallest(a, n)
      for i in 0..<n { scratch.integers[i] = a.integers[i] < 0 ? 0 &- a.integers[i] : a.integers[i] }
    case .bitNot: for i in 0..<n { scratch.integers[i] = ~a.integers[i] }
    case .negateReal: for i in 0..<n { scratch.reals[i] = -a.reals[i] }
    case .absReal: for i in 0..<n { scratch.reals[i] = abs(a.reals[i]) }
    case .integerToReal: for i in 0..<n { scratch.reals[i] = Double(a.integers[i]) }
    case .exactReal:
      for i in 0..<n {
        scratch.reals[i] = Double(a.integers[i])
        if Double(exactly: a.integers[i]) == nil, a.isValid(i) {
          throw QueryError(.leftToSQLite, "an integer has no real that is equal to it")
        }
      }
    case .realToInteger: for i in 0..<n { scratch.integers[i] = truncated(a.reals[i]) }
    }
    return scratch.vector(a.valid)
  }

  private func refuseSmallest(_ a: Vector, _ n: Int) throws(QueryError) {
    for i in 0..<n where a.integers[i] == .min && a.isValid(i) { throw .overflow() }
  }
}

/// The first of some values by condition: CASE, COALESCE, IIF, NULLIF. All parts are of one kind, or NULL.
final class ChoiceNode: Node {
  private let choices: [(condition: Predicate, result: Node)]
  private let otherwise: Node?
  private let scratch = Scratch()

  init(_ kind: ValueKind, _ choices: [(condition: Predicate, result: Node)], otherwise: Node?) {
    self.choices = choices
    self.otherwise = otherwise
    super.init(kind)
  }

  override func evaluate(_ frame: Frame) throws(QueryError) -> Vector {
    let n = frame.count
    // From behind, so that the first condition that is true has the last word.
    if let otherwise, otherwise.kind != .null {
      let vector = try otherwise.evaluate(frame)
      copy(vector, n)
      if let valid = vector.valid {
        scratch.valid.update(from: valid, count: n)
      } else {
        scratch.valid.update(repeating: 1, count: n)
      }
    } else {
      scratch.valid.update(repeating: 0, count: n)
      if !kind.isFixed {
        scratch.slices.update(repeating: UnsafeRawBufferPointer(start: nil, count: 0), count: n)
      }
    }
    for choice in choices.reversed() {
      let truth = try choice.condition.test(frame)
      if choice.result.kind == .null {
        for i in 0..<n where truth[i] == 2 { scratch.valid[i] = 0 }
        continue
      }
      let vector = try choice.result.evaluate(frame)
      if kind.isFixed {
        let (source, target) = (vector.integers, scratch.integers)
        for i in 0..<n { target[i] = truth[i] == 2 ? source[i] : target[i] }
      } else {
        let (source, target) = (vector.slices, scratch.slices)
        for i in 0..<n where truth[i] == 2 { target[i] = source[i] }
      }
      if let valid = vector.valid {
        for i in 0..<n { scratch.valid[i] = truth[i] == 2 ? valid[i] : scratch.valid[i] }
      } else {
        for i in 0..<n { scratch.valid[i] = truth[i] == 2 ? 1 : scratch.valid[i] }
      }
    }
    return scratch.vector(UnsafePointer(scratch.valid))
  }

  private func copy(_ vector: Vector, _ n: Int) {
    if kind.isFixed {
      scratch.integers.update(from: vector.integers, count: n)
    } else {
      scratch.slices.update(from: vector.slices, count: n)
    }
  }
}
