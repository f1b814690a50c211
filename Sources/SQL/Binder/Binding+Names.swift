// What a name in an expression stands for: a column, an alias, a row id, TRUE, or a text in double quotes.

extension Binding {
  /// Looks from the innermost query outwards, as SQLite does: columns first, then the row id, then aliases.
  func lookUp(
    _ schema: Name?, _ table: Name?, _ name: Name, _ scope: Scope, _ tables: CommonTables
  ) throws(SQLError) -> BoundExpression {
    let range = (schema ?? table ?? name).range.through(name.range)
    let folded = name.text.sqlFolded
    var place: Scope? = scope
    var depth = 0
    while let current = place {
      let matches = try matches(schema, table, name, folded, current)
      if let first = matches.first {
        for match in matches { note(match.source, depth, scope, current) }
        let columns = matches.map {
          column(ColumnReference(depth: depth, source: $0.source, column: $0.column), in: scope, range)
        }
        if first.column == ColumnReference.rowid { features.insert(.rowid) }
        return columns.count == 1 ? columns[0] : coalesce(columns, range)
      }
      if table == nil, current.seesAliases,
        let result = current.results.first(where: { $0.alias?.sqlFolded == folded })
      {
        return try self.alias(result, name, current, depth, tables)
      }
      place = current.hidesOuter ? nil : current.parent
      depth += 1
    }
    if table == nil {
      if name.quoting == .double {
        return BoundExpression(.literal(.text(name.text)), StaticType(.text), range: range)
      }
      if name.quoting == .none, folded == "true" || folded == "false" {
        return BoundExpression(
          .literal(.integer(folded == "true" ? 1 : 0)), StaticType(.integer), range: range)
      }
    }
    let full = [schema?.text, table?.text, name.text].compactMap { $0 }.joined(separator: ".")
    throw SQLError(.noSuchColumn, "no such column: \(full)", at: range.offset)
  }

  /// An alias stands for its expression, bound once more where the name is.
  private func alias(
    _ result: Scope.Result, _ name: Name, _ scope: Scope, _ depth: Int, _ tables: CommonTables
  ) throws(SQLError) -> BoundExpression {
    guard depth == 0 else { throw .unsupported("an alias of an outer query", at: name.range.offset) }
    guard scope.aliasNesting < 8 else {
      throw .unsupported("aliases that refer to each other", at: name.range.offset)
    }
    scope.aliasNesting += 1
    // An alias's own expression was bound before there were aliases.
    scope.seesAliases = false
    let hidOuter = scope.hidesOuter
    scope.hidesOuter = false
    defer {
      scope.hidesOuter = hidOuter
      scope.aliasNesting -= 1
      scope.seesAliases = true
    }
    return try self.result(result, scope, tables)
  }

  private func matches(
    _ schema: Name?, _ table: Name?, _ name: Name, _ folded: String, _ scope: Scope
  ) throws(SQLError) -> [(source: Int, column: Int)] {
    var found: [(source: Int, column: Int)] = []
    var tables: [Int] = []
    var isAmbiguous = false
    for (number, source) in scope.sources.enumerated() {
      if let table, !names(source, schema, table) { continue }
      tables.append(number)
      guard let column = source.columns.firstIndex(where: { $0.innerName.sqlFolded == folded }) else {
        continue
      }
      if !found.isEmpty {
        let place = scope.places[number]
        if !place.using.contains(folded) {
          isAmbiguous = true
        } else if place.join.kind == .right {
          found = []
          isAmbiguous = false
        } else if place.join.kind != .full {
          continue
        }
      }
      found.append((source: number, column: column))
    }
    let offset = (schema ?? table ?? name).range.offset
    if isAmbiguous {
      throw SQLError(.ambiguousColumn, "ambiguous column name: \(Self.full(schema, table, name))", at: offset)
    }
    guard found.isEmpty, tables.count == 1, ["rowid", "oid", "_rowid_"].contains(folded) else { return found }
    guard let relation = scope.sources[tables[0]].relation else {
      // Debian's SQLite has one, which is NULL or not as its optimiser likes.
      throw .unsupported("the row id of a view or subquery", at: offset)
    }
    guard relation.hasRowid else { return [] }
    return [(source: tables[0], column: relation.rowidColumn ?? ColumnReference.rowid)]
  }

  private static func full(_ schema: Name?, _ table: Name?, _ name: Name) -> String {
    [schema?.text, table?.text, name.text].compactMap { $0 }.joined(separator: ".")
  }

  private func names(_ source: BoundSource, _ schema: Name?, _ table: Name) -> Bool {
    if let schema, source.schema?.sqlFolded != schema.text.sqlFolded { return false }
    return source.name.sqlFolded == table.text.sqlFolded
  }

  /// Remembers what the expression in progress refers to, in each query between the name and its source.
  private func note(_ source: Int, _ depth: Int, _ scope: Scope, _ target: Scope) {
    target.usedSources.insert(source)
    var place: Scope? = scope
    var remaining = depth
    while let current = place, remaining >= 0 {
      current.reach(remaining)
      place = current.parent
      remaining -= 1
    }
    if depth > 0 { features.insert(.correlated) }
  }

  /// A column of a source, with what is known of it.
  func column(_ reference: ColumnReference, in scope: Scope, _ range: SourceRange) -> BoundExpression {
    guard let source = source(reference, scope) else { preconditionFailure("a source that does not exist") }
    if reference.depth == 0 { scope.nearestDepth = 0 }
    guard reference.column >= 0 else {
      let type: StaticType = source.isNullable ? StaticType([.integer, .null]) : StaticType(.integer)
      return BoundExpression(.column(reference), type, affinity: .integer, range: range)
    }
    let column = source.columns[reference.column]
    // The row id's own column has no collation, so the other side's counts.
    let isRowid = source.relation.flatMap { $0.rowidColumn.map { $0 == reference.column } } ?? false
    return BoundExpression(
      .column(reference), source.isNullable ? column.type.nullable : column.type, affinity: column.affinity,
      collation: isRowid ? nil : column.collation ?? .binary, range: range)
  }
}
