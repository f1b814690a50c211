// Batches loaded into a table, all or none.

import Arrow
import Memory
import SQLite
import Tables

extension EmbeddedSession {
  public func ingest(
    _ request: IngestRequest, in transaction: TransactionID?, _ control: StatementControl,
    next: () throws -> RecordBatch?
  ) throws -> Int {
    try check(request)
    if request.goesToTemporary { try keepConnection(transaction, control) }
    if try !request.goesToTemporary && !request.wantsRows && self.transaction(transaction) == nil,
      let staged = try stage(request, control)
    {
      while let batch = try next() {
        try control.check()
        try engineData { () throws(DataError) in try staged.append(batch) }
      }
      try engineData { () throws(DataError) in try staged.complete() }
      return try adopt(staged, request, control)
    }
    let borrowed = try borrow(transaction, writes: true, control)
    defer {
      engine.noteChange()
      borrowed.giveBack()
    }
    let connection = borrowed.connection
    let (begin, commit, undo) =
      borrowed.isInTransaction
      ? (
        "SAVEPOINT fletch_ingest", "RELEASE fletch_ingest", "ROLLBACK TO fletch_ingest; RELEASE fletch_ingest"
      )
      : ("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK")
    try connection.control(begin)
    do {
      let rows = try load(request, connection, control, next)
      try connection.control(commit)
      return rows
    } catch {
      if connection.connection.isInTransaction { try? connection.control(undo) }
      throw error
    }
  }

  /// Where rows of a stream are written down, so that nobody waits for a client that sends slowly; nil for an ordinary table, whose rows are
  /// inserted one by one.
  private func stage(_ request: IngestRequest, _ control: StatementControl) throws(EngineError) -> StagedRows?
  {
    let borrowed = try borrow(nil, writes: false, control)
    defer { borrowed.giveBack() }
    let (name, tables) = (request.table.table, borrowed.connection.tables)
    let kind = try engine(control) { () throws(SQLiteError) in try tables.kind(of: name) }
    try check(request, kind)
    if kind == .rows { return nil }
    var schema = request.schema
    if kind == .published, request.ifExists == .append {
      schema =
        try engine(control) { () throws(SQLiteError) in try tables.publishedSchema(of: name) } ?? schema
    }
    return engine.database.stage(name, schema: schema)
  }

  /// Makes rows that are written down a part of their table, in a transaction of its own.
  private func adopt(
    _ staged: StagedRows, _ request: IngestRequest, _ control: StatementControl
  ) throws(EngineError) -> Int {
    let borrowed = try borrow(nil, writes: true, control)
    defer { borrowed.giveBack() }
    let connection = borrowed.connection
    return try connection.transaction { () throws(EngineError) in
      let kind = try engine(control) { () throws(SQLiteError) in
        try connection.tables.kind(of: request.table.table)
      }
      try check(request, kind)
      let publication = try engineTables(control) { () throws(TableError) in
        try connection.tables.publish(
          request.table.table, schema: staged.schema, mode: request.mode(where: kind))
      }
      guard publication.schema.hasSameTypes(as: staged.schema) else {
        throw EngineError(
          .aborted, "table '\(request.table.table)' has changed while rows came in for it; load them again")
      }
      try engineTables(control) { () throws(TableError) in try publication.append(staged) }
      return publication.rowCount
    }
  }

  /// Throws where the request does not go with what is there.
  private func check(_ request: IngestRequest, _ kind: TableSession.ObjectKind?) throws(EngineError) {
    let name = request.table.table
    if kind == nil, request.ifMissing == .fail { throw EngineError(.notFound, "no such table: \(name)") }
    if kind != nil, request.ifExists == .fail {
      throw EngineError(.alreadyExists, "table '\(name)' exists already")
    }
    if kind == .view {
      throw EngineError(.failedPrecondition, "'\(name)' is a view, and nothing can be loaded into it")
    }
  }

  private func check(_ request: IngestRequest) throws(EngineError) {
    if let catalog = request.table.catalog, !catalog.isEmpty {
      throw EngineError(.notFound, "there is no catalog '\(catalog)'; the one there is has no name")
    }
    if let schema = request.table.schema, !schema.isEmpty, !["main", "temp"].contains(schema.lowercased()) {
      throw EngineError(.notFound, "there is no schema '\(schema)' to load into; use 'main', 'temp' or none")
    }
    if engine.options.isReadOnly {
      throw EngineError(.failedPrecondition, "attempt to write a readonly database")
    }
  }

  private func load(
    _ request: IngestRequest, _ connection: PooledConnection, _ control: StatementControl,
    _ next: () throws -> RecordBatch?
  ) throws -> Int {
    let name = request.table.table
    if request.goesToTemporary { return try loadTemporary(request, connection, control, next) }
    let kind = try engine(control) { () throws(SQLiteError) in try connection.tables.kind(of: name) }
    try check(request, kind)
    let wantsRows = request.wantsRows
    switch kind {
    case .rows where request.ifExists == .append:
      return try insert(into: name, request.schema, connection, control, next)
    case nil where wantsRows, .rows? where wantsRows,
      .published? where wantsRows && request.ifExists == .replace:
      try engine(control) { () throws(SQLiteError) in
        try connection.tables.createRowTable(name, schema: request.schema, replaces: kind != nil)
      }
      return try insert(into: name, request.schema, connection, control, next)
    default: break
    }
    let publication = try engineTables(control) { () throws(TableError) in
      try connection.tables.publish(name, schema: request.schema, mode: request.mode(where: kind))
    }
    while let batch = try next() {
      try control.check()
      try engineData { () throws(DataError) in try publication.append(batch) }
    }
    try engineTables(control) { () throws(TableError) in try publication.finish() }
    return publication.rowCount
  }

  /// Into a table that only this session sees: always one of rows.
  private func loadTemporary(
    _ request: IngestRequest, _ connection: PooledConnection, _ control: StatementControl,
    _ next: () throws -> RecordBatch?
  ) throws -> Int {
    let name = request.table.table
    let exists = try engine(control) { () throws(SQLiteError) in
      try connection.connection.unauthorized { () throws(SQLiteError) in
        try connection.connection.value(
          "SELECT 1 FROM temp.sqlite_schema WHERE type IN ('table', 'view') AND name = ?1 COLLATE NOCASE",
          .text(name)) != nil
      }
    }
    if !exists, request.ifMissing == .fail { throw EngineError(.notFound, "no such table: \(name)") }
    if exists, request.ifExists == .fail {
      throw EngineError(.alreadyExists, "table '\(name)' exists already")
    }
    if !exists || request.ifExists == .replace {
      let columns = request.schema.fields.map {
        "\(quoted($0.name)) \($0.type.declaredSQLType)\($0.isNullable ? "" : " NOT NULL")"
      }
      if exists { try connection.control("DROP TABLE temp.\(quoted(name))") }
      try connection.control("CREATE TABLE temp.\(quoted(name)) (\(columns.joined(separator: ", ")))")
      connection.forgetCompiled()
    }
    return try insert(into: name, of: "temp", request.schema, connection, control, next)
  }

  /// Rows into an ordinary table, by its own INSERT.
  private func insert(
    into name: String, of schemaName: String = "main", _ schema: Schema, _ connection: PooledConnection,
    _ control: StatementControl,
    _ next: () throws -> RecordBatch?
  ) throws -> Int {
    let columns = schema.fields.map { quoted($0.name) }.joined(separator: ", ")
    let places = schema.fields.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
    let statement = try engine(control) { () throws(SQLiteError) in
      try connection.connection.prepare(
        "INSERT INTO \(schemaName).\(quoted(name)) (\(columns)) VALUES (\(places))")
    }
    var rows = 0
    while let batch = try next() {
      try control.check()
      try engineTables(control) { () throws(TableError) in try RowLoader.load(batch, into: statement) }
      rows += batch.count
    }
    return rows
  }
}

extension IngestRequest {
  /// Whether a new table is to be an ordinary one of SQLite's.
  fileprivate var wantsRows: Bool { options["fletch.rows"] == "true" }

  fileprivate func mode(where kind: TableSession.ObjectKind?) -> PublishMode {
    kind == nil ? .create : ifExists == .append ? .append : .replace
  }

  fileprivate var goesToTemporary: Bool { isTemporary || table.schema?.lowercased() == "temp" }
}
