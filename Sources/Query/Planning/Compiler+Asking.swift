// Expressions that are put to SQLite itself, value by value: those that vectors do not know, where the class of their value is certain.

import Arrow
import Memory
import SQL

extension Compiler {
  /// The expression as SQLite computes it.
  func asked(_ expression: BoundExpression) throws(NotMine) -> Node {
    let kind: ValueKind
    switch expression.type.classes.withoutNull {
    case .integer: kind = .integer
    case .real: kind = .real
    case .text: kind = .text
    case .blob: kind = .blob
    default: throw NotMine("the class of a value is only known with its row")
    }
    mayLeave = true
    var question = Question(self)
    let sql = try question.formula(expression)
    return AskingNode(kind, "SELECT " + sql, question.parts, asked)
  }

  /// What WHERE makes of the expression.
  func askedTruth(_ expression: BoundExpression) throws(NotMine) -> Predicate {
    mayLeave = true
    var question = Question(self)
    let sql: String
    switch expression.node {
    case .compare, .between, .isNull, .truth, .inList, .match: sql = try question.formula(expression)
    default: sql = try question.text(expression)
    }
    return TruthPredicate(AskingNode(.integer, "SELECT NOT NOT (\(sql))", question.parts, asked))
  }
}

/// The text of an expression for SQLite, in which what vectors know are parameters.
struct Question {
  /// Functions of which the answer depends on nothing but their arguments. Those that look at the subtype of JSON are not among them.
  private static let functions: Set<String> = Set(
    """
    abs acos acosh asin asinh atan atan2 atanh ceil ceiling char coalesce cos cosh date datetime degrees exp floor format glob hex \
    ifnull iif instr json json_array_length json_extract json_patch json_remove json_type json_valid julianday length like likelihood \
    likely ln log log10 log2 lower ltrim max min mod nullif pi pow power printf quote radians replace round rtrim sign sin sinh soundex \
    sqrt strftime substr substring tan tanh time trim trunc typeof unicode unixepoch unlikely upper zeroblob
    """.split(separator: " ").map { String($0) })
  /// Those that take every number for a real.
  private static let ofReals: Set<String> = [
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cos", "cosh", "degrees", "exp", "ln", "log",
    "log10", "log2", "pow",
    "power", "radians", "round", "sin", "sinh", "sqrt", "tan", "tanh",
  ]
  private static let clocks: Set<String> = ["date", "time", "datetime", "julianday", "unixepoch", "strftime"]

  private let compiler: Compiler
  private(set) var parts: [AskingNode.Part] = []

  init(_ compiler: Compiler) { self.compiler = compiler }

  /// An operand: a parameter, a literal, or a formula in parentheses.
  mutating func text(
    _ expression: BoundExpression, isTime: Bool = false, takesMixed: Bool = false
  ) throws(NotMine) -> String {
    let node: Node?
    do throws(NotMine) {
      let known = try compiler.known(expression)
      node = known.isMixed && !takesMixed ? nil : known
    } catch {
      node = nil
    }
    guard let node else {
      if isTime, expression.type.classes.contains(.text) || expression.type.classes.contains(.blob) {
        throw NotMine("a time that may be the present")
      }
      return "(" + (try formula(expression)) + ")"
    }
    if let constant = node.constant, let literal = Question.literal(constant) {
      if isTime, case .text(let text) = constant, text.withUnsafeBytes({ isNow($0) }) {
        throw NotMine("the present")
      }
      return literal
    }
    let known = node.kind.isText ? try compiler.text(node) : node
    parts.append((known, isTime))
    return "?\(parts.count)"
  }

  private static func literal(_ constant: Constant) -> String? {
    switch constant {
    case .null: return "NULL"
    case .integer(let integer): return integer < 0 ? "(\(integer))" : "\(integer)"
    case .text(let text):
      if text.contains(0) || text.count > 1000 { return nil }
      guard let string = String(validating: text, as: UTF8.self) else { return nil }
      return "'" + string.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''")
        + "'"
    case .real, .blob: return nil
    }
  }

  /// The expression itself, made of operands.
  mutating func formula(_ expression: BoundExpression) throws(NotMine) -> String {
    switch expression.node {
    case .plus(let operand): return "+" + (try text(operand))
    case .negate(let operand): return "- " + (try text(operand))
    case .bitNot(let operand): return "~" + (try text(operand))
    case .not(let operand): return "NOT " + (try text(operand))
    case .and(let left, let right): return (try text(left)) + " AND " + (try text(right))
    case .or(let left, let right): return (try text(left)) + " OR " + (try text(right))
    case .binary(let symbol, let left, let right):
      return (try text(left)) + " \(symbol.sign) " + (try text(right))
    case .cast(let operand, let affinity): return "CAST(\(try text(operand)) AS \(affinity))"
    case .isNull(let operand, let negated): return (try text(operand)) + (negated ? " NOTNULL" : " ISNULL")
    case .truth(let operand, let value, let negated):
      return (try text(operand)) + " IS \(negated ? "NOT " : "")\(value ? "TRUE" : "FALSE")"
    case .compare(let symbol, let left, let right, let how):
      return try comparison(symbol, left, right, how)
    case .between(let operand, let negated, let low, let lowHow, let high, let highHow):
      let both =
        (try comparison(.greaterOrEqual, operand, low, lowHow)) + " AND "
        + (try comparison(.lessOrEqual, operand, high, highHow))
      return negated ? "NOT (\(both))" : both
    case .inList(let operand, let negated, let items, let how):
      // Only the left side's affinity and collation count.
      let left = try self.operand(operand, how.affinity, how.collation)
      var list: [String] = []
      for item in items { list.append("+" + (try text(item))) }
      return "\(left)\(negated ? " NOT" : "") IN (\(list.joined(separator: ", ")))"
    case .match(let symbol, let negated, let value, let pattern, let escape):
      guard symbol == .like || symbol == .glob else { break }
      var sql = (try text(value)) + (negated ? " NOT " : " ") + "\(symbol) " + (try text(pattern))
      if let escape { sql += " ESCAPE " + (try text(escape)) }
      return sql
    case .conditional(let cases, let otherwise):
      var sql = "CASE"
      for part in cases { sql += " WHEN \(try text(part.condition)) THEN \(try text(part.result))" }
      if let otherwise { sql += " ELSE " + (try text(otherwise)) }
      return sql + " END"
    case .call(let name, let arguments, let collation): return try call(name, arguments, collation)
    default: break
    }
    throw NotMine("an expression that SQLite cannot be asked for alone")
  }

  private mutating func call(
    _ name: String, _ arguments: [BoundExpression], _ collation: Collation
  ) throws(NotMine) -> String {
    guard Question.functions.contains(name) else { throw NotMine("the function \(name)()") }
    let timePlace = Question.clocks.contains(name) ? (name == "strftime" ? 1 : 0) : nil
    if let timePlace, arguments.count <= timePlace { throw NotMine("the present") }
    var list: [String] = []
    for (place, argument) in arguments.enumerated() {
      list.append(
        try text(
          argument, isTime: place == timePlace, takesMixed: place == 0 && Question.ofReals.contains(name)))
    }
    // min(), max() and nullif() compare by it; others do not ask.
    if ["min", "max", "nullif"].contains(name), collation != .binary {
      list[0] += try Question.collate(collation)
    }
    return "\(name)(\(list.joined(separator: ", ")))"
  }

  private mutating func comparison(
    _ symbol: BinaryOperator, _ left: BoundExpression, _ right: BoundExpression, _ how: Comparison
  ) throws(NotMine) -> String {
    // A comparison has an affinity when one side has it: the side whose values stay what they are by a CAST to it.
    let leftHas = Question.cast(left.type.classes.withoutNull, how.affinity) != nil
    let rightHas = Question.cast(right.type.classes.withoutNull, how.affinity) != nil
    guard how.affinity == .none || leftHas || rightHas else { throw NotMine("an affinity of neither side") }
    let a = try operand(left, leftHas ? how.affinity : .none, how.collation)
    let b = try operand(right, leftHas ? .none : how.affinity, .binary)
    return "\(a) \(symbol.sign) \(b)"
  }

  /// A side of a comparison, with the affinity and collation that the comparison has by it.
  private mutating func operand(
    _ expression: BoundExpression, _ affinity: ComparisonAffinity, _ collation: Collation
  ) throws(NotMine) -> String {
    var sql = try text(expression)
    if affinity == .none {
      sql = "+" + sql
    } else {
      guard let type = Question.cast(expression.type.classes.withoutNull, affinity) else {
        throw NotMine("an affinity that the operand has not by itself")
      }
      sql = "CAST(\(sql) AS \(type))"
    }
    return sql + (collation == .binary ? "" : try Question.collate(collation))
  }

  /// The type of a CAST that changes no value of the classes, and has the affinity.
  private static func cast(_ classes: StorageClasses, _ affinity: ComparisonAffinity) -> String? {
    switch (affinity, classes) {
    case (.numeric, .integer): "INTEGER"
    case (.numeric, .real): "REAL"
    case (.text, .text): "TEXT"
    default: nil
    }
  }

  private static func collate(_ collation: Collation) throws(NotMine) -> String {
    switch collation {
    case .binary: return " COLLATE BINARY"
    case .nocase: return " COLLATE NOCASE"
    case .rtrim: return " COLLATE RTRIM"
    case .custom(let name): throw NotMine("the collation \(name)")
    }
  }
}

extension BinaryOperator {
  /// As SQL writes it.
  var sign: String {
    switch self {
    case .or: "OR"
    case .and: "AND"
    case .equal: "="
    case .notEqual: "<>"
    case .is: "IS"
    case .isNot: "IS NOT"
    case .less: "<"
    case .lessOrEqual: "<="
    case .greater: ">"
    case .greaterOrEqual: ">="
    case .bitAnd: "&"
    case .bitOr: "|"
    case .shiftLeft: "<<"
    case .shiftRight: ">>"
    case .add: "+"
    case .subtract: "-"
    case .multiply: "*"
    case .divide: "/"
    case .remainder: "%"
    case .concatenate: "||"
    case .arrow: "->"
    case .doubleArrow: "->>"
    }
  }
}
