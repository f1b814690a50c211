// Names, types and origins of generated statements, as SQLite has them.

import Testing

@testable import SQL

@Suite struct BinderOracleTests {
  struct Tally {
    var checked = 0
    var unsupported: [String: Int] = [:]
    var problems: [String] = []
  }

  /// Compares what the binder says of a statement with what SQLite says and does.
  static func check(_ sql: String, _ oracle: OracleDatabase, _ catalog: OracleCatalog, _ tally: inout Tally) {
    let answer = oracle.answer(sql)
    let refusal = answer == nil ? oracle.verdict(sql) : nil
    let bound: BoundStatement
    do throws(SQLError) {
      let statement = try Statement(sql)!
      bound = try Binder.bind(statement, text: sql, catalog: catalog)
    } catch {
      if case .unsupported(let what) = error.code {
        tally.unsupported[what, default: 0] += 1
      } else if answer != nil {
        tally.problems.append("SQLite runs it, here: \(error)\n    \(sql)")
      }
      return
    }
    guard let answer else {
      // The program may have registered the function. And SQLite 3.40 loses names when it makes a subquery of a compound that COLLATE orders.
      let isKnown =
        bound.features.contains(.compound) && sql.contains("COLLATE")
        && "\(refusal!)".contains("no such column")
      if !bound.features.contains(.unknownFunction), !isKnown {
        tally.problems.append("SQLite: \(refusal!); bound here\n    \(sql)")
      }
      return
    }
    tally.checked += 1
    let columns: [BoundResultColumn]
    switch bound.kind {
    case .select(let select): columns = select.columns
    case .change(_, let returning): columns = returning
    case .other: return
    }
    guard columns.map(\.name) == answer.columns.map(\.name) else {
      tally.problems.append("names \(columns.map(\.name)), SQLite \(answer.columns.map(\.name))\n    \(sql)")
      return
    }
    for (column, other) in zip(columns, answer.columns) {
      if !other.classes.isSubset(of: column.type.classes) {
        tally.problems.append(
          "\(column.name): \(column.type.classes), SQLite's values \(other.classes)\n    \(sql)")
      }
      // SQLite takes the origin from one term of a compound; here all must agree. COLLATE ends it there, though not the values.
      let isSimple = bound.features.isDisjoint(with: [.compound, .recursive])
      if isSimple, other.table != nil {
        if column.origin?.table != other.table || column.origin?.column != other.origin {
          tally.problems.append(
            "\(column.name) from \(String(describing: column.origin)), SQLite \(other.table ?? "").\(other.origin ?? "")\n    \(sql)"
          )
        }
      }
    }
  }

  @Test(arguments: [11, 12, 104] as [UInt64])
  func generatedStatements(seed: UInt64) {
    let oracle = OracleDatabase(BinderFixture.definition)
    let catalog = OracleCatalog(oracle)
    var generator = StatementGenerator(seed: seed, schema: BinderFixture.schema)
    var tally = Tally()
    for round in 0..<600 {
      generator.depth = 1 + round % 3
      Self.check(generator.statement(), oracle, catalog, &tally)
    }
    for problem in tally.problems.prefix(12) { Issue.record("\(problem)") }
    #expect(tally.problems.count == 0)
    #expect(tally.checked > 450, "\(tally.unsupported)")
  }

  @Test func generatedExpressions() {
    let oracle = OracleDatabase(BinderFixture.definition)
    let catalog = OracleCatalog(oracle)
    var generator = StatementGenerator(seed: 21, schema: BinderFixture.schema)
    var tally = Tally()
    for round in 0..<6000 {
      generator.depth = 1 + round % 4
      let table = BinderFixture.schema.tables[round % 4]
      let sql = "SELECT \(generator.expression(over: table)) FROM \(generator.quoted(table.name))"
      Self.check(sql, oracle, catalog, &tally)
    }
    for problem in tally.problems.prefix(12) { Issue.record("\(problem)") }
    #expect(tally.problems.count == 0)
    #expect(tally.checked > 5000, "\(tally.unsupported)")
  }

  /// Statements that are slightly wrong: what SQLite refuses is refused, what it runs is told as it runs.
  @Test func damagedStatements() {
    let oracle = OracleDatabase(BinderFixture.definition)
    let catalog = OracleCatalog(oracle)
    var random = SeededRandom(31)
    var generator = StatementGenerator(seed: 32, schema: BinderFixture.schema)
    generator.depth = 2
    var tally = Tally()
    let handMade =
      GrammarOracleTests.selects + Self.handMade.filter { $0.hasPrefix("SELECT") || $0.hasPrefix("WITH") }
    for round in 0..<4000 {
      let sql = GrammarOracleTests.damaged(
        round % 2 == 0 ? generator.statement() : random.pick(handMade), &random)
      guard case .some(.some(let statement)) = try? Statement(sql), case .select = statement.kind,
        statement.explain == .none
      else { continue }
      Self.check(sql, oracle, catalog, &tally)
    }
    for problem in tally.problems.prefix(60) { Issue.record("\(problem)") }
    #expect(tally.problems.count == 0)
    #expect(tally.checked > 100, "\(tally.checked) \(tally.unsupported)")
  }

  @Test(arguments: BinderOracleTests.handMade)
  func handMadeStatement(_ sql: String) {
    let oracle = OracleDatabase(BinderFixture.definition)
    var tally = Tally()
    Self.check(sql, oracle, OracleCatalog(oracle), &tally)
    #expect(tally.problems == [])
    #expect(tally.unsupported == [:])
  }

  @Test(arguments: [
    ("SELECT rowid FROM v", "the row id of a view or subquery"),
    ("SELECT (SELECT 1, 2)", "a row value from a subquery"),
    ("SELECT a COLLATE nope FROM t", "collating sequence nope"),
    ("SELECT (SELECT sum(t.a)) FROM t", "an aggregate of an outer query's columns"),
    ("SELECT * FROM pragma_table_info('t')", "table-valued function pragma_table_info"),
    (
      "SELECT x = 1 FROM (SELECT b AS x FROM t UNION ALL SELECT 1)",
      "comparison with a column of a compound query whose terms differ in affinity"
    ),
    ("SELECT * FROM t JOIN u ON u.a = s.k JOIN s", "an ON clause that refers to a table on its right"),
    (
      "SELECT b, (SELECT max(f) FROM u WHERE f = t.b) FROM t GROUP BY b",
      "a subquery that refers to columns of a grouped query"
    ),
  ])
  func whatIsNotModelledIsSaid(_ sql: String, _ what: String) throws {
    let catalog = OracleCatalog(OracleDatabase(BinderFixture.definition))
    let error = #expect(throws: SQLError.self) {
      try Binder.bind(Statement(sql)!, text: sql, catalog: catalog)
    }
    #expect(error?.code == .unsupported(what))
  }

  static let handMade: [String] = [
    "SELECT * FROM t", "SELECT A, T.b, main.t.C FROM t", "SELECT rowid, oid, _rowid_ FROM t",
    "SELECT rowid FROM u",
    "SELECT rowid FROM s", "SELECT u.rowid, t.rowid FROM t, u", "SELECT rowid FROM t, u",
    "SELECT a FROM t, u", "SELECT t.a, u.a FROM t, u", "SELECT * FROM t, u", "SELECT u.*, t.* FROM t, u",
    "SELECT * FROM t JOIN u USING (a)", "SELECT a FROM t JOIN u USING (a)",
    "SELECT t.*, u.* FROM t NATURAL JOIN u",
    "SELECT * FROM t NATURAL LEFT JOIN u", "SELECT a, * FROM t RIGHT JOIN u USING (a)",
    "SELECT a, u.a, t.a FROM t FULL JOIN u USING (a)",
    "SELECT * FROM t FULL JOIN u USING (a) FULL JOIN empty USING (a)",
    "SELECT * FROM t JOIN u USING (a) JOIN empty USING (a)",
    "SELECT * FROM t, t", "SELECT a FROM t x, t y", "SELECT t.a FROM t x", "SELECT x.a FROM t x",
    "SELECT main.x.a FROM t x", "SELECT temp.t.a FROM t",
    "SELECT * FROM (t JOIN u ON t.a = u.a) JOIN s", "SELECT * FROM t JOIN (u JOIN s) ON t.a = u.a",
    "SELECT * FROM ((t))",
    "SELECT a+1, a  +  1 , (a), ((a+1)), +a, a COLLATE nocase, -a /* c */, 'x', 1 FROM t -- end",
    "SELECT a AS x, b y, c 'z', d \"q r\", e [f] FROM t", "SELECT \"a\", \"nothing\", `a`, [a] FROM t",
    "SELECT nothing FROM t", "SELECT `nothing` FROM t",
    "SELECT true, false, TRUE AS t, \"true\" FROM t", "SELECT c IS TRUE, c IS NOT FALSE, c = true FROM t",
    "SELECT * FROM (SELECT a, a, A, b FROM t)", "SELECT * FROM (SELECT a+1, t.B, (b), count(*) FROM t)",
    "SELECT x.A FROM (SELECT a FROM t) x",
    "SELECT * FROM v", "SELECT * FROM w", "SELECT * FROM vv", "SELECT a, bee FROM v",
    "SELECT one + 1 AS n, two FROM w", "SELECT v.* FROM v, w",
    "WITH x(p, q) AS (SELECT a, b FROM t) SELECT * FROM x, x AS y",
    "WITH x AS (SELECT A, b z FROM t) SELECT * FROM x",
    "WITH x AS (SELECT * FROM y), y AS (SELECT a FROM t) SELECT * FROM x",
    "WITH x AS (SELECT * FROM x) SELECT * FROM x",
    "WITH RECURSIVE r(n, s) AS (SELECT 1, 'a' UNION ALL SELECT n + 1, s || n FROM r WHERE n < 5) SELECT * FROM r",
    "WITH r(n) AS (SELECT 1 UNION SELECT n * 2.5 FROM r WHERE n < 50) SELECT n, typeof(n) FROM r ORDER BY 1",
    "WITH r(n) AS (VALUES (NULL) UNION ALL SELECT 'x' FROM r LIMIT 3) SELECT n FROM r",
    "WITH t AS (SELECT 1 AS z) SELECT * FROM t", "WITH t AS (SELECT 1 AS z) SELECT * FROM main.t",
    "VALUES (1, 'a'), (2.5, NULL)", "SELECT * FROM (VALUES (1, 2))",
    "SELECT column1 FROM (VALUES (1), ('x'))",
    "SELECT a, b FROM t UNION SELECT f, 1 FROM u", "SELECT a AS x FROM t UNION ALL SELECT 1 ORDER BY x",
    "SELECT a FROM t UNION SELECT b FROM t ORDER BY b",
    "SELECT a FROM t UNION SELECT 1, 2", "SELECT a FROM t UNION SELECT 1 ORDER BY 2",
    "SELECT a FROM t UNION SELECT 1 ORDER BY c",
    "SELECT a + 1 FROM t UNION SELECT 1 ORDER BY a + 1",
    "SELECT a FROM t EXCEPT SELECT 1 INTERSECT SELECT 2 ORDER BY 1 DESC",
    "SELECT b FROM t ORDER BY 1, a DESC, lower(b), c COLLATE nocase", "SELECT b AS a FROM t ORDER BY a",
    "SELECT -a AS a FROM t WHERE a > 1 ORDER BY a + 0",
    "SELECT a AS q FROM t WHERE q > 1 GROUP BY q HAVING q < 5 ORDER BY q", "SELECT b FROM t ORDER BY 2",
    "SELECT b FROM t GROUP BY 0", "SELECT b FROM t ORDER BY -1",
    "SELECT count(*) AS n FROM t WHERE n > 1", "SELECT a FROM t WHERE count(*) > 1",
    "SELECT sum(count(*)) FROM t", "SELECT a FROM t ORDER BY count(*)",
    "SELECT b, count(*), sum(a), avg(d), min(b), max(c), total(a), group_concat(b) FROM t GROUP BY b",
    "SELECT count(*) FROM t GROUP BY 1",
    "SELECT count(*), sum(a), min(a), max(b) FROM empty", "SELECT max(a), b FROM t",
    "SELECT a FROM t HAVING a > 1", "SELECT count(*) FROM t HAVING count(*) > 1",
    "SELECT count(DISTINCT b) FILTER (WHERE a > 1), sum(DISTINCT a) FROM t",
    "SELECT count(DISTINCT a, b) FROM t", "SELECT abs(a) FILTER (WHERE 1) FROM t",
    "SELECT row_number() OVER (ORDER BY a) AS r, sum(a) OVER (), lag(b) OVER w, first_value(c) OVER w FROM t WINDOW w AS (ORDER BY a)",
    "SELECT sum(sum(a)) OVER (ORDER BY b) FROM t GROUP BY b",
    "SELECT a FROM t WHERE row_number() OVER () > 1", "SELECT sum(a) OVER nope FROM t",
    "SELECT rank() OVER (w ORDER BY a), ntile(2) OVER (w ORDER BY b), lead(a, 1, 'none') OVER (w ORDER BY a) FROM t WINDOW w AS (PARTITION BY b)",
    "SELECT a FROM t ORDER BY rank() OVER (ORDER BY a)", "SELECT row_number() FROM t",
    "SELECT abs(a) OVER () FROM t",
    "SELECT (SELECT a FROM u WHERE u.a = t.a), (SELECT max(f) FROM u), EXISTS (SELECT 1 FROM u WHERE f = b) FROM t",
    "SELECT (SELECT t.b) FROM t", "SELECT (SELECT b FROM empty) FROM t",
    "SELECT a IN (SELECT a, f FROM u) FROM t",
    "SELECT (SELECT x.a FROM t y) FROM t x",
    "SELECT a FROM t WHERE a IN (SELECT a FROM u) AND b NOT IN (SELECT f FROM u)", "SELECT a IN empty FROM t",
    "SELECT a IN \"my-table\" FROM t", "SELECT (a, b) = (1, 'a'), (a, b) IN (SELECT a, f FROM u) FROM t",
    "SELECT (1, 2)", "SELECT (1, 2) = (1, 2, 3)",
    "SELECT a IN (), a NOT IN (), a IN (1), a IN (1, NULL), c IN (1, 'x') FROM t",
    "SELECT a BETWEEN 1 AND c, b LIKE 'a%', b GLOB c, NOT b FROM t",
    "SELECT CASE WHEN a > 1 THEN a ELSE b END, CASE b WHEN 'a' THEN 1.5 END, iif(a > 1, a, NULL), coalesce(NULL, b), ifnull(b, 'z'), nullif(a, 1) FROM t",
    "SELECT a + 9223372036854775807, a * d, a / 2, a % 2, a || b, a & 1, ~a, -e, e + 1, b + 1, c * 2 FROM t",
    "SELECT -9223372036854775808, 9223372036854775808, - 9223372036854775807, 0x7fffffffffffffff + 1, 1e400 - 1e400, 5 / 0, 5.0 / 0, 5 % 0, 7.5 % 2",
    "SELECT CAST(c AS INTEGER), CAST(c AS REAL), CAST(c AS TEXT), CAST(c AS BLOB), CAST(c AS NUMERIC), CAST(NULL AS TEXT), CAST('1.0' AS NUMERIC) FROM t",
    "SELECT ?, ?2, :x, typeof(?)",
    "SELECT length(b), upper(b), substr(b, 1), substr(c, 1), replace(c, '', 'x'), trim(a), instr(b, 'a'), round(d), round(a, 1), abs(c), abs(a), hex(c), quote(c), typeof(c) FROM t",
    "SELECT date(b), time('now'), datetime(0, 'unixepoch'), julianday('2024-01-01'), unixepoch('now'), strftime('%s', 'now'), current_timestamp FROM t",
    "SELECT ceil(a), floor(d), trunc(c), sqrt(a), pow(a, 2), mod(a, 2), pi(), ln(0), sign(c) FROM t",
    "SELECT json('[1]'), json_extract('[1]', '$[0]'), '[1]' -> 0, '[1, \"a\"]' ->> 1, json_array(1), json_object('a', 1), json_type('[]'), json_valid('x'), json_array_length('[1]')",
    "SELECT json_group_array(a), json_group_object(a, b) FROM t",
    "SELECT key, value, j.type, atom FROM json_each('[1, \"a\", null, 2.5, {}]') AS j",
    "SELECT t.a, value FROM t, json_each('[' || a || ']')",
    "SELECT * FROM json_each('{\"a\": 1}')", "SELECT value FROM json_tree('[[1]]') WHERE path = '$'",
    "SELECT nofunc(1)", "SELECT abs()", "SELECT max(), min(1, 2)",
    "SELECT 1 FROM nowhere", "SELECT * ", "SELECT t.* FROM u",
    "SELECT t.a FROM t LEFT JOIN u ON t.a = u.a WHERE u.a IS NULL",
    "SELECT f FROM t LEFT JOIN u ON t.a = u.a",
    "SELECT k, f FROM u RIGHT JOIN s ON u.a = s.k", "SELECT k, f FROM s FULL JOIN u ON u.a = s.k",
    "SELECT a FROM t LIMIT 1 OFFSET 1", "SELECT a FROM t LIMIT a", "SELECT DISTINCT b, c FROM t",
    "SELECT likely(a), unlikely(b), likelihood(c, 0.5) FROM t",
    "SELECT * FROM (SELECT likely(a), a COLLATE nocase, true, b || 'x' FROM t)",
    "SELECT last_insert_rowid(), changes(), random() > 0, typeof(randomblob(2)), zeroblob(2)",
    "SELECT max(a, b), min(a, 1.5), max(a, NULL) FROM t",
    "SELECT char(65), printf('%d', a), format('x'), printf(NULL), unicode(b), soundex(b) FROM t",
    "SELECT b REGEXP 'a' FROM t",
    "INSERT INTO t(a) VALUES (100) RETURNING *, a + 1, b AS x",
    "UPDATE t SET b = 'n' WHERE a = 1 RETURNING a, rowid, b || c", "DELETE FROM u RETURNING f, \"e f\"",
    "INSERT INTO u VALUES (1, 'x', 2, 3)",
    "DELETE FROM t AS z WHERE z.a = 2 RETURNING a", "UPDATE t SET a = a RETURNING t.*",
    "INSERT INTO nowhere VALUES (1)",
  ]
}
