// Result columns: stars, names, origins.

extension Binding {
  /// Puts the list of results into the scope, stars expanded.
  func expand(_ columns: [ResultColumn], _ scope: Scope) throws(SQLError) {
    for column in columns {
      switch column {
      case .expression(let expression, let alias, let source):
        scope.results.append(.expression(expression, alias: alias?.text, source: source))
      case .star(let range):
        guard !scope.sources.isEmpty else { throw SQLError(.misuse, "no tables specified", at: range.offset) }
        for source in scope.sources.indices { try star(source, range, isWhole: true, scope) }
      case .tableStar(let table):
        let folded = table.text.sqlFolded
        let places = scope.sources.indices.filter { scope.sources[$0].name.sqlFolded == folded }
        guard !places.isEmpty else {
          throw SQLError(.noSuchTable, "no such table: \(table.text)", at: table.range.offset)
        }
        for source in places { try star(source, table.range, isWhole: false, scope) }
      }
    }
    guard scope.results.count <= Parser.maximumColumns else {
      throw SQLError(.limit, "too many columns in result set", at: 0)
    }
  }

  /// The columns of one source. In `*`, a column that USING merges comes once, from the left.
  private func star(_ number: Int, _ range: SourceRange, isWhole: Bool, _ scope: Scope) throws(SQLError) {
    let source = scope.sources[number]
    let namesakes = scope.sources.indices.filter { other in
      other != number && !source.name.isEmpty && scope.sources[other].schema == source.schema
        && scope.sources[other].name.sqlFolded == source.name.sqlFolded
    }
    for index in source.columns.indices where !source.isHidden(index) {
      let name = source.columns[index].innerName
      let folded = name.sqlFolded
      if isWhole, scope.places[number].using.contains(folded) { continue }
      if namesakes.contains(where: { scope.sources[$0].columns.contains { $0.innerName.sqlFolded == folded } }
      ) {
        let full = [source.schema, source.name, name].compactMap { $0 }.joined(separator: ".")
        throw SQLError(.ambiguousColumn, "ambiguous column name: \(full)", at: range.offset)
      }
      let isMerged =
        scope.hasRightJoin && scope.places[(number + 1)...].contains { $0.using.contains(folded) }
      if isMerged {
        scope.results.append(.merged(name: name, range: range))
      } else {
        scope.results.append(.column(ColumnReference(depth: 0, source: number, column: index), name: name))
      }
    }
  }

  func result(_ result: Scope.Result, _ scope: Scope, _ tables: CommonTables) throws(SQLError)
    -> BoundExpression
  {
    switch result {
    case .expression(let expression, _, _): return try bind(expression, scope, tables)
    case .column(let reference, _): return column(reference, in: scope, SourceRange(0, 0))
    case .merged(let name, let range):
      return try lookUp(nil, nil, Name(text: name, quoting: .bracket, range: range), scope, tables)
    }
  }

  func resultColumn(
    _ result: Scope.Result, _ expression: BoundExpression, _ number: Int, _ scope: Scope
  ) -> BoundResultColumn {
    var column = BoundResultColumn(
      name: "", type: expression.type, affinity: expression.affinity, collation: expression.collation,
      origin: origin(expression, scope), innerName: "")
    column.isAffinityUncertain = isUncertain(expression, scope)
    switch result {
    case .column(_, let name), .merged(let name, _):
      column.name = name
      column.innerName = name
      column.viewName = name
    case .expression(let syntax, let alias, let source):
      let own = columnName(expression, syntax, scope)
      column.name = alias ?? own ?? string(source)
      column.viewName = alias ?? columnName(expression, Self.stripped(syntax), scope) ?? string(source)
      if alias == nil, own == nil, ["true", "false"].contains(column.viewName.sqlFolded) {
        column.viewName = "column\(number + 1)"
      }
      column.innerName = alias ?? Self.innerName(syntax, string(source)) ?? "column\(number + 1)"
    }
    return column
  }

  /// The name of the column that the expression is, as its table spells it.
  private func columnName(_ expression: BoundExpression, _ syntax: Expression, _ scope: Scope) -> String? {
    guard case .column = syntax.node else { return nil }
    var expression = expression
    while case .call(_, let arguments, _) = expression.node, arguments.count <= 2, let first = arguments.first
    {
      expression = first
    }
    guard case .column(let reference) = expression.node, let source = source(reference, scope) else {
      return nil
    }
    if reference.column == ColumnReference.rowid { return "rowid" }
    return source.columns[reference.column].innerName
  }

  /// The name as an outer query knows it: as typed, because SQLite names the columns of a subquery before it resolves them.
  private static func innerName(_ syntax: Expression, _ source: String) -> String? {
    var syntax = syntax
    while case .collate(let operand, _) = syntax.node { syntax = operand }
    var name = source
    if case .column(_, _, let column) = syntax.node { name = column.text }
    return ["true", "false"].contains(name.sqlFolded) ? nil : name
  }

  /// Without COLLATE and hints of likelihood.
  private static func stripped(_ syntax: Expression) -> Expression {
    var syntax = syntax
    while true {
      if case .collate(let operand, _) = syntax.node {
        syntax = operand
      } else if case .call(let call) = syntax.node,
        ["likely", "unlikely", "likelihood"].contains(call.name.text.sqlFolded),
        let first = call.arguments.first
      {
        syntax = first
      } else {
        return syntax
      }
    }
  }

  func source(_ reference: ColumnReference, _ scope: Scope) -> BoundSource? {
    var place: Scope? = scope
    for _ in 0..<reference.depth { place = place?.parent }
    return place?.sources[reference.source]
  }

  private func origin(_ expression: BoundExpression, _ scope: Scope) -> ColumnOrigin? {
    switch expression.node {
    case .column(let reference):
      guard let source = source(reference, scope) else { return nil }
      if reference.column == ColumnReference.rowid {
        return source.relation.map { ColumnOrigin(schema: $0.schema, table: $0.name, column: "rowid") }
      }
      return source.columns[reference.column].origin
    case .scalar(let select): return select.columns[0].origin
    default: return nil
    }
  }

  func isUncertain(_ expression: BoundExpression, _ scope: Scope) -> Bool {
    switch expression.node {
    case .column(let reference) where reference.column >= 0:
      source(reference, scope)?.columns[reference.column].isAffinityUncertain ?? false
    case .scalar(let select): select.columns[0].isAffinityUncertain
    default: false
    }
  }
}
