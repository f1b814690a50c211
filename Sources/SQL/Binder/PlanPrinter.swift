// A bound statement as an indented tree, for EXPLAIN and for tests.

extension BoundStatement {
  /// The statement as text: one line for each step, what feeds it below it.
  public var plan: String {
    var printer = PlanPrinter()
    switch kind {
    case .select(let select): printer.write(select, [])
    case .change(let relation, let returning):
      printer.line("change \(relation.schema).\(relation.name)")
      for column in returning { printer.line("  returning \(column.name): \(column.type)") }
    case .other: printer.line("not a query")
    }
    return printer.text
  }
}

extension StaticType: CustomStringConvertible {
  public var description: String {
    var text = classes.description
    if let field { text += " (\(field.type))" } else if let declared { text += " (declared \(declared))" }
    return isRealByOverflow ? text + " (real by overflow)" : text
  }
}

private struct PlanPrinter {
  private(set) var text = ""
  private var indentation = 0
  /// Subqueries of expressions, printed below the step that has them.
  private var pending: [BoundSelect] = []

  mutating func line(_ line: String) {
    text += String(repeating: "  ", count: indentation) + line + "\n"
  }

  private mutating func nested(_ body: (inout PlanPrinter) -> Void) {
    indentation += 1
    body(&self)
    indentation -= 1
  }

  /// `sources` are those of this query and of the ones around it, innermost first.
  mutating func write(_ select: BoundSelect, _ outer: [[BoundSource]]) {
    var own: [BoundSource] = []
    if case .core(let core) = select.body { own = core.sources }
    let scopes = [own] + outer
    if let limit = select.limit {
      let offset = select.offset.map { " offset \(expression($0, scopes))" } ?? ""
      line("limit \(expression(limit, scopes))\(offset)")
    }
    if !select.orderBy.isEmpty {
      line("order by " + select.orderBy.map { ordering($0, select, scopes) }.joined(separator: ", "))
    }
    switch select.body {
    case .core(let core): write(core, select, scopes)
    case .values(let rows):
      line("values, \(rows.count) row\(rows.count == 1 ? "" : "s"): \(columns(select))")
    case .compound(let first, let rest):
      line("compound: \(columns(select))")
      nested { printer in
        printer.write(first, outer)
        for term in rest {
          printer.line("\(term.operator)")
          printer.write(term.select, outer)
        }
      }
    case .recursive(let number, let first, let isDistinct, let steps):
      line("recursive \(number)\(isDistinct ? " distinct" : ""): \(columns(select))")
      nested { printer in
        printer.write(first, outer)
        for step in steps {
          printer.line("step")
          printer.write(step, outer)
        }
      }
    }
  }

  private func columns(_ select: BoundSelect) -> String {
    select.columns.map { "\($0.name) \($0.type)" }.joined(separator: ", ")
  }

  private mutating func write(_ core: BoundCore, _ select: BoundSelect, _ scopes: [[BoundSource]]) {
    line(core.isDistinct ? "select distinct" : "select")
    for (column, result) in zip(select.columns, core.results) {
      line("  \(column.name) = \(expression(result, scopes)): \(column.type)")
    }
    for (number, call) in core.windowCalls.enumerated() {
      line("window \(number) = \(window(call, select, scopes)): \(call.type)")
    }
    if let having = core.having { line("having \(expression(having, scopes))") }
    if core.isAggregate {
      line(core.groupBy.isEmpty ? "group all" : "group by")
      for (number, key) in core.groupBy.enumerated() {
        line("  key \(number) = \(expression(key, scopes)): \(key.type)")
      }
      for (number, aggregate) in core.aggregates.enumerated() {
        let call = PlanText.text(aggregate) { Self.name($0, scopes) }
        line("  aggregate \(number) = \(call): \(aggregate.type)")
      }
    }
    if let condition = core.condition { line("where \(expression(condition, scopes))") }
    let subqueries = pending
    pending = []
    for subquery in subqueries {
      line("subquery \(PlanText.number(subquery))\(subquery.outerDepth > 0 ? " (correlated)" : "")")
      nested { $0.write(subquery, scopes) }
    }
    if let join = core.join { write(join, core, scopes) }
  }

  private mutating func write(_ join: BoundJoin, _ core: BoundCore, _ scopes: [[BoundSource]]) {
    switch join {
    case .source(let number): write(core.sources[number], scopes)
    case .join(let kind, let left, let right, let condition):
      line(
        "\(kind == .comma ? "cross" : "\(kind)") join"
          + (condition.map { " on \(expression($0, scopes))" } ?? ""))
      nested { printer in
        printer.write(left, core, scopes)
        printer.write(right, core, scopes)
      }
    }
  }

  private mutating func write(_ source: BoundSource, _ scopes: [[BoundSource]]) {
    switch source.kind {
    case .table(let relation):
      let alias = source.name == relation.name ? "" : " as \(source.name)"
      line(
        "\(relation.kind == .published ? "published table" : "table") \(relation.schema).\(relation.name)\(alias)"
      )
    case .recursive(let number): line("rows of recursive \(number) as \(source.name)")
    case .function(let relation, let arguments):
      line(
        "function \(relation.name)(\(arguments.map { expression($0, scopes) }.joined(separator: ", "))) as \(source.name)"
      )
    case .select(let select):
      line("query\(source.name.isEmpty ? "" : " as \(source.name)")")
      nested { $0.write(select, Array(scopes.dropFirst())) }
    }
  }

  // MARK: Parts of lines

  private mutating func expression(_ expression: BoundExpression, _ scopes: [[BoundSource]]) -> String {
    collect(expression)
    return PlanText.text(expression) { Self.name($0, scopes) }
  }

  private mutating func collect(_ expression: BoundExpression) {
    switch expression.node {
    case .exists(let select), .scalar(let select), .inSelect(_, _, let select, _):
      if !pending.contains(where: { $0 === select }) { pending.append(select) }
    default: break
    }
    for operand in expression.operands { collect(operand) }
  }

  private static func name(_ reference: ColumnReference, _ scopes: [[BoundSource]]) -> String {
    guard reference.depth < scopes.count, reference.source < scopes[reference.depth].count else {
      return "\(reference.depth).\(reference.source).\(reference.column)"
    }
    let source = scopes[reference.depth][reference.source]
    let column = reference.column < 0 ? "rowid" : source.columns[reference.column].innerName
    let outer = String(repeating: "outer.", count: reference.depth)
    return outer + (source.name.isEmpty ? "#\(reference.source)" : source.name) + "." + column
  }

  private mutating func ordering(_ term: BoundOrdering, _ select: BoundSelect?, _ scopes: [[BoundSource]])
    -> String
  {
    var text =
      switch term.key {
      case .result(let index): "result \(index)"
      case .expression(let expression): self.expression(expression, scopes)
      }
    if term.collation != .binary { text += " collate \(PlanText.name(term.collation))" }
    if term.isDescending { text += " desc" }
    if term.nullsFirst == term.isDescending { text += term.nullsFirst ? " nulls first" : " nulls last" }
    return text
  }

  private mutating func window(_ call: BoundWindowCall, _ select: BoundSelect, _ scopes: [[BoundSource]])
    -> String
  {
    let arguments = call.arguments.map { expression($0, scopes) }.joined(separator: ", ")
    var parts: [String] = []
    if !call.partitionBy.isEmpty {
      parts.append("partition by " + call.partitionBy.map { expression($0, scopes) }.joined(separator: ", "))
    }
    if !call.orderBy.isEmpty {
      parts.append("order by " + call.orderBy.map { ordering($0, nil, scopes) }.joined(separator: ", "))
    }
    parts.append("\(call.frame.unit) \(bound(call.frame.start, scopes)) to \(bound(call.frame.end, scopes))")
    if call.frame.exclusion != .noOthers { parts.append("without \(call.frame.exclusion)") }
    let filter = call.filter.map { " filter \(expression($0, scopes))" } ?? ""
    return "\(call.function)(\(arguments))\(filter) over (\(parts.joined(separator: ", ")))"
  }

  private mutating func bound(_ bound: BoundFrame.Bound, _ scopes: [[BoundSource]]) -> String {
    switch bound {
    case .unboundedPreceding: "first"
    case .currentRow: "current"
    case .unboundedFollowing: "last"
    case .preceding(let distance): "\(expression(distance, scopes)) preceding"
    case .following(let distance): "\(expression(distance, scopes)) following"
    }
  }
}
