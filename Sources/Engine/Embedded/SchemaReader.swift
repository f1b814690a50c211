// The tables of a connection as the front end of SQL and clients want to know them.

import Arrow
import SQL
import SQLite
import Synchronization
import Tables

/// Reads relations from SQLite's own catalog, each once.
final class SchemaReader: SQL.Catalog {
  private let tables: TableSession
  private var known: [String: Relation?] = [:]

  init(_ tables: TableSession) { self.tables = tables }

  func relation(schema: String?, name: String) throws(SQLError) -> Relation? {
    let key = "\(schema ?? "").\(name)".lowercased()
    if let relation = known[key] { return relation }
    do throws(SQLiteError) {
      let relation = try read(schema, name)
      known[key] = .some(relation)
      return relation
    } catch {
      throw SQLError(.unsupported("what SQLite says of '\(name)'"), error.message, at: 0)
    }
  }

  private func read(_ schema: String?, _ name: String) throws(SQLiteError) -> Relation? {
    if let schema { return try read(schema: schema, name) }
    if let relation = try read(schema: "temp", name) { return relation }
    return try read(schema: "main", name)
  }

  private func read(schema: String, _ name: String) throws(SQLiteError) -> Relation? {
    let folded = name.lowercased()
    if folded == "sqlite_schema" || folded == "sqlite_master" || folded == "sqlite_temp_schema"
      || folded == "sqlite_temp_master"
    {
      return try rows(schema, name, type: "table", isStrict: false, isWithoutRowid: false)
    }
    let connection = tables.connection
    let statement = try connection.prepare(
      "SELECT type, ncol, wr, strict FROM pragma_table_list WHERE schema = ?1 COLLATE NOCASE AND name = ?2 COLLATE NOCASE"
    )
    try statement.bind([.text(schema), .text(name)])
    guard try statement.step() else { return nil }
    let type = statement.text(0)
    let (isWithoutRowid, isStrict) = (statement.integer(2) != 0, statement.integer(3) != 0)
    statement.reset()
    if type == "view" { return try view(schema, name) }
    if schema.lowercased() == "main", let published = try tables.publishedSchema(of: name) {
      return Relation(
        schema: schema, name: name, kind: .published,
        columns: published.fields.map { CatalogColumn(published: $0) })
    }
    return try rows(schema, name, type: type, isStrict: isStrict, isWithoutRowid: isWithoutRowid)
  }

  private func view(_ schema: String, _ name: String) throws(SQLiteError) -> Relation? {
    let found = try tables.connection.value(
      "SELECT sql FROM \(quoted(schema)).sqlite_schema WHERE type = 'view' AND name = ?1 COLLATE NOCASE",
      .text(name))
    guard case .text(let sql)? = found, let statement = try? SQL.Statement(sql),
      case .createView(let view) = statement.kind
    else { return nil }
    let text = String(
      decoding: Array(sql.utf8)[view.select.range.offset..<Int(view.select.range.end)], as: UTF8.self)
    return Relation(
      schema: schema, name: name,
      kind: .view(sql: text, columns: view.columns.isEmpty ? nil : view.columns.map(\.text)), columns: [])
  }

  /// SQLite does not hold a column to its declared type; results are typed as if it did, and a value that contradicts is an error then.
  private static func expected(_ column: CatalogColumn) -> StorageClasses {
    let null = column.storage.intersection(.null)
    switch column.affinity {
    case .integer: return null.union(.integer)
    case .real: return null.union(.real)
    case .text: return null.union(.text)
    default: return column.storage
    }
  }

  private func rows(
    _ schema: String, _ name: String, type: String, isStrict: Bool, isWithoutRowid: Bool
  ) throws(SQLiteError) -> Relation {
    let statement = try tables.connection.prepare(
      "SELECT name, type, \"notnull\", pk, hidden FROM pragma_table_xinfo(?1, ?2)")
    try statement.bind([.text(name), .text(schema)])
    var columns: [CatalogColumn] = []
    var keys: [(place: Int, type: String)] = []
    while try statement.step() {
      let declared = statement.text(1)
      if statement.integer(3) != 0 { keys.append((columns.count, declared)) }
      var column = CatalogColumn(
        declared: statement.text(0), declared, isStrict: isStrict, isNotNull: statement.integer(2) != 0,
        isHidden: statement.integer(4) == 1)
      column.storage = SchemaReader.expected(column)
      columns.append(column)
    }
    // An INTEGER PRIMARY KEY is the row id, and holds nothing else.
    var rowidColumn: Int?
    if keys.count == 1, keys[0].type.lowercased() == "integer", !isWithoutRowid, type == "table" {
      rowidColumn = keys[0].place
      let column = columns[keys[0].place]
      columns[keys[0].place] = CatalogColumn(
        declared: column.name, keys[0].type, isRowid: true, isStrict: isStrict, isNotNull: true)
    }
    return Relation(
      schema: schema, name: name, kind: type == "table" ? .rows : .other, columns: columns,
      hasRowid: !isWithoutRowid,
      rowidColumn: rowidColumn)
  }
}
