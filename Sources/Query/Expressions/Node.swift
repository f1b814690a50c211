// Expressions as trees of nodes, each of which computes a vector.

import Arrow
import Memory

/// An expression. Nodes own the memory of their results and belong to one worker.
class Node {
  final let kind: ValueKind
  /// Whether some of the reals are integers to SQLite. They compare and add up the same, but are divided and written differently.
  final var isMixed = false

  init(_ kind: ValueKind) { self.kind = kind }

  /// The values for the frame's rows, until the node is asked again.
  func evaluate(_ frame: Frame) throws(QueryError) -> Vector { preconditionFailure("every node has its own") }

  /// Which of the frame's rows are not NULL; nil when all are.
  func validity(_ frame: Frame) throws(QueryError) -> UnsafePointer<UInt8>? { try evaluate(frame).valid }

  /// The value, when it is the same for all rows.
  var constant: Constant? { nil }
}

/// A condition, in three-valued logic: a byte for each row.
///
/// False, NULL and true are 0, 1 and 2: so AND is the smaller one, OR the larger one, NOT the difference to 2.
class Predicate {
  final let scratch = UnsafeMutablePointer<UInt8>.allocate(capacity: vectorSize + 8)

  deinit { scratch.deallocate() }

  func test(_ frame: Frame) throws(QueryError) -> UnsafePointer<UInt8> {
    preconditionFailure("every predicate has its own")
  }

  /// The answers to the rows of a run as if each had a value, and the column that says which have; nil where only `test` tells.
  func testValues(_ frame: Frame) throws(QueryError) -> (truth: UnsafePointer<UInt8>, column: ColumnNode)? {
    nil
  }

  /// Whether it reads numbers or codes of a column as they are stored, so that asking all rows of a run is cheap.
  var readsStored: Bool { false }
}

/// The values of a subquery's rows. Integers are kept by themselves: millions of them are freed at once, and made a set without a look at
/// what they are.
struct ConstantList: Sendable {
  var integers: [Int64] = []
  var others: [Constant] = []

  var isEmpty: Bool { integers.isEmpty && others.isEmpty }

  /// About how many bytes a set of them takes.
  var byteCount: Int { integers.count * 24 + others.count * 64 }

  mutating func append(_ constant: Constant) {
    if case .integer(let value) = constant { integers.append(value) } else { others.append(constant) }
  }
}

enum Constant: Hashable, Sendable {
  case null
  case integer(Int64)
  case real(Double)
  case text([UInt8])
  case blob([UInt8])

  var kind: ValueKind {
    switch self {
    case .null: .null
    case .integer: .integer
    case .real: .real
    case .text: .text
    case .blob: .blob
    }
  }
}

final class ConstantNode: Node {
  let value: Constant
  private let scratch = Scratch()
  private let bytes: UnsafeMutableRawBufferPointer

  init(_ value: Constant) {
    self.value = value
    var copy = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    switch value {
    case .null: scratch.valid.update(repeating: 0, count: vectorSize)
    case .integer(let integer): scratch.integers.update(repeating: integer, count: vectorSize)
    case .real(let real): scratch.reals.update(repeating: real, count: vectorSize)
    case .text(let text), .blob(let text):
      copy = .allocate(byteCount: text.count + 1, alignment: 8)
      copy.copyBytes(from: text)
      let slice = UnsafeRawBufferPointer(start: copy.baseAddress, count: text.count)
      scratch.slices.update(repeating: slice, count: vectorSize)
    }
    bytes = copy
    super.init(value.kind)
  }

  deinit { bytes.deallocate() }

  override var constant: Constant? { value }

  override func evaluate(_ frame: Frame) -> Vector {
    scratch.vector(kind == .null ? UnsafePointer(scratch.valid) : nil)
  }
}

/// The truth of a number: whether it is not zero.
final class TruthPredicate: Predicate {
  private let node: Node

  init(_ node: Node) { self.node = node }

  override func test(_ frame: Frame) throws(QueryError) -> UnsafePointer<UInt8> {
    let vector = try node.evaluate(frame)
    let n = frame.count
    switch node.kind {
    case .null: scratch.update(repeating: 1, count: n)
    case .real:
      let reals = vector.reals
      for i in 0..<n { scratch[i] = reals[i] != 0 ? 2 : 0 }
    default:
      let integers = vector.integers
      for i in 0..<n { scratch[i] = integers[i] != 0 ? 2 : 0 }
    }
    mask(scratch, vector.valid, n)
    return UnsafePointer(scratch)
  }
}

/// Makes NULL, or another answer, of the answers to rows that are NULL.
@inline(__always)
func mask(
  _ truth: UnsafeMutablePointer<UInt8>, _ valid: UnsafePointer<UInt8>?, _ count: Int, null: UInt8 = 1
) {
  guard let valid else { return }
  // Eight bytes at a time: a byte of 1 times 255 is a mask of that byte, and no product reaches the next.
  let nulls = UInt64(null) &* 0x0101_0101_0101_0101
  var i = 0
  while i &+ 8 <= count {
    let mask = UnsafeRawPointer(valid + i).loadUnaligned(as: UInt64.self) &* 0xFF
    let place = UnsafeMutableRawPointer(truth + i)
    let answers = place.loadUnaligned(as: UInt64.self)
    place.storeBytes(of: (answers & mask) | (nulls & ~mask), as: UInt64.self)
    i &+= 8
  }
  while i < count {
    truth[i] = valid[i] != 0 ? truth[i] : null
    i &+= 1
  }
}

/// A condition as a value: 0, 1 or NULL.
final class PredicateNode: Node {
  let predicate: Predicate
  private let scratch = Scratch()

  init(_ predicate: Predicate) {
    self.predicate = predicate
    super.init(.integer)
  }

  override func evaluate(_ frame: Frame) throws(QueryError) -> Vector {
    let truth = try predicate.test(frame)
    let n = frame.count
    for i in 0..<n { scratch.integers[i] = Int64(truth[i] &>> 1) }
    for i in 0..<n { scratch.valid[i] = truth[i] == 1 ? 0 : 1 }
    return scratch.vector(UnsafePointer(scratch.valid))
  }
}

final class NotPredicate: Predicate {
  private let inner: Predicate

  init(_ inner: Predicate) { self.inner = inner }

  override var readsStored: Bool { inner.readsStored }

  override func test(_ frame: Frame) throws(QueryError) -> UnsafePointer<UInt8> {
    let truth = try inner.test(frame)
    for i in 0..<frame.count { scratch[i] = 2 &- truth[i] }
    return UnsafePointer(scratch)
  }
}

final class AndPredicate: Predicate {
  private let left: Predicate
  private let right: Predicate

  init(_ left: Predicate, _ right: Predicate) {
    self.left = left
    self.right = right
  }

  override var readsStored: Bool { left.readsStored && right.readsStored }

  override func test(_ frame: Frame) throws(QueryError) -> UnsafePointer<UInt8> {
    let a = try left.test(frame)
    let b = try right.test(frame)
    for i in 0..<frame.count { scratch[i] = a[i] < b[i] ? a[i] : b[i] }
    return UnsafePointer(scratch)
  }
}

final class OrPredicate: Predicate {
  private let left: Predicate
  private let right: Predicate

  init(_ left: Predicate, _ right: Predicate) {
    self.left = left
    self.right = right
  }

  override var readsStored: Bool { left.readsStored && right.readsStored }

  override func test(_ frame: Frame) throws(QueryError) -> UnsafePointer<UInt8> {
    let a = try left.test(frame)
    let b = try right.test(frame)
    for i in 0..<frame.count { scratch[i] = a[i] > b[i] ? a[i] : b[i] }
    return UnsafePointer(scratch)
  }
}

/// The same answer for every row.
final class FixedPredicate: Predicate {
  init(_ truth: UInt8) {
    super.init()
    scratch.update(repeating: truth, count: vectorSize)
  }

  override func test(_ frame: Frame) -> UnsafePointer<UInt8> { UnsafePointer(scratch) }
}

final class NullPredicate: Predicate {
  private let node: Node
  private let negated: Bool

  init(_ node: Node, negated: Bool) {
    self.node = node
    self.negated = negated
  }

  override func test(_ frame: Frame) throws(QueryError) -> UnsafePointer<UInt8> {
    let n = frame.count
    let valid = try node.validity(frame)
    let (ifValid, ifNull): (UInt8, UInt8) = negated ? (2, 0) : (0, 2)
    if let valid {
      for i in 0..<n { scratch[i] = valid[i] != 0 ? ifValid : ifNull }
    } else {
      scratch.update(repeating: ifValid, count: n)
    }
    return UnsafePointer(scratch)
  }
}
