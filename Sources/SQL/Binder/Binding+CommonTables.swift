// WITH: common tables, recursive ones, and compound queries.

extension Binding {
  func commonTable(_ entry: CommonTables.Entry, _ name: Name, _ alias: String) throws(SQLError) -> BoundSource
  {
    switch entry.state {
    case .bound(let select):
      return try source(select, name: alias, columns: select.columns, at: name.range.offset)
    case .recursing(let number, let columns):
      entry.references += 1
      return BoundSource(kind: .recursive(number), name: alias, columns: columns)
    case .binding:
      throw SQLError(.misuse, "circular reference: \(name.text)", at: name.range.offset)
    case .unbound: break
    }
    entry.state = .binding
    var select: BoundSelect
    if let split = Self.recursiveTerms(entry.syntax) {
      select = try recursive(entry, split)
    } else {
      select = try bind(entry.syntax.select, parent: entry.parent, entry.environment)
    }
    guard select.outerDepth == 0 else {
      throw .unsupported("a common table that refers to an outer query", at: entry.syntax.name.range.offset)
    }
    select = try renamed(select, entry.syntax)
    entry.state = .bound(select)
    return try source(select, name: alias, columns: select.columns, at: name.range.offset)
  }

  /// The columns under the names that WITH gives them.
  private func renamed(_ select: BoundSelect, _ table: CommonTable) throws(SQLError) -> BoundSelect {
    guard !table.columns.isEmpty else { return select }
    return BoundSelect(
      body: select.body, columns: try named(select.columns, table), orderBy: select.orderBy,
      limit: select.limit,
      offset: select.offset, outerDepth: select.outerDepth)
  }

  private func named(_ columns: [BoundResultColumn], _ table: CommonTable) throws(SQLError)
    -> [BoundResultColumn]
  {
    guard !table.columns.isEmpty else { return columns }
    guard columns.count == table.columns.count else {
      throw SQLError(
        .misuse, "table \(table.name.text) has \(columns.count) values for \(table.columns.count) columns",
        at: table.name.range.offset)
    }
    var columns = columns
    for index in columns.indices { columns[index].innerName = table.columns[index].text }
    return Self.uniqueNames(columns)
  }

  /// How many terms at the end of a compound name the table itself; nil if it is not recursive.
  private static func recursiveTerms(_ table: CommonTable) -> Int? {
    let terms = table.select.rest
    guard let last = terms.last?.operator, last == .union || last == .unionAll else { return nil }
    let name = table.name.text.sqlFolded
    var count = 0
    for term in terms.reversed() {
      guard term.operator == last, case .select(let body) = term.core, refers(body.from, name) else { break }
      count += 1
    }
    return count > 0 ? count : nil
  }

  private static func refers(_ terms: [FromTerm], _ name: String) -> Bool {
    terms.contains { term in
      switch term.source {
      case .table(nil, let table, _): table.text.sqlFolded == name
      default: false
      }
    }
  }

  private func recursive(_ entry: CommonTables.Entry, _ count: Int) throws(SQLError) -> BoundSelect {
    features.insert(.recursive)
    let syntax = entry.syntax.select
    var tables = entry.environment
    if let with = syntax.with {
      tables = CommonTables(outer: tables)
      for table in with.tables { try tables.add(table, entry.parent) }
    }
    let start = Select(
      with: nil, first: syntax.first, rest: Array(syntax.rest.dropLast(count)), orderBy: [], limit: nil,
      offset: nil,
      range: syntax.range, height: syntax.height)
    let first = try bind(start, parent: entry.parent, tables)
    recursions += 1
    let number = recursions
    var columns = try named(first.columns, entry.syntax)
    // A value that comes back around may be of another class, so types grow until they do not.
    for index in columns.indices { columns[index].origin = nil }
    var steps: [BoundSelect] = []
    var isSettled = false
    while !isSettled {
      isSettled = true
      steps = []
      entry.state = .recursing(number: number, columns: columns)
      for term in syntax.rest.suffix(count) {
        guard case .select(let body) = term.core else { continue }
        entry.references = 0
        let step = try core(body, [], entry.parent, tables, nil, nil).select
        guard entry.references == 1 else {
          throw .unsupported("a recursive term that names its table more than once", at: body.range.offset)
        }
        if case .core(let bound) = step.body, bound.isAggregate || !bound.windowCalls.isEmpty {
          throw .unsupported("aggregates or windows in a recursive term", at: body.range.offset)
        }
        guard step.columns.count == columns.count else { throw Self.unequal(term.operator, body.range) }
        steps.append(step)
      }
      for step in steps {
        for index in columns.indices {
          var joined = columns[index].type.union(step.columns[index].type)
          // Its table's column has the first term's affinity.
          if columns[index].affinity == .real, joined.classes.contains(.integer) {
            joined.classes.insert(.real)
          }
          if joined != columns[index].type { isSettled = false }
          columns[index].type = joined
        }
      }
    }
    entry.state = .binding
    let isDistinct = syntax.rest.last?.operator == .union
    let scopeDepth = max(first.outerDepth, steps.map(\.outerDepth).max() ?? 0)
    return BoundSelect(
      body: .recursive(number: number, first: first, isDistinct: isDistinct, steps: steps), columns: columns,
      orderBy: try compoundOrdering(syntax.orderBy, columns, [], tables),
      limit: try syntax.limit.mapThrowing { limit throws(SQLError) in
        try bind(limit, Scope(parent: nil), CommonTables(outer: nil))
      },
      offset: try syntax.offset.mapThrowing { offset throws(SQLError) in
        try bind(offset, Scope(parent: nil), CommonTables(outer: nil))
      }, outerDepth: scopeDepth)
  }

  static func unequal(_ term: CompoundTerm.Operator, _ range: SourceRange) -> SQLError {
    let words =
      switch term {
      case .union: "UNION"
      case .unionAll: "UNION ALL"
      case .except: "EXCEPT"
      case .intersect: "INTERSECT"
      }
    return SQLError(
      .misuse, "SELECTs to the left and right of \(words) do not have the same number of result columns",
      at: range.offset)
  }

  // MARK: Compounds

  func compound(
    _ select: Select, _ parent: Scope?, _ tables: CommonTables, _ limit: BoundExpression?,
    _ offset: BoundExpression?
  ) throws(SQLError) -> BoundSelect {
    var scopes: [Scope] = []
    func term(_ core: SelectCore) throws(SQLError) -> BoundSelect {
      switch core {
      case .values(let rows, let range): return try values(rows, range, parent, tables, nil, nil)
      case .select(let body):
        let (bound, scope) = try self.core(body, [], parent, tables, nil, nil)
        scopes.append(scope)
        return bound
      }
    }
    let first = try term(select.first)
    var columns = first.columns
    var rest: [BoundSelect.Term] = []
    for part in select.rest {
      let bound = try term(part.core)
      guard bound.columns.count == columns.count else { throw Self.unequal(part.operator, part.core.range) }
      rest.append(BoundSelect.Term(operator: part.operator, select: bound))
      for index in columns.indices {
        let other = bound.columns[index]
        // EXCEPT and INTERSECT only take rows away from what stands left of them, though INTERSECT may show the right side's spelling.
        if part.operator != .except { columns[index].type = columns[index].type.union(other.type) }
        if columns[index].origin != other.origin { columns[index].origin = nil }
        if columns[index].affinity != other.affinity || other.isAffinityUncertain {
          columns[index].isAffinityUncertain = true
        }
        if columns[index].collation == nil { columns[index].collation = other.collation }
      }
    }
    let ordering = try compoundOrdering(select.orderBy, columns, scopes, tables)
    // SQLite sorts such a compound as a subquery, whose columns are named as an outer query knows them.
    if select.rest.contains(where: { $0.operator != .unionAll }),
      select.orderBy.contains(where: Self.isCollated)
    {
      for index in columns.indices {
        columns[index].name = columns[index].innerName
        if columns[index].affinity == .real, columns[index].type.classes.contains(.integer) {
          columns[index].type.classes.insert(.real)
          columns[index].type.isRealByOverflow = false
        }
      }
    }
    return BoundSelect(
      body: .compound(first: first, rest), columns: columns, orderBy: ordering, limit: limit, offset: offset,
      outerDepth: max(first.outerDepth, rest.map(\.select.outerDepth).max() ?? 0))
  }

  /// Terms of a compound's ORDER BY are result columns: by number, by alias, or by being the same expression as one.
  private func compoundOrdering(
    _ terms: [OrderingTerm], _ columns: [BoundResultColumn], _ scopes: [Scope], _ tables: CommonTables
  ) throws(SQLError) -> [BoundOrdering] {
    var ordering: [BoundOrdering] = []
    for (number, term) in terms.enumerated() {
      var place = try ordinal(term.expression, number, columns.count)
      for scope in scopes where place == nil {
        place = alias(term.expression, scope)
        if place == nil { place = try expression(term.expression, scope, tables) }
      }
      guard let place else {
        guard !scopes.isEmpty, case .column = term.expression.node else {
          throw .unsupported("this ORDER BY of a compound query", at: term.expression.range.offset)
        }
        let text = Self.outOfRange("ORDER", number, 1, term.expression).message.split(separator: " ")[0]
        throw SQLError(
          .misuse, "\(text) ORDER BY term does not match any column in the result set",
          at: term.expression.range.offset)
      }
      let collation = try explicitCollation(term.expression) ?? columns[place].collation ?? .binary
      ordering.append(self.ordering(term, .result(place), collation))
    }
    return ordering
  }

  private static func isCollated(_ term: OrderingTerm) -> Bool {
    if case .collate = term.expression.node { return true }
    return false
  }

  /// The result column of a core that is the same expression.
  private func expression(_ term: Expression, _ scope: Scope, _ tables: CommonTables) throws(SQLError) -> Int?
  {
    var term = term
    while case .collate(let operand, _) = term.node { term = operand }
    // What does not bind in this core may be meant for the next one.
    guard let bound = try? bind(term, scope, tables) else { return nil }
    let key = PlanText.key(bound)
    for (index, result) in scope.results.enumerated() {
      guard case .expression(let syntax, _, _) = result, let other = try? bind(syntax, scope, tables) else {
        continue
      }
      if PlanText.key(other) == key { return index }
    }
    return nil
  }
}
