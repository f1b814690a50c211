// Bound expressions as nodes, for one worker; refuses what is not surely SQLite's answer.

import Arrow
import Kernels
import Memory
import SQL
import SQLite

/// The columns that expressions of one operator are about.
struct InputShape: Sendable {
  enum Names: Sendable {
    /// The sources of a core: where each one's columns begin.
    case sources([Int])
    /// The result of grouping: keys, then aggregates, then columns of one row of each group.
    case groups(keys: Int, aggregates: Int, bare: [ColumnReference])
  }
  var types: [DataType]
  var names: Names
  /// Columns of reals that may be integers to SQLite.
  var mixed: Set<Int> = []
  /// Where the values of window functions begin.
  var windowStart: Int?

  /// The column that an expression is, if it is one.
  func place(_ node: BoundExpression.Node) -> Int? {
    switch (node, names) {
    case (.column(let reference), .sources(let starts)):
      reference.depth == 0 && reference.column >= 0 ? starts[reference.source] + reference.column : nil
    case (.window(let number), _): windowStart.map { $0 + number }
    case (.groupKey(let number), .groups): number
    case (.aggregate(let number), .groups(let keys, _, _)): keys + number
    case (.column(let reference), .groups(let keys, let aggregates, let bare)):
      bare.firstIndex(of: reference).map { keys + aggregates + $0 }
    default: nil
    }
  }
}

/// What is known before the first row: parameters, and the results of subqueries.
struct Givens: Sendable {
  /// Values from 1 on; those that are missing are NULL.
  var parameters: [SQLValue] = []
  /// By the subquery's identity.
  var scalars: [ObjectIdentifier: Constant] = [:]
  var lists: [ObjectIdentifier: ConstantList] = [:]
  /// Asked while a long list is made a set.
  var checkpoint = Checkpoint.none
  /// The keys that a lookup's rows are wanted for, by their marker.
  var keySets: [ObjectIdentifier: KeySet] = [:]
  /// While a plan is only tried, subqueries have no results yet.
  var isTrial = false
  /// What is known of the input's columns: texts as codes, the ranges of integers and times.
  var coded: [Int: CodedColumn] = [:]
  var ranges: [Int: ClosedRange<Int64>] = [:]
  /// Columns of integers that ascend through all blocks.
  var ascending: Set<Int> = []
  /// Conditions of a subquery in place.
  var view: ViewPlan?

  /// The same, for another input.
  var ofNoInput: Givens {
    var givens = self
    givens.coded = [:]
    givens.ranges = [:]
    givens.ascending = []
    givens.view = nil
    return givens
  }
}

/// Makes the nodes of one worker. Each column is one node, however often it is named.
final class Compiler {
  let shape: InputShape
  let givens: Givens
  private var columns: [Int: ColumnNode] = [:]
  /// What computes the expressions that vectors do not know, and which ones those are.
  let asked = Asked()
  /// Whether something was compiled that may leave a query to SQLite while it runs.
  var mayLeave = false
  private var unknown: [ObjectIdentifier: (expression: BoundExpression, reason: NotMine)] = [:]

  init(_ shape: InputShape, _ givens: Givens) {
    self.shape = shape
    self.givens = givens
  }

  /// The conditions of a subquery in place, which come before all others.
  func viewPredicates() throws(NotMine) -> [Predicate] {
    guard let view = givens.view else { return [] }
    let compiler = Compiler(view.shape, givens)
    var predicates: [Predicate] = []
    for condition in view.conditions { predicates.append(try compiler.predicate(condition)) }
    return predicates
  }

  func column(_ index: Int) throws(NotMine) -> ColumnNode {
    if let node = columns[index] { return node }
    let type = shape.types[index]
    guard type.vectorKind != nil else { throw NotMine("values of type \(type) are computed with") }
    let node = ColumnNode(index, type, coded: givens.coded[index])
    node.isMixed = shape.mixed.contains(index)
    columns[index] = node
    return node
  }

  // MARK: Values

  func node(_ operand: Operand) throws(NotMine) -> Node {
    switch operand {
    case .expression(let expression): try value(expression)
    case .column(let index): try column(index)
    }
  }

  /// A value of one certain class.
  func node(_ expression: BoundExpression) throws(NotMine) -> Node {
    let node = try value(expression)
    if node.isMixed { throw NotMine("a value may be an integer or a real") }
    return node
  }

  /// A value that may be mixed: for what does not tell integers from reals.
  func value(_ expression: BoundExpression) throws(NotMine) -> Node {
    do throws(NotMine) { return try known(expression) } catch {
      switch expression.node {
      case .plus, .negate, .bitNot, .binary, .cast, .call, .conditional:
        do throws(NotMine) { return try asked(expression) } catch _ {}
      default: break
      }
      throw error
    }
  }

  /// The value, where vectors know how to compute it.
  func known(_ expression: BoundExpression) throws(NotMine) -> Node {
    let identity = ObjectIdentifier(expression)
    if let (_, reason) = unknown[identity] { throw reason }
    do throws(NotMine) {
      let node = try computed(expression)
      mayLeave = mayLeave || Compiler.mayLeave(node)
      return node
    } catch {
      unknown[identity] = (expression, error)
      throw error
    }
  }

  /// Whether the node itself, its operands aside, may meet what SQLite has to compute.
  private static func mayLeave(_ node: Node) -> Bool {
    !(node is ColumnNode || node is ConstantNode || node is PredicateNode || node is ChoiceNode
      || node is TextNode
      || node is TextMeasureNode || node is RealArithmeticNode)
  }

  private func computed(_ expression: BoundExpression) throws(NotMine) -> Node {
    if let place = shape.place(expression.node) {
      return shape.types[place].isJSON ? NestedNode(place) : try column(place)
    }
    switch expression.node {
    case .literal(let value): return ConstantNode(try Self.constant(value))
    case .parameter(let number):
      let value = number <= givens.parameters.count ? givens.parameters[number - 1] : .null
      return ConstantNode(Self.constant(value))
    case .column(let reference):
      throw NotMine(
        reference.depth > 0
          ? "a subquery refers to the query around it"
          : reference.column < 0 ? "it names the row id" : "a column is neither grouped nor aggregated")
    case .plus(let operand): return try node(operand)
    case .negate(let operand):
      let operand = try node(operand)
      switch operand.kind {
      case .null: return ConstantNode(.null)
      case .integer: return UnaryNode(.negateInteger, operand)
      case .real: return UnaryNode(.negateReal, operand)
      default: throw NotMine("a text or blob is negated")
      }
    case .bitNot(let operand):
      let operand = try node(operand)
      if operand.kind == .null { return operand }
      guard operand.kind == .integer else { throw NotMine("bits of what is no integer") }
      return UnaryNode(.bitNot, operand)
    case .binary(.doubleArrow, let left, let right): return try field(left, right)
    case .binary(let symbol, let left, let right):
      let (a, b) = (try value(left), try value(right))
      // With a real, integers are reals.
      let isReal =
        a.kind == .real && b.kind == .real && !(a.isMixed && b.isMixed)
        && symbol.rawValue >= BinaryOperator.add.rawValue
        && symbol.rawValue <= BinaryOperator.remainder.rawValue
      guard isReal || !a.isMixed && !b.isMixed else { throw NotMine("a value may be an integer or a real") }
      return try binary(symbol, a, b)
    case .cast(let operand, .real): return try cast(try value(operand), .real)
    case .cast(let operand, .integer): return try cast(try value(operand), .integer)
    case .cast(let operand, let affinity): return try cast(try node(operand), affinity)
    case .call(let name, let arguments, let collation): return try call(name, arguments, collation)
    case .conditional(let cases, let otherwise):
      var choices: [(condition: Predicate, result: Node)] = []
      for part in cases {
        choices.append((condition: try predicate(part.condition), result: try value(part.result)))
      }
      return try choice(choices, otherwise: try otherwise.map { e throws(NotMine) in try value(e) })
    case .not, .and, .or, .compare, .compareRows, .between, .isNull, .truth, .inList, .match, .exists,
      .inSelect, .isAmong:
      return PredicateNode(try predicate(expression))
    case .scalar(let select):
      guard let value = givens.scalars[ObjectIdentifier(select)] else {
        guard givens.isTrial else { throw NotMine("a subquery refers to the query around it") }
        return ConstantNode(try Self.sample(select.columns[0]))
      }
      return ConstantNode(value)
    case .aggregate, .groupKey: throw NotMine("an aggregate within an aggregate")
    case .window: throw NotMine("it has window functions")
    }
  }

  /// Some value of a column's class, while the real one is not known.
  private static func sample(_ column: BoundResultColumn) throws(NotMine) -> Constant {
    switch column.type.classes.withoutNull {
    case .integer: .integer(0)
    case .real: .real(0)
    case .text: .text([])
    case .blob: .blob([])
    case []: .null
    default: throw NotMine("the type of a subquery's value is only known with its rows")
    }
  }

  static func constant(_ value: Value) throws(NotMine) -> Constant {
    switch value {
    case .null: return .null
    case .integer(let integer): return .integer(integer)
    case .real(let real): return .real(real)
    case .text(let text): return .text(Array(text.utf8))
    case .blob(let blob): return .blob(blob)
    }
  }

  static func constant(_ value: SQLValue) -> Constant {
    switch value {
    case .null: .null
    case .integer(let integer): .integer(integer)
    case .real(let real): real.isNaN ? .null : .real(real)
    case .text(let text): .text(Array(text.utf8))
    case .blob(let blob): .blob(blob)
    }
  }

  func choice(_ choices: [(condition: Predicate, result: Node)], otherwise: Node?) throws(NotMine) -> Node {
    var kinds = Set(choices.map(\.result.kind))
    if let otherwise { kinds.insert(otherwise.kind) }
    kinds.remove(.null)
    if kinds == [.integer, .real]
      || kinds == [.real] && (choices.map(\.result) + [otherwise]).contains(where: { $0?.isMixed ?? false })
    {
      var asReal: [(condition: Predicate, result: Node)] = []
      for part in choices { asReal.append((condition: part.condition, result: exactReal(part.result))) }
      let choice = ChoiceNode(.real, asReal, otherwise: otherwise.map { exactReal($0) })
      choice.isMixed = true
      return choice
    }
    guard kinds.count <= 1 else {
      if kinds.allSatisfy(\.isText) {
        var asText: [(condition: Predicate, result: Node)] = []
        for part in choices { asText.append((condition: part.condition, result: try text(part.result))) }
        return ChoiceNode(.text, asText, otherwise: try otherwise.map { e throws(NotMine) in try text(e) })
      }
      throw NotMine("the results of a choice are of several classes")
    }
    return ChoiceNode(kinds.first ?? .null, choices, otherwise: otherwise)
  }

  /// An integer as the real that is equal to it.
  private func exactReal(_ node: Node) -> Node {
    guard node.kind == .integer else { return node }
    if case .integer(let value)? = node.constant, let real = Double(exactly: value) {
      return ConstantNode(.real(real))
    }
    mayLeave = true
    return UnaryNode(.exactReal, node)
  }

  /// Text of what is text already: of times, their ISO 8601 form.
  func text(_ node: Node) throws(NotMine) -> Node {
    switch node.kind {
    case .text, .null: return node
    case .ticks(let type):
      return TextNode([node]) { vectors, row, arena in
        var text: [UInt8] = []
        type.appendText(ofTicks: Int(vectors[0].integers[row]), to: &text)
        return arena.copy(text)
      }
    default: throw NotMine("a \(node.kind) is taken for text")
    }
  }

  /// Text of what has one certain form.
  func textOrInteger(_ node: Node) throws(NotMine) -> Node {
    guard node.kind == .integer else { return try text(node) }
    return TextNode([node]) { vectors, row, arena in arena.copy(Array(String(vectors[0].integers[row]).utf8))
    }
  }

  func real(_ node: Node) throws(NotMine) -> Node {
    switch node.kind {
    case .real, .null: return node
    case .integer:
      if case .integer(let value)? = node.constant { return ConstantNode(.real(Double(value))) }
      return UnaryNode(.integerToReal, node)
    default: throw NotMine("a text or blob is taken for a number")
    }
  }

  /// A field of a struct column.
  func field(_ value: BoundExpression, _ path: BoundExpression, isRooted: Bool = false) throws(NotMine)
    -> Node
  {
    guard let place = shape.place(value.node), case .text(let path)? = try node(path).constant,
      !isRooted || path.first == UInt8(ascii: "$"),
      let (places, type) = shape.types[place].field(atJSONPath: String(decoding: path, as: UTF8.self))
    else { throw NotMine("it takes JSON apart") }
    return FieldNode(place, places, type)
  }

  private func binary(_ symbol: BinaryOperator, _ left: Node, _ right: Node) throws(NotMine) -> Node {
    if left.kind == .null || right.kind == .null { return ConstantNode(.null) }
    switch symbol {
    case .concatenate:
      return TextNode([try textOrInteger(left), try textOrInteger(right)]) { vectors, row, arena in
        Text.joined(vectors[0].slices[row], vectors[1].slices[row], arena)
      }
    case .arrow, .doubleArrow: throw NotMine("it takes JSON apart")
    case .bitAnd, .bitOr, .shiftLeft, .shiftRight:
      guard left.kind == .integer, right.kind == .integer else { throw NotMine("bits of what is no integer") }
      return IntegerArithmeticNode(symbol, left, right)
    default:
      guard left.kind.isNumeric, right.kind.isNumeric else {
        throw NotMine("a text or blob is computed with")
      }
      if left.kind == .integer, right.kind == .integer { return IntegerArithmeticNode(symbol, left, right) }
      return RealArithmeticNode(symbol, try real(left), try real(right))
    }
  }

  private func cast(_ operand: Node, _ affinity: Affinity) throws(NotMine) -> Node {
    switch (operand.kind, affinity) {
    case (.null, _): return operand
    case (.real, .real) where operand.isMixed: return ChoiceNode(.real, [], otherwise: operand)
    case (.integer, .integer), (.integer, .numeric), (.real, .real), (.text, .text), (.blob, .blob):
      return operand
    case (.integer, .real): return UnaryNode(.integerToReal, operand)
    case (.real, .integer): return UnaryNode(.realToInteger, operand)
    case (.integer, .text): return try textOrInteger(operand)
    case (.ticks, .text): return try text(operand)
    case (.text, .integer), (.ticks, .integer):
      return TextMeasureNode([try text(operand)]) { vectors, row in Text.integer(vectors[0].slices[row]) }
    default: throw NotMine("a CAST of \(operand.kind) to \(affinity)")
    }
  }
}
