// Plans as text: what the binder makes of a statement, readable.

import Testing

@testable import SQL

@Suite struct PlanTests {
  func plan(_ sql: String) throws -> String {
    let catalog = OracleCatalog(OracleDatabase(BinderFixture.definition))
    return try Binder.bind(Statement(sql)!, text: sql, catalog: catalog).plan
  }

  @Test func grouping() throws {
    #expect(
      try plan(
        "SELECT f AS name, count(*) + 1, sum(u.a) FROM u WHERE f = 'x' AND u.a IN ('1', 2) GROUP BY f HAVING sum(u.a) > 5 ORDER BY 2 DESC, name LIMIT 3"
      ) == """
        limit 3
        order by result 1 desc, result 0 collate nocase
        select
          name = key 0: text|blob (declared TEXT)
          count(*) + 1 = (aggregate 0 + 1): integer|real (real by overflow)
          sum(u.a) = aggregate 1: null|integer|real
        having (aggregate 1 > 5)
        group by
          key 0 = u.f: text|blob (declared TEXT)
          aggregate 0 = count(*): integer
          aggregate 1 = sum(u.a): null|integer|real
        where ((u.f ={text nocase} 'x') AND (u.a IN{numeric} ('1', 2)))
        table main.u

        """)
  }

  @Test func joinsAndSubqueries() throws {
    #expect(
      try plan(
        "SELECT x.a, (SELECT max(f) FROM u WHERE u.a = x.a) AS m FROM t AS x LEFT JOIN \"my-table\" AS y ON x.a = y.x WHERE y.x IS NULL"
      )
        == """
        select
          a = x.a: integer (declared INTEGER)
          m = (subquery 1): null|text|blob (declared TEXT)
        where (y.x IS NULL)
        subquery 1 (correlated)
          select
            max(f) = aggregate 0: null|text|blob (declared TEXT)
          group all
            aggregate 0 = max(u.f){nocase}: null|text|blob (declared TEXT)
          where (u.a ={numeric} outer.x.a)
          table main.u
        left join on (x.a ={numeric} y.x)
          table main.t as x
          table main.my-table as y

        """)
  }

  @Test func chainsDoNotOverflowTheStack() throws {
    let terms = (0..<900).map { "a = \($0)" }.joined(separator: " OR ")
    let text = try plan("SELECT a FROM t WHERE \(terms) GROUP BY a HAVING \(terms)")
    #expect(text.contains("having"))
  }

  @Test func features() throws {
    let catalog = OracleCatalog(OracleDatabase(BinderFixture.definition))
    func features(_ sql: String) throws -> Features {
      try Binder.bind(Statement(sql)!, text: sql, catalog: catalog).features
    }
    #expect(try features("SELECT a FROM t") == [])
    #expect(try features("SELECT b, max(a) FROM t GROUP BY c") == [.aggregate, .groupBy, .bareColumns])
    #expect(try features("SELECT b FROM t GROUP BY b") == [.aggregate, .groupBy])
    #expect(
      try features("SELECT sum(a) OVER () FROM t LEFT JOIN u USING (a)") == [.window, .join, .outerJoin])
    #expect(
      try features("SELECT EXISTS (SELECT 1 FROM u WHERE u.a = t.a) FROM t") == [.subquery, .correlated])
    #expect(try features("SELECT random(), rowid FROM u") == [.volatile, .rowid])
    #expect(
      try features("SELECT nofunc(1) UNION SELECT DISTINCT 1") == [.unknownFunction, .compound, .distinct])
  }
}
