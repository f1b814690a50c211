// Publishing files, for programs that own the engine.

import Arrow
import Memory
import SQLite
import Tables

extension EmbeddedEngine {
  /// Publishes files as one table, in a transaction of its own.
  /// - Parameters:
  ///   - inPlace: whether files that can be are used where they are.
  ///   - progress: told of rows that were added, now and then.
  /// - Returns: how many rows the files have.
  public func publish(
    files: [String], as name: String, mode: PublishMode, inPlace: Bool,
    _ control: StatementControl = StatementControl(), progress: (Int) -> Void = { _ in }
  ) throws(EngineError) -> Int {
    try writing(control) { connection throws(EngineError) in
      try connection.transaction { () throws(EngineError) in
        var publication: Publication?
        for (i, file) in files.enumerated() {
          try control.check()
          try engineTables(control) { () throws(TableError) in
            do throws(TableError) {
              if publication == nil {
                publication = try connection.tables.publish(
                  name, schema: try schema(ofFile: file), mode: mode)
              }
              let before = publication!.rowCount
              try publication!.append(file: file, inPlace: inPlace)
              progress(publication!.rowCount - before)
            } catch {
              throw i == 0 ? error : error.within("'\(file)'")
            }
          }
        }
        try engineTables(control) { () throws(TableError) in try publication?.finish() }
        return publication?.rowCount ?? 0
      }
    }
  }
}

extension EmbeddedEngine {
  /// Drops a table in a transaction of its own; whoever reads it goes on. A table that is not there is no error.
  public func drop(_ name: String, _ control: StatementControl = StatementControl()) throws(EngineError) {
    try writing(control) { connection throws(EngineError) in
      try connection.transaction { () throws(EngineError) in
        try connection.control("DROP TABLE IF EXISTS main.\(quoted(name))")
      }
    }
  }
}

extension PooledConnection {
  /// Runs `body` in a write transaction, which is undone when it throws.
  func transaction<R>(_ body: () throws(EngineError) -> R) throws(EngineError) -> R {
    try control("BEGIN IMMEDIATE")
    do throws(EngineError) {
      let result = try body()
      try control("COMMIT")
      try engine { () throws(SQLiteError) in try tables.settle() }
      return result
    } catch {
      if connection.isInTransaction { try? control("ROLLBACK") }
      try? tables.settle()
      throw error
    }
  }

  /// Runs a statement of our own.
  func control(_ sql: String) throws(EngineError) {
    try engine { () throws(SQLiteError) in
      try connection.unauthorized { () throws(SQLiteError) in try connection.execute(sql) }
    }
  }
}
