// A subquery in FROM that is nothing but a join, taken up into the query around it.

extension BoundCore {
  /// The same core over the sources of its only one, where that is a plain query of several.
  var flattened: BoundCore? {
    guard lookups.isEmpty, windowCalls.isEmpty, sources.count == 1,
      case .select(let select) = sources[0].kind,
      case .core(let inner) = select.body, inner.join != nil, !inner.isAggregate, !inner.isDistinct,
      inner.windowCalls.isEmpty, inner.sources.count > 1, select.orderBy.isEmpty, select.limit == nil,
      select.offset == nil, select.outerDepth == 0
    else { return nil }
    var isPossible = true
    func moved(_ expression: BoundExpression) -> BoundExpression {
      switch expression.node {
      case .column(let reference) where reference.depth == 0:
        guard inner.results.indices.contains(reference.column) else {
          isPossible = false
          return expression
        }
        // What is compared how is settled already; the value is the same.
        return expression.with(inner.results[reference.column].node)
      case .exists(let select), .scalar(let select), .inSelect(_, _, let select, _):
        if select.outerDepth > 0 { isPossible = false }
      default: break
      }
      return expression.rebuilt(moved)
    }
    var aggregates = aggregates
    for index in aggregates.indices {
      aggregates[index].arguments = aggregates[index].arguments.map(moved)
      aggregates[index].filter = aggregates[index].filter.map(moved)
    }
    let conjuncts = (inner.condition?.conjuncts ?? []) + (condition.map(moved)?.conjuncts ?? [])
    let core = BoundCore(
      sources: inner.sources, join: inner.join, condition: BoundExpression.all(conjuncts),
      isAggregate: isAggregate, groupBy: groupBy.map(moved), aggregates: aggregates,
      having: having.map(moved), windowCalls: [], results: results.map(moved), isDistinct: isDistinct,
      lookups: inner.lookups)
    return isPossible ? core : nil
  }

  /// The same change of an expression beside the core.
  func flattened(_ expression: BoundExpression) -> BoundExpression {
    guard case .select(let select) = sources[0].kind, case .core(let inner) = select.body else {
      return expression
    }
    if case .column(let reference) = expression.node, reference.depth == 0 {
      return expression.with(inner.results[reference.column].node)
    }
    return expression.rebuilt { flattened($0) }
  }
}
