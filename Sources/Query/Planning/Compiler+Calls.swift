// Scalar functions.

import Arrow
import Kernels
import Memory
import SQL

extension Compiler {
  func call(_ name: String, _ arguments: [BoundExpression], _ collation: Collation) throws(NotMine) -> Node {
    if name == "json_extract", arguments.count == 2 {
      return try field(arguments[0], arguments[1], isRooted: true)
    }
    var nodes: [Node] = []
    let takesMixed = ["coalesce", "ifnull", "iif", "nullif", "min", "max"].contains(name)
    for argument in arguments { nodes.append(takesMixed ? try value(argument) : try node(argument)) }
    let isNull = nodes.first?.kind == .null
    switch (name, nodes.count) {
    case ("likely", 1), ("unlikely", 1), ("likelihood", 2): return nodes[0]
    case ("abs", 1):
      switch nodes[0].kind {
      case .null: return nodes[0]
      case .integer: return UnaryNode(.absInteger, nodes[0])
      case .real: return UnaryNode(.absReal, nodes[0])
      default: throw NotMine("abs() of text")
      }
    case ("coalesce", 2...), ("ifnull", 2):
      let choices = nodes.dropLast().map {
        (condition: NullPredicate($0, negated: true) as Predicate, result: $0)
      }
      return try choice(choices, otherwise: nodes.last)
    case ("iif", 3):
      return try choice([(condition: try predicate(arguments[0]), result: nodes[1])], otherwise: nodes[2])
    case ("nullif", 2):
      let equal = try compare(
        .equal, nodes[0], nodes[1], Rules(affinity: .none, collation: collation), isExact: false)
      return try choice([(condition: equal, result: ConstantNode(.null))], otherwise: nodes[0])
    case ("length", 1):
      switch nodes[0].kind {
      case .null: return nodes[0]
      case .blob: return TextMeasureNode(nodes) { vectors, row in Int64(vectors[0].slices[row].count) }
      default:
        return TextMeasureNode([try textOrInteger(nodes[0])]) { vectors, row in
          Int64(Text.length(vectors[0].slices[row]))
        }
      }
    case ("lower", 1), ("upper", 1):
      if isNull { return nodes[0] }
      let isUpper = name == "upper"
      return TextNode([try textOrInteger(nodes[0])]) { vectors, row, arena in
        Text.mapped(vectors[0].slices[row], arena, isUpper: isUpper)
      }
    case ("trim", 1), ("ltrim", 1), ("rtrim", 1):
      if isNull { return nodes[0] }
      let (left, right) = (name != "rtrim", name != "ltrim")
      return TextNode([try textOrInteger(nodes[0])]) { vectors, row, _ in
        Text.trimmed(vectors[0].slices[row], left: left, right: right)
      }
    case ("substr", 2...3), ("substring", 2...3):
      if nodes.contains(where: { $0.kind == .null }) { return ConstantNode(.null) }
      guard nodes.dropFirst().allSatisfy({ $0.kind == .integer }) else {
        throw NotMine("substr() by what is no integer")
      }
      let hasLength = nodes.count == 3
      return TextNode([try textOrInteger(nodes[0])] + nodes.dropFirst()) { vectors, row, _ in
        Text.substring(
          vectors[0].slices[row], vectors[1].integers[row], hasLength ? vectors[2].integers[row] : nil)
      }
    case ("instr", 2):
      if nodes.contains(where: { $0.kind == .null }) { return ConstantNode(.null) }
      return TextMeasureNode([try textOrInteger(nodes[0]), try textOrInteger(nodes[1])]) { vectors, row in
        Text.place(of: vectors[1].slices[row], in: vectors[0].slices[row])
      }
    case ("replace", 3):
      // An empty pattern gives the text even where the replacement is NULL.
      guard case .text(let pattern)? = nodes[1].constant, let first = pattern.first, first != 0 else {
        throw NotMine("replace() by what may be empty")
      }
      if nodes.contains(where: { $0.kind == .null }) { return ConstantNode(.null) }
      return TextNode([try textOrInteger(nodes[0]), nodes[1], try textOrInteger(nodes[2])]) {
        vectors, row, arena in
        Text.replaced(vectors[0].slices[row], vectors[1].slices[row], vectors[2].slices[row], arena)
      }
    case ("typeof", 1):
      let type =
        switch nodes[0].kind {
        case .null: "null"
        case .integer: "integer"
        case .real: "real"
        case .text, .ticks: "text"
        case .blob: "blob"
        }
      return try choice(
        [
          (
            condition: NullPredicate(nodes[0], negated: false),
            result: ConstantNode(.text(Array("null".utf8)))
          )
        ],
        otherwise: ConstantNode(.text(Array(type.utf8))))
    case ("date", 1), ("time", 1), ("datetime", 1), ("strftime", 2): return try time(name, nodes)
    case ("min", 2...), ("max", 2...): return try extreme(name == "min", nodes, collation)
    default: throw NotMine("the function \(name)() of \(nodes.count) arguments")
    }
  }

  /// The least or greatest argument; NULL if one is.
  private func extreme(_ isLeast: Bool, _ nodes: [Node], _ collation: Collation) throws(NotMine) -> Node {
    if nodes.contains(where: { $0.kind == .null }) { return ConstantNode(.null) }
    let plain = Rules(affinity: .none, collation: collation)
    var best = nodes[0]
    for other in nodes.dropFirst() {
      // Of equal ones (by a collation) min() takes the last, max() the first.
      let wins = try compare(isLeast ? .lessOrEqual : .greater, other, best, plain, isExact: false)
      let either = OrPredicate(NullPredicate(best, negated: false), NullPredicate(other, negated: false))
      best = try choice(
        [(condition: either, result: ConstantNode(.null)), (condition: wins, result: other)], otherwise: best)
    }
    return best
  }
}
