// Statements stay within the database, and out of what is Fletch's own; temporary tables within their session.

import Arrow
import Engine
import Glibc
import Memory
import Samples
import Testing

@Test func nothingReachesOutside() throws {
  let fixture = try EngineFixture()
  try fixture.load("people", try People.five())
  try fixture.update("CREATE TABLE t (a)")
  let outside = "/tmp/fletch-outside-\(getpid())"
  for sql in [
    "ATTACH '\(outside)' AS x", "ATTACH ':memory:' AS x", "DETACH main", "VACUUM INTO '\(outside)'",
    "SELECT load_extension('\(outside)')", "SELECT fts3_tokenizer('simple')",
    "SELECT writefile('\(outside)', 'x')",
    "SELECT readfile('/etc/passwd')", "SELECT edit('x')", "PRAGMA journal_mode = DELETE",
    "PRAGMA journal_mode('delete')",
    "SELECT * FROM pragma_journal_mode('delete')", "PRAGMA writable_schema = ON",
    "PRAGMA main.writable_schema = 1",
    "PRAGMA synchronous = OFF", "PRAGMA user_version = 9", "PRAGMA application_id(5)",
    "PRAGMA schema_version = 1",
    "PRAGMA locking_mode = EXCLUSIVE", "PRAGMA temp_store_directory = '/tmp'",
    "PRAGMA data_store_directory = '/tmp'",
    "PRAGMA foreign_keys = ON", "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA mmap_size = 0",
    "PRAGMA query_only = 1",
    "PRAGMA trusted_schema = OFF", "PRAGMA case_sensitive_like = ON", "PRAGMA recursive_triggers = ON",
    "PRAGMA encoding = 'UTF-16'",
    "PRAGMA hard_heap_limit = 1", "PRAGMA soft_heap_limit = 1", "PRAGMA shrink_memory", "PRAGMA optimize",
    "PRAGMA incremental_vacuum(1)", "PRAGMA cache_size = 1", "PRAGMA page_size = 512",
    "PRAGMA auto_vacuum = 1",
    "PRAGMA busy_timeout = 1", "PRAGMA threads = 8", "PRAGMA max_page_count = 1", "PRAGMA secure_delete = 1",
    "CREATE VIRTUAL TABLE v USING fletch(1)", "CREATE VIRTUAL TABLE v USING fletch",
    "CREATE VIRTUAL TABLE temp.v USING fletch(1)",
    "DROP TABLE fletch_tables", "DELETE FROM fletch_segments", "UPDATE fletch_tables SET schema = x''",
    "INSERT INTO fletch_gone_1 VALUES (1)",
    "DELETE FROM fletch_delta_1", "ALTER TABLE t RENAME TO fletch_x",
    "ALTER TABLE fletch_tables RENAME TO mine",
    "ALTER TABLE fletch_tables ADD COLUMN x", "CREATE TABLE fletch_mine (a)",
    "CREATE TABLE Fletch_Mine AS SELECT 1",
    "CREATE INDEX i ON fletch_segments (path)", "CREATE INDEX fletch_i ON t (a)",
    "CREATE VIEW fletch_v AS SELECT 1",
    "CREATE TRIGGER t1 AFTER INSERT ON fletch_tables BEGIN SELECT 1; END",
    "CREATE TRIGGER t2 AFTER INSERT ON t BEGIN DELETE FROM fletch_tables; END; INSERT INTO t VALUES (1)",
    "CREATE TEMP TRIGGER t3 AFTER UPDATE ON main.fletch_tables BEGIN SELECT 1; END",
    "UPDATE sqlite_schema SET sql = 'x'", "DELETE FROM sqlite_master",
    "INSERT INTO sqlite_sequence VALUES ('x', 1)",
    "WITH x AS (SELECT 1) DELETE FROM fletch_tables",
    "REPLACE INTO fletch_tables SELECT * FROM fletch_tables",
    "DROP INDEX fletch_segments_of_tables",
  ] {
    #expect(throws: EngineError.self, "\(sql)") {
      try fixture.session.execute(script: sql, in: nil, fixture.control)
    }
    #expect(throws: EngineError.self, "\(sql)") { _ = try fixture.query(sql) }
  }
  #expect(access(outside, F_OK) != 0)
  #expect(try fixture.query("SELECT count(*) AS n FROM people").1 == [#"{"n":5}"#])
  #expect(try fixture.query("PRAGMA user_version").1.count == 1)
  // What is SQLite's own and does no harm stays.
  for sql in [
    "CREATE VIRTUAL TABLE words USING fts5(text)", "INSERT INTO words VALUES ('one two')",
    "CREATE VIRTUAL TABLE boxes USING rtree(id, a, b)", "DROP TABLE words",
    "CREATE TABLE counted (k INTEGER PRIMARY KEY AUTOINCREMENT)", "INSERT INTO counted DEFAULT VALUES",
    "ALTER TABLE counted RENAME TO other", "DROP TABLE other", "DROP TABLE people",
  ] { try fixture.update(sql) }
}

@Test func attachingIsForThoseWhoMay() throws {
  var options = EngineOptions()
  options.allowsAttach = true
  let fixture = try EngineFixture(options)
  try fixture.update("ATTACH ':memory:' AS x")
}

@Test func temporaryTablesAreTheSessions() throws {
  let fixture = try EngineFixture()
  try fixture.load("people", try People.five())
  let other = fixture.engine.makeEmbeddedSession()
  let control = fixture.control
  func count(_ session: EmbeddedSession, _ table: String) throws -> Int {
    let stream = try session.prepare("SELECT * FROM \(table)", in: nil, control).query(nil, control)
    defer { stream.close() }
    var rows = 0
    while let batch = try stream.next() { rows += batch.count }
    return rows
  }
  try fixture.update("CREATE TEMP TABLE mine (a INTEGER)")
  try fixture.update("INSERT INTO mine VALUES (1), (2)")
  try fixture.update("CREATE TEMP VIEW adults AS SELECT * FROM people WHERE age > 17")
  try fixture.update("CREATE TABLE temp.third (a)")
  for _ in 0..<5 {
    #expect(try count(fixture.session, "mine") == 2)
    #expect(try count(fixture.session, "adults") == 3)
    #expect(code { _ = try count(other, "mine") } == .notFound)
  }
  #expect(try fixture.session.schemas().map(\.schema) == ["main", "temp"])
  #expect(try other.schemas().map(\.schema) == ["main"])
  let found = try fixture.session.tables(withColumns: true).filter { $0.kind == .temporary }
  #expect(found.map(\.name) == ["adults", "mine", "third"])
  #expect(found[1].columns?.map(\.field.type) == [.int64])
  // Others may have one of the same name; it shadows the lasting one.
  _ = try other.prepare("CREATE TEMP TABLE people (a)", in: nil, control).update(nil, control)
  #expect(try count(other, "people") == 0)
  #expect(try count(fixture.session, "people") == 5)
  // Transactions use them too, and undo what they do to them.
  let transaction = try fixture.session.begin()
  try fixture.update("DELETE FROM mine", in: transaction)
  try fixture.update("CREATE TEMP TABLE fourth (a)", in: transaction)
  #expect(try fixture.query("SELECT * FROM mine", in: transaction).1 == [])
  #expect(
    code { _ = try count(fixture.session, "mine") } == .notFound,
    "another connection, while the transaction lasts")
  try fixture.session.rollback(transaction)
  #expect(try count(fixture.session, "mine") == 2)
  #expect(code { _ = try count(fixture.session, "fourth") } == .notFound)
  // A definition that changes is seen, though SQLite's schema version of the database stays.
  try fixture.update("DROP TABLE mine")
  try fixture.update("CREATE TEMP TABLE mine (a TEXT, b)")
  #expect(try fixture.query("SELECT * FROM mine").0.fields.count == 2)
  // They go with their session.
  fixture.session.close()
  let third = fixture.engine.makeEmbeddedSession()
  for _ in 0..<5 { #expect(code { _ = try count(third, "mine") } == .notFound) }
}

@Test func temporaryTablesBegunInATransaction() throws {
  let fixture = try EngineFixture()
  var transaction = try fixture.session.begin()
  try fixture.update("CREATE TEMP TABLE mine AS SELECT 1 AS a", in: transaction)
  #expect(try fixture.query("SELECT a FROM mine", in: transaction).1.count == 1)
  try fixture.session.commit(transaction, fixture.control)
  #expect(try fixture.query("SELECT a FROM mine").1.count == 1)
  transaction = try fixture.session.begin()
  try fixture.update("INSERT INTO mine VALUES (2)", in: transaction)
  try fixture.session.commit(transaction, fixture.control)
  #expect(try fixture.query("SELECT a FROM mine").1.count == 2)
  // By statements.
  try fixture.session.execute(
    script: "BEGIN; CREATE TEMP TABLE two (a); INSERT INTO two VALUES (1); COMMIT", in: nil, fixture.control)
  #expect(try fixture.query("SELECT * FROM two").1.count == 1)
}

@Test func temporaryTablesAreLoaded() throws {
  let fixture = try EngineFixture()
  let people = try People.five()
  func load(_ ifExists: IngestRequest.IfExists) throws -> Int {
    var batches = [people]
    return try fixture.session.ingest(
      IngestRequest(
        table: TableName(table: "people"), schema: people.schema, ifExists: ifExists, ifMissing: .create,
        isTemporary: true), in: nil, fixture.control
    ) { batches.popLast() }
  }
  #expect(try load(.fail) == 5)
  #expect(code { _ = try load(.fail) } == .alreadyExists)
  #expect(try load(.append) == 5)
  #expect(try fixture.query("SELECT count(*) AS n FROM people").1 == [#"{"n":10}"#])
  #expect(try load(.replace) == 5)
  #expect(try fixture.query("SELECT count(*) AS n FROM temp.people").1 == [#"{"n":5}"#])
  let other = fixture.engine.makeEmbeddedSession()
  #expect(code { _ = try other.prepare("SELECT * FROM people", in: nil, fixture.control) } == .notFound)
}

@Test func sessionsWithTemporaryTablesTakeNoPlace() throws {
  var options = EngineOptions()
  options.concurrency = 2
  let fixture = try EngineFixture(options)
  let sessions = (0..<5).map { _ in fixture.engine.makeEmbeddedSession() }
  let control = StatementControl(timeout: 10)
  for session in sessions {
    _ = try session.prepare("CREATE TEMP TABLE t AS SELECT 1 AS a", in: nil, control).update(nil, control)
  }
  for session in sessions {
    #expect(try session.prepare("SELECT a FROM t", in: nil, control).query(nil, control).next()?.count == 1)
  }
  #expect(try fixture.query("SELECT 1 AS one").1.count == 1)
}
