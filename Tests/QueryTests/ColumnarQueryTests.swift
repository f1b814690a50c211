// What a user of `ColumnarQuery` relies on besides the answers.

import Arrow
import Memory
import SQL
import SQLite
import Tables
import Testing

@testable import Query
@testable import fletch_differential

/// A table `t` of numbers in several batches.
private struct Fixture {
  let session: TableSession

  init(rows: Int = 10_000, batches: Int = 4) throws {
    session = try Database(path: nil).makeSession()
    let schema = Schema([Field("id", .int64), Field("text", .utf8), Field("real", .float64)])
    try session.connection.execute("BEGIN IMMEDIATE")
    let publication = try session.publish("t", schema: schema, mode: .create)
    for batch in 0..<batches {
      let id = FixedBuilder<Int64>(type: .int64)
      let text = BinaryBuilder<Int32>(type: .utf8)
      let real = FixedBuilder<Double>(type: .float64)
      for row in 0..<rows / batches {
        let number = batch * (rows / batches) + row
        id.append(Int64(number))
        try text.append("text \(number % 1000)")
        real.append(Double(number) / 4)
      }
      try publication.append(
        RecordBatch(
          schema: schema, columns: [id.finish(), text.finish(), real.finish()], count: rows / batches))
    }
    try publication.finish()
    try session.connection.execute("COMMIT")
    try session.settle()
  }

  func decision(_ sql: String, _ parameters: [SQLValue]? = []) throws -> ColumnarQuery.Decision {
    let bound = try Binder.bind(Statement(sql)!, text: sql, catalog: SessionCatalog(session: session))
    return ColumnarQuery.plan(bound, parameters: parameters)
  }

  func query(_ sql: String, _ parameters: [SQLValue]? = []) throws -> ColumnarQuery {
    guard case .columns(let query) = try decision(sql, parameters) else {
      throw QueryError(.leftToSQLite, "not mine: \(sql)")
    }
    return query
  }

  func batches(_ sql: String, _ options: QueryOptions = QueryOptions()) throws -> [RecordBatch] {
    let query = try query(sql)
    let stream = query.run(try TableInput.read(query.tableNames, on: session), options)
    var batches: [RecordBatch] = []
    while let batch = try stream.next() { batches.append(batch) }
    return batches
  }
}

private func integer(_ column: Column) -> Int64 { column.values(of: Int64.self)[0] }

@Test(arguments: [
  ("SELECT sum(id) OVER (ORDER BY id ROWS 2 PRECEDING) FROM t", "a window's frame of its own"),
  ("SELECT rowid FROM t", "it names the row id"),
  ("SELECT id, min(text), max(real) FROM t", "several aggregates say which row of a group a column is of"),
  ("SELECT random() FROM t", "the function random() of 0 arguments"),
  ("SELECT json_group_array(text) FROM t", "the aggregate json_group_array()"),
  (
    "SELECT group_concat(text) FROM t WHERE id = 1 OR real < 2",
    "the order of rows counts, and OR may change it"
  ),
  ("SELECT ?1 FROM t", "the type of column '?1' is only known with its rows"),
  (
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT * FROM r",
    "it is recursive"
  ),
  ("DELETE FROM t", "it is no SELECT"),
])
func whatDoesNotRunHereSaysWhy(_ sql: String, _ reason: String) throws {
  guard case .notMine(let answer) = try Fixture(rows: 4).decision(sql) else {
    Issue.record("\(sql) runs")
    return
  }
  #expect(answer.reason == reason)
}

@Test func storedColumnsAreNotCopied() throws {
  let fixture = try Fixture()
  let input = try TableInput.read(["t"], on: fixture.session)[0]
  let stored = input.snapshot.segments[0].segment.batches[0]
  let batch = try #require(try fixture.batches("SELECT text, id, real FROM t").first)
  for (column, number) in zip(batch.columns, [1, 0, 2]) {
    switch (column.layout, stored.columns[number].layout) {
    case (.fixed(let a), .fixed(let b)): #expect(a.base == b.base)
    case (.variable(_, let a), .variable(_, let b)): #expect(a.base == b.base)
    default: Issue.record("other layouts")
    }
  }
}

@Test func batchesKeepTheirLimits() throws {
  let fixture = try Fixture()
  var options = QueryOptions()
  options.batchRows = 700
  for sql in [
    "SELECT * FROM t", "SELECT id + 1 FROM t WHERE id % 2 = 0", "SELECT id FROM t ORDER BY real DESC",
  ] {
    let batches = try fixture.batches(sql, options)
    #expect(batches.allSatisfy { $0.count <= 700 && $0.count > 0 })
    #expect(batches.reduce(0) { $0 + $1.count } == (sql.contains("%") ? 5000 : 10_000))
  }
  options.batchRows = 65_536
  options.batchBytes = 4000
  let batches = try fixture.batches("SELECT * FROM t", options)
  #expect(batches.allSatisfy { $0.columns.reduce(0) { $0 + $1.byteCount } <= 6000 })
}

@Test func cancelEndsAQuery() throws {
  let fixture = try Fixture()
  var options = QueryOptions()
  options.isCancelled = { true }
  for sql in [
    "SELECT * FROM t", "SELECT count(*) FROM t", "SELECT id FROM t ORDER BY real",
    "SELECT DISTINCT id FROM t",
  ] {
    #expect { _ = try fixture.batches(sql, options) } throws: { ($0 as? QueryError)?.code == .cancelled }
  }
}

@Test func memoryLimitEndsAQuery() throws {
  let fixture = try Fixture()
  var options = QueryOptions()
  options.memoryLimit = 50_000
  for sql in [
    "SELECT id + 0, count(*) FROM t GROUP BY 1", "SELECT id, text FROM t ORDER BY real",
    "SELECT count(DISTINCT id + 1) FROM t",
  ] {
    #expect { _ = try fixture.batches(sql, options) } throws: { ($0 as? QueryError)?.code == .memory }
  }
  #expect(
    try fixture.batches("SELECT text, count(*) FROM t GROUP BY text LIMIT 1", QueryOptions()).count == 1)
}

@Test func whatOverflowsIsLeftToSQLite() throws {
  let fixture = try Fixture()
  for sql in ["SELECT sum(id * 4611686018427387904) FROM t", "SELECT sum(id + 9223372036854770000) FROM t"] {
    #expect { _ = try fixture.batches(sql) } throws: { ($0 as? QueryError)?.code == .leftToSQLite }
  }
}

@Test func aChangedTableIsNoticed() throws {
  let fixture = try Fixture()
  let query = try fixture.query("SELECT id FROM t")
  try fixture.session.connection.execute("DROP TABLE t")
  try fixture.session.connection.execute("BEGIN")
  let publication = try fixture.session.publish("t", schema: Schema([Field("id", .utf8)]), mode: .create)
  try publication.finish()
  try fixture.session.connection.execute("COMMIT")
  let stream = query.run(try TableInput.read(["t"], on: fixture.session))
  #expect { _ = try stream.next() } throws: { ($0 as? QueryError)?.code == .schemaChanged }
}

@Test func changesOfTheOpenTransactionAreSeen() throws {
  let fixture = try Fixture()
  try fixture.session.connection.execute(
    "BEGIN; DELETE FROM t WHERE id < 9000; UPDATE t SET text = 'new' WHERE id = 9500")
  let count = try fixture.batches("SELECT count(*), count(text) FILTER (WHERE text = 'new') FROM t")[0]
  #expect(integer(count.columns[0]) == 1000)
  #expect(integer(count.columns[1]) == 1)
  try fixture.session.connection.execute("ROLLBACK")
  #expect(integer(try fixture.batches("SELECT count(*) FROM t")[0].columns[0]) == 10_000)
}

/// SQLite takes the parts of an OR one after the other, and joins in the order that it likes: what may be left to it goes out whole.
@Test(arguments: [
  ("SELECT id FROM t WHERE id = 1 OR real < 2", true), ("SELECT id + 1 FROM t WHERE id > 1", true),
  ("SELECT id + 1 FROM t WHERE id = 1 OR real < 2", false),
  ("SELECT a.id + 1 FROM t a JOIN t b ON a.id = b.id", false),
  ("SELECT round(real, 1) FROM t WHERE id = 1 OR real < 2", false),
  ("SELECT a.id FROM t a, t b WHERE a.id = b.id", true),
])
func whatMayBeLeftToSQLiteInAnotherOrderIsReadFirst(_ sql: String, _ streams: Bool) throws {
  let fixture = try Fixture(rows: 100, batches: 2)
  #expect(try fixture.query(sql).isStreaming == streams)
  _ = try fixture.batches(sql)
}

@Test func plansCanBeRead() throws {
  let query = try Fixture(rows: 4).query(
    "SELECT text, count(*) FROM t WHERE id > 3 AND real / 2 < 7 GROUP BY text HAVING count(*) > 1 ORDER BY 2 DESC LIMIT 5"
  )
  #expect(
    query.explanation == [
      "first 5 rows", "  sort by count(*) DESC", "    results: text, count(*)",
      "      filter groups: count(*) > 1",
      "        group by text: count(*)", "          filter: id > 3 AND (real / 2) < 7 (zone maps: id)",
      "            scan t",
    ])
  #expect(!query.isStreaming)
}

@Test func parametersDecideByTheirClass() throws {
  let fixture = try Fixture(rows: 100, batches: 1)
  func count(_ sql: String, _ parameters: [SQLValue]) throws -> Int64 {
    let query = try fixture.query(sql, parameters)
    let stream = query.run(try TableInput.read(query.tableNames, on: fixture.session))
    return integer(try #require(try stream.next()).columns[0])
  }
  #expect(try count("SELECT count(*) FROM t WHERE id < ?1", [.integer(10)]) == 10)
  #expect(try count("SELECT count(*) FROM t WHERE id < ?1", [.real(9.5)]) == 10)
  #expect(try count("SELECT count(*) FROM t WHERE id < ?1", [.text("10")]) == 10)
  #expect(try count("SELECT count(*) FROM t WHERE id < ?1", [.null]) == 0)
  #expect(try count("SELECT count(*) FROM t WHERE id < ?1", [.text("x")]) == 100)
  // Before the values are known, the statement counts as one that runs here.
  _ = try fixture.query("SELECT count(*) FROM t WHERE id < ?1 LIMIT ?2", nil)
}
