// What the database holds, for clients that list it.

import Arrow
import SQL
import SQLite
import Tables

extension EmbeddedSession {
  public func catalogs() throws(EngineError) -> [String] { [""] }

  public func schemas() throws(EngineError) -> [SchemaDescription] {
    let main = SchemaDescription(catalog: "", schema: "main")
    return hasOwnConnection ? [main, SchemaDescription(catalog: "", schema: "temp")] : [main]
  }

  public func tables(withColumns: Bool) throws(EngineError) -> [TableDescription] {
    try reading { connection throws(SQLiteError) in
      let reader = SchemaReader(connection.tables)
      var tables: [TableDescription] = []
      let statement = try connection.connection.prepare(
        """
        SELECT schema, name, type FROM pragma_table_list
        WHERE schema IN ('main', 'temp') AND type IN ('table', 'view', 'virtual')
          AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'fletch\\_%' ESCAPE '\\' ORDER BY schema, name
        """)
      var found: [(schema: String, name: String, type: String)] = []
      while try statement.step() { found.append((statement.text(0), statement.text(1), statement.text(2))) }
      for (schema, name, type) in found {
        tables.append(
          TableDescription(
            catalog: "", schema: schema, name: name,
            kind: schema == "temp" ? .temporary : type == "view" ? .view : .table,
            columns: withColumns ? try columns(of: name, in: schema, reader, connection) : nil))
      }
      return tables
    }
  }

  private func columns(
    of name: String, in schemaName: String, _ reader: SchemaReader, _ connection: PooledConnection
  ) throws(SQLiteError) -> [ColumnDescription] {
    if schemaName == "main", let schema = try connection.tables.publishedSchema(of: name) {
      return schema.fields.map {
        ColumnDescription(
          field: $0, declaredType: $0.type.declaredSQLType, isAutoIncrement: false,
          isReadOnly: engine.options.isReadOnly)
      }
    }
    // A view's or table's columns are what a SELECT of them gives; nullability is the table's own.
    let sql = "SELECT * FROM \(schemaName).\(quoted(name))"
    let statement = try connection.connection.prepare(sql)
    let settled = SettledStatement(sql, parsed: try? SQL.Statement(sql), statement, connection.tables)
    let information = try connection.connection.prepare(
      "SELECT name, type, \"notnull\", pk FROM pragma_table_xinfo(?1, ?2) WHERE hidden <> 1")
    try information.bind([.text(name), .text(schemaName)])
    var columns: [ColumnDescription] = []
    while try information.step() {
      let place = columns.count
      var field =
        settled.result.flatMap { place < $0.fields.count ? $0.fields[place] : nil }
        ?? Field(information.text(0), .utf8)
      field.isNullable = information.integer(2) == 0
      columns.append(
        ColumnDescription(
          field: field, declaredType: information.text(1),
          isAutoIncrement: information.integer(3) != 0 && information.text(1).lowercased() == "integer",
          isReadOnly: engine.options.isReadOnly))
    }
    return columns
  }

  public func primaryKey(of table: TableName) throws(EngineError) -> [KeyColumn] {
    try reading { connection throws(SQLiteError) in
      let statement = try connection.connection.prepare(
        "SELECT name, pk FROM pragma_table_xinfo(?1) WHERE pk > 0 ORDER BY pk")
      try statement.bind(.text(table.table), to: 1)
      var columns: [KeyColumn] = []
      while try statement.step() {
        columns.append(
          KeyColumn(
            table: TableName(catalog: "", schema: "main", table: table.table), column: statement.text(0),
            sequence: Int(statement.integer(1)), keyName: nil))
      }
      return columns
    }
  }

  public func foreignKeys() throws(EngineError) -> [ForeignKey] {
    try reading { connection throws(SQLiteError) in
      let statement = try connection.connection.prepare(
        """
        SELECT t.name, f.id, f."table", f."from", f."to", f.on_update, f.on_delete
        FROM pragma_table_list AS t, pragma_foreign_key_list(t.name) AS f
        WHERE t.schema = 'main' AND t.type = 'table' ORDER BY t.name, f.id, f.seq
        """)
      var keys: [ForeignKey] = []
      var last: (String, Int64)?
      while try statement.step() {
        let (table, id, referred) = (statement.text(0), statement.integer(1), statement.text(2))
        if last.map({ $0 != (table, id) }) ?? true {
          keys.append(
            ForeignKey(
              primary: TableName(catalog: "", schema: "main", table: referred), primaryColumns: [],
              foreign: TableName(catalog: "", schema: "main", table: table), foreignColumns: [], keyName: nil,
              onUpdate: ForeignKey.Action(statement.text(5)), onDelete: ForeignKey.Action(statement.text(6))))
          last = (table, id)
        }
        keys[keys.count - 1].foreignColumns.append(statement.text(3))
        // Without a column the key refers to the primary key, in its order.
        if statement.isNull(4) {
          let primary = try connection.connection.value(
            "SELECT name FROM pragma_table_xinfo(?1) WHERE pk = ?2", .text(referred),
            .integer(Int64(keys[keys.count - 1].foreignColumns.count)))
          if case .text(let name)? = primary { keys[keys.count - 1].primaryColumns.append(name) }
        } else {
          keys[keys.count - 1].primaryColumns.append(statement.text(4))
        }
      }
      return keys
    }
  }

  /// Runs `body` on a connection that only reads.
  private func reading<R>(_ body: (PooledConnection) throws(SQLiteError) -> R) throws(EngineError) -> R {
    let control = StatementControl(timeout: 60)
    let borrowed = try borrow(nil, writes: false, control)
    defer { borrowed.giveBack() }
    let connection = borrowed.connection
    return try engine(control) { () throws(SQLiteError) in try body(connection) }
  }

  func engine<R>(_ control: StatementControl, _ body: () throws(SQLiteError) -> R) throws(EngineError) -> R {
    do throws(SQLiteError) { return try body() } catch { throw EngineError(error, control) }
  }
}

extension ForeignKey.Action {
  /// SQLite's words.
  init(_ words: String) {
    self =
      switch words.uppercased() {
      case "CASCADE": .cascade
      case "RESTRICT": .restrict
      case "SET NULL": .setNull
      case "SET DEFAULT": .setDefault
      default: .noAction
      }
  }
}
