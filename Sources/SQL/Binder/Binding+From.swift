// FROM: sources, their numbers, how they are joined, and which of them an outer join fills with NULL.

extension Binding {
  /// The shape of a join before its conditions are bound.
  indirect enum Shape {
    case source(Int)
    case join(FromTerm, Shape, Shape, right: Range<Int>)
  }

  func from(_ terms: [FromTerm], _ scope: Scope, _ tables: CommonTables) throws(SQLError) -> Shape? {
    guard !terms.isEmpty else { return nil }
    var arguments: [(Int, [Expression])] = []
    let shape = try shape(terms, scope, tables, &arguments)
    // A table-valued function sees the sources around it.
    for (number, expressions) in arguments {
      var bound: [BoundExpression] = []
      for expression in expressions {
        scope.usedSources = []
        bound.append(try bind(expression, scope, tables))
        guard scope.usedSources.allSatisfy({ $0 < number }) else {
          throw .unsupported(
            "arguments of a table-valued function that refer to a table on its right",
            at: expression.range.offset)
        }
      }
      if case .function(let relation, _) = scope.sources[number].kind {
        scope.sources[number].kind = .function(relation, arguments: bound)
      }
    }
    return shape
  }

  private func shape(
    _ terms: [FromTerm], _ scope: Scope, _ tables: CommonTables, _ arguments: inout [(Int, [Expression])]
  ) throws(SQLError) -> Shape {
    let first = scope.sources.count
    var left: Shape?
    for term in terms {
      try budget.spend(at: term.range.offset)
      let start = scope.sources.count
      let right: Shape
      if case .nested(let inner) = term.source {
        if term.alias != nil {
          throw .unsupported("a join in parentheses with an alias", at: term.range.offset)
        }
        if inner.count > 1, left != nil, term.join.isNatural || Self.isUsing(term) {
          throw .unsupported(
            "USING or NATURAL with a join in parentheses on its right", at: term.range.offset)
        }
        right = try shape(inner, scope, tables, &arguments)
      } else {
        scope.sources.append(try source(term, scope, tables, &arguments))
        scope.places.append(Scope.Place(join: term.join))
        right = .source(start)
      }
      guard let before = left else {
        left = right
        continue
      }
      features.insert(.join)
      scope.places[start].join = term.join
      try merge(term, before: first..<start, right: start, scope)
      switch term.join.kind {
      case .left, .right, .full: features.insert(.outerJoin)
      default: break
      }
      if term.join.kind == .left || term.join.kind == .full { nullify(start..<scope.sources.count, scope) }
      if term.join.kind == .right || term.join.kind == .full { nullify(first..<start, scope) }
      left = .join(term, before, right, right: start..<scope.sources.count)
    }
    return left!
  }

  private static func isUsing(_ term: FromTerm) -> Bool {
    if case .using = term.constraint { return true }
    return false
  }

  private func nullify(_ range: Range<Int>, _ scope: Scope) {
    for index in range { scope.sources[index].isNullable = true }
  }

  /// USING, and what NATURAL makes of it: the names that are merged at source `right`.
  private func merge(_ term: FromTerm, before: Range<Int>, right: Int, _ scope: Scope) throws(SQLError) {
    func has(_ source: Int, _ name: String, _ skipsHidden: Bool) -> Bool {
      let source = scope.sources[source]
      return source.columns.indices.contains { index in
        source.columns[index].innerName.sqlFolded == name && !(skipsHidden && source.isHidden(index))
      }
    }
    if term.join.isNatural {
      if term.constraint != nil {
        throw SQLError(.misuse, "a NATURAL join may not have an ON or USING clause", at: term.range.offset)
      }
      let source = scope.sources[right]
      for (index, column) in source.columns.enumerated() where !source.isHidden(index) {
        let name = column.innerName.sqlFolded
        if before.contains(where: { has($0, name, true) }) { scope.places[right].using.insert(name) }
      }
    } else if case .using(let names) = term.constraint {
      for name in names {
        let folded = name.text.sqlFolded
        guard has(right, folded, false), before.contains(where: { has($0, folded, false) }) else {
          throw SQLError(
            .noSuchColumn, "cannot join using column \(name.text) - column not present in both tables",
            at: name.range.offset)
        }
        scope.places[right].using.insert(folded)
      }
    }
  }

  // MARK: Conditions

  func conditions(_ shape: Shape?, _ scope: Scope, _ tables: CommonTables) throws(SQLError) -> BoundJoin? {
    guard let shape else { return nil }
    switch shape {
    case .source(let number): return .source(number)
    case .join(let term, let left, let right, let range):
      guard let boundLeft = try conditions(left, scope, tables),
        let boundRight = try conditions(right, scope, tables)
      else { return nil }
      var condition: BoundExpression?
      if case .on(let expression) = term.constraint {
        scope.usedSources = []
        let seesAliases = scope.seesAliases
        scope.seesAliases = true
        condition = try bind(expression, scope, tables)
        scope.seesAliases = seesAliases
        guard scope.usedSources.allSatisfy({ $0 < range.upperBound }) else {
          throw .unsupported("an ON clause that refers to a table on its right", at: expression.range.offset)
        }
        // A nested join's condition may not reach out of its parentheses.
        let lowest = Self.lowest(left)
        guard scope.usedSources.allSatisfy({ $0 >= lowest }) else {
          throw .unsupported("an ON clause that reaches out of its parentheses", at: expression.range.offset)
        }
      }
      let names = scope.places[range.lowerBound].using
      if !names.isEmpty {
        condition = try equalities(names, Self.lowest(left), range.lowerBound, term, scope)
      }
      return .join(term.join.kind, boundLeft, boundRight, condition: condition)
    }
  }

  private static func lowest(_ shape: Shape) -> Int {
    switch shape {
    case .source(let number): number
    case .join(_, let left, _, _): lowest(left)
    }
  }

  /// What USING asks for, in the order of the right table's columns.
  private func equalities(
    _ names: Set<String>, _ first: Int, _ right: Int, _ term: FromTerm, _ scope: Scope
  ) throws(SQLError) -> BoundExpression? {
    var condition: BoundExpression?
    for (index, column) in scope.sources[right].columns.enumerated() {
      let name = column.innerName.sqlFolded
      guard names.contains(name) else { continue }
      var lefts: [BoundExpression] = []
      for source in first..<right {
        guard let place = scope.sources[source].columns.firstIndex(where: { $0.innerName.sqlFolded == name })
        else {
          continue
        }
        if !lefts.isEmpty, scope.hasRightJoin, !scope.places[source].using.contains(name) {
          throw SQLError(
            .ambiguousColumn, "ambiguous reference to \(column.innerName) in USING()", at: term.range.offset)
        }
        lefts.append(
          self.column(ColumnReference(depth: 0, source: source, column: place), in: scope, term.range))
      }
      let left = scope.hasRightJoin && lefts.count > 1 ? coalesce(lefts, term.range) : lefts[0]
      let other = self.column(ColumnReference(depth: 0, source: right, column: index), in: scope, term.range)
      let equal = try compare(.equal, left, other, scope, term.range)
      condition = condition.map { and($0, equal) } ?? equal
    }
    return condition
  }

  func and(_ left: BoundExpression, _ right: BoundExpression) -> BoundExpression {
    BoundExpression(
      .and(left, right), .truth(left.type, right.type),
      isExplicit: left.hasExplicitCollation || right.hasExplicitCollation,
      range: left.range.through(right.range))
  }

  func coalesce(_ values: [BoundExpression], _ range: SourceRange) -> BoundExpression {
    BoundExpression(
      .call("coalesce", values, collation: .binary), .scalar("coalesce", values.map(\.type)), range: range)
  }
}
