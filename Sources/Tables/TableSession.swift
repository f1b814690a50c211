// A connection to a database with published tables: what an engine runs its statements on.

import Arrow
import ArrowIPC
import Glibc
import Memory
import SQLite

/// A connection that knows published tables. Like the connection it belongs to one thread at a time.
public final class TableSession: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): used by one thread at a time, as `Connection`.
  public let connection: Connection
  public let database: Database
  let module: TableModule
  private var schemaVersionStatement: Statement?
  var catalog: Catalog { database.catalog }
  /// How long SQLite waits for another connection's lock, in milliseconds.
  public static let busyTimeout = 10_000

  init(_ database: Database, access: Connection.Access) throws(SQLiteError) {
    self.database = database
    connection = try Connection(path: database.filePath, access: access)
    module = TableModule(catalog: database.catalog, connection: connection)
    try connection.register(module, as: TableModule.name)
    connection.setBusyTimeout(milliseconds: TableSession.busyTimeout)
    if access == .readWrite {
      try connection.execute("PRAGMA synchronous = \(database.isDurable ? "FULL" : "OFF")")
    }
  }

  // MARK: Reading

  /// Marks that statements begin to run, so that no file they may read is deleted until `endReading`.
  public func beginReading() -> UInt64 { catalog.store.enter() }

  public func endReading(_ mark: UInt64) {
    if !connection.hasRunningStatement { module.unpin() }
    catalog.store.leave(mark)
  }

  /// Throws when a file that running statements read from is not what it was: what they have returned since the last call may be
  /// wrong then. To be asked before rows are believed that no scan has ended behind: of each batch, and at the end.
  public func checkSources() throws(TableError) {
    try wrap { () throws(DataError) in try module.checkSources() }
  }

  /// The published table of that name as the connection sees it now; nil when the name is that of none.
  public func snapshot(of name: String) throws(SQLiteError) -> TableSnapshot? {
    guard let id = try publishedID(name) else { return nil }
    if let table = module.table(id) { return try table.snapshot() }
    let (_, schema) = try catalog.table(id, on: connection)
    let statement = try connection.internalStatement("SELECT version FROM fletch_tables WHERE id = ?1")
    try statement.bind(id, to: 1)
    guard try statement.step() else { return nil }
    return try catalog.snapshot(
      of: id, version: statement.integer(0), schema: schema, on: connection, isPrivate: connection.isWriting)
  }

  /// The schema of the published table of that name, without opening its segments.
  public func publishedSchema(of name: String) throws(SQLiteError) -> Schema? {
    guard let id = try publishedID(name) else { return nil }
    return try catalog.table(id, on: connection).schema
  }

  /// Differs after every change of the schema, temporary objects included.
  public func schemaVersion() throws(SQLiteError) -> Int64 {
    let statement: Statement
    if let schemaVersionStatement {
      statement = schemaVersionStatement
    } else {
      statement = try connection.internalStatement("PRAGMA main.schema_version")
      schemaVersionStatement = statement
    }
    defer { statement.reset() }
    return try statement.step() ? statement.integer(0) : 0
  }

  /// The rows in motion of a published table, as a batch of its schema.
  public func delta(of snapshot: TableSnapshot) throws(TableError) -> RecordBatch? {
    if snapshot.deltaCount == 0 { return nil }
    let columns = snapshot.schema.fields.indices.map { "c\($0)" }.joined(separator: ", ")
    let statement = try wrapping { () throws(SQLiteError) in
      try connection.internalStatement(
        "SELECT \(columns) FROM \(Catalog.deltaName(snapshot.table)) ORDER BY row")
    }
    return try RowReader(statement, schema: snapshot.schema).next(rowLimit: .max, byteLimit: .max)
  }

  /// Names compare as SQLite's do: without regard to the case of ASCII letters.
  func publishedID(_ name: String) throws(SQLiteError) -> Int64? {
    let statement = try connection.internalStatement(
      "SELECT id FROM fletch_tables WHERE name = ?1 COLLATE NOCASE")
    try statement.bind(.text(name), to: 1)
    return try statement.step() ? statement.integer(0) : nil
  }

  /// Has scans tell where they are, until it is set to nil again.
  public var positions: ScanPositions? {
    get { module.positions }
    set { module.positions = newValue }
  }

  // MARK: After a transaction

  /// Decides which files of segments stay, once a transaction has ended. To be called after every statement outside of one.
  public func settle() throws(SQLiteError) {
    guard !module.touched.isEmpty, !connection.isInTransaction else { return }
    let touched = module.touched
    module.touched = []
    for segment in touched {
      if try !catalog.hasTable(segment.table, on: connection) { catalog.forget(segment.table) }
      if try !catalog.has(segment, on: connection) {
        catalog.store.retire(segment.id, path: segment.path, isOwn: segment.isOwn)
      }
    }
  }

  // MARK: Publishing

  /// Begins to fill a table. A transaction must be open; it decides whether any of it comes to be.
  public func publish(_ name: String, schema: Schema, mode: PublishMode) throws(TableError) -> Publication {
    precondition(connection.isInTransaction, "publishing happens in a transaction")
    let existing = try wrapping { () throws(SQLiteError) in try publishedID(name) }
    let kind = try wrapping { () throws(SQLiteError) in try objectKind(name) }
    if let kind, existing == nil {
      guard mode == .replace, kind == "table" else {
        throw .exists("'\(name)' is a \(kind) already, and not a published table")
      }
      try wrapping { () throws(SQLiteError) in try connection.execute("DROP TABLE main.\(quoted(name))") }
    }
    switch (mode, existing) {
    case (.create, _?): throw .exists("table '\(name)' exists already")
    case (.append, nil): throw .missing("there is no published table '\(name)' to append to")
    case (.append, let id?), (.createOrAppend, let id?):
      let known = try wrapping { () throws(SQLiteError) in try catalog.table(id, on: connection).schema }
      try touch(name, id)
      return Publication(self, name: name, id: id, schema: known, isDurable: database.isDurable)
    case (.replace, let id?):
      let known = try wrapping { () throws(SQLiteError) in try catalog.table(id, on: connection).schema }
      if known == schema {
        try empty(name, id)
        return Publication(self, name: name, id: id, schema: schema, isDurable: database.isDurable)
      }
      try wrapping { () throws(SQLiteError) in try connection.execute("DROP TABLE main.\(quoted(name))") }
    default: break
    }
    let id = try create(name, schema)
    return Publication(self, name: name, id: id, schema: schema, isDurable: database.isDurable)
  }

  /// What has a name in the schema.
  private func objectKind(_ name: String) throws(SQLiteError) -> String? {
    let statement = try connection.internalStatement(
      "SELECT type FROM main.sqlite_schema WHERE name = ?1 COLLATE NOCASE")
    try statement.bind(.text(name), to: 1)
    return try statement.step() ? statement.text(0) : nil
  }

  private func create(_ name: String, _ schema: Schema) throws(TableError) -> Int64 {
    try checkNames(name, schema)
    let bytes = try wrap { () throws(DataError) in try SchemaBytes.encode(schema) }
    return try wrapping { () throws(SQLiteError) in
      let statement = try connection.internalStatement(
        "INSERT INTO fletch_tables (name, schema, version) VALUES (?1, ?2, 1)")
      try statement.bind(.text(name), to: 1)
      try statement.bind(.blob(bytes), to: 2)
      _ = try statement.step()
      let id = connection.lastInsertedRow
      let columns = schema.fields.indices.map { ", c\($0)" }.joined()
      module.mayCreate = true
      defer { module.mayCreate = false }
      try connection.unauthorized { () throws(SQLiteError) in
        try connection.execute("CREATE TABLE \(Catalog.deltaName(id)) (row INTEGER PRIMARY KEY\(columns))")
        try connection.execute("CREATE TABLE \(Catalog.tombstonesName(id)) (row INTEGER PRIMARY KEY)")
        try connection.execute("CREATE VIRTUAL TABLE main.\(quoted(name)) USING \(TableModule.name)(\(id))")
      }
      return id
    }
  }

  private func checkNames(_ name: String, _ schema: Schema) throws(TableError) {
    if Catalog.isReserved(name) {
      throw .data(DataError(.invalid, "names that begin with 'fletch_' are Fletch's own"))
    }
    guard schema.fields.count < 2000 else {
      throw .data(DataError(.limit, "a table of \(schema.fields.count) columns; SQLite has at most 1999"))
    }
    guard !schema.fields.isEmpty else {
      throw .data(DataError(.invalid, "a table needs a column, and '\(name)' has none"))
    }
    var seen: [String: String] = [:]
    for field in schema.fields {
      if field.name.utf8.contains(0) || name.utf8.contains(0) {
        throw .data(DataError(.invalid, "a name of '\(name)' holds a NUL character"))
      }
      // SQLite compares names without regard to the case of ASCII letters.
      let folded = String(
        decoding: field.name.utf8.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }, as: UTF8.self)
      if let other = seen.updateValue(field.name, forKey: folded) {
        throw .data(
          DataError(
            .invalid,
            other == field.name
              ? "two columns are named '\(other)'"
              : "columns '\(other)' and '\(field.name)' differ in case only, which SQL does not tell apart"))
      }
    }
  }

  /// Makes the next reader read the table anew.
  func touch(_ name: String, _ id: Int64) throws(TableError) {
    try wrapping { () throws(SQLiteError) in
      // A statement that changes nothing makes the table part of the transaction: SQLite then tells it of rollbacks, too.
      _ = try connection.internalStatement("DELETE FROM main.\(quoted(name)) WHERE 0").step()
      guard let table = module.table(id) else {
        throw SQLiteError(.corrupt, "table '\(name)' is not in the schema")
      }
      try table.markChanged()
      table.forget()
    }
  }

  private func empty(_ name: String, _ id: Int64) throws(TableError) {
    try touch(name, id)
    try wrapping { () throws(SQLiteError) in
      module.touched += try catalog.segmentsOf(id, on: connection)
      for sql in [
        "DELETE FROM fletch_segments WHERE table_id = \(id)", "DELETE FROM \(Catalog.deltaName(id))",
        "DELETE FROM \(Catalog.tombstonesName(id))",
      ] {
        _ = try connection.internalStatement(sql).step()
      }
    }
  }

  /// Enters a segment's file into the catalog.
  /// - Parameter firstRow: its first row id; nil for one behind all rows that the table has.
  func addSegment(
    _ id: Int64, _ schema: Schema, path: String, isOwn: Bool, firstRow: Int64? = nil
  ) throws(TableError) -> Segment {
    let fullPath = catalog.path(path)
    let segment = try wrap { () throws(DataError) in try Segment(path: fullPath, isOwn: isOwn) }
    try wrap { () throws(DataError) in try segment.checkNulls(as: schema) }
    return try wrapping { () throws(SQLiteError) in
      let first: Int64
      if let firstRow { first = firstRow } else { first = try endOfRows(id) }
      do throws(DataError) { _ = try PlacedSegment(number: 0, firstRow: first, checked: segment) } catch {
        throw SQLiteError(.full, error.message)
      }
      let insert = try connection.internalStatement(
        "INSERT INTO fletch_segments (table_id, path, is_own, first_row, rows, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
      )
      try insert.bind([
        .integer(id), .text(path), .integer(isOwn ? 1 : 0), .integer(first),
        .integer(Int64(segment.rowCount)), .integer(Int64(segment.byteCount)),
      ])
      _ = try insert.step()
      let number = connection.lastInsertedRow
      module.touched.append(TouchedSegment(table: id, id: number, path: fullPath, isOwn: isOwn))
      catalog.store.adopt(segment, as: number)
      module.table(id)?.forget()
      return segment
    }
  }

  /// The first row id behind all rows that a table has.
  private func endOfRows(_ id: Int64) throws(SQLiteError) -> Int64 {
    let statement = try connection.internalStatement(
      """
      SELECT max(coalesce((SELECT max(first_row + rows) FROM fletch_segments WHERE table_id = \(id)), 1),
                 coalesce((SELECT max(row) + 1 FROM \(Catalog.deltaName(id))), 1))
      """)
    _ = try statement.step()
    return statement.integer(0)
  }
}

/// The schema of a file or stream.
public func schema(ofFile path: String) throws(TableError) -> Schema {
  try wrap { () throws(DataError) in try openBatches(path: path).reader.schema }
}

/// The path from the root of a path from the current folder.
func absolutePath(_ path: String) -> String {
  guard let resolved = realpath(path, nil) else { return path }
  defer { free(resolved) }
  return String(cString: resolved)
}
