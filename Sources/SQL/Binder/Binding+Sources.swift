// The sources of FROM: tables, views, common tables, subqueries, table-valued functions.

import Arrow

extension Binding {
  func source(
    _ term: FromTerm, _ scope: Scope, _ tables: CommonTables, _ arguments: inout [(Int, [Expression])]
  ) throws(SQLError) -> BoundSource {
    switch term.source {
    case .select(let select):
      features.insert(.subquery)
      let bound = try bind(select, parent: scope.parent, tables)
      if bound.outerDepth > 0 { scope.outerDepth = max(scope.outerDepth, bound.outerDepth) }
      return try source(bound, name: term.alias?.text ?? "", columns: bound.columns, at: select.range.offset)
    case .function(let schema, let name, let expressions):
      features.insert(.tableFunction)
      guard let relation = try function(schema, name) else {
        throw .unsupported("table-valued function \(name.text)", at: name.range.offset)
      }
      let hidden = relation.columns.count { $0.isHidden }
      guard expressions.count <= hidden else {
        throw SQLError(.misuse, "too many arguments on \(name.text)() - max \(hidden)", at: name.range.offset)
      }
      arguments.append((scope.sources.count, expressions))
      var source = source(relation, name: term.alias?.text ?? relation.name)
      source.kind = .function(relation, arguments: [])
      return source
    case .table(let schema, let name, _):
      let alias = term.alias?.text ?? name.text
      if schema == nil, let entry = tables.entry(name.text.sqlFolded) {
        return try commonTable(entry, name, alias)
      }
      guard let relation = try relation(schema, name) else {
        if schema == nil, let relation = try function(nil, name) {
          arguments.append((scope.sources.count, []))
          var source = source(relation, name: alias)
          source.kind = .function(relation, arguments: [])
          return source
        }
        throw noSuchTable(schema, name)
      }
      guard case .view(let sql, let columns) = relation.kind else {
        return source(relation, name: term.alias?.text ?? relation.name)
      }
      return try view(relation, sql, columns, name, term.alias?.text ?? relation.name)
    case .nested: preconditionFailure("joins in parentheses are taken apart before")
    }
  }

  func relation(_ schema: Name?, _ name: Name) throws(SQLError) -> Relation? {
    if schema == nil, let viewSchema, let own = try catalog.relation(schema: viewSchema, name: name.text) {
      return own
    }
    return try catalog.relation(schema: schema?.text, name: name.text)
  }

  /// A table-valued function: one of the catalog's, or the two of SQLite's JSON.
  private func function(_ schema: Name?, _ name: Name) throws(SQLError) -> Relation? {
    if let relation = try relation(schema, name), relation.kind == .other { return relation }
    let folded = name.text.sqlFolded
    guard folded == "json_each" || folded == "json_tree" else { return nil }
    let storage: [(String, StorageClasses)] = [
      ("key", [.null, .integer, .text]), ("value", [.null, .integer, .real, .text]),
      ("type", [.null, .text]),
      ("atom", [.null, .integer, .real, .text]), ("id", [.null, .integer]), ("parent", [.null, .integer]),
      ("fullkey", [.null, .text]), ("path", [.null, .text]), ("json", .any), ("root", .any),
    ]
    let columns = storage.enumerated().map { number, column in
      CatalogColumn(column.0, storage: column.1, affinity: .blob, isHidden: number >= 8)
    }
    return Relation(name: folded, kind: .other, columns: columns)
  }

  func source(_ relation: Relation, name: String) -> BoundSource {
    let columns = relation.columns.enumerated().map { index, column in
      var type = StaticType(column.storage, field: column.field, declared: column.declaredType)
      if index == relation.rowidColumn { type.classes = .integer }
      return BoundResultColumn(
        name: column.name, type: type, affinity: column.affinity, collation: column.collation,
        origin: ColumnOrigin(schema: relation.schema, table: relation.name, column: column.name),
        innerName: column.name)
    }
    return BoundSource(
      kind: .table(relation), name: name, columns: columns, schema: relation.schema,
      relation: relation)
  }

  /// A query as a source. Its columns have an affinity and a collation, but neither NOT NULL nor a row id.
  ///
  /// A column whose first term is REAL makes reals of the integers of other terms, if SQLite stores the rows in between.
  func source(
    _ select: BoundSelect, name: String, columns: [BoundResultColumn], at offset: Int
  ) throws(SQLError) -> BoundSource {
    if columns.contains(where: {
      $0.isAffinityUncertain && $0.affinity == .real && $0.type.classes.contains(.integer)
    }) {
      throw .unsupported("a compound query of REAL and integer terms as a subquery", at: offset)
    }
    return BoundSource(kind: .select(select), name: name, columns: columns)
  }

  private func view(
    _ relation: Relation, _ sql: String, _ names: [String]?, _ name: Name, _ alias: String
  ) throws(SQLError) -> BoundSource {
    features.insert(.view)
    let key = "\(relation.schema).\(relation.name)".sqlFolded
    guard !views.contains(key) else {
      throw SQLError(.misuse, "view \(relation.name) is circularly defined", at: name.range.offset)
    }
    guard views.count < 64 else { throw SQLError(.limit, "views nest too deeply", at: name.range.offset) }
    let inner = Binding(
      catalog: catalog, text: Array(sql.utf8), viewSchema: relation.schema, views: views + [key],
      budget: budget)
    let select: BoundSelect
    do throws(SQLError) {
      switch try Statement(sql)?.kind {
      case .select(let syntax): select = try inner.bind(syntax, parent: nil, CommonTables(outer: nil))
      case .createView(let view):
        select = try inner.bind(view.select, parent: nil, CommonTables(outer: nil))
      default: throw SQLError(.misuse, "view \(relation.name) is not a SELECT", at: 0)
      }
    } catch {
      // The offset is about the view's text, which the caller has not written.
      throw SQLError(error.code, "\(error.message) (in view \(relation.name))", at: name.range.offset)
    }
    features.formUnion(inner.features)
    var columns = select.columns
    if let names, names.count != columns.count {
      throw SQLError(
        .misuse, "expected \(names.count) columns for '\(relation.name)' but got \(columns.count)",
        at: name.range.offset)
    }
    // A view's columns are named when its own names are resolved already, so a column is spelled as in its table.
    for index in columns.indices { columns[index].innerName = names?[index] ?? columns[index].viewName }
    var source = try source(select, name: alias, columns: Self.uniqueNames(columns), at: name.range.offset)
    source.schema = relation.schema
    return source
  }
}
