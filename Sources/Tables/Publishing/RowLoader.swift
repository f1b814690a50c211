// Rows of batches as parameters of a statement: for ordinary tables.

import Arrow
import Memory
import SQLite

/// Runs a statement once for each row of a batch.
public enum RowLoader {
  public static func load(_ batch: RecordBatch, into statement: Statement) throws(TableError) {
    let readers = try wrap { () throws(DataError) in
      try batch.check(.full)
      return batch.columns.map { ColumnReader($0) }
    }
    for row in 0..<batch.count {
      try wrapping { () throws(SQLiteError) in
        for (i, reader) in readers.enumerated() {
          var sink = ParameterSink(statement: statement, parameter: i + 1)
          reader.read(row, into: &sink)
          if let failure = sink.failure { throw failure }
        }
        while try statement.step() {}
      }
    }
  }
}

/// Binds one value.
private struct ParameterSink: ValueSink {
  let statement: Statement
  let parameter: Int
  var failure: SQLiteError?

  private mutating func bind(_ body: (Statement, Int) throws(SQLiteError) -> Void) {
    do throws(SQLiteError) { try body(statement, parameter) } catch { failure = error }
  }

  mutating func putNull() {
    bind { statement, parameter throws(SQLiteError) in try statement.bindNull(to: parameter) }
  }
  mutating func put(_ integer: Int64) {
    bind { statement, parameter throws(SQLiteError) in try statement.bind(integer, to: parameter) }
  }
  mutating func put(_ real: Double) {
    bind { statement, parameter throws(SQLiteError) in try statement.bind(real, to: parameter) }
  }
  mutating func put(text: UnsafeRawBufferPointer, lasting: Bool) {
    bind { statement, parameter throws(SQLiteError) in
      try statement.bind(copying: text, isText: true, to: parameter)
    }
  }
  mutating func put(blob: UnsafeRawBufferPointer, lasting: Bool) {
    bind { statement, parameter throws(SQLiteError) in
      try statement.bind(copying: blob, isText: false, to: parameter)
    }
  }
}

extension TableSession {
  /// What a name of the main schema stands for.
  public enum ObjectKind: Sendable {
    case published, rows, view
  }

  public func kind(of name: String) throws(SQLiteError) -> ObjectKind? {
    if try publishedID(name) != nil { return .published }
    let type = try connection.value(
      "SELECT type FROM main.sqlite_schema WHERE type IN ('table', 'view') AND name = ?1 COLLATE NOCASE",
      .text(name))
    guard case .text(let type)? = type else { return nil }
    return type == "view" ? .view : .rows
  }

  /// Makes an ordinary table for rows of a schema.
  public func createRowTable(_ name: String, schema: Schema, replaces: Bool) throws(SQLiteError) {
    if replaces { try connection.execute("DROP TABLE main.\(quoted(name))") }
    let columns = schema.fields.map {
      "\(quoted($0.name)) \($0.type.declaredSQLType)\($0.isNullable ? "" : " NOT NULL")"
    }
    try connection.execute("CREATE TABLE main.\(quoted(name)) (\(columns.joined(separator: ", ")))")
  }
}
