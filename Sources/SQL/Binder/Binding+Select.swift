// Queries: a core by itself, VALUES, what is ordered and limited.

extension Binding {
  func bind(_ select: Select, parent: Scope?, _ outer: CommonTables) throws(SQLError) -> BoundSelect {
    try budget.spend(at: select.range.offset)
    var tables = outer
    if let with = select.with {
      features.insert(.commonTable)
      tables = CommonTables(outer: outer)
      for table in with.tables { try tables.add(table, parent) }
    }
    let limit = try limit(select.limit)
    let offset = try self.limit(select.offset)
    if !select.rest.isEmpty {
      features.insert(.compound)
      return try compound(select, parent, tables, limit, offset)
    }
    switch select.first {
    case .values(let rows, let range): return try values(rows, range, parent, tables, limit, offset)
    case .select(let body):
      return try core(body, select.orderBy, parent, tables, limit, offset).select
    }
  }

  /// LIMIT and OFFSET see no names.
  private func limit(_ expression: Expression?) throws(SQLError) -> BoundExpression? {
    guard let expression else { return nil }
    return try bind(expression, Scope(parent: nil), CommonTables(outer: nil))
  }

  func values(
    _ rows: [[Expression]], _ range: SourceRange, _ parent: Scope?, _ tables: CommonTables,
    _ limit: BoundExpression?, _ offset: BoundExpression?
  ) throws(SQLError) -> BoundSelect {
    let scope = Scope(parent: parent)
    var bound: [[BoundExpression]] = []
    for row in rows {
      guard row.count == rows[0].count else {
        throw SQLError(.misuse, "all VALUES must have the same number of terms", at: row[0].range.offset)
      }
      var values: [BoundExpression] = []
      for value in row { values.append(try bind(value, scope, tables)) }
      bound.append(values)
    }
    let columns: [BoundResultColumn] = bound[0].indices.map { index in
      var column = BoundResultColumn(
        name: "column\(index + 1)", type: bound[0][index].type, affinity: bound[0][index].affinity,
        collation: bound[0][index].collation, innerName: "column\(index + 1)")
      for row in bound.dropFirst() {
        column.type = column.type.union(row[index].type)
        if row[index].affinity != column.affinity { column.isAffinityUncertain = true }
      }
      return column
    }
    return BoundSelect(
      body: .values(bound), columns: columns, limit: limit, offset: offset, outerDepth: scope.outerDepth)
  }

  /// A core and the terms of ORDER BY that are its own.
  func core(
    _ body: SelectBody, _ ordering: [OrderingTerm], _ parent: Scope?, _ tables: CommonTables,
    _ limit: BoundExpression?, _ offset: BoundExpression?
  ) throws(SQLError) -> (select: BoundSelect, scope: Scope) {
    let scope = Scope(parent: parent)
    scope.windows = body.windows
    let join = try from(body.from, scope, tables)
    try expand(body.columns, scope)
    let joined = try conditions(join, scope, tables)
    if body.isDistinct { features.insert(.distinct) }

    scope.allowsAggregates = true
    scope.allowsWindows = true
    var results: [BoundExpression] = []
    for result in scope.results { results.append(try self.result(result, scope, tables)) }
    let columns: [BoundResultColumn] = zip(scope.results, results).enumerated().map { number, pair in
      resultColumn(pair.0, pair.1, number, scope)
    }
    scope.seesAliases = true
    let isAggregate = !body.groupBy.isEmpty || !scope.aggregates.isEmpty
    scope.allowsAggregates = false
    scope.allowsWindows = false
    let condition = try body.where.mapThrowing { expression throws(SQLError) in
      try bind(expression, scope, tables)
    }
    // GROUP BY and ORDER BY may not refer to queries around this one.
    scope.hidesOuter = true
    let keys = try groupKeys(body.groupBy, results, scope, tables)
    scope.hidesOuter = false
    scope.allowsAggregates = isAggregate
    if let having = body.having, !isAggregate {
      throw SQLError(.misuse, "HAVING clause on a non-aggregate query", at: having.range.offset)
    }
    var having = try body.having.mapThrowing { expression throws(SQLError) in
      try bind(expression, scope, tables)
    }
    try checkWindows(scope, tables)
    scope.allowsWindows = true
    scope.hidesOuter = true
    var orderBy = try self.ordering(ordering, results, scope, tables)
    scope.hidesOuter = false
    scope.allowsAggregates = false
    scope.allowsWindows = false

    if isAggregate {
      features.insert(.aggregate)
      if !keys.isEmpty { features.insert(.groupBy) }
      let grouping = Grouping(keys: keys)
      for index in results.indices { results[index] = try grouping.rewrite(results[index]) }
      having = try having.mapThrowing { expression throws(SQLError) in try grouping.rewrite(expression) }
      for index in orderBy.indices {
        if case .expression(let expression) = orderBy[index].key {
          orderBy[index].key = .expression(try grouping.rewrite(expression))
        }
      }
      for index in scope.windowCalls.indices { try grouping.rewrite(&scope.windowCalls[index]) }
      if grouping.hasBareColumns { features.insert(.bareColumns) }
    }
    if !scope.windowCalls.isEmpty { features.insert(.window) }
    let bound = BoundCore(
      sources: scope.sources, join: joined, condition: condition, isAggregate: isAggregate, groupBy: keys,
      aggregates: scope.aggregates, having: having, windowCalls: scope.windowCalls, results: results,
      isDistinct: body.isDistinct)
    let select = BoundSelect(
      body: .core(bound), columns: Self.uniqueNames(columns), orderBy: orderBy, limit: limit, offset: offset,
      outerDepth: scope.outerDepth)
    return (select, scope)
  }

  /// Within an outer query, a second column `a` is `a:1`.
  static func uniqueNames(_ columns: [BoundResultColumn]) -> [BoundResultColumn] {
    var columns = columns
    var seen: Set<String> = []
    for index in columns.indices {
      let name = columns[index].innerName
      var number = 0
      while !seen.insert(columns[index].innerName.sqlFolded).inserted {
        number += 1
        columns[index].innerName = "\(name):\(number)"
      }
    }
    return columns
  }

  private func groupKeys(
    _ terms: [Expression], _ results: [BoundExpression], _ scope: Scope, _ tables: CommonTables
  ) throws(SQLError) -> [BoundExpression] {
    var keys: [BoundExpression] = []
    for (number, term) in terms.enumerated() {
      guard let ordinal = Self.ordinal(term) else {
        keys.append(try bind(term, scope, tables))
        continue
      }
      guard ordinal >= 1, ordinal <= results.count else {
        throw Self.outOfRange("GROUP", number, results.count, term)
      }
      // Bound once more where neither aggregates nor windows are allowed.
      scope.hidesOuter = false
      keys.append(try result(scope.results[Int(ordinal) - 1], scope, tables))
      scope.hidesOuter = true
    }
    return keys
  }

  static func outOfRange(_ clause: String, _ number: Int, _ count: Int, _ term: Expression) -> SQLError {
    let ending =
      switch ((number + 1) % 10, (number + 1) % 100) {
      case (_, 11...13): "th"
      case (1, _): "st"
      case (2, _): "nd"
      case (3, _): "rd"
      default: "th"
      }
    return SQLError(
      .misuse, "\(number + 1)\(ending) \(clause) BY term out of range - should be between 1 and \(count)",
      at: term.range.offset)
  }

  /// The number of a result column, if the term is an integer; COLLATE aside.
  static func ordinal(_ term: Expression) -> Int64? {
    switch term.node {
    // Larger ones are constants like any other.
    case .literal(.integer(let value)): value <= Int64(Int32.max) ? value : nil
    case .unary(.plus, let operand): ordinal(operand)
    case .unary(.negate, let operand): ordinal(operand).map { 0 &- $0 }
    case .collate(let operand, _): ordinal(operand)
    case .binary(.and, _, _): isFalse(term) ? 0 : nil
    default: nil
    }
  }
}

extension Binding {
  /// What SQLite's parser takes for 0 before it knows any name: the rest of such an AND need not even exist.
  static func isFalse(_ expression: Expression) -> Bool {
    var expression = expression
    while case .binary(.and, let left, let right) = expression.node {
      if isFalse(right) { return true }
      expression = left
    }
    switch expression.node {
    case .literal(.integer(0)): return true
    case .inList(_, let negated, let list): return !negated && list.isEmpty
    default: return false
    }
  }
}

extension Optional {
  /// `map` with a typed error.
  func mapThrowing<Result>(
    _ body: (Wrapped) throws(SQLError) -> Result
  ) throws(SQLError) -> Result? {
    guard let self else { return nil }
    return try body(self)
  }
}
