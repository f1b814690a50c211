// One schema: what `prepare` tells is what the stream has, whatever the statement and the rows.

import Arrow
import Engine
import Memory
import Samples
import Testing

/// Tables of every kind: published of every type, published and empty, rows declared in every way, untyped, mixed.
private func fixture() throws -> EngineFixture {
  let fixture = try EngineFixture()
  try fixture.load("people", try People.five())
  var types = SampleKind.types.table(seed: 7)
  try fixture.load("types", try types.batch(rows: 40))
  try fixture.load("hollow", try types.batch(rows: 0))
  for sql in [
    "CREATE TABLE declared (i INTEGER, d DECIMAL(10,2), t TIMESTAMP, v VARCHAR(5), b BOOLEAN, r DOUBLE, x BLOB, n NUMERIC, j JSON)",
    "INSERT INTO declared VALUES (1, 12.5, '2024-02-29 12:00:00', 'x', TRUE, 1.5, x'00', 7, '{}'), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    "CREATE TABLE untyped (a, b, c)",
    "INSERT INTO untyped VALUES (NULL, NULL, NULL), (NULL, x'01', 'text'), (2, NULL, NULL)",
    "CREATE TABLE strict_ (i INT, a ANY, t TEXT) STRICT", "INSERT INTO strict_ VALUES (1, 2, 't')",
    "CREATE TABLE empty (a, b INTEGER)",
    "CREATE TABLE keyed (k INTEGER PRIMARY KEY, v TEXT UNIQUE)",
    "CREATE VIEW adults AS SELECT * FROM people WHERE age > 17",
    "CREATE VIEW counts AS SELECT city, count(*) AS n, avg(age) AS mean FROM people GROUP BY city",
  ] { try fixture.update(sql) }
  return fixture
}

private let queries: [String] = {
  var queries = [
    "SELECT * FROM people", "SELECT * FROM types", "SELECT * FROM hollow", "SELECT * FROM declared",
    "SELECT * FROM untyped", "SELECT * FROM strict_", "SELECT * FROM empty", "SELECT * FROM adults",
    "SELECT * FROM counts", "SELECT rowid, * FROM people", "SELECT *, * FROM people",
    "VALUES (1, 'a'), (NULL, x'00')", "VALUES (NULL)", "SELECT NULL", "SELECT 1 WHERE 0",
    "SELECT 9223372036854775807 + 1", "SELECT 1/0", "SELECT 1e999", "SELECT ''", "SELECT x''",
    "PRAGMA table_info(people)", "PRAGMA table_xinfo('types')", "PRAGMA user_version", "PRAGMA database_list",
    "PRAGMA integrity_check", "PRAGMA compile_options", "SELECT * FROM pragma_table_list",
    "SELECT * FROM pragma_function_list LIMIT 5", "EXPLAIN SELECT * FROM people",
    "EXPLAIN QUERY PLAN SELECT * FROM people ORDER BY age", "SELECT * FROM sqlite_schema",
    "SELECT name, sql FROM sqlite_master", "SELECT value, type, atom FROM json_each('[1, \"a\", null, 2.5]')",
    "SELECT key, value FROM json_tree('{\"a\":{\"b\":[1]}}')",
    "SELECT metadata ->> 'dept', metadata -> 'dept' FROM people",
    "SELECT json_extract(metadata, '$.dept'), json_object('a', id) FROM people",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000) SELECT i, i / 2, i * 0.5 FROM n",
    "SELECT count(*), sum(age), total(age), avg(age), min(name), max(name), group_concat(name) FROM people",
    "SELECT sum(age) FROM people WHERE 0",
    "SELECT city, count(*) FROM people GROUP BY city HAVING count(*) > 1",
    "SELECT DISTINCT is_active FROM people",
    "SELECT is_active FROM people UNION SELECT is_active FROM people",
    "SELECT age FROM people UNION ALL SELECT name FROM people", "SELECT id FROM people EXCEPT SELECT 1",
    "SELECT id FROM people INTERSECT SELECT age FROM people",
    "SELECT * FROM people AS a LEFT JOIN people AS b ON a.id = b.age",
    "SELECT * FROM people NATURAL JOIN adults", "SELECT * FROM people JOIN types ON 0",
    "SELECT (SELECT max(is_active) FROM people), (SELECT metadata FROM people LIMIT 1)",
    "SELECT EXISTS (SELECT 1), 1 IN (SELECT 2), 'a' LIKE 'A', NOT 1, -age, ~age, +is_active FROM people",
    "SELECT CASE WHEN age > 20 THEN is_active END, CASE age WHEN 1 THEN 'a' ELSE 2 END FROM people",
    "SELECT coalesce(a, b, c), ifnull(a, b), nullif(a, 1), iif(a, b, c) FROM untyped",
    "SELECT a + 1, a || b, a < b, typeof(a), length(c) FROM untyped", "SELECT max(a, 1), min(b) FROM untyped",
    "SELECT CAST(a AS INTEGER), CAST(b AS TEXT), CAST(c AS BLOB), CAST(a AS NUMERIC) FROM untyped",
    "SELECT date('now'), datetime(0, 'unixepoch'), julianday('2024-01-01'), unixepoch('2024-01-01'), strftime('%Y', 0)",
    "SELECT abs(-1), abs(-1.5), round(2.5), random() IS NULL, hex(x'00'), quote(1), char(65), unicode('a')",
    "SELECT sqrt(2), pow(2, 3), pi(), floor(1.5), ceil(2), trunc(2.5), mod(7, 3), ln(1)",
    "SELECT row_number() OVER w, rank() OVER w, lag(name) OVER w, sum(age) OVER w, ntile(2) OVER w, first_value(is_active) OVER w FROM people WINDOW w AS (ORDER BY id)",
    "SELECT printf('%d', 1), format('%s', 'a'), instr('ab', 'b'), replace('a', 'a', 'b'), trim(' a '), substr('abc', 2)",
    "SELECT * FROM (SELECT a FROM untyped ORDER BY a DESC LIMIT 1)",
    "SELECT a FROM untyped ORDER BY a IS NULL",
    "SELECT a FROM empty", "SELECT max(a), count(b) FROM empty", "SELECT a FROM empty UNION ALL SELECT 'x'",
    "SELECT \"id\" AS \"a b\", id AS \"\", id AS \"ünïcode ☕\" FROM people", "SELECT 1 AS a, 2 AS a",
    "SELECT total_changes() >= 0, changes() >= 0, last_insert_rowid() >= 0, sqlite_version()",
  ]
  let types = SampleKind.types.table(seed: 7).schema.fields.map(\.name)
  for name in types {
    let column = "\"\(name)\""
    queries += [
      "SELECT \(column) FROM types", "SELECT \(column) FROM hollow", "SELECT max(\(column)) FROM types",
      "SELECT \(column) FROM (SELECT \(column) FROM types ORDER BY rowid DESC) UNION ALL SELECT \(column) FROM types",
      "SELECT coalesce(\(column), \(column)), \(column) || '', \(column) IS NULL FROM types",
      "SELECT count(DISTINCT \(column)), CASE WHEN rowid > 3 THEN \(column) END FROM types",
      "SELECT lead(\(column)) OVER (ORDER BY rowid) FROM types",
    ]
  }
  return queries
}()

/// Whether a fault is one that the row it is about explains: never a wrong schema.
private func isClear(_ error: EngineError) -> Bool {
  error.code == .invalidArgument
    && (error.message.contains("column") || error.message.contains("malformed JSON"))
}

@Test func whatPrepareTellsIsWhatTheStreamHas() throws {
  let fixture = try fixture()
  #expect(queries.count > 300)
  for sql in queries {
    let statement = try fixture.session.prepare(sql, in: nil, fixture.control)
    defer { statement.close() }
    let told = try #require(statement.resultSchema, "\(sql)")
    #expect(!statement.changesData && !statement.isUpdate, "\(sql)")
    #expect(told.fields.allSatisfy { $0.isNullable }, "\(sql)")
    // Run twice: the first run may be the one that settled the schema.
    for _ in 0..<2 {
      let stream = try statement.query(nil, fixture.control)
      defer { stream.close() }
      #expect(stream.schema == told, "\(sql)")
      do throws(EngineError) {
        while let batch = try stream.next() {
          #expect(batch.schema == told, "\(sql)")
          try? batch.check(.full)
        }
      } catch {
        #expect(isClear(error), "\(sql): \(error)")
      }
    }
    let again = try fixture.session.prepare(sql, in: nil, fixture.control)
    defer { again.close() }
    #expect(again.resultSchema == told, "\(sql)")
  }
}

@Test func changesTellTheirRowsBefore() throws {
  let fixture = try fixture()
  for (sql, types) in [
    ("INSERT INTO declared (i, d) VALUES (5, 1.25) RETURNING *, i + 1, 'x'", nil),
    ("INSERT INTO untyped VALUES (1, 2.5, 'text') RETURNING a, b, c", [DataType.utf8, .utf8, .utf8]),
    ("UPDATE declared SET i = 9 WHERE i = 1 RETURNING i, t, b", nil),
    ("UPDATE keyed SET k = 1 WHERE 0 RETURNING k * 1.5", [.float64]),
    ("DELETE FROM declared WHERE i = 9 RETURNING *", nil),
    ("DELETE FROM empty RETURNING *", nil),
    (
      "INSERT INTO keyed VALUES (1, 'a') ON CONFLICT (k) DO UPDATE SET v = excluded.v RETURNING k, v",
      [.int64, .utf8]
    ),
    ("REPLACE INTO keyed VALUES (1, 'b') RETURNING k", [.int64]),
  ] as [(String, [DataType]?)] {
    let statement = try fixture.session.prepare(sql, in: nil, fixture.control)
    defer { statement.close() }
    let told = try #require(statement.resultSchema, "\(sql)")
    #expect(statement.changesData, "\(sql)")
    if let types { #expect(told.fields.map(\.type) == types, "\(sql)") }
    let before = try fixture.total()
    let stream = try statement.query(nil, fixture.control)
    #expect(stream.schema == told, "\(sql)")
    while let batch = try stream.next() { #expect(batch.schema == told, "\(sql)") }
    stream.close()
    if sql.contains("empty") || sql.contains("WHERE 0") { #expect(try fixture.total() == before) }
  }
  // What was told before the rows does not fit them: then nothing has happened.
  #expect(
    code { _ = try fixture.query("INSERT INTO empty VALUES (x'00', 1) RETURNING a") } == .invalidArgument)
  #expect(try fixture.query("SELECT * FROM empty").1 == [])
  for sql in [
    "CREATE TABLE made (a)", "CREATE INDEX i ON made (a)", "ALTER TABLE made ADD COLUMN b", "DROP INDEX i",
    "ANALYZE",
    "REINDEX", "DROP TABLE made", "UPDATE untyped SET a = 1", "BEGIN", "SAVEPOINT s", "RELEASE s", "COMMIT",
  ] {
    let statement = try fixture.session.prepare(sql, in: nil, fixture.control)
    #expect(statement.resultSchema == nil && statement.isUpdate && statement.changesData, "\(sql)")
    _ = try statement.update(nil, fixture.control)
  }
}

extension EngineFixture {
  fileprivate func total() throws -> [String] {
    try query("SELECT (SELECT count(*) FROM people) + (SELECT count(*) FROM empty) AS n").1
  }
}

@Test func mixedStorageIsWidenedOrNamed() throws {
  let fixture = try EngineFixture()
  try fixture.update("CREATE TABLE mixed (a, b INTEGER)")
  try fixture.update("INSERT INTO mixed VALUES (1, 1), (2.5, 2), (NULL, 3)")
  #expect(try fixture.query("SELECT a FROM mixed").0.fields[0].type == .float64)
  #expect(try fixture.query("SELECT a FROM mixed").1 == [#"{"a":1.0}"#, #"{"a":2.5}"#, #"{"a":null}"#])
  try fixture.update("INSERT INTO mixed VALUES ('text', 4)")
  #expect(try fixture.query("SELECT a FROM mixed").1.last == #"{"a":"text"}"#)
  #expect(try fixture.query("SELECT a FROM mixed").0.fields[0].type == .utf8)
  try fixture.update("UPDATE mixed SET a = CASE b WHEN 1 THEN x'6162' ELSE 'text' END")
  #expect(try fixture.query("SELECT a FROM mixed").0.fields[0].type == .binary)
  // Behind the rows that were looked at, only what loses nothing is widened.
  try fixture.update("DELETE FROM mixed")
  try fixture.update(
    "INSERT INTO mixed WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000) SELECT i, i FROM n"
  )
  try fixture.update("INSERT INTO mixed VALUES (4.0, 1), ('12', 2)")
  #expect(try fixture.query("SELECT a FROM mixed").1.suffix(2) == [#"{"a":4}"#, #"{"a":12}"#])
  try fixture.update("INSERT INTO mixed VALUES (2.5, 1)")
  #expect { try fixture.query("SELECT a FROM mixed") } throws: { error in
    let error = error as? EngineError
    return error?.code == .invalidArgument && error?.message.contains("row 1003, column 'a'") == true
      && error?.message.contains("the real 2.5") == true && error?.message.contains("int64") == true
  }
  try fixture.update("INSERT INTO mixed VALUES (1, 'abc')")
  #expect { try fixture.query("SELECT b FROM mixed") } throws: {
    "\($0)".contains("column 'b'") && "\($0)".contains("the text 'abc'") && "\($0)".contains("int64")
  }
  try fixture.update("INSERT INTO mixed VALUES (1, x'00')")
  #expect { try fixture.query("SELECT b FROM mixed WHERE typeof(b) = 'blob'") } throws: {
    "\($0)".contains("a blob of 1 bytes")
  }
}

@Test func aChangedSchemaIsSeen() throws {
  let fixture = try EngineFixture()
  try fixture.update("CREATE TABLE t (a INTEGER)")
  try fixture.update("INSERT INTO t VALUES (1)")
  let sql = "SELECT * FROM t"
  #expect(try fixture.query(sql).1 == [#"{"a":1}"#])
  let kept = try fixture.session.prepare(sql, in: nil, fixture.control)
  try fixture.update("ALTER TABLE t ADD COLUMN b TEXT DEFAULT 'x'")
  #expect(try fixture.query(sql).1 == [#"{"a":1,"b":"x"}"#])
  #expect { try kept.query(nil, fixture.control) } throws: { ($0 as? EngineError)?.code == .aborted }
  // Another index changes nothing that was told.
  let other = try fixture.session.prepare(sql, in: nil, fixture.control)
  try fixture.update("CREATE INDEX i ON t (a)")
  #expect(try other.query(nil, fixture.control).next()?.count == 1)
  try fixture.update("DROP TABLE t")
  #expect { try fixture.query(sql) } throws: { ($0 as? EngineError)?.code == .notFound }
  try fixture.update("CREATE TABLE t (a TEXT)")
  try fixture.update("INSERT INTO t VALUES (1)")
  #expect(try fixture.query(sql).1 == [#"{"a":"1"}"#])
  // A schema that is rolled back leaves nothing behind, also when the next one has its number.
  let transaction = try fixture.session.begin()
  try fixture.update("ALTER TABLE t ADD COLUMN gone", in: transaction)
  #expect(try fixture.query(sql, in: transaction).0.fields.count == 2)
  try fixture.session.rollback(transaction)
  try fixture.update("ALTER TABLE t ADD COLUMN c DEFAULT 5")
  #expect(try fixture.query(sql).1 == [#"{"a":"1","c":5}"#])
  // Published again under the same name.
  try fixture.load("p", try People.five())
  let before = try fixture.session.prepare("SELECT * FROM p", in: nil, fixture.control)
  try fixture.update("DROP TABLE p")
  var types = SampleKind.types.table(seed: 1)
  try fixture.load("p", try types.batch(rows: 3))
  #expect(try fixture.query("SELECT * FROM p").1.count == 3)
  #expect(throws: EngineError.self) { try before.query(nil, fixture.control) }
}
