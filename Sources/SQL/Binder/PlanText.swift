// Bound expressions as text: for plans, and to tell whether two are the same.

enum PlanText {
  /// Equal for expressions that are the same, collations included.
  static func key(_ expression: BoundExpression) -> String {
    text(expression) { "\($0.depth).\($0.source).\($0.column)" }
  }

  /// An expression with columns as `names` tells them.
  static func text(_ expression: BoundExpression, _ names: (ColumnReference) -> String) -> String {
    func text(_ part: BoundExpression) -> String {
      let inner = bare(part)
      guard part.hasExplicitCollation, case .column = part.node, let collation = part.collation else {
        return inner
      }
      return "\(inner) COLLATE \(name(collation))"
    }
    func list(_ parts: [BoundExpression]) -> String { parts.map(text).joined(separator: ", ") }
    func bare(_ part: BoundExpression) -> String {
      switch part.node {
      case .literal(let value): return self.value(value)
      case .parameter(let number): return "?\(number)"
      case .column(let reference): return names(reference)
      case .not(let a): return "NOT \(text(a))"
      case .negate(let a): return "-\(text(a))"
      case .bitNot(let a): return "~\(text(a))"
      case .plus(let a): return "+\(text(a))"
      case .and(let a, let b): return "(\(text(a)) AND \(text(b)))"
      case .or(let a, let b): return "(\(text(a)) OR \(text(b)))"
      case .binary(let symbol, let a, let b): return "(\(text(a)) \(self.symbol(symbol)) \(text(b)))"
      case .compare(let symbol, let a, let b, let how):
        return "(\(text(a)) \(self.symbol(symbol))\(self.how(how)) \(text(b)))"
      case .compareRows(let symbol, let a, let b, let how):
        return "((\(list(a))) \(self.symbol(symbol))\(how.map(self.how).joined()) (\(list(b))))"
      case .between(let a, let negated, let low, let lowHow, let high, let highHow):
        return
          "(\(text(a))\(negated ? " NOT" : "") BETWEEN\(self.how(lowHow)) \(text(low)) AND\(self.how(highHow)) \(text(high)))"
      case .isNull(let a, let negated): return "(\(text(a)) IS\(negated ? " NOT" : "") NULL)"
      case .truth(let a, let value, let negated): return "(\(text(a)) IS\(negated ? " NOT" : "") \(value))"
      case .inList(let a, let negated, let items, let how):
        return "(\(text(a))\(negated ? " NOT" : "") IN\(self.how(how)) (\(list(items))))"
      case .inSelect(let a, let negated, let select, let how):
        return "(\(list(a))\(negated ? " NOT" : "") IN\(how.map(self.how).joined()) \(self.select(select)))"
      case .match(let symbol, let negated, let a, let b, let escape):
        let ending = escape.map { " ESCAPE \(text($0))" } ?? ""
        return "(\(text(a))\(negated ? " NOT" : "") \("\(symbol)".uppercased()) \(text(b))\(ending))"
      case .isAmong(let a, _): return "(\(text(a)) AMONG KEYS)"
      case .exists(let select): return "EXISTS \(self.select(select))"
      case .scalar(let select): return self.select(select)
      case .cast(let a, let affinity): return "CAST(\(text(a)) AS \(affinity))"
      case .call(let function, let arguments, let collation):
        return "\(function)(\(list(arguments)))\(collation == .binary ? "" : "{\(name(collation))}")"
      case .conditional(let cases, let otherwise):
        let parts = cases.map { " WHEN \(text($0.condition)) THEN \(text($0.result))" }.joined()
        return "CASE\(parts)\(otherwise.map { " ELSE \(text($0))" } ?? "") END"
      case .aggregate(let number): return "aggregate \(number)"
      case .groupKey(let number): return "key \(number)"
      case .window(let number): return "window \(number)"
      }
    }
    return text(expression)
  }

  static func text(
    _ aggregate: BoundAggregate,
    _ names: (ColumnReference) -> String = { "\($0.depth).\($0.source).\($0.column)" }
  ) -> String {
    let arguments = aggregate.arguments.map { text($0, names) }.joined(separator: ", ")
    let inner = aggregate.arguments.isEmpty ? "*" : (aggregate.isDistinct ? "DISTINCT " : "") + arguments
    let filter = aggregate.filter.map { " FILTER (\(text($0, names)))" } ?? ""
    let collation = aggregate.collation == .binary ? "" : "{\(name(aggregate.collation))}"
    return "\(aggregate.function)(\(inner))\(collation)\(filter)"
  }

  /// A subquery by its identity: two of them are the same only if they are one object.
  private static func select(_ select: BoundSelect) -> String { "(subquery \(number(select)))" }

  static func number(_ select: BoundSelect) -> Int { select.number }

  static func name(_ collation: Collation) -> String {
    switch collation {
    case .binary: "binary"
    case .nocase: "nocase"
    case .rtrim: "rtrim"
    case .custom(let name): name
    }
  }

  /// What is not plain about a comparison: `{text}`, `{numeric nocase}`.
  private static func how(_ comparison: Comparison) -> String {
    var parts: [String] = []
    if comparison.affinity != .none { parts.append("\(comparison.affinity)") }
    if comparison.collation != .binary { parts.append(name(comparison.collation)) }
    return parts.isEmpty ? "" : "{\(parts.joined(separator: " "))}"
  }

  private static func value(_ value: Value) -> String {
    switch value {
    case .null: return "NULL"
    case .integer(let integer): return "\(integer)"
    case .real(let real): return "\(real)"
    case .text(let text):
      return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
    case .blob(let blob):
      let digits = Array("0123456789abcdef")
      return "x'" + String(blob.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }) + "'"
    }
  }

  private static func symbol(_ symbol: BinaryOperator) -> String {
    switch symbol {
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
