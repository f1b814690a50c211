// Parameters: by order, by name, row by row, of every type; and statements that take effect once.

import Arrow
import Engine
import Memory
import Samples
import Testing

/// A batch out of SQL texts, nil for nulls.
func rows(_ columns: (name: String, type: DataType, values: [String?])...) throws -> RecordBatch {
  let built = try columns.map { column in
    let builder = column.type.makeBuilder()
    for value in column.values {
      if let value { try builder.append(text: Array(value.utf8).span.bytes) } else { builder.appendNull() }
    }
    return builder.finish()
  }
  return try RecordBatch(schema: Schema(columns.map { Field($0.name, $0.type) }), columns: built)
}

@Test func parametersByOrderAndByName() throws {
  let fixture = try EngineFixture()
  let sql = "SELECT :a AS a, :b AS b, typeof(:a) AS t"
  let statement = try fixture.session.prepare(sql, in: nil, fixture.control)
  #expect(statement.parameterSchema.fields.map(\.name) == [":a", ":b"])
  #expect(statement.parameterSchema.fields.allSatisfy { $0.type == .null })
  let byName = try rows(("b", .int64, ["2"]), ("a", .utf8, ["one"]))
  #expect(try fixture.query(sql, byName).1 == [#"{"a":"one","b":2,"t":"text"}"#])
  let withPrefix = try rows((":b", .int64, ["2"]), (":a", .utf8, ["one"]))
  #expect(try fixture.query(sql, withPrefix).1 == [#"{"a":"one","b":2,"t":"text"}"#])
  // Names that are none of the statement's: by order.
  let byOrder = try rows(("1", .int64, ["1"]), ("2", .float64, ["2.5"]))
  #expect(try fixture.query(sql, byOrder).1 == [#"{"a":1,"b":2.5,"t":"integer"}"#])
  #expect(try fixture.query("SELECT ?2 AS x, ?1 AS y", byOrder).1 == [#"{"x":2.5,"y":1}"#])
  #expect(try fixture.query("SELECT ? - ? AS d", byOrder).1 == [#"{"d":-1.5}"#])
  for (text, given) in [("SELECT ?", byOrder), ("SELECT ?, ?, ?", byOrder), ("SELECT 1", byOrder)] {
    #expect { try fixture.query(text, given) } throws: {
      ($0 as? EngineError)?.code == .invalidArgument && "\($0)".contains("2 are bound")
    }
  }
  // Unbound, a parameter is NULL, as in SQLite.
  #expect(try fixture.query("SELECT ? IS NULL AS x").1 == [#"{"x":1}"#])
  #expect(try fixture.query("SELECT 1 AS x LIMIT ?", rows(("n", .int64, ["1"]))).1 == [#"{"x":1}"#])
}

@Test func aStatementRunsForEachRowOfParameters() throws {
  let fixture = try EngineFixture()
  try fixture.load("people", try People.five())
  try fixture.update("CREATE TABLE t (a INTEGER UNIQUE, b)")
  let three = try rows(("a", .int64, ["1", "2", "3"]), ("b", .utf8, ["x", nil, "z"]))
  let insert = try fixture.session.prepare("INSERT INTO t VALUES (?, ?)", in: nil, fixture.control)
  #expect(try insert.update(three, fixture.control) == 3)
  #expect(try fixture.query("SELECT * FROM t").1.count == 3)
  // All or none.
  let clash = try rows(("a", .int64, ["4", "5", "1"]), ("b", .utf8, [nil, nil, nil]))
  #expect(code { _ = try insert.update(clash, fixture.control) } == .alreadyExists)
  #expect(try fixture.query("SELECT * FROM t").1.count == 3)
  // Within a transaction, too, which goes on.
  let transaction = try fixture.session.begin()
  let nested = try fixture.session.prepare("INSERT INTO t VALUES (?, ?)", in: transaction, fixture.control)
  #expect(code { _ = try nested.update(clash, fixture.control) } == .alreadyExists)
  #expect(try nested.update(rows(("a", .int64, ["9"]), ("b", .utf8, [nil])), fixture.control) == 1)
  try fixture.session.commit(transaction, fixture.control)
  #expect(try fixture.query("SELECT a FROM t ORDER BY a DESC LIMIT 1").1 == [#"{"a":9}"#])
  // A query gives all results, one after the other.
  let ages = try rows(("age", .int64, ["20", "100", "29"]))
  #expect(
    try fixture.query("SELECT id FROM people WHERE age > ? ORDER BY id", ages).1.map { $0 }
      == [1, 3, 4, 3].map { #"{"id":\#($0)}"# })
  let none = try rows(("age", .int64, []))
  let empty = try fixture.session.prepare("DELETE FROM people WHERE age > ?", in: nil, fixture.control)
  _ = none
  #expect(try empty.update(rows(("age", .int64, ["1000"])), fixture.control) == 0)
  // RETURNING for each.
  let both = try rows(("a", .int64, ["11", "12"]), ("b", .utf8, ["p", "q"]))
  #expect(
    try fixture.query("INSERT INTO t VALUES (?, ?) RETURNING a", both).1 == [#"{"a":11}"#, #"{"a":12}"#])
}

@Test func parametersOfEveryType() throws {
  let fixture = try EngineFixture()
  var table = SampleKind.types.table(seed: 3)
  let batch = try table.batch(rows: 30)
  try fixture.load("types", batch)
  for (i, field) in batch.schema.fields.enumerated() {
    let parameter = try RecordBatch(
      schema: Schema([Field("1", field.type)]), columns: [batch.columns[i]], count: batch.count)
    let name = "\"\(field.name)\""
    // A value is found by itself: what is bound is what the column has in SQL.
    let found = try fixture.query("SELECT count(*) AS n FROM types WHERE \(name) IS ?1", parameter).1
    #expect(found.count == batch.count && !found.contains(#"{"n":0}"#), "\(field.type)")
    let again = try fixture.query("SELECT typeof(?1) AS t", parameter).1
    let stored = try fixture.query("SELECT typeof(\(name)) AS t FROM types ORDER BY rowid").1
    #expect(again == stored, "\(field.type)")
  }
}

@Test func changesHappenOnceHoweverTheyAreRead() throws {
  let fixture = try EngineFixture()
  try fixture.update("CREATE TABLE t (n INTEGER)")
  func count() throws -> [String] { try fixture.query("SELECT count(*) AS n FROM t").1 }
  let sql = "INSERT INTO t VALUES (1), (2) RETURNING n"
  // Prepared only.
  let statement = try fixture.session.prepare(sql, in: nil, fixture.control)
  #expect(try count() == [#"{"n":0}"#])
  // Asked, and not read.
  let stream = try statement.query(nil, fixture.control)
  #expect(try count() == [#"{"n":2}"#])
  #expect(stream.updateCount == 2)
  stream.close()
  #expect(try count() == [#"{"n":2}"#])
  // Asked, and read twice to the end.
  let read = try statement.query(nil, fixture.control)
  while try read.next() != nil {}
  #expect(try read.next() == nil)
  #expect(try count() == [#"{"n":4}"#])
  // Closed without a run.
  try fixture.session.prepare(sql, in: nil, fixture.control).close()
  #expect(try count() == [#"{"n":4}"#])
  // A change without rows on the way of queries.
  let plain = try fixture.session.prepare("UPDATE t SET n = 0", in: nil, fixture.control).query(
    nil, fixture.control)
  #expect(try plain.next() == nil)
  #expect(plain.updateCount == 4)
  #expect(try fixture.query("SELECT sum(n) AS s FROM t").1 == [#"{"s":0}"#])
}
