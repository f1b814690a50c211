// Statements that change pairs of tables, with outcomes that do not depend on the order in which rows are visited.

import Arrow
import SQLite
import Samples

extension StatementGenerator {
  /// INSERT, UPDATE or DELETE on one of the tables; `@0`, `@1` … stand for them.
  mutating func change() -> GeneratedStatement {
    resetParameters()
    let t = random.below(columns.count)
    let sql =
      switch random.below(10) {
      case 0, 1, 2: insertValues(t)
      case 3: insertSelect(t)
      case 4, 5, 6: update(t)
      case 7: moveRow(t)
      default: "DELETE FROM @\(t) AS t WHERE \(changeCondition(t))"
      }
    return GeneratedStatement(sql: sql, parameters: takeParameters())
  }

  private mutating func resolution() -> String {
    random.pick(["", "", "", " OR IGNORE", " OR REPLACE", " OR ABORT", " OR FAIL"])
  }

  /// A value that the column has already, so that both tables store it as it is.
  private mutating func stored(_ column: Column) -> String {
    constant(column.values.isEmpty || random.oneIn(6) ? .null : random.pick(column.values))
  }

  private mutating func insertValues(_ t: Int) -> String {
    let chosen = columns[t].filter { _ in !random.oneIn(4) }
    let rows = (0...random.below(3)).map { _ in
      "(\(([constant(.integer(Int64(random.below(260)) - 10))] + chosen.map { stored($0) }).joined(separator: ", ")))"
    }
    let names = (["rowid"] + chosen.map { quoted($0.name) }).joined(separator: ", ")
    return "INSERT\(resolution()) INTO @\(t) (\(names)) VALUES \(rows.joined(separator: ", "))"
  }

  private mutating func insertSelect(_ t: Int) -> String {
    let source = random.below(columns.count)
    let names =
      source == t ? columns[t].map { quoted($0.name) }.joined(separator: ", ") : "s, d"
    let offset = random.pick([1, 40, 1000])
    return
      "INSERT\(resolution()) INTO @\(t) (rowid, \(names)) SELECT rowid + \(offset), \(names) FROM @\(source) t WHERE \(changeCondition(source)) ORDER BY rowid"
  }

  private mutating func update(_ t: Int) -> String {
    let column = random.pick(columns[t])
    var set = "\(quoted(column.name)) = \(stored(column))"
    if random.oneIn(3) { set += ", k = (k + 1) % 20" }
    return "UPDATE @\(t) AS t SET \(set) WHERE \(changeCondition(t))"
  }

  private mutating func moveRow(_ t: Int) -> String {
    let (from, to) = (random.below(150), random.below(250))
    return "UPDATE\(resolution()) @\(t) SET rowid = \(to), k = 3 WHERE rowid = \(from)"
  }

  /// Seldom all rows.
  private mutating func changeCondition(_ t: Int) -> String {
    let low = random.below(120)
    let range = "t.rowid BETWEEN \(low) AND \(low + random.below(30))"
    return random.oneIn(12) ? condition(t, "t", depth: 1) : "\(range) AND \(condition(t, "t", depth: 1))"
  }
}
