// Conditions as predicates.

import Arrow
import Kernels
import Memory
import SQL

/// How two values are compared, as `SQL.Comparison` says it.
struct Rules {
  var affinity: ComparisonAffinity
  var collation: Collation

  init(affinity: ComparisonAffinity, collation: Collation) {
    self.affinity = affinity
    self.collation = collation
  }

  init(_ comparison: Comparison) {
    self.init(affinity: comparison.affinity, collation: comparison.collation)
  }
}

extension Compiler {
  func predicate(_ expression: BoundExpression) throws(NotMine) -> Predicate {
    if !givens.coded.isEmpty, let predicate = try codedPredicate(expression) { return predicate }
    do throws(NotMine) { return try knownPredicate(expression) } catch {
      // Of the others the operands are asked for.
      switch expression.node {
      case .not, .and, .or, .exists, .inSelect: break
      default: do throws(NotMine) { return try askedTruth(expression) } catch _ {}
      }
      throw error
    }
  }

  private func knownPredicate(_ expression: BoundExpression) throws(NotMine) -> Predicate {
    switch expression.node {
    case .not(let operand): return NotPredicate(try predicate(operand))
    case .and(let left, let right): return both(try predicate(left), try predicate(right))
    case .or(let left, let right): return OrPredicate(try predicate(left), try predicate(right))
    case .compare(let symbol, let left, let right, let how):
      return try compare(
        Order(symbol)!, try value(left), try value(right), Rules(how),
        isExact: symbol == .is || symbol == .isNot)
    case .compareRows: throw NotMine("it compares row values")
    case .between(let operand, let negated, let low, let lowHow, let high, let highHow):
      let middle = try value(operand)
      let both = both(
        try compare(.greaterOrEqual, middle, try value(low), Rules(lowHow), isExact: false),
        try compare(.lessOrEqual, middle, try value(high), Rules(highHow), isExact: false))
      return negated ? NotPredicate(both) : both
    case .isNull(let operand, let negated):
      if let place = shape.place(operand.node), !shape.types[place].hasPlainNulls {
        throw NotMine("NULL of type \(shape.types[place])")
      }
      return NullPredicate(try value(operand), negated: negated)
    case .truth(let operand, let value, let negated):
      let truth = try predicate(operand)
      return ExactTruthPredicate(value ? truth : NotPredicate(truth), negated: negated)
    case .inList(let operand, let negated, let items, let how):
      let list = try inList(try value(operand), items, Rules(how))
      return negated ? NotPredicate(list) : list
    case .match(let symbol, let negated, let value, let pattern, let escape):
      let match = try match(symbol, value, pattern, escape)
      return negated ? NotPredicate(match) : match
    case .exists(let select):
      guard let value = givens.scalars[ObjectIdentifier(select)] else {
        guard givens.isTrial else { throw NotMine("a subquery refers to the query around it") }
        return FixedPredicate(2)
      }
      return FixedPredicate(value == .integer(1) ? 2 : 0)
    case .inSelect(let operands, let negated, let select, let how):
      guard operands.count == 1 else { throw NotMine("it compares row values") }
      guard let list = givens.lists[ObjectIdentifier(select)] else {
        guard givens.isTrial else { throw NotMine("a subquery refers to the query around it") }
        _ = try node(operands[0])
        return FixedPredicate(2)
      }
      // Of no rows, even NULL is not one.
      if list.isEmpty { return FixedPredicate(negated ? 2 : 0) }
      let members = try inList(try node(operands[0]), list, Rules(how[0]))
      return negated ? NotPredicate(members) : members
    case .isAmong(let operand, let marker):
      let node = try node(operand)
      guard let set = givens.keySets[ObjectIdentifier(marker)], node.kind.isInteger else {
        return FixedPredicate(2)
      }
      return KeyPredicate(node, set)
    default:
      let node = try value(expression)
      guard node.kind.isNumeric || node.kind == .null else {
        throw NotMine("a text or blob is taken for a truth")
      }
      return TruthPredicate(node)
    }
  }

  private func both(_ left: Predicate, _ right: Predicate) -> Predicate {
    ComparePredicate.range(left, right) ?? AndPredicate(left, right)
  }

  /// A condition that depends on one text column only, of which the distinct texts are known.
  private func codedPredicate(_ expression: BoundExpression) throws(NotMine) -> Predicate? {
    switch expression.node {
    case .compare, .between, .inList, .match, .isNull: break
    default: return nil
    }
    let places = shape.places(in: expression)
    guard places.count == 1, let place = places.first, let coded = givens.coded[place] else { return nil }
    var inner = shape
    inner.types[place] = coded.entries.type
    let compiler = Compiler(inner, givens.ofNoInput)
    return CodedPredicate(try column(place), try compiler.predicate(expression))
  }

  func compare(
    _ order: Order, _ left: Node, _ right: Node, _ how: Rules, isExact: Bool
  ) throws(NotMine) -> Predicate {
    var (left, right) = (try converted(left, how.affinity), try converted(right, how.affinity))
    if !isExact, left.kind == .null || right.kind == .null { return FixedPredicate(1) }
    if left.kind.isText, right.kind.isText {
      (left, right) = (try collated(left, how.collation), try collated(right, how.collation))
    }
    // A constant goes to the right.
    if left.constant != nil, right.constant == nil {
      return try compare(order.mirrored, right, left, how, isExact: isExact)
    }
    let (symbol, operand) = order.inTermsOf(left.kind, right)
    return try compareOrdered(symbol, left, operand, how, isExact: isExact)
  }

  private func compareOrdered(
    _ order: Order, _ left: Node, _ right: Node, _ how: Rules, isExact: Bool
  ) throws(NotMine) -> Predicate {
    switch (left.kind, right.kind) {
    case (.ticks(let a), .ticks(let b)) where a == b:
      if order == .equal || order == .notEqual {
        return ComparePredicate(order, left, right, isExact: isExact)
      }
      return ComparePredicate(order, OrderedTicksNode(left), OrderedTicksNode(right), isExact: isExact)
    case (.ticks(let type), .text):
      if case .text(let constant)? = right.constant, !isExact, let domain = type.tickDomain {
        mayLeave = true
        return TickRangePredicate(
          left, type.ticks(order, constant), negated: order == .notEqual, domain: domain)
      }
      return ComparePredicate(order, try text(left), right, isExact: isExact)
    case (.ticks, .ticks), (.text, .ticks):
      return ComparePredicate(order, try text(left), try text(right), isExact: isExact)
    default:
      if let column = left as? ColumnNode, left.kind == .real, column.type.decimal != nil, !isExact {
        var constant: Double?
        if case .real(let real)? = right.constant, !real.isNaN { constant = real }
        if case .integer(let integer)? = right.constant { constant = Double(exactly: integer) }
        if let constant {
          return StoredRangePredicate(
            column, column.type.unscaled(order, constant), negated: order == .notEqual)
        }
      }
      return ComparePredicate(order, left, right, isExact: isExact)
    }
  }

  /// An operand after the comparison's affinity.
  private func converted(_ node: Node, _ affinity: ComparisonAffinity) throws(NotMine) -> Node {
    switch (affinity, node.kind) {
    case (.numeric, .text), (.numeric, .ticks):
      guard case .text(let text)? = node.constant else { throw NotMine("text is compared as a number") }
      guard let number = Self.number(text) else {
        throw NotMine("text that may be a number is compared with one")
      }
      return ConstantNode(number)
    case (.text, .integer):
      if case .integer(let integer)? = node.constant {
        return ConstantNode(.text(Array(String(integer).utf8)))
      }
      throw NotMine("a number is compared as text")
    case (.text, .real): throw NotMine("a number is compared as text")
    default: return node
    }
  }

  /// Text that is plainly an integer as one; text that plainly is no number as itself; nil in doubt.
  private static func number(_ text: [UInt8]) -> Constant? {
    let digits = text.first == 0x2D ? text.dropFirst() : text[...]
    if !digits.isEmpty, digits.count <= 18, digits.allSatisfy({ $0 &- 0x30 < 10 }) {
      return .integer(Int64(String(decoding: text, as: UTF8.self))!)
    }
    // A number begins with white space, a sign, a digit or a point.
    guard let first = text.first else { return .text(text) }
    let isLetter = (first | 0x20) &- 0x61 < 26 || first >= 0x80
    return isLetter ? .text(text) : nil
  }

  private func inList(_ operand: Node, _ items: [BoundExpression], _ how: Rules) throws(NotMine) -> Predicate
  {
    var constants = ConstantList()
    var others: [Predicate] = []
    for item in items {
      let item = try value(item)
      if let constant = item.constant {
        constants.append(constant)
      } else {
        others.append(try compare(.equal, operand, item, how, isExact: false))
      }
    }
    var result: Predicate? = constants.isEmpty ? nil : try inList(operand, constants, how)
    for other in others { result = result.map { OrPredicate($0, other) } ?? other }
    return result!
  }

  func inList(_ operand: Node, _ list: ConstantList, _ how: Rules) throws(NotMine) -> Predicate {
    var operand = try converted(operand, how.affinity)
    if operand.kind.isText { operand = try collated(operand, how.collation) }
    // Integers need no set of Swift's: what is made of them finds out itself which are equal.
    let isPlain = operand.kind == .integer && how.affinity != .text
    var integers = isPlain ? list.integers : []
    var reals: Set<Double> = []
    var bytes: Set<[UInt8]> = []
    // A set that grows is hashed again in one step that asks nobody.
    switch operand.kind {
    case .real: reals.reserveCapacity(list.integers.count + list.others.count)
    case .integer, .null: break
    default: bytes.reserveCapacity(list.integers.count + list.others.count)
    }
    var hasNull = false
    for turn in 0..<(isPlain ? 0 : list.integers.count) + list.others.count {
      // Whoever hears of it asks why, and ends.
      if givens.checkpoint.isReached(turn) { throw NotMine("the query was cancelled") }
      let constant =
        turn < list.others.count ? list.others[turn] : .integer(list.integers[turn - list.others.count])
      let item = try collated(converted(ConstantNode(constant), how.affinity), how.collation).constant!
      switch (item, operand.kind) {
      case (.null, _): hasNull = true
      case (.integer(let value), .integer): integers.append(value)
      case (.real(let value), .integer):
        if let exact = Int64(exactly: value) { integers.append(exact) }
      case (.real(let value), .real): reals.insert(value)
      case (.integer(let value), .real):
        if let exact = Double(exactly: value) { reals.insert(exact) }
      case (.text(let value), .text), (.text(let value), .ticks), (.blob(let value), .blob):
        bytes.insert(value)
      default: break
      }
    }
    switch operand.kind {
    case .null: return FixedPredicate(1)
    case .integer:
      let set = SetPredicate(operand, .integers(integers), hasNull: hasNull, givens.checkpoint)
      if givens.checkpoint.isReached { throw NotMine("the query was cancelled") }
      return set
    case .real: return SetPredicate(operand, .reals(reals), hasNull: hasNull)
    default:
      return SetPredicate(
        operand.kind == .blob ? operand : try text(operand), .bytes(bytes), hasNull: hasNull)
    }
  }

  private func match(
    _ symbol: MatchOperator, _ value: BoundExpression, _ pattern: BoundExpression, _ escape: BoundExpression?
  ) throws(NotMine) -> Predicate {
    guard symbol == .like || symbol == .glob else {
      throw NotMine("\(symbol) is a function of the program's")
    }
    let operand = try node(value)
    guard let constant = try node(pattern).constant else { throw NotMine("a pattern that is no constant") }
    if operand.kind == .null || constant == .null { return FixedPredicate(1) }
    guard case .text(let bytes) = constant, bytes.count <= 50_000 else {
      throw NotMine("a pattern that is no text, or a very long one")
    }
    var escapeCharacter: UInt32?
    if let escape {
      guard case .text(let text)? = try node(escape).constant else {
        throw NotMine("an ESCAPE that is no text")
      }
      let characters = String(decoding: text, as: UTF8.self).unicodeScalars
      guard characters.count == 1, symbol == .like else { throw NotMine("an ESCAPE of several characters") }
      escapeCharacter = characters.first!.value
    }
    guard operand.kind.isText else { throw NotMine("LIKE on what is no text") }
    return MatchPredicate(
      try text(operand), Pattern(bytes, isGlob: symbol == .glob, escape: escapeCharacter))
  }
}

/// IS TRUE and its kin: true or not, never NULL.
final class ExactTruthPredicate: Predicate {
  private let inner: Predicate
  private let negated: Bool

  init(_ inner: Predicate, negated: Bool) {
    self.inner = inner
    self.negated = negated
  }

  override func test(_ frame: Frame) throws(QueryError) -> UnsafePointer<UInt8> {
    let truth = try inner.test(frame)
    let (ifTrue, ifNot): (UInt8, UInt8) = negated ? (0, 2) : (2, 0)
    for i in 0..<frame.count { scratch[i] = truth[i] == 2 ? ifTrue : ifNot }
    return UnsafePointer(scratch)
  }
}

extension InputShape {
  /// The columns that an expression is about.
  func places(in expression: BoundExpression) -> Set<Int> {
    if let place = place(expression.node) { return [place] }
    return expression.operands.reduce(into: []) { $0.formUnion(places(in: $1)) }
  }
}

extension DataType {
  /// Whether what is NULL in SQL is what its own validity says, or NaN.
  var hasPlainNulls: Bool { vectorKind != nil }
}
