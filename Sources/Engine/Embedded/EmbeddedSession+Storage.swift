// How the tables of a database are stored, for those who look after it.

import Memory
import SQLite
import Tables

/// A table or view, and what it takes.
public struct TableStorage: Sendable {
  public enum Kind: String, Sendable {
    /// Of columns, in segments.
    case published
    /// An ordinary table of SQLite.
    case rows
    case view
  }

  public var name: String
  public var kind: Kind
  public var columnCount: Int
  /// Nil for a view, whose rows would have to be computed, and for a table that cannot be read.
  public var rowCount: Int?
  /// Of its files, or of its pages in the database.
  public var byteCount: Int?
  /// Nil for what is not published, as the next two.
  public var segmentCount: Int?
  /// Rows inserted or updated since the segments were written.
  public var deltaCount: Int?
  /// Rows of segments that are deleted or replaced.
  public var tombstoneCount: Int?
  /// Why the table cannot be read: the other tables are there all the same.
  public var problem: String?
}

extension EmbeddedSession {
  /// Every table and view of the database, by name. Counting the rows of ordinary tables reads them.
  public func storage(_ control: StatementControl) throws(EngineError) -> [TableStorage] {
    let borrowed = try borrow(nil, writes: false, control)
    defer { borrowed.giveBack() }
    let tables = borrowed.connection.tables
    return try engine(control) { () throws(SQLiteError) in
      try tables.connection.unauthorized { () throws(SQLiteError) in
        let statement = try tables.connection.prepare(
          """
          SELECT name, type, ncol FROM pragma_table_list
          WHERE schema = 'main' AND type IN ('table', 'view', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
            AND name NOT LIKE 'fletch\\_%' ESCAPE '\\' ORDER BY name COLLATE NOCASE
          """)
        var found: [TableStorage] = []
        while try statement.step() {
          found.append(
            TableStorage(
              name: statement.text(0), kind: statement.text(1) == "view" ? .view : .rows,
              columnCount: Int(statement.integer(2))))
        }
        return try found.map { table throws(SQLiteError) in try measured(table, tables) }
      }
    }
  }

  private func measured(_ table: TableStorage, _ tables: TableSession) throws(SQLiteError) -> TableStorage {
    var table = table
    if table.kind == .view { return table }
    do throws(SQLiteError) {
      if let schema = try tables.publishedSchema(of: table.name) {
        table.kind = .published
        table.columnCount = schema.fields.count
        guard let snapshot = try tables.snapshot(of: table.name) else { return table }
        table.rowCount = snapshot.rowCount
        table.byteCount = snapshot.segments.reduce(0) { $0 + $1.segment.byteCount }
        table.segmentCount = snapshot.segments.count
        table.deltaCount = snapshot.deltaCount
        table.tombstoneCount = snapshot.tombstones.count
        return table
      }
      let connection = tables.connection
      if case .integer(let rows)? = try connection.value("SELECT count(*) FROM main.\(quoted(table.name))") {
        table.rowCount = Int(rows)
      }
      // Not every build of SQLite has `dbstat`; without it the size is not known.
      let bytes = try? connection.value(
        """
        SELECT sum(pgsize) FROM dbstat
        WHERE name IN (SELECT name FROM main.sqlite_schema WHERE tbl_name = ?1 COLLATE NOCASE)
        """, .text(table.name))
      if case .integer(let bytes)? = bytes { table.byteCount = Int(bytes) }
    } catch {
      guard error.code.primary != .interrupt else { throw error }
      table.problem = error.message
    }
    return table
  }
}
