// The catalog: what transactions leave in it, and what a damaged one does.

import Arrow
import Memory
import SQLite
import Samples
import Tables
import Testing

/// A version that was taken back by a savepoint is given again.
@Test func changesBehindASavepointAreSeenByAll() throws {
  let fixture = try Fixture()
  try fixture.publish("people", [try People.five()])
  let other = try fixture.session.database.makeSession()
  #expect(try other.connection.value("SELECT count(*) FROM people") == .integer(5))
  try fixture.session.connection.execute(
    "BEGIN; SAVEPOINT s; DELETE FROM people; ROLLBACK TO s; INSERT INTO people (id) VALUES (9); COMMIT")
  #expect(try fixture.rows("SELECT count(*) FROM people") == [[.integer(6)]])
  #expect(try other.connection.value("SELECT count(*) FROM people") == .integer(6))
}

@Test func aPublicationThatIsRolledBackWasNever() throws {
  let fixture = try Fixture()
  let people = try People.five()
  try fixture.publish("people", [people])
  let connection = fixture.session.connection
  for undo in ["ROLLBACK TO s; COMMIT", "ROLLBACK"] {
    try connection.execute("BEGIN; SAVEPOINT s")
    let publication = try fixture.session.publish("people", schema: people.schema, mode: .append)
    try publication.append(people)
    try publication.finish()
    #expect(try fixture.rows("SELECT count(*) FROM people") == [[.integer(10)]])
    try connection.execute(undo)
    try fixture.session.settle()
    #expect(try fixture.rows("SELECT count(*) FROM people") == [[.integer(5)]])
  }
}

/// A row that was replaced while its statement ran leaves no tombstone behind that hides a later row.
@Test func tombstonesAreForRowsOfSegmentsOnly() throws {
  let fixture = try Fixture()
  let people = try People.five()
  try fixture.publish("people", [people])
  try fixture.session.connection.execute("INSERT INTO people (rowid, id) VALUES (7, 1), (8, 2), (9, 3)")
  try fixture.session.connection.execute("UPDATE OR REPLACE people SET rowid = rowid - 1 WHERE rowid > 6")
  try fixture.session.connection.execute("DELETE FROM people WHERE rowid > 5")
  try fixture.publish("people", [people], mode: .append)
  #expect(try fixture.rows("SELECT count(*) FROM people") == [[.integer(10)]])
}

@Test func rowIDsThatAreUsedUpAreAnError() throws {
  let fixture = try Fixture()
  let people = try People.five()
  try fixture.publish("people", [people])
  try fixture.session.connection.execute("INSERT INTO people (rowid, id) VALUES (9223372036854775807, 1)")
  #expect { try fixture.publish("people", [people], mode: .append) } throws: { "\($0)".contains("row id") }
  #expect(try fixture.rows("SELECT count(*) FROM people") == [[.integer(6)]])
}

/// Whatever stands in the catalog, it is an error and not the end of the process, and other tables are as they were.
@Test(arguments: [
  "UPDATE fletch_segments SET first_row = 9223372036854775806",
  "UPDATE fletch_segments SET first_row = -9223372036854775808",
  "UPDATE fletch_segments SET rows = rows + 1", "UPDATE fletch_segments SET rows = -1",
  "UPDATE fletch_segments SET path = '../fletch.db'", "UPDATE fletch_segments SET path = ''",
  "UPDATE fletch_segments SET path = 'nowhere'", "UPDATE fletch_tables SET schema = x''",
  "UPDATE fletch_tables SET schema = substr(schema, 1, 40)",
  "UPDATE fletch_tables SET version = 9223372036854775807",
  "DELETE FROM fletch_tables WHERE name = 'people'",
  "INSERT INTO fletch_gone_1 VALUES (-5), (9223372036854775807), (3)",
  "INSERT INTO fletch_delta_1 (row, c0) VALUES (2, 'two')", "DROP TABLE fletch_gone_1",
  "DROP TABLE fletch_delta_1",
  "INSERT INTO fletch_segments (table_id, path, is_own, first_row, rows, bytes) SELECT table_id, path, 1, first_row + 2, rows, bytes FROM fletch_segments WHERE table_id = 1",
])
func aDamagedCatalogIsAnError(_ damage: String) throws {
  let fixture = try Fixture()
  try fixture.publish("people", [try People.five()])
  try fixture.session.connection.execute("CREATE TABLE plain (a); INSERT INTO plain VALUES (1)")
  try fixture.session.connection.execute(damage)
  let session = try fixture.session.database.makeSession()
  for sql in [
    "SELECT count(*), sum(age) FROM people WHERE age > 3", "SELECT * FROM people WHERE rowid > -5",
    "INSERT INTO people (id) VALUES (1)",
    "UPDATE people SET age = 3 WHERE id = 2", "DELETE FROM people WHERE id = 3", "DROP TABLE people",
  ] {
    _ = try? session.connection.execute(sql)
  }
  _ = try? session.compact(table: "people")
  try? session.settle()
  #expect(try session.connection.value("SELECT a FROM plain") == .integer(1))
}
