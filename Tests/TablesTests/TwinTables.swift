// The same rows twice: as a published table, and as an ordinary table of SQLite that says what is right.

import Arrow
import ArrowIPC
import CSQLite
import Glibc
import Memory
import SQLite
import Samples
import Tables
import Testing

/// Pairs of tables `p0`, `o0`, `p1`, `o1` … in one database, with the same columns, row ids and SQL values.
final class TwinTables {
  let database: Database
  let session: TableSession
  private(set) var schemas: [Schema] = []
  var connection: Connection { session.connection }

  init() throws {
    database = try Database(path: nil)
    session = try database.makeSession()
    // A decimal that no real tells is text in a column of numeric affinity, which an ordinary table never holds: SQLite compares
    // such values as numbers, but does not find them by an index of its own.
    try session.connection.execute("PRAGMA automatic_index = OFF")
  }

  /// Makes the next pair out of batches, spread over segments by `random`.
  func add(_ batches: [RecordBatch], _ random: inout RandomSource) throws {
    let name = "p\(schemas.count)"
    let schema = batches[0].schema
    try transaction {
      var publication = try session.publish(name, schema: schema, mode: .create)
      var waiting: [RecordBatch] = []
      for batch in batches {
        waiting.append(batch)
        if random.oneIn(3) { continue }
        if random.oneIn(2) {
          // A file that is used where it is, whose batches are as uneven as they come.
          let path = "\(database.path)/\(name)-\(random.next()).feather"
          let file = try AtomicFile(path: path)
          let writer = try FileWriter(file.sink, schema: schema)
          for batch in waiting { try writer.write(batch) }
          try writer.finish()
          try file.commit(durable: false)
          try publication.append(file: path, inPlace: true)
        } else {
          for batch in waiting { try publication.append(batch) }
          try publication.finish()
          publication = try session.publish(name, schema: schema, mode: .append)
        }
        waiting = []
      }
      for batch in waiting { try publication.append(batch) }
      try publication.finish()
    }
    try addOrdinary(schema)
    schemas.append(schema)
  }

  /// Stores the values without any affinity first, and then gives the columns the types of the published ones.
  private func addOrdinary(_ schema: Schema) throws {
    let number = schemas.count
    let names = schema.fields.map { quoted($0.name) }.joined(separator: ", ")
    try connection.execute("CREATE TABLE o\(number) (\(names))")
    try connection.execute(
      "INSERT INTO o\(number) (rowid, \(names)) SELECT rowid, \(names) FROM p\(number)")
    let columns = schema.fields.map { "\(quoted($0.name)) \($0.type.declaredSQLType)" }
    let sql = "CREATE TABLE o\(number) (\(columns.joined(separator: ", ")))"
    var raw: OpaquePointer?
    #expect(sqlite3_open(database.path + "/fletch.db", &raw) == SQLITE_OK)
    defer { sqlite3_close(raw) }
    let change =
      "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = '\(sql)' WHERE name = 'o\(number)';"
    #expect(sqlite3_exec(raw, change, nil, nil, nil) == SQLITE_OK)
    let version = try connection.value("PRAGMA schema_version")
    guard case .integer(let version)? = version else { return }
    #expect(sqlite3_exec(raw, "PRAGMA schema_version = \(version + 1)", nil, nil, nil) == SQLITE_OK)
  }

  func transaction(_ body: () throws -> Void) throws {
    try connection.execute("BEGIN IMMEDIATE")
    do {
      try body()
      try connection.execute("COMMIT")
    } catch {
      try connection.execute("ROLLBACK")
      throw error
    }
    try session.settle()
  }

  // MARK: Changing both

  /// Compacts a published table; its rows keep their order, and the ordinary table takes over the row ids that they have now.
  func compact(_ table: Int, _ policy: CompactionPolicy) throws -> CompactionReport {
    let before = try rowIDs(table)
    let report = try session.compact(table: "p\(table)", policy: policy)
    let after = try rowIDs(table)
    #expect(before.count == after.count)
    try transaction {
      try connection.execute("CREATE TEMP TABLE moved (old INTEGER PRIMARY KEY, now)")
      for (old, now) in zip(before, after) {
        try connection.run("INSERT INTO moved VALUES (?, ?)", .integer(old), .integer(now))
      }
      // Out of the way first, so that no two rows have one row id on the way.
      try connection.execute("UPDATE o\(table) SET rowid = -1000000 - rowid")
      try connection.execute(
        "UPDATE o\(table) SET rowid = (SELECT now FROM moved WHERE old = -1000000 - o\(table).rowid)")
      try connection.execute("DROP TABLE moved")
    }
    return report
  }

  private func rowIDs(_ table: Int) throws -> [Int64] {
    let statement = try connection.prepare("SELECT rowid FROM p\(table)")
    var rows: [Int64] = []
    while try statement.step() { rows.append(statement.integer(0)) }
    return rows
  }

  /// Adds batches to a published table, and the same rows to the ordinary one.
  func append(_ batches: [RecordBatch], to table: Int) throws {
    guard connection.isInTransaction else { return try transaction { try append(batches, to: table) } }
    let publication = try session.publish("p\(table)", schema: schemas[table], mode: .append)
    for batch in batches { try publication.append(batch) }
    try publication.finish()
    let names = schemas[table].fields.map { quoted($0.name) }.joined(separator: ", ")
    try connection.execute(
      "INSERT INTO o\(table) (rowid, \(names)) SELECT rowid, \(names) FROM p\(table) WHERE rowid NOT IN (SELECT rowid FROM o\(table))"
    )
  }

  // MARK: Running

  enum Outcome: Equatable {
    case rows([[SQLValue]])
    case error(Int32, String)
  }

  /// Runs a statement in which `@0`, `@1` … stand for tables.
  /// - Parameter tables: the letter of the table that each stands for.
  func run(_ sql: String, _ parameters: [SQLValue], tables: [Character]) -> Outcome {
    var text = sql
    for (i, letter) in tables.enumerated() { text = text.replacing("@\(i)", with: "\(letter)\(i)") }
    do throws(SQLiteError) {
      let statement = try connection.prepare(text)
      try statement.bind(parameters)
      var rows: [[SQLValue]] = []
      while try statement.step() {
        rows.append((0..<statement.columnCount).map { TwinTables.normal(statement.value($0)) })
      }
      return .rows(rows)
    } catch {
      return .error(error.code.primary.rawValue, error.message)
    }
  }

  /// Both zeroes are one value, and which of them a minimum is depends on the order of rows.
  private static func normal(_ value: SQLValue) -> SQLValue {
    if case .real(let real) = value, real == 0 { return .real(0) }
    return value
  }

  /// The values of a column of the ordinary table.
  func values(_ table: Int, _ column: String) throws -> [SQLValue] {
    let statement = try connection.prepare("SELECT \(quoted(column)) FROM o\(table) ORDER BY rowid")
    var values: [SQLValue] = []
    while try statement.step() { values.append(statement.value(0)) }
    return values
  }
}
