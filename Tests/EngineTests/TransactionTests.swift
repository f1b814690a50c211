// Transactions: what they see, what ends them, who waits for whom.

import Arrow
import Engine
import Glibc
import Memory
import Samples
import Testing

@Test func aResultIsReadWhileItsTransactionGoesOn() throws {
  let fixture = try EngineFixture()
  try fixture.load("people", try People.five())
  try fixture.update("CREATE TABLE untyped (a)")
  try fixture.update("INSERT INTO untyped VALUES (1), (2)")
  let session = fixture.session
  let control = StatementControl(timeout: 10)
  let transaction = try session.begin()
  // Two that are prepared, of which one has its first rows already, two results half read, and a change between them.
  let first = try session.prepare("SELECT a FROM untyped", in: transaction, control)
  let second = try session.prepare("SELECT id FROM people", in: transaction, control)
  let rows = try first.query(nil, control)
  let others = try second.query(nil, control)
  #expect(try others.next()?.count == 5)
  #expect(
    try session.prepare("INSERT INTO untyped VALUES (3)", in: transaction, control).update(nil, control) == 1)
  #expect(try rows.next()?.count == 2)
  others.close()
  #expect(try fixture.query("SELECT count(*) AS n FROM untyped", in: transaction).1 == [#"{"n":3}"#])
  try session.commit(transaction, control)
  #expect(code { _ = try rows.next() } == .failedPrecondition)
  rows.close()
  #expect(try fixture.query("SELECT count(*) AS n FROM untyped").1 == [#"{"n":3}"#])
}

@Test func writersTakeTurns() throws {
  let fixture = try EngineFixture()
  try fixture.update("CREATE TABLE t (a)")
  let transaction = try fixture.session.begin()
  try fixture.update("INSERT INTO t VALUES (1)", in: transaction)
  let other = fixture.engine.makeEmbeddedSession()
  // Cancelled while it waits.
  let control = StatementControl()
  let waiting = elsewhere {
    try other.prepare("INSERT INTO t VALUES (2)", in: nil, control).update(nil, control)
  }
  usleep(100_000)
  #expect(!waiting.isDone)
  control.cancel()
  #expect(code { _ = try waiting.value(within: 5) } == .cancelled)
  // Timed out while it waits.
  let short = StatementControl(timeout: 0.05)
  #expect(
    code { _ = try other.prepare("INSERT INTO t VALUES (2)", in: nil, short).update(nil, short) }
      == .deadlineExceeded)
  // Let in when the first has ended. Reading never waits.
  let patient = elsewhere {
    let control = StatementControl()
    return try other.prepare("INSERT INTO t VALUES (2)", in: nil, control).update(nil, control)
  }
  #expect(try fixture.query("SELECT count(*) AS n FROM t").1 == [#"{"n":0}"#])
  usleep(50_000)
  #expect(!patient.isDone)
  try fixture.session.commit(transaction, fixture.control)
  #expect(try patient.value() == 1)
  #expect(try fixture.query("SELECT count(*) AS n FROM t").1 == [#"{"n":2}"#])
}

@Test func readingFirstAndWritingLaterMayConflict() throws {
  let fixture = try EngineFixture()
  try fixture.update("CREATE TABLE t (a INTEGER)")
  try fixture.update("INSERT INTO t VALUES (1)")
  let transaction = try fixture.session.begin()
  #expect(try fixture.query("SELECT a FROM t", in: transaction).1 == [#"{"a":1}"#])
  try fixture.update("UPDATE t SET a = 2")
  #expect(try fixture.query("SELECT a FROM t", in: transaction).1 == [#"{"a":1}"#])
  #expect { try fixture.update("UPDATE t SET a = a + 10", in: transaction) } throws: {
    ($0 as? EngineError)?.code == .aborted && "\($0)".contains("begin again")
  }
  try fixture.session.rollback(transaction)
  #expect(try fixture.query("SELECT a FROM t").1 == [#"{"a":2}"#])
}

@Test func constraintsHaveCodes() throws {
  let fixture = try EngineFixture()
  try fixture.session.execute(
    script: """
      CREATE TABLE parent (k INTEGER PRIMARY KEY);
      CREATE TABLE t (k INTEGER PRIMARY KEY, u UNIQUE, n NOT NULL DEFAULT 0, c CHECK (c > 0));
      CREATE TABLE s (i INT) STRICT; CREATE TABLE w (a PRIMARY KEY) WITHOUT ROWID;
      CREATE TRIGGER tr BEFORE DELETE ON t BEGIN SELECT RAISE(ABORT, 'not this one'); END;
      INSERT INTO t VALUES (1, 1, 1, 1); INSERT INTO w VALUES (1);
      """, in: nil, fixture.control)
  let cases: [(String, EngineError.Code, String)] = [
    ("INSERT INTO t (k) VALUES (1)", .alreadyExists, "UNIQUE constraint failed: t.k"),
    ("INSERT INTO t (u) VALUES (1)", .alreadyExists, "UNIQUE constraint failed: t.u"),
    ("INSERT INTO w VALUES (1)", .alreadyExists, "UNIQUE constraint failed: w.a"),
    ("INSERT INTO t (n) VALUES (NULL)", .invalidArgument, "NOT NULL constraint failed: t.n"),
    ("INSERT INTO t (c) VALUES (0)", .invalidArgument, "CHECK constraint failed"),
    ("INSERT INTO s VALUES ('x')", .invalidArgument, "cannot store TEXT value in INT column s.i"),
    ("DELETE FROM t", .failedPrecondition, "not this one"),
    ("SELECT * FROM missing", .notFound, "no such table: missing"),
    ("SELECT missing FROM t", .notFound, "no such column: missing"),
    ("SELECT missing(1)", .notFound, "no such function: missing"),
    ("CREATE TABLE t (a)", .alreadyExists, "already exists"),
    ("SELEC 1", .invalidArgument, "syntax error"),
    ("SELECT abs(-9223372036854775808)", .invalidArgument, "integer overflow"),
    ("SELECT json('{')", .invalidArgument, "malformed JSON"),
    ("SELECT zeroblob(2000000000)", .resourceExhausted, "too big"),
    ("INSERT INTO t (k) VALUES ('x')", .invalidArgument, "datatype mismatch"),
  ]
  for (sql, expected, message) in cases {
    #expect { _ = try fixture.query(sql) } throws: {
      ($0 as? EngineError)?.code == expected && "\($0)".contains(message)
    }
  }
  #expect { try fixture.update("SELECT 1 +\n FROM t") } throws: { ($0 as? EngineError)?.offset == 12 }
}

@Test func publishedTablesSayWhatTheyCannotHave() throws {
  let fixture = try EngineFixture()
  try fixture.load("people", try People.five())
  for sql in [
    "CREATE INDEX i ON people (id)", "CREATE TRIGGER t AFTER INSERT ON people BEGIN SELECT 1; END",
    "INSERT INTO people (id) VALUES (1) ON CONFLICT DO NOTHING", "ALTER TABLE people ADD COLUMN x",
    "ALTER TABLE people DROP COLUMN age", "ALTER TABLE people RENAME COLUMN age TO years",
  ] {
    #expect { try fixture.update(sql) } throws: {
      ($0 as? EngineError)?.code == .invalidArgument && "\($0)".contains("--rows")
    }
  }
  try fixture.update("ALTER TABLE people RENAME TO persons")
  #expect(try fixture.query("SELECT count(*) AS n FROM persons").1 == [#"{"n":5}"#])
  #expect { try fixture.update("INSERT INTO persons (rowid, id) VALUES (1, 1)") } throws: {
    ($0 as? EngineError)?.code == .alreadyExists
  }
}

@Test func whatEndsATransaction() throws {
  var options = EngineOptions()
  options.transactionIdleTimeout = 0.05
  let fixture = try EngineFixture(options)
  try fixture.update("CREATE TABLE t (a UNIQUE)")
  try fixture.update("INSERT INTO t VALUES (1)")
  // An error that undoes its statement only.
  var transaction = try fixture.session.begin()
  try fixture.update("INSERT INTO t VALUES (2)", in: transaction)
  #expect(code { try fixture.update("INSERT INTO t VALUES (1)", in: transaction) } == .alreadyExists)
  try fixture.session.commit(transaction, fixture.control)
  #expect(try fixture.query("SELECT count(*) AS n FROM t").1 == [#"{"n":2}"#])
  // One that undoes everything.
  transaction = try fixture.session.begin()
  try fixture.update("INSERT INTO t VALUES (3)", in: transaction)
  #expect(
    code { try fixture.update("INSERT OR ROLLBACK INTO t VALUES (1)", in: transaction) } == .alreadyExists)
  #expect(code { try fixture.update("INSERT INTO t VALUES (4)", in: transaction) } == .failedPrecondition)
  #expect(code { try fixture.session.commit(transaction, fixture.control) } == .failedPrecondition)
  // Nobody comes for it.
  transaction = try fixture.session.begin()
  try fixture.update("INSERT INTO t VALUES (5)", in: transaction)
  fixture.engine.tidyUp()
  #expect(try fixture.query("SELECT a FROM t WHERE a = 5", in: transaction).1.count == 1)
  usleep(100_000)
  fixture.engine.tidyUp()
  #expect(code { try fixture.update("SELECT 1", in: transaction) } == .notFound)
  try fixture.update("INSERT INTO t VALUES (6)")
  // Its session closes; results that are open end.
  let session = fixture.engine.makeEmbeddedSession()
  transaction = try session.begin()
  let control = fixture.control
  _ = try session.prepare("INSERT INTO t VALUES (7)", in: transaction, control).update(nil, control)
  let open = try session.prepare("SELECT * FROM t", in: transaction, control).query(nil, control)
  session.close()
  #expect(code { _ = try open.next() } != nil)
  #expect(code { _ = try session.begin() } == .failedPrecondition)
  try fixture.update("INSERT INTO t VALUES (8)")
  #expect(
    try fixture.query("SELECT a FROM t ORDER BY a").1.map { $0 } == [1, 2, 6, 8].map { #"{"a":\#($0)}"# })
}

@Test func scriptsAreOneTransaction() throws {
  let fixture = try EngineFixture()
  let session = fixture.session
  try session.execute(
    script: "CREATE TABLE t (a); -- two;\nINSERT INTO t VALUES (';'); ;INSERT INTO t VALUES (2)", in: nil,
    fixture.control)
  #expect(try fixture.query("SELECT count(*) AS n FROM t").1 == [#"{"n":2}"#])
  let script = "DELETE FROM t; INSERT INTO missing VALUES (1)"
  #expect { try session.execute(script: script, in: nil, fixture.control) } throws: {
    ($0 as? EngineError)?.code == .notFound && ($0 as? EngineError)?.offset == 15
  }
  #expect(try fixture.query("SELECT count(*) AS n FROM t").1 == [#"{"n":2}"#])
  try session.execute(script: "BEGIN; DELETE FROM t; ROLLBACK;", in: nil, fixture.control)
  #expect(try fixture.query("SELECT count(*) AS n FROM t").1 == [#"{"n":2}"#])
  let transaction = try session.begin()
  try session.execute(script: "DELETE FROM t; CREATE TABLE u (b)", in: transaction, fixture.control)
  try session.rollback(transaction)
  #expect(try fixture.query("SELECT count(*) AS n FROM t").1 == [#"{"n":2}"#])
  #expect(code { try session.execute(script: " ; -- nothing", in: nil, fixture.control) } == .invalidArgument)
}

@Test func aFirstWriteIsNotTooLate() throws {
  let fixture = try EngineFixture()
  try fixture.update("CREATE TABLE t (a)")
  try fixture.update("INSERT INTO t VALUES (1)")
  let control = StatementControl(timeout: 10)
  let session = fixture.session
  let transaction = try session.begin()
  // What is prepared has read the schema, and no row.
  let statement = try session.prepare("UPDATE t SET a = a + 1", in: transaction, control)
  try fixture.update("UPDATE t SET a = 10")
  #expect(try statement.update(nil, control) == 1)
  try session.commit(transaction, control)
  #expect(try fixture.query("SELECT a FROM t").1 == [#"{"a":11}"#])
  // One that has read keeps to what it has seen.
  let reading = try session.begin()
  #expect(try fixture.query("SELECT a FROM t", in: reading).1 == [#"{"a":11}"#])
  let late = try session.prepare("UPDATE t SET a = a + 1", in: reading, control)
  try fixture.update("UPDATE t SET a = 20")
  #expect(code { _ = try late.update(nil, control) } == .aborted)
  try session.rollback(reading)
  // A savepoint is more than nothing, too.
  let saved = try session.begin()
  _ = try session.savepoint("s", in: saved)
  _ = try session.prepare("UPDATE t SET a = a + 1", in: saved, control)
  try fixture.update("UPDATE t SET a = 30")
  #expect(code { try fixture.update("UPDATE t SET a = a + 1", in: saved) } == .aborted)
  try session.rollback(saved)
}

@Test func writersAndTransactionsDoNotWaitForEachOther() throws {
  var options = EngineOptions()
  options.concurrency = 2
  let fixture = try EngineFixture(options)
  try fixture.update("CREATE TABLE t (a)")
  let control = StatementControl(timeout: 20)
  // All connections are those of transactions.
  let transactions = try (0..<2).map { _ in
    let session = fixture.engine.makeEmbeddedSession()
    return (session, try session.begin())
  }
  let alone = fixture.engine.makeEmbeddedSession()
  let waiting = elsewhere {
    try alone.prepare("INSERT INTO t VALUES (0)", in: nil, control).update(nil, control)
  }
  usleep(50_000)
  for (session, transaction) in transactions {
    #expect(
      try session.prepare("INSERT INTO t VALUES (1)", in: transaction, control).update(nil, control) == 1)
    try session.commit(transaction, control)
  }
  #expect(try waiting.value() == 1)
  #expect(try fixture.query("SELECT count(*) AS n FROM t").1 == [#"{"n":3}"#])
}
