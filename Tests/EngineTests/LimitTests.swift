// What ends a statement: its client, its time, its memory; and how many there may be.

import Arrow
import Glibc
import Memory
import SQL
import Samples
import Testing

@testable import Engine

private let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"

/// A table of a million rows, in which everything takes its time.
private func large(_ options: EngineOptions = EngineOptions()) throws -> EngineFixture {
  let fixture = try EngineFixture(options)
  var table = SampleKind.readings.table(seed: 1)
  var left = 16
  let schema = table.schema
  _ = try fixture.session.ingest(
    IngestRequest(table: TableName(table: "readings"), schema: schema, ifExists: .fail, ifMissing: .create),
    in: nil, fixture.control
  ) {
    left -= 1
    return left < 0 ? nil : try table.batch(rows: 65_536)
  }
  return fixture
}

@Test func cancelEndsWhateverSQLiteRuns() throws {
  let fixture = try large()
  try fixture.update("CREATE TABLE copy AS SELECT * FROM readings LIMIT 200000")
  for sql in [
    endless + " SELECT sum(i) FROM n", "SELECT count(*) FROM readings AS a, readings AS b",
    "SELECT count(*) FROM copy AS a, copy AS b WHERE a.value < b.value",
    "SELECT device FROM readings AS a ORDER BY (SELECT max(value) FROM readings AS b WHERE b.id < a.id)",
    "SELECT group_concat(a.device) FROM readings AS a, readings AS b",
    "SELECT count(*) FROM readings AS a, readings AS b WHERE a.value + b.value < -1e300",
    "INSERT INTO copy SELECT a.* FROM readings AS a, readings AS b",
    "UPDATE copy SET value = (SELECT count(*) FROM readings WHERE readings.id > copy.id AND readings.value > copy.value)",
  ] {
    let control = StatementControl()
    let session = fixture.engine.makeEmbeddedSession()
    try session.setOption("fletch_engine", to: "sqlite")
    let running = elsewhere { () throws -> Int in
      let statement = try session.prepare(sql, in: nil, control)
      defer { statement.close() }
      let stream = try statement.query(nil, control)
      defer { stream.close() }
      var rows = 0
      while let batch = try stream.next() { rows += batch.count }
      return rows
    }
    usleep(150_000)
    #expect(!running.isDone, "\(sql)")
    let began = StatementControl.now
    control.cancel()
    #expect(code { _ = try running.value() } == .cancelled, "\(sql)")
    // 100 ms are promised; a machine that is busy with other things gets more.
    #expect(StatementControl.now - began < 2_000_000_000, "\(sql)")
  }
  #expect(try fixture.query("SELECT count(*) AS n FROM copy").1 == [#"{"n":200000}"#])
}

@Test func aClosedResultFreesItsPlace() throws {
  var options = EngineOptions()
  options.concurrency = 2
  options.queueLimit = 1
  let fixture = try EngineFixture(options)
  let session = fixture.session
  let sql = endless + " SELECT i FROM n"
  let open = try (0..<2).map { _ in
    try session.prepare(sql, in: nil, fixture.control).query(nil, fixture.control)
  }
  for stream in open { #expect(try stream.next() != nil) }
  // Both places are taken; one may wait, another is refused.
  let waits = elsewhere { () throws -> Bool in
    let control = StatementControl()
    return try session.prepare("SELECT 1", in: nil, control).query(nil, control).next() != nil
  }
  usleep(100_000)
  #expect(!waits.isDone)
  #expect { try fixture.query("SELECT 1") } throws: {
    ($0 as? EngineError)?.code == .resourceExhausted && "\($0)".contains("waiting")
  }
  open[0].close()
  #expect(try waits.value())
  // Waiting ends with the statement's time.
  let third = try session.prepare(sql, in: nil, fixture.control).query(nil, fixture.control)
  #expect(try third.next() != nil)
  let short = StatementControl(timeout: 0.05)
  #expect(code { _ = try session.prepare("SELECT 1", in: nil, short) } == .deadlineExceeded)
  third.close()
  open[1].close()
  #expect(try fixture.query("SELECT 1 AS one").1 == [#"{"one":1}"#])
}

@Test func timeAndMemoryAreLimited() throws {
  var options = EngineOptions()
  options.memoryLimit = 1 << 20
  let fixture = try EngineFixture(options)
  try fixture.update("CREATE TABLE t (a)")
  let many =
    "INSERT INTO t " + endless.replacing("FROM n)", with: "FROM n LIMIT 100000)") + " SELECT i FROM n"
  #expect(code { _ = try fixture.query(many + " RETURNING a") } == .resourceExhausted)
  #expect(
    try fixture.query("SELECT count(*) AS n FROM t").1 == [#"{"n":0}"#], "what is refused has not happened")
  #expect(try fixture.update(many) == 100_000)
  let short = StatementControl(timeout: 0.1)
  let statement = try fixture.session.prepare(endless + " SELECT max(i) FROM n", in: nil, short)
  #expect(code { _ = try statement.query(nil, short).next() } == .deadlineExceeded)
}

@Test func aReadOnlyEngineChangesNothing() throws {
  var options = EngineOptions()
  options.isReadOnly = true
  options.initialSQL = "CREATE TABLE t (a); INSERT INTO t VALUES (1)"
  let fixture = try EngineFixture(options)
  #expect(fixture.engine.information.isReadOnly)
  #expect(try fixture.query("SELECT a FROM t").1 == [#"{"a":1}"#])
  for sql in ["INSERT INTO t VALUES (2)", "DELETE FROM t RETURNING a", "CREATE TABLE u (b)", "DROP TABLE t"] {
    #expect(code { try fixture.update(sql) } == .failedPrecondition, "\(sql)")
  }
  #expect(code { try fixture.load("people", try People.five()) } == .failedPrecondition)
  #expect(try fixture.query("SELECT a FROM t").1 == [#"{"a":1}"#])
}

@Test func connectionsThatALoadHasLeftAreClosed() throws {
  let fixture = try EngineFixture()
  let transactions = try (0..<6).map { _ in
    let session = try fixture.engine.makeSession()
    return (session, try session.begin())
  }
  for (session, transaction) in transactions { try session.commit(transaction, StatementControl()) }
  let pool = fixture.engine.pool
  #expect(pool.closeIdle(forSeconds: 3600) == 0)
  #expect(pool.closeIdle(forSeconds: 0) == 4)
  #expect(pool.closeIdle(forSeconds: 0) == 0)
  #expect(pool.inUse == 0)
  // Those that are left, and new ones, work.
  for (session, _) in transactions {
    let transaction = try session.begin()
    try session.commit(transaction, StatementControl())
  }
}

/// A ticket keeps its statement for an hour: what is known of that must not be there once for each.
@Test func statementsOfTransactionsShareWhatIsKnown() throws {
  let fixture = try EngineFixture()
  try fixture.update("CREATE TABLE t (a INTEGER)")
  let sql = "SELECT a + 1 AS b FROM t"
  func tree(_ transaction: TransactionID?) throws -> BoundSelect? {
    let statement = try fixture.session.prepare(sql, in: transaction, fixture.control) as? EmbeddedStatement
    guard case .select(let select)? = statement?.settled.bound?.kind else { return nil }
    return select
  }
  let first = try #require(try tree(nil))
  let transaction = try fixture.session.begin()
  #expect(try tree(transaction) === first)
  try fixture.update("INSERT INTO t VALUES (1)", in: transaction)
  #expect(try tree(transaction) === first)
  // Its own schema is nobody else's.
  try fixture.update("ALTER TABLE t RENAME COLUMN a TO z", in: transaction)
  try fixture.update("ALTER TABLE t ADD COLUMN a TEXT", in: transaction)
  let changed = try #require(try tree(transaction))
  #expect(changed !== first && changed.columns[0].name == "b")
  #expect(try tree(nil) === first)
  try fixture.session.rollback(transaction)
  #expect(try tree(nil) === first)
  // Neither are temporary tables.
  let other = try fixture.session.begin()
  try fixture.update("CREATE TEMP TABLE t (a TEXT)", in: other)
  #expect(try tree(other) !== first)
  try fixture.session.rollback(other)
}
