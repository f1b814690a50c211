// ORDER BY: ordinals, aliases and expressions.

extension Binding {
  /// The terms of a query that is no compound.
  func ordering(
    _ terms: [OrderingTerm], _ results: [BoundExpression], _ scope: Scope, _ tables: CommonTables
  ) throws(SQLError) -> [BoundOrdering] {
    var ordering: [BoundOrdering] = []
    for (number, term) in terms.enumerated() {
      let explicit = try explicitCollation(term.expression)
      if let place = try ordinal(term.expression, number, scope.results.count)
        ?? alias(term.expression, scope)
      {
        let collation = explicit ?? results[place].collation ?? .binary
        ordering.append(self.ordering(term, .result(place), collation))
        continue
      }
      let expression = try bind(term.expression, scope, tables)
      ordering.append(self.ordering(term, .expression(expression), expression.collation ?? .binary))
    }
    return ordering
  }

  func ordering(_ term: OrderingTerm, _ key: BoundOrdering.Key, _ collation: Collation) -> BoundOrdering {
    let isDescending = term.isDescending ?? false
    let nullsFirst = term.nulls.map { $0 == .first } ?? !isDescending
    return BoundOrdering(key: key, collation: collation, isDescending: isDescending, nullsFirst: nullsFirst)
  }

  /// The outermost COLLATE of a term.
  func explicitCollation(_ expression: Expression) throws(SQLError) -> Collation? {
    guard case .collate(_, let name) = expression.node else { return nil }
    return try collation(name)
  }

  func collation(_ name: Name) throws(SQLError) -> Collation {
    let collation = Collation(name.text)
    if case .custom = collation {
      // SQLite looks for it only when something is compared by it.
      throw .unsupported("collating sequence \(name.text)", at: name.range.offset)
    }
    return collation
  }

  func ordinal(_ term: Expression, _ number: Int, _ count: Int) throws(SQLError) -> Int? {
    guard let ordinal = Self.ordinal(term) else { return nil }
    guard ordinal >= 1, ordinal <= count else { throw Self.outOfRange("ORDER", number, count, term) }
    return Int(ordinal) - 1
  }

  /// The result that a bare name is the alias of. Here aliases come before columns.
  func alias(_ term: Expression, _ scope: Scope) -> Int? {
    var term = term
    while case .collate(let operand, _) = term.node { term = operand }
    guard case .column(nil, nil, let name) = term.node else { return nil }
    let folded = name.text.sqlFolded
    return scope.results.firstIndex { $0.alias?.sqlFolded == folded }
  }
}
