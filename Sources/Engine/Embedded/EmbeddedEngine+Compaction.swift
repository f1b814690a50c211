// Compaction of published tables: asked for, or found worth it.

import SQLite
import Tables

extension EmbeddedEngine {
  /// Writes the segments of a published table anew, without rows that are gone and with those that were changed.
  /// - Throws: `.notFound` when no published table has the name.
  public func compact(
    _ table: String, policy: CompactionPolicy = CompactionPolicy(),
    _ control: StatementControl = StatementControl()
  ) throws(EngineError) -> CompactionReport {
    try writing(control) { connection throws(EngineError) in
      try engineTables(control) { () throws(TableError) in
        try connection.tables.compact(table: table, policy: policy)
      }
    }
  }

  /// The published tables, by name.
  public func publishedTables(_ control: StatementControl = StatementControl()) throws(EngineError)
    -> [String]
  {
    let connection = try pool.take(control)
    defer { pool.giveBack(connection) }
    return try engine(control) { () throws(SQLiteError) in
      try connection.connection.unauthorized { () throws(SQLiteError) in
        let statement = try connection.connection.prepare(
          "SELECT name FROM fletch_tables ORDER BY name COLLATE NOCASE")
        var names: [String] = []
        while try statement.step() { names.append(statement.text(0)) }
        return names
      }
    }
  }

  /// Runs `body` as the one who writes, on a connection of its own. `isReadOnly` is about statements; whoever owns the engine decides
  /// what they read.
  func writing<R>(
    _ control: StatementControl, _ body: (PooledConnection) throws(EngineError) -> R
  ) throws(EngineError) -> R {
    let connection: PooledConnection
    if options.isReadOnly {
      var writable = options
      writable.isReadOnly = false
      connection = try Engine.engine { () throws(SQLiteError) in try PooledConnection(database, writable) }
      try writers.enter(control)
    } else {
      connection = try takeToWrite(control)
    }
    defer {
      noteChange()
      writers.leave()
    }
    let mark = connection.tables.beginReading()
    connection.obey(control)
    defer {
      connection.obey(nil)
      connection.tables.endReading(mark)
      if !options.isReadOnly { pool.giveBack(connection) }
    }
    return try body(connection)
  }
}
