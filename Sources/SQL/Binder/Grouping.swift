// Expressions over groups: what equals a term of GROUP BY becomes a reference to it.

/// Rewrites the expressions that are evaluated after grouping.
final class Grouping {
  private let keys: [BoundExpression]
  /// Texts of those keys that are more than a column.
  private let texts: [String?]
  private(set) var hasBareColumns = false

  init(keys: [BoundExpression]) {
    self.keys = keys
    texts = keys.map { key in
      if case .column = key.node { return nil }
      return PlanText.key(key)
    }
  }

  private func key(_ expression: BoundExpression) -> Int? {
    let text: String?
    switch expression.node {
    case .column(let reference):
      return keys.firstIndex { key in
        guard case .column(let other) = key.node, other == reference else { return false }
        return key.collation == expression.collation
          && key.hasExplicitCollation == expression.hasExplicitCollation
      }
    case .literal, .parameter, .aggregate, .window, .groupKey: return nil
    default: text = texts.contains { $0 != nil } ? PlanText.key(expression) : nil
    }
    guard let text else { return nil }
    return texts.firstIndex(of: text)
  }

  func rewrite(_ expression: BoundExpression) throws(SQLError) -> BoundExpression {
    if let key = key(expression) { return expression.with(.groupKey(key)) }
    switch expression.node {
    case .column(let reference):
      if reference.depth == 0 { hasBareColumns = true }
      return expression
    case .scalar(let select), .exists(let select), .inSelect(_, _, let select, _):
      if select.outerDepth > 0 {
        throw .unsupported(
          "a subquery that refers to columns of a grouped query", at: expression.range.offset)
      }
    default: break
    }
    return try expression.mapped { part throws(SQLError) in try rewrite(part) }
  }

  func rewrite(_ list: [BoundExpression]) throws(SQLError) -> [BoundExpression] {
    var result: [BoundExpression] = []
    result.reserveCapacity(list.count)
    for expression in list { result.append(try rewrite(expression)) }
    return result
  }

  func rewrite(_ call: inout BoundWindowCall) throws(SQLError) {
    call.arguments = try rewrite(call.arguments)
    call.partitionBy = try rewrite(call.partitionBy)
    if let filter = call.filter { call.filter = try rewrite(filter) }
    for index in call.orderBy.indices {
      if case .expression(let expression) = call.orderBy[index].key {
        call.orderBy[index].key = .expression(try rewrite(expression))
      }
    }
  }
}

extension BoundExpression {
  /// The same values, told by another node.
  func with(_ node: Node) -> BoundExpression {
    BoundExpression(
      node, type, affinity: affinity, collation: collation, isExplicit: hasExplicitCollation, range: range)
  }

  /// This expression with other operands in place of its own; subqueries are left alone.
  ///
  /// Chains of operators are a thousand levels deep: what they are made of is apart, so that a level takes little of the stack.
  public func mapped(
    _ body: (BoundExpression) throws(SQLError) -> BoundExpression
  ) throws(SQLError) -> BoundExpression {
    switch node {
    case .literal, .parameter, .column, .exists, .scalar, .aggregate, .groupKey, .window: return self
    case .and(let a, let b): return with(.and(try body(a), try body(b)))
    case .or(let a, let b): return with(.or(try body(a), try body(b)))
    case .binary(let symbol, let a, let b): return with(.binary(symbol, try body(a), try body(b)))
    case .compare(let symbol, let a, let b, let how):
      return with(.compare(symbol, try body(a), try body(b), how))
    default: return try mappedOther(body)
    }
  }

  private func mappedOther(
    _ body: (BoundExpression) throws(SQLError) -> BoundExpression
  ) throws(SQLError) -> BoundExpression {
    func all(_ list: [BoundExpression]) throws(SQLError) -> [BoundExpression] {
      var result: [BoundExpression] = []
      result.reserveCapacity(list.count)
      for expression in list { result.append(try body(expression)) }
      return result
    }
    switch node {
    case .literal, .parameter, .column, .exists, .scalar, .aggregate, .groupKey, .window, .and, .or, .binary,
      .compare:
      return self
    case .not(let a): return with(.not(try body(a)))
    case .negate(let a): return with(.negate(try body(a)))
    case .bitNot(let a): return with(.bitNot(try body(a)))
    case .plus(let a): return with(.plus(try body(a)))
    case .compareRows(let symbol, let a, let b, let how):
      return with(.compareRows(symbol, try all(a), try all(b), how))
    case .between(let a, let negated, let low, let lowHow, let high, let highHow):
      return with(
        .between(try body(a), negated: negated, low: try body(low), lowHow, high: try body(high), highHow))
    case .isNull(let a, let negated): return with(.isNull(try body(a), negated: negated))
    case .truth(let a, let value, let negated):
      return with(.truth(try body(a), value: value, negated: negated))
    case .inList(let a, let negated, let list, let how):
      return with(.inList(try body(a), negated: negated, try all(list), how))
    case .inSelect(let list, let negated, let select, let how):
      return with(.inSelect(try all(list), negated: negated, select, how))
    case .match(let symbol, let negated, let a, let b, let escape):
      let bound = try escape.mapThrowing(body)
      return with(.match(symbol, negated: negated, try body(a), try body(b), escape: bound))
    case .isAmong(let a, let marker): return with(.isAmong(try body(a), marker))
    case .cast(let a, let affinity): return with(.cast(try body(a), affinity))
    case .call(let name, let list, let collation):
      return with(.call(name, try all(list), collation: collation))
    case .conditional(let cases, let otherwise):
      var mapped: [(condition: BoundExpression, result: BoundExpression)] = []
      for part in cases {
        mapped.append((condition: try body(part.condition), result: try body(part.result)))
      }
      return with(.conditional(mapped, otherwise: try otherwise.mapThrowing(body)))
    }
  }

  /// The operands, subqueries aside.
  public var operands: [BoundExpression] {
    var list: [BoundExpression] = []
    _ = try? mapped { part throws(SQLError) in
      list.append(part)
      return part
    }
    return list
  }

  /// The parts that all must be true for this to be true.
  public var conjuncts: [BoundExpression] {
    var parts: [BoundExpression] = []
    var rest = self
    while case .and(let left, let right) = rest.node {
      parts.append(right)
      rest = left
    }
    parts.append(rest)
    return parts.reversed().flatMap { part in
      if case .and = part.node { return part.conjuncts }
      return [part]
    }
  }
}
