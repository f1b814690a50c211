// A plan as text: what EXPLAIN shows.

import Arrow
import SQL

extension ColumnarQuery {
  /// The operators, the last one first; what an operator reads from stands below it, further in.
  public var explanation: [String] {
    var lines: [String] = []
    Explanation(tables: tables, givens: givens).add(plan, 0, &lines)
    return lines
  }
}

private struct Explanation {
  let tables: [Relation]
  let givens: Givens

  func add(_ plan: SelectPlan, _ depth: Int, _ lines: inout [String]) {
    var depth = depth
    func line(_ text: String) {
      lines.append(String(repeating: "  ", count: depth) + text)
    }
    func below(_ text: String) {
      line(text)
      depth += 1
    }
    if let limit = plan.limit {
      let first = self.text(limit, { _ in nil })
      let offset = plan.offset.map { " after \(self.text($0, { _ in nil }))" } ?? ""
      below("first \(first) rows\(offset)")
    }
    switch plan.body {
    case .compound(let first, let terms):
      if !plan.ordering.isEmpty { below("sort by \(ordering(plan, { _ in nil }))") }
      line("compound of \(terms.count + 1) queries")
      add(first, depth + 1, &lines)
      for term in terms { add(term.plan, depth + 1, &lines) }
    case .core(let core):
      let input = names(core)
      let results: (BoundExpression) -> String? = { expression in
        if case .window(let number) = expression.node {
          return core.windows.map { "\($0.calls[number].function)() OVER" }
        }
        guard let grouping = core.grouping, let place = grouping.shape.place(expression.node) else {
          return input(expression)
        }
        if place < grouping.keys.count, case .expression(let key) = grouping.keys[place] {
          return text(key, input)
        }
        let aggregate = place - grouping.keys.count
        return aggregate < grouping.aggregates.count
          ? text(grouping.aggregates[aggregate], input) : input(expression)
      }
      if !plan.ordering.isEmpty { below("sort by \(ordering(plan, results))") }
      if core.isDistinct { below("distinct rows") }
      below("results: \(core.outputs.map { text($0.expression, results) }.joined(separator: ", "))")
      if let windows = core.windows {
        below("windows: \(windows.calls.map { $0.function + "()" }.joined(separator: ", "))")
      }
      if !core.having.isEmpty {
        below("filter groups: \(core.having.map { text($0, results) }.joined(separator: " AND "))")
      }
      if let grouping = core.grouping {
        let aggregates = grouping.aggregates.map { text($0, input) }.joined(separator: ", ")
        let keys = grouping.keys.map { key in
          if case .expression(let expression) = key { return text(expression, input) }
          return "?"
        }
        below(
          keys.isEmpty
            ? "aggregate: \(aggregates)" : "group by \(keys.joined(separator: ", ")): \(aggregates)")
      }
      if !core.conjuncts.isEmpty {
        below("filter: \(core.conjuncts.map { text($0, input) }.joined(separator: " AND "))")
        let zones = ZoneFilters(core.conjuncts, core.shape, givens).columns
        if !zones.isEmpty {
          lines[lines.count - 1] += " (zone maps: \(zones.map { name(core, $0) }.joined(separator: ", ")))"
        }
      }
      add(core.source, depth, &lines)
      for subquery in core.subqueries {
        line("subquery, once:")
        add(subquery.plan, depth + 1, &lines)
      }
    }
  }

  private func add(_ source: CorePlan.Source, _ depth: Int, _ lines: inout [String]) {
    let indent = String(repeating: "  ", count: depth)
    switch source {
    case .oneRow: lines.append(indent + "one row")
    case .table(let number): lines.append(indent + "scan \(tables[number].name)")
    case .view(let view):
      let table = tables[view.table]
      let names: (BoundExpression) -> String? = { expression in
        view.shape.place(expression.node).map { table.columns[view.columns[$0]].name }
      }
      let conditions = view.conditions.map { text($0, names) }.joined(separator: " AND ")
      lines.append(
        indent + "scan \(table.name)" + (conditions.isEmpty ? "" : ", the subquery's filter: \(conditions)"))
    case .select(let select):
      lines.append(indent + "subquery")
      add(select, depth + 1, &lines)
    case .join(let join):
      lines.append(indent + "join, by hash where there are equalities")
      for input in join.free {
        lines.append(indent + "  inner")
        add(join.inputs[input].source, depth + 2, &lines)
      }
      for step in join.steps {
        lines.append(indent + "  " + word(step.kind))
        add(join.inputs[step.input].source, depth + 2, &lines)
      }
    }
  }

  private func word(_ kind: JoinPlan.Step.Kind) -> String {
    switch kind {
    case .inner: "inner"
    case .left: "left"
    case .lookup(.present): "only rows with a partner in"
    case .lookup(.absent): "only rows without a partner in"
    case .lookup(.mark): "whether there is a partner in"
    case .lookup(.first): "the value in"
    }
  }

  /// The name of an input column.
  private func name(_ core: CorePlan, _ place: Int) -> String {
    func name(_ source: CorePlan.Source, _ place: Int) -> String? {
      switch source {
      case .oneRow: return nil
      case .table(let number): return tables[number].columns[place].name
      case .view(let view): return tables[view.table].columns[view.columns[place]].name
      case .select(let select):
        return place < select.schema.fields.count ? select.schema.fields[place].name : "mark"
      case .join(let join):
        guard let input = join.inputs.first(where: { $0.columns.contains(place) }) else { return nil }
        return name(input.source, place - input.columns.lowerBound)
      }
    }
    return name(core.source, place) ?? "column \(place)"
  }

  private func names(_ core: CorePlan) -> (BoundExpression) -> String? {
    { expression in core.shape.place(expression.node).map { name(core, $0) } }
  }

  private func ordering(_ plan: SelectPlan, _ names: (BoundExpression) -> String?) -> String {
    plan.ordering.map { key in
      let value: String
      switch key.value {
      case .result(let number): value = plan.schema.fields[number].name
      case .expression(let expression): value = text(expression, names)
      }
      return value + (key.isDescending ? " DESC" : "")
        + (key.nullsFirst == key.isDescending ? " NULLS \(key.nullsFirst ? "FIRST" : "LAST")" : "")
    }.joined(separator: ", ")
  }

  private func text(_ aggregate: BoundAggregate, _ names: (BoundExpression) -> String?) -> String {
    let arguments = aggregate.arguments.map { text($0, names) }.joined(separator: ", ")
    let filter = aggregate.filter.map { " FILTER (\(text($0, names)))" } ?? ""
    return
      "\(aggregate.function)(\(aggregate.isDistinct ? "DISTINCT " : "")\(arguments.isEmpty ? "*" : arguments))\(filter)"
  }

  /// Columns by their names, constants as they are, everything else by its operator.
  private func text(_ expression: BoundExpression, _ names: (BoundExpression) -> String?) -> String {
    if let name = names(expression) { return name }
    func list(_ expressions: [BoundExpression]) -> String {
      expressions.map { text($0, names) }.joined(separator: ", ")
    }
    switch expression.node {
    case .literal(let value):
      switch value {
      case .null: return "NULL"
      case .integer(let integer): return "\(integer)"
      case .real(let real): return "\(real)"
      case .text(let text): return "'\(text)'"
      case .blob(let blob): return "a blob of \(blob.count) bytes"
      }
    case .parameter(let number): return "?\(number)"
    case .not(let operand): return "NOT \(text(operand, names))"
    case .and(let left, let right): return "(\(text(left, names)) AND \(text(right, names)))"
    case .or(let left, let right): return "(\(text(left, names)) OR \(text(right, names)))"
    case .binary(let symbol, let left, let right):
      return "(\(text(left, names)) \(symbol.sign) \(text(right, names)))"
    case .compare(let symbol, let left, let right, _):
      return "\(text(left, names)) \(symbol.sign) \(text(right, names))"
    case .between(let operand, let negated, let low, _, let high, _):
      return
        "\(text(operand, names))\(negated ? " NOT" : "") BETWEEN \(text(low, names)) AND \(text(high, names))"
    case .isNull(let operand, let negated): return "\(text(operand, names)) IS \(negated ? "NOT " : "")NULL"
    case .inList(let operand, let negated, let items, _):
      return "\(text(operand, names))\(negated ? " NOT" : "") IN (\(list(items)))"
    case .match(let symbol, let negated, let operand, let pattern, _):
      return
        "\(text(operand, names))\(negated ? " NOT" : "") \("\(symbol)".uppercased()) \(text(pattern, names))"
    case .cast(let operand, let affinity): return "CAST(\(text(operand, names)) AS \(affinity))"
    case .call(let name, let arguments, _): return "\(name)(\(list(arguments)))"
    case .negate(let operand): return "-\(text(operand, names))"
    case .plus(let operand): return text(operand, names)
    case .conditional: return "CASE …"
    case .isAmong(let operand, _): return "\(text(operand, names)) is looked up"
    case .exists: return "EXISTS (…)"
    case .scalar: return "(…)"
    case .inSelect(let operands, let negated, _, _): return "\(list(operands))\(negated ? " NOT" : "") IN (…)"
    default: return "…"
    }
  }
}
