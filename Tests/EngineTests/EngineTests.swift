// The embedded engine: schemas that are told once, statements that run once, transactions, cancellation.

import Arrow
import Engine
import Memory
import Samples
import Testing

struct EngineFixture {
  let engine: EmbeddedEngine
  let session: EmbeddedSession
  let control = StatementControl()

  init(_ options: EngineOptions = EngineOptions()) throws {
    engine = try EmbeddedEngine(options)
    session = engine.makeEmbeddedSession()
  }

  func load(_ name: String, _ batch: RecordBatch) throws {
    var batches = [batch]
    _ = try session.ingest(
      IngestRequest(table: TableName(table: name), schema: batch.schema, ifExists: .fail, ifMissing: .create),
      in: nil, control
    ) { batches.popLast() }
  }

  func query(_ sql: String, _ parameters: RecordBatch? = nil, in transaction: TransactionID? = nil) throws
    -> (
      Schema, [String]
    )
  {
    let statement = try session.prepare(sql, in: transaction, control)
    defer { statement.close() }
    let stream = try statement.query(parameters, control)
    defer { stream.close() }
    var rows: [String] = []
    while let batch = try stream.next() {
      #expect(batch.schema == stream.schema)
      for row in 0..<batch.count {
        var text: [UInt8] = []
        batch.appendJSON(row: row, to: &text)
        rows.append(String(decoding: text, as: UTF8.self))
      }
    }
    return (stream.schema, rows)
  }

  @discardableResult
  func update(_ sql: String, in transaction: TransactionID? = nil) throws -> Int? {
    let statement = try session.prepare(sql, in: transaction, control)
    defer { statement.close() }
    return try statement.update(nil, control)
  }
}

@Test func typesOfColumnsAndExpressions() throws {
  let fixture = try EngineFixture()
  try fixture.load("people", try People.five())
  let cases: [(String, [DataType])] = [
    ("SELECT id, is_active, metadata FROM people", [.int64, .bool, People.schema.fields.last!.type]),
    ("SELECT is_active AS b FROM (SELECT * FROM people WHERE id = -1)", [.bool]),
    (
      "WITH p AS (SELECT * FROM people) SELECT is_active FROM p UNION ALL SELECT is_active FROM people",
      [.bool]
    ),
    (
      "SELECT count(*), sum(age), avg(age), max(name), min(is_active) FROM people",
      [.int64, .int64, .float64, .utf8, .bool]
    ),
    (
      "SELECT age + 1, age / 2.0, name || 'x', upper(name), age > 3 FROM people",
      [.int64, .float64, .utf8, .utf8, .int64]
    ),
    ("SELECT coalesce(is_active, 0), CASE WHEN 1 THEN name ELSE name END FROM people", [.int64, .utf8]),
    ("SELECT NULL, x'00', CAST('5' AS REAL)", [.utf8, .binary, .float64]),
    (
      "SELECT row_number() OVER (ORDER BY id), lag(is_active) OVER (ORDER BY id) FROM people",
      [.int64, .bool]
    ),
  ]
  for (sql, types) in cases {
    let (schema, _) = try fixture.query(sql)
    #expect(schema.fields.map(\.type) == types, "\(sql)")
    #expect(schema.fields.allSatisfy { $0.isNullable })
  }
}

@Test func rowsDecideWhereNothingElseDoes() throws {
  let fixture = try EngineFixture()
  try fixture.update("CREATE TABLE anything (a, b)")
  try fixture.update("INSERT INTO anything VALUES (NULL, x'01'), (2, NULL), (3, NULL)")
  let (schema, rows) = try fixture.query("SELECT a, b FROM anything")
  #expect(schema.fields.map(\.type) == [.int64, .binary])
  #expect(rows == [#"{"a":null,"b":"01"}"#, #"{"a":2,"b":null}"#, #"{"a":3,"b":null}"#])
  try fixture.update(
    "CREATE TABLE declared (i INTEGER, d DECIMAL(10,2), t TIMESTAMP, v VARCHAR(5), b BOOLEAN)")
  try fixture.update("INSERT INTO declared VALUES (1, 12.5, '2024-02-29 12:00:00', 'x', TRUE)")
  #expect(
    try fixture.query("SELECT * FROM declared").1 == [
      #"{"i":1,"d":"12.50","t":"2024-02-29T12:00:00.000000","v":"x","b":true}"#
    ])
  try fixture.update("INSERT INTO declared (i) VALUES ('abc')")
  #expect { try fixture.query("SELECT i FROM declared") } throws: {
    "\($0)".contains("column 'i'") && "\($0)".contains("'abc'")
  }
}

@Test func transactionsAndSavepoints() throws {
  let fixture = try EngineFixture()
  try fixture.load("people", try People.five())
  let session = fixture.session
  let transaction = try session.begin()
  #expect(try fixture.update("DELETE FROM people WHERE id = 1", in: transaction) == 1)
  let savepoint = try session.savepoint("s", in: transaction)
  try fixture.update("DELETE FROM people", in: transaction)
  #expect(try fixture.query("SELECT count(*) AS n FROM people", in: transaction).1 == [#"{"n":0}"#])
  #expect(try fixture.query("SELECT count(*) AS n FROM people").1 == [#"{"n":5}"#])
  try session.rollback(to: savepoint)
  try session.commit(transaction, fixture.control)
  #expect(try fixture.query("SELECT count(*) AS n FROM people").1 == [#"{"n":4}"#])
  #expect { try fixture.update("SELECT 1", in: transaction) } throws: {
    ($0 as? EngineError)?.code == .notFound
  }
  // By statements, for clients that know no other way.
  try fixture.update("BEGIN")
  try fixture.update("DELETE FROM people")
  try fixture.update("ROLLBACK")
  #expect(try fixture.query("SELECT count(*) AS n FROM people").1 == [#"{"n":4}"#])
}

@Test func statementsRunOnce() throws {
  let fixture = try EngineFixture()
  try fixture.update("CREATE TABLE counter (n INTEGER)")
  let (schema, rows) = try fixture.query("INSERT INTO counter VALUES (1), (2) RETURNING n * 10 AS ten")
  #expect(schema.fields.map(\.type) == [.int64])
  #expect(rows == [#"{"ten":10}"#, #"{"ten":20}"#])
  #expect(try fixture.query("SELECT count(*) AS n FROM counter").1 == [#"{"n":2}"#])
  #expect(try fixture.update("UPDATE counter SET n = n + 1") == 2)
  #expect(try fixture.update("CREATE TABLE other (x)") == nil)
}

@Test func cancellingEndsTheStatement() throws {
  let fixture = try EngineFixture()
  let control = StatementControl(timeout: 0.2)
  let statement = try fixture.session.prepare(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n", in: nil, control)
  let stream = try statement.query(nil, control)
  #expect { try stream.next() } throws: { ($0 as? EngineError)?.code == .deadlineExceeded }
  #expect(try fixture.query("SELECT 1 AS one").1 == [#"{"one":1}"#])
}

@Test func statementsStayInside() throws {
  let fixture = try EngineFixture()
  try fixture.load("people", try People.five())
  for sql in [
    "ATTACH 'x.db' AS x", "PRAGMA journal_mode = DELETE", "SELECT load_extension('x')",
    "DROP TABLE fletch_tables",
    "DELETE FROM fletch_segments", "PRAGMA writable_schema = 1",
    "CREATE TRIGGER t AFTER INSERT ON fletch_tables BEGIN SELECT 1; END",
  ] {
    #expect(throws: EngineError.self, "\(sql)") { try fixture.update(sql) }
  }
  #expect { try fixture.update("SELECT 1; SELECT 2") } throws: {
    ($0 as? EngineError)?.code == .invalidArgument
  }
  #expect { try fixture.update("  -- nothing") } throws: { ($0 as? EngineError)?.code == .invalidArgument }
}

@Test func whichWayAStatementTakesIsTold() throws {
  let fixture = try EngineFixture()
  try fixture.load("people", try People.five())
  func way(_ sql: String) throws -> String { try fixture.query("EXPLAIN QUERY PLAN " + sql).1[0] }
  #expect(try way("SELECT count(*) FROM people WHERE age > 18").contains("RUN ON COLUMNS OF people"))
  #expect(try way("SELECT sum(id) OVER (ORDER BY id ROWS 2 PRECEDING) FROM people").contains("RUN IN SQLITE"))
  let sql = "SELECT city, count(*) AS n, avg(age) AS a FROM people GROUP BY city ORDER BY city"
  let columns = try fixture.query(sql)
  try fixture.session.setOption("fletch_engine", to: "sqlite")
  #expect(try way("SELECT count(*) FROM people").contains("the session says so"))
  let rows = try fixture.query(sql)
  #expect(columns.0 == rows.0 && columns.1 == rows.1)
  try fixture.session.setOption("fletch_engine", to: "columns")
  #expect { try fixture.query("SELECT sum(id) OVER (ORDER BY id ROWS 2 PRECEDING) FROM people") } throws: {
    ($0 as? EngineError)?.code == .unimplemented
  }
}

/// A client that sends slowly keeps nobody from writing, and sees what others did meanwhile.
@Test func anIngestThatWaitsHoldsNothing() throws {
  let fixture = try EngineFixture()
  let people = try People.five()
  var batches = [people]
  let slow = IngestRequest(
    table: TableName(table: "slow"), schema: people.schema, ifExists: .append, ifMissing: .create)
  let rows = try fixture.session.ingest(slow, in: nil, fixture.control) {
    if batches.count == 1 {
      try fixture.load("quick", people)
      try fixture.update("CREATE TABLE other (x)")
      #expect(try fixture.update("DELETE FROM quick WHERE id = 1") == 1)
    }
    return batches.popLast()
  }
  #expect(rows == 5)
  #expect(
    try fixture.query("SELECT (SELECT count(*) FROM slow) + (SELECT count(*) FROM quick) AS n").1 == [
      #"{"n":9}"#
    ])
  // What the table has become meanwhile is no longer what the rows were made for.
  batches = [people]
  #expect {
    try fixture.session.ingest(slow, in: nil, fixture.control) {
      if batches.count == 1 {
        try fixture.update("DROP TABLE slow")
        try fixture.load(
          "slow",
          try RecordBatch(
            schema: Schema([Field("x", .int64)]), columns: [FixedBuilder<Int64>(type: .int64).finish()],
            count: 0))
      }
      return batches.popLast()
    }
  } throws: { ($0 as? EngineError)?.code == .aborted }
}
