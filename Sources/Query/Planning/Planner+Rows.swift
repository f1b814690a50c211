// What depends on the order of the input's rows: columns that are neither grouped nor aggregated, and what a group shows of keys that are equal.

import SQL

extension Planner {
  /// The columns that are neither grouped nor aggregated, each once.
  static func bareColumns(of core: BoundCore, _ orderBy: [BoundOrdering]) -> [BoundExpression] {
    var found: [BoundExpression] = []
    var known: Set<ColumnReference> = []
    func walk(_ expression: BoundExpression) {
      if case .column(let reference) = expression.node, reference.depth == 0, reference.column >= 0,
        known.insert(reference).inserted
      {
        found.append(expression)
      }
      for operand in expression.operands { walk(operand) }
    }
    for result in core.results { walk(result) }
    if let having = core.having { walk(having) }
    for expression in core.windowCalls.flatMap(\.operands) { walk(expression) }
    for term in orderBy { if case .expression(let expression) = term.key { walk(expression) } }
    return found
  }

  /// Which columns of some sources, all in a row, may be integers or reals: those of subqueries that are computed so.
  static func mixedColumns(_ sources: [BoundSource]) -> Set<Int> {
    var mixed: Set<Int> = []
    var place = 0
    for source in sources {
      for column in source.columns {
        if case .select = source.kind, column.type.classes.isSuperset(of: .numeric),
          !column.type.isRealByOverflow
        {
          mixed.insert(place)
        }
        place += 1
      }
    }
    return mixed
  }

  /// Which aggregate says what row of a group its bare columns are of: the only min() or max(), which takes them along.
  static func chooser(_ aggregates: [BoundAggregate]) throws(NotMine) -> Int? {
    let extremes = aggregates.indices.filter { ["min", "max"].contains(aggregates[$0].function) }
    guard let first = extremes.first else { return nil }
    guard extremes.count == 1, aggregates[first].filter == nil else {
      throw NotMine("several aggregates say which row of a group a column is of")
    }
    return first
  }

  /// Makes sure that SQLite reads the rows in the order of one table. Joins it may reorder, and it may take the parts of an OR one
  /// after the other.
  static func checkOrder(_ source: CorePlan.Source, _ conjuncts: [BoundExpression]) throws(NotMine) {
    for condition in conjuncts {
      if case .or = condition.node { throw NotMine("the order of rows counts, and OR may change it") }
    }
    switch source {
    case .oneRow, .table: break
    case .view(let view): try checkOrder(.table(view.table), view.conditions)
    case .select(let select):
      guard case .core(let core) = select.body, core.grouping == nil, !core.isDistinct,
        select.ordering.isEmpty
      else { throw NotMine("the order of rows counts, and a subquery has one of its own") }
      try checkOrder(core.source, core.conjuncts)
    case .join: throw NotMine("the order of rows counts, and a join has none")
    }
  }
}
