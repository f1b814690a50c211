// Published tables: values of every type, names of every kind, changes by SQL.

import Arrow
import ArrowIPC
import Memory
import SQLite
import Samples
import Tables
import Testing

/// A private database with one session.
struct Fixture {
  let session: TableSession

  init() throws { session = try Database(path: nil).makeSession() }

  func publish(_ name: String, _ batches: [RecordBatch], mode: PublishMode = .create) throws {
    try session.connection.execute("BEGIN IMMEDIATE")
    do {
      let publication = try session.publish(name, schema: batches[0].schema, mode: mode)
      for batch in batches { try publication.append(batch) }
      try publication.finish()
      try session.connection.execute("COMMIT")
    } catch {
      try session.connection.execute("ROLLBACK")
      try session.settle()
      throw error
    }
    try session.settle()
  }

  func rows(_ sql: String) throws -> [[SQLValue]] {
    let statement = try session.connection.prepare(sql)
    var rows: [[SQLValue]] = []
    while try statement.step() { rows.append((0..<statement.columnCount).map { statement.value($0) }) }
    return rows
  }
}

@Test func everyTypeComesBackAsItWas() throws {
  let fixture = try Fixture()
  var sample = AllTypes(seed: 5)
  let batch = try sample.batch(rows: 300)
  try fixture.publish("types", [batch])
  let statement = try fixture.session.connection.prepare("SELECT * FROM types")
  let back = try #require(
    try RowReader(statement, schema: batch.schema).next(rowLimit: .max, byteLimit: .max))
  #expect(back.count == batch.count)
  for (i, field) in batch.schema.fields.enumerated() {
    for row in 0..<batch.count {
      let (expected, got) = (batch.columns[i].slice(row..<row + 1), back.columns[i].slice(row..<row + 1))
      if !got.hasEqualValues(to: expected) {
        var (left, right): ([UInt8], [UInt8]) = ([], [])
        expected.appendJSON(at: 0, to: &left)
        got.appendJSON(at: 0, to: &right)
        let (before, after) = (String(decoding: left, as: UTF8.self), String(decoding: right, as: UTF8.self))
        // SQL has no NaN, and does not tell of which of a union's children a null is.
        let isNull =
          before == "\"NaN\"" && after == "null" || before.hasSuffix(":null}") && after.hasSuffix(":null}")
        #expect(isNull, "\(field.name) \(field.type), row \(row): \(before) became \(after)")
        if !isNull { break }
      }
    }
  }
}

@Test(arguments: ["select", "my-table", "a\"b", "", "Größe", "x y\nz"])
func namesAreAnything(_ name: String) throws {
  let fixture = try Fixture()
  let builder = FixedBuilder<Int64>(type: .int64)
  builder.append(7)
  let batch = try RecordBatch(schema: Schema([Field(name, .int64)]), columns: [builder.finish()], count: 1)
  try fixture.publish(name, [batch])
  #expect(
    try fixture.rows("SELECT \(quoted(name)) FROM \(quoted(name)) WHERE \(quoted(name)) = 7") == [
      [.integer(7)]
    ])
}

@Test func namesThatDifferInCaseOnlyAreRefused() throws {
  let fixture = try Fixture()
  let builder = FixedBuilder<Int64>(type: .int64)
  builder.append(7)
  let column = builder.finish()
  let batch = try RecordBatch(
    schema: Schema([Field("a", .int64), Field("A", .int64)]), columns: [column, column], count: 1)
  #expect { try fixture.publish("t", [batch]) } throws: { "\($0)".contains("differ in case only") }
  #expect(try fixture.rows("SELECT count(*) FROM fletch_tables") == [[.integer(0)]])
}

@Test func changesBySQL() throws {
  let fixture = try Fixture()
  let people = try People.five()
  try fixture.publish("people", [people])
  let connection = fixture.session.connection
  try connection.execute("UPDATE people SET age = age + 1 WHERE name = 'Alice'")
  #expect(connection.changes == 1)
  try connection.execute("DELETE FROM people WHERE name = 'Bob'")
  try connection.execute("INSERT INTO people (id, age, name) VALUES (100, 33, 'Zoe')")
  #expect(
    try fixture.rows("SELECT name, age FROM people ORDER BY name").map(\.description)
      == [
        [SQLValue.text("Alice"), .integer(26)], [.text("Charlie"), .integer(30)],
        [.text("Daniel"), .integer(22)],
        [.text("Eve"), .integer(16)], [.text("Zoe"), .integer(33)],
      ].map(\.description))
  // Undone by a savepoint, by a rollback.
  try connection.execute(
    "BEGIN; DELETE FROM people; SAVEPOINT s; INSERT INTO people (id) VALUES (1); ROLLBACK TO s")
  #expect(try fixture.rows("SELECT count(*) FROM people") == [[.integer(0)]])
  try connection.execute("ROLLBACK")
  #expect(try fixture.rows("SELECT count(*) FROM people") == [[.integer(5)]])
  // Refused as a whole.
  #expect { try connection.execute("INSERT INTO people (id, age) VALUES (7, 1), (8, 'abc')") } throws: {
    "\($0)".contains("the text 'abc' is no value of type int64")
  }
  #expect(try fixture.rows("SELECT count(*) FROM people") == [[.integer(5)]])
  // What is stored is what its type gives back.
  try connection.execute("INSERT INTO people (id, age, is_active) VALUES (9, 4.0, true)")
  #expect(try fixture.rows("SELECT age, is_active FROM people WHERE id = 9") == [[.integer(4), .integer(1)]])
  try connection.execute("DROP TABLE people")
  #expect(try fixture.rows("SELECT name FROM sqlite_schema WHERE name LIKE 'fletch_delta%'").isEmpty)
}

@Test func publishingAgainReplacesOrAppends() throws {
  let fixture = try Fixture()
  let people = try People.five()
  try fixture.publish("people", [people])
  #expect { try fixture.publish("people", [people]) } throws: { "\($0)".contains("exists already") }
  try fixture.publish("people", [people], mode: .append)
  #expect(
    try fixture.rows("SELECT count(*), count(DISTINCT rowid) FROM people") == [[.integer(10), .integer(10)]])
  try fixture.publish("people", [people.slice(0..<2)], mode: .replace)
  #expect(try fixture.rows("SELECT count(*) FROM people") == [[.integer(2)]])
}
