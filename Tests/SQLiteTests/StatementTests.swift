// Connections and statements: values there and back, errors in SQLite's words, interruption.

import SQLite
import Testing

@Test func valuesThereAndBack() throws {
  let connection = try Connection(path: ":memory:")
  let statement = try connection.prepare("SELECT ?1, typeof(?1)")
  let values: [(SQLValue, String)] = [
    (.null, "null"), (.integer(.min), "integer"), (.real(0.1), "real"), (.text("a\0b"), "text"),
    (.text(""), "text"),
    (.blob([]), "blob"), (.blob([0, 255]), "blob"),
  ]
  for (value, type) in values {
    try statement.bind(value, to: 1)
    #expect(try statement.step())
    #expect(statement.value(0) == value)
    #expect(statement.text(1) == type)
    statement.reset()
  }
}

@Test func errorsAreSQLitesOwn() throws {
  let connection = try Connection(path: ":memory:")
  #expect { try connection.prepare("SELECT x FROM nowhere") } throws: {
    ($0 as? SQLiteError)?.message == "no such table: nowhere"
  }
  try connection.execute("CREATE TABLE t (a UNIQUE); INSERT INTO t VALUES (1)")
  #expect { try connection.run("INSERT INTO t VALUES (?)", .integer(1)) } throws: {
    guard let error = $0 as? SQLiteError else { return false }
    return error.code.primary == .constraint && error.code != .constraint && error.message.contains("t.a")
  }
}

@Test func textBehindAStatementIsKept() throws {
  let connection = try Connection(path: ":memory:")
  let statement = try connection.prepare("SELECT 1; SELECT 2")
  #expect(statement.rest == " SELECT 2")
  #expect(try Statement(connection, " -- only a comment") == nil)
  #expect(try Statement(connection, "") == nil)
}

@Test func progressEndsAStatement() throws {
  let connection = try Connection(path: ":memory:")
  var calls = 0
  connection.setProgress(every: 1000) {
    calls += 1
    return calls > 3
  }
  #expect {
    try connection.value(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
  } throws: { ($0 as? SQLiteError)?.code.primary == .interrupt }
  connection.setProgress(every: 0, nil)
  #expect(try connection.value("SELECT 1") == .integer(1))
}

@Test func theAuthorizerIsAsked() throws {
  let connection = try Connection(path: ":memory:")
  connection.setAuthorizer { $0.code != AuthorizedAction.attach }
  #expect { try connection.execute("ATTACH ':memory:' AS other") } throws: {
    ($0 as? SQLiteError)?.code.primary == .authorization
  }
  try connection.execute("CREATE TABLE t (a)")
}
