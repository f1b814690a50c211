// Correlated subqueries taken out of expressions: each becomes a query by itself, which is looked up by what it was correlated with.

extension BoundSelect {
  /// The same query without correlated subqueries and with subqueries in FROM taken up, as far as that can be done. What is left of the
  /// former keeps its `outerDepth`.
  public func decorrelated() -> BoundSelect { Decorrelation().rewrite(self) }
}

/// Rewrites one statement. Queries that are named twice stay one object.
final class Decorrelation {
  private var done: [ObjectIdentifier: BoundSelect] = [:]

  func rewrite(_ select: BoundSelect) -> BoundSelect {
    if let known = done[ObjectIdentifier(select)] { return known }
    let result: BoundSelect
    switch select.body {
    case .core(let core):
      let work = CoreWork(core, select.orderBy, self)
      result = work.isChanged ? select.with(.core(work.core), orderBy: work.orderBy) : select
    case .compound(let first, let terms):
      let newFirst = rewrite(first)
      let newTerms = terms.map { BoundSelect.Term(operator: $0.operator, select: rewrite($0.select)) }
      let isChanged = newFirst !== first || zip(terms, newTerms).contains { $0.select !== $1.select }
      result =
        isChanged ? select.with(.compound(first: newFirst, newTerms), orderBy: select.orderBy) : select
    case .values, .recursive: result = select
    }
    done[ObjectIdentifier(select)] = result
    return result
  }
}

extension BoundSelect {
  fileprivate func with(_ body: Body, orderBy: [BoundOrdering]) -> BoundSelect {
    BoundSelect(
      body: body, columns: columns, orderBy: orderBy, limit: limit, offset: offset, outerDepth: outerDepth,
      number: number)
  }
}

/// One core while its subqueries are taken out.
final class CoreWork {
  private(set) var core: BoundCore
  private(set) var orderBy: [BoundOrdering]
  private(set) var isChanged = false
  private let whole: Decorrelation
  var sources: [BoundSource]
  var lookups: [BoundLookup]

  init(_ core: BoundCore, _ orderBy: [BoundOrdering], _ whole: Decorrelation) {
    self.core = core
    self.orderBy = orderBy
    self.whole = whole
    sources = core.sources
    lookups = core.lookups
    run()
  }

  private func run() {
    for index in sources.indices {
      guard case .select(let select) = sources[index].kind else { continue }
      let changed = whole.rewrite(select)
      if changed !== select {
        sources[index].kind = .select(changed)
        isChanged = true
      }
    }
    var conjuncts: [BoundExpression] = []
    for conjunct in core.condition?.conjuncts ?? [] {
      if let lookup = filter(conjunct) {
        lookups.append(lookup)
        isChanged = true
      } else {
        conjuncts.append(replaced(conjunct))
      }
    }
    // What stands in an ON condition is asked before there is a row to look up for.
    let join = core.join.map { nested($0) }
    let results = core.results.map { replaced($0) }
    let groupBy = core.groupBy.map { replaced($0) }
    let having = core.having.map { replaced($0) }
    var aggregates = core.aggregates
    for index in aggregates.indices {
      aggregates[index].arguments = aggregates[index].arguments.map { replaced($0) }
      aggregates[index].filter = aggregates[index].filter.map { replaced($0) }
    }
    for index in orderBy.indices {
      guard case .expression(let expression) = orderBy[index].key else { continue }
      orderBy[index].key = .expression(replaced(expression))
    }
    if isChanged {
      core = BoundCore(
        sources: sources, join: join, condition: BoundExpression.all(conjuncts),
        isAggregate: core.isAggregate, groupBy: groupBy, aggregates: aggregates, having: having,
        windowCalls: core.windowCalls, results: results, isDistinct: core.isDistinct, lookups: lookups)
    }
    if let flat = core.flattened {
      for index in orderBy.indices {
        guard case .expression(let expression) = orderBy[index].key else { continue }
        orderBy[index].key = .expression(core.flattened(expression))
      }
      core = flat
      isChanged = true
    }
  }

  /// ON conditions with the subqueries in them rewritten, which stay where they are.
  private func nested(_ join: BoundJoin) -> BoundJoin {
    guard case .join(let kind, let left, let right, let condition) = join else { return join }
    return .join(kind, nested(left), nested(right), condition: condition.map { replaced($0, inPlace: true) })
  }

  /// A conjunct of WHERE that does nothing but look for a partner.
  private func filter(_ conjunct: BoundExpression) -> BoundLookup? {
    var expression = conjunct
    var isNegated = false
    while case .not(let operand) = expression.node {
      expression = operand
      isNegated.toggle()
    }
    switch expression.node {
    case .exists(let select):
      let inner = whole.rewrite(select)
      guard inner.outerDepth > 0 else { return nil }
      return exists(inner, isNegated ? .absent : .present)
    case .inSelect(let operands, let negated, let select, let how):
      let inner = whole.rewrite(select)
      guard inner.outerDepth > 0, operands.count == 1 else { return nil }
      return contains(
        replaced(operands[0]), inner, how[0], negated != isNegated ? .absent : .present, expression.range)
    default: return nil
    }
  }

  /// An expression with the values of its subqueries as columns of lookups.
  private func replaced(_ expression: BoundExpression, inPlace: Bool = false) -> BoundExpression {
    switch expression.node {
    case .exists(let select):
      let inner = whole.rewrite(select)
      if !inPlace, inner.outerDepth > 0, let lookup = exists(inner, .mark) {
        return expression.with(add(lookup))
      }
      return changed(expression, select, inner) { .exists($0) }
    case .scalar(let select):
      let inner = whole.rewrite(select)
      if !inPlace, inner.outerDepth > 0, let value = scalar(inner) {
        isChanged = true
        return expression.with(value.node)
      }
      return changed(expression, select, inner) { .scalar($0) }
    case .inSelect(let operands, let negated, let select, let how):
      let inner = whole.rewrite(select)
      let operands = operands.map { replaced($0, inPlace: inPlace) }
      if !inPlace, inner.outerDepth > 0, operands.count == 1,
        let lookup = contains(operands[0], inner, how[0], .mark, expression.range)
      {
        let mark = expression.with(add(lookup))
        return negated ? expression.with(.not(mark)) : mark
      }
      if inner !== select { isChanged = true }
      return expression.with(.inSelect(operands, negated: negated, inner, how))
    default: return expression.rebuilt { replaced($0, inPlace: inPlace) }
    }
  }

  private func changed(
    _ expression: BoundExpression, _ before: BoundSelect, _ after: BoundSelect,
    _ node: (BoundSelect) -> BoundExpression.Node
  ) -> BoundExpression {
    if before === after { return expression }
    isChanged = true
    return expression.with(node(after))
  }

  /// Adds a lookup that marks rows, and gives its mark.
  private func add(_ lookup: BoundLookup) -> BoundExpression.Node {
    lookups.append(lookup)
    isChanged = true
    return .column(
      ColumnReference(depth: 0, source: lookup.source, column: sources[lookup.source].columns.count - 1))
  }
}

extension BoundExpression {
  /// `mapped` for what throws nothing.
  func rebuilt(_ body: (BoundExpression) -> BoundExpression) -> BoundExpression {
    (try? mapped { part throws(SQLError) in body(part) }) ?? self
  }

  /// All of them, joined by AND; nil for none.
  static func all(_ conjuncts: [BoundExpression]) -> BoundExpression? {
    guard let first = conjuncts.first else { return nil }
    return conjuncts.dropFirst().reduce(first) { left, right in
      BoundExpression(
        .and(left, right), .truth(left.type, right.type), range: left.range.through(right.range))
    }
  }
}
