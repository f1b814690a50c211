// The affinity and the collating sequence of comparisons, read from the program that SQLite compiles.

import CSQLite
import Testing

@testable import SQL

@Suite struct ComparisonOracleTests {
  static let operands = [
    "t.a", "b", "c", "d", "e", "f", "u.a", "\"e f\"", "G", "\"select\"", "x", "t.rowid", "u.rowid", "+b",
    "b || ''", "f || 'x'",
    "b COLLATE rtrim", "f COLLATE binary", "(f COLLATE rtrim) || 'x'", "CAST(c AS TEXT)",
    "CAST(f AS INTEGER)", "CAST(b AS DATE)",
    "(SELECT f FROM u)", "(SELECT a FROM t)", "lower(f)", "-t.a", "+f", "CAST(f COLLATE rtrim AS BLOB)",
    "q.m", "q.n", "q.o", "?", "'5'",
  ]

  /// The affinities and collations of a program's comparisons, in its order.
  static func comparisons(_ sql: String, _ oracle: OracleDatabase) -> [Comparison] {
    oracle.texts("EXPLAIN " + sql).compactMap { code in
      guard ["Eq", "Ne", "Lt", "Ge", "Gt", "Le"].contains(code[1]!), let name = code[5], name.contains("-")
      else { return nil }
      let affinity = Int(code[6]!)! & 0x47
      return Comparison(
        affinity: affinity >= 0x43 ? .numeric : affinity == 0x42 ? .text : .none,
        collation: Collation(String(name.split(separator: "-")[0])))
    }
  }

  @Test(arguments: [
    "#0 BETWEEN #1 AND 'x'", "CASE #0 WHEN #1 THEN 1 END", "#0 IN (#1, 'x')", "#0 IN ('5')", "#0 IS #1",
  ])
  func affinityAndCollation(of form: String) throws {
    let oracle = OracleDatabase(BinderFixture.definition)
    let catalog = OracleCatalog(oracle)
    var checked = 0
    for left in Self.operands {
      for right in Self.operands where !right.hasPrefix("(SELECT") && !left.hasPrefix("(SELECT") {
        let head = "SELECT " + form.replacing("#0", with: left).replacing("#1", with: right)
        let sql =
          head
          + " FROM t, u, \"my-table\", (SELECT f AS m, b || '' AS n, u.rowid AS o FROM t, u LIMIT 3) AS q"
        let bound = try Binder.bind(Statement(sql)!, text: sql, catalog: catalog)
        guard case .select(let select) = bound.kind, case .core(let core) = select.body else { continue }
        let own: [Comparison]
        switch core.results[0].node {
        case .between(_, _, _, let low, _, let high): own = [low, high]
        case .conditional(let cases, _):
          guard case .compare(_, _, _, let comparison) = cases[0].condition.node else { continue }
          own = [comparison]
        case .inList(_, _, let items, let comparison): own = items.map { _ in comparison }
        case .compare(_, _, _, let comparison): own = [comparison]
        default: continue
        }
        let told = Self.comparisons(sql, oracle)
        guard told.count == own.count else { continue }
        checked += 1
        #expect(own == told, "\(head)")
      }
    }
    #expect(checked > 300, "\(checked)")
  }

  @Test func affinityAndCollation() throws {
    let oracle = OracleDatabase(BinderFixture.definition)
    let catalog = OracleCatalog(oracle)
    var checked = 0
    for left in Self.operands {
      for right in Self.operands {
        let sql =
          "SELECT \(left) < \(right) FROM t, u, \"my-table\", (SELECT f AS m, b || '' AS n, u.rowid AS o FROM t, u LIMIT 3) AS q"
        let bound = try Binder.bind(Statement(sql)!, text: sql, catalog: catalog)
        guard case .select(let select) = bound.kind, case .core(let core) = select.body,
          case .compare(_, _, _, let comparison) = core.results[0].node
        else {
          Issue.record("\(sql)")
          continue
        }
        let program = oracle.texts("EXPLAIN " + sql)
        // The one comparison of the program: an operand order that SQLite turned around, or a jump turned into its contrary.
        guard let code = program.last(where: { ["Lt", "Ge", "Gt", "Le"].contains($0[1]!) && $0[5] != nil })
        else { continue }
        checked += 1
        let affinity = Int(code[6]!)! & 0x47
        let expected = ComparisonAffinity.none
        let told: ComparisonAffinity = affinity >= 0x43 ? .numeric : affinity == 0x42 ? .text : expected
        #expect(comparison.affinity == told, "\(left) < \(right): \(code)")
        let name = code[5]!.split(separator: "-")[0]
        #expect(comparison.collation == Collation(String(name)), "\(left) < \(right): \(code)")
      }
    }
    #expect(checked > 900)
  }
}
