// Random joins, and subqueries that are correlated with the rows around them.

extension StatementGenerator {
  /// A join of both tables: by equalities, by other conditions, by none.
  mutating func join() -> (sql: String, isOrdered: Bool) {
    if dice.oneIn(5) { return keyed() }
    func key(_ dice: inout Dice) -> String {
      let column = dice.pick([
        "skew", "i32", "dec", "dec0", "t", "s", "d", "day", "ts", "i8", "dict", "b", "flag",
      ])
      return dice.oneIn(8) ? "x.skew = y.i32 + 1" : "x.\(column) = y.\(column)"
    }
    var condition = key(&dice)
    if dice.oneIn(3) { condition += " AND " + key(&dice) }
    if dice.oneIn(4) { condition += " AND x.i32 > y.i32" }
    if dice.oneIn(6) { condition += " AND y.t <> 'a'" }
    if dice.oneIn(8) { condition += " AND x.skew < 3" }
    if dice.oneIn(10) { condition = "x.i64 > y.i64 AND x.i8 = 3" }
    let kind = dice.pick(["JOIN", "LEFT JOIN", "LEFT JOIN", ","])
    let source = kind == "," ? "x, y WHERE \(condition)" : "x \(kind) y ON \(condition)"
    let filter =
      dice.oneIn(2)
      ? ""
      : (kind == "," ? " AND " : " WHERE ")
        + dice.pick([
          "x.i32 < 500", "y.i32 IS NULL", "y.t LIKE 'a%'", "x.d > 10 OR y.d < 0", "x.t = y.t",
          "coalesce(y.i8, 0) >= 0",
          "x.i64 IN (SELECT i64 FROM y)", "EXISTS (SELECT 1 FROM y WHERE i8 > 3)",
          "x.i32 > (SELECT avg(i32) FROM y)",
        ])
    switch dice.below(4) {
    case 0: return ("SELECT count(*), count(y.i32), sum(x.i32), max(y.t) FROM \(source)\(filter)", false)
    case 1: return ("SELECT x.skew, y.t, count(*) FROM \(source)\(filter) GROUP BY 1, 2 ORDER BY 1, 2", true)
    case 2: return ("SELECT x.i64, y.i64, x.t, y.dict, y.ts, y.flag FROM \(source)\(filter)", false)
    default: return ("SELECT DISTINCT x.i8 + y.i8, y.day FROM \(source)\(filter)", false)
    }
  }

  /// Groups by keys that others decide: those of a subquery whose first column has each value once.
  private mutating func keyed() -> (sql: String, isOrdered: Bool) {
    let key = dice.pick(["i8", "skew", "u16", "day", "t", "dec0", "d"])
    let grouped =
      "(SELECT \(key) AS k, max(t) AS t, min(d) AS d, max(i8) AS i, min(dict) AS w FROM x GROUP BY 1)"
    let keys = dice.pick([
      "g.k, g.t, g.d", "y.\(key), g.t, g.w", "g.k, y.flag, g.t, g.d, g.i", "g.t, g.k, g.d",
      "g.k, g.t, h.t, h.d",
      "g.i, h.t, g.k, h.d",
    ])
    let join = dice.pick(["JOIN", "LEFT JOIN"])
    let other =
      keys.contains("h.")
      ? " \(join) (SELECT i8 AS k, max(t) AS t, min(d) AS d FROM y GROUP BY 1) AS h ON h.k = g.i" : ""
    let filter = dice.pick(["", "", " WHERE y.i32 < 500", " WHERE g.d > 0"])
    let places = (1...keys.split(separator: ",").count).map(String.init).joined(separator: ", ")
    return (
      "SELECT \(keys), count(*), sum(y.i8) FROM y \(dice.pick(["JOIN", "JOIN", "LEFT JOIN"])) \(grouped) AS g ON g.k = y.\(key)\(other)\(filter) GROUP BY \(places)\(dice.oneIn(2) ? " ORDER BY \(places)" : "")",
      true
    )
  }

  // MARK: Correlated subqueries

  /// What a subquery over y is correlated with a row of x by.
  mutating func correlation() -> String {
    let column = dice.pick([
      "skew", "skew", "i32", "i8", "dec", "dec0", "t", "d", "day", "ts", "dict", "b", "flag",
    ])
    var condition = dice.pick([
      "y.\(column) = x.\(column)", "x.\(column) = y.\(column)", "y.\(column) = x.\(column)",
      "x.skew + 1 = y.i8", "y.skew = x.i8 % 3", "lower(y.t) = x.t", "y.dec0 = x.d",
    ])
    if dice.oneIn(4) { condition += " AND y.i8 = x.i8" }
    return condition
  }

  /// What is asked of a subquery besides.
  mutating func restriction() -> String {
    switch dice.below(8) {
    case 0: " AND y.i32 > 300"
    case 1: " AND y.i32 <> x.i32"
    case 2: " AND y.d < x.d"
    case 3: " AND x.i8 > 0"
    case 4: " AND y.t LIKE 'a%'"
    case 5: " AND (y.i8 > 3 OR x.i8 < 2)"
    default: ""
    }
  }

  /// A condition on a row of x that looks rows of y up.
  mutating func lookup() -> String {
    let source = dice.oneIn(6) ? "y JOIN x AS z ON z.i64 = y.i64" : "y"
    let not = dice.oneIn(2) ? "NOT " : ""
    switch dice.below(9) {
    case 0, 1: return "\(not)EXISTS (SELECT * FROM \(source) WHERE \(correlation())\(restriction()))"
    case 2, 3:
      let column = dice.pick(["i8", "i32", "t", "skew", "dec", "day", "d", "dict"])
      let value = dice.oneIn(6) ? "y.i8 + 1" : "y.\(column)"
      let operand = dice.oneIn(6) ? "x.i8" : "x.\(column)"
      return
        "\(operand) \(not)IN (SELECT \(value) FROM \(source) WHERE \(correlation())\(restriction()))"
    case 4:
      return "x.i8 \(not)IN (SELECT max(y.i8) FROM y WHERE \(correlation()) GROUP BY y.flag)"
    case 5:
      return
        "\(not)EXISTS (SELECT y.flag FROM y WHERE \(correlation()) GROUP BY y.flag HAVING count(*) > 1)"
    case 6: return "x.i32 \(dice.pick(["<", ">=", "=", "<>"])) \(scalar("i32", source))"
    case 7: return "\(scalar("d", source)) \(dice.pick(["<", ">", "IS"])) x.d"
    default: return "coalesce(\(scalar("i8", source)), 3) > x.i8"
    }
  }

  /// A value that is looked up for a row of x.
  mutating func scalar(_ column: String, _ source: String = "y") -> String {
    let aggregate = dice.pick([
      "min(y.\(column))", "max(y.\(column))", "sum(y.\(column))", "avg(y.\(column))", "count(*)",
      "count(y.\(column))", "total(y.\(column))", "2 * min(y.\(column)) + x.\(column)",
      "count(*) + x.i8", "coalesce(sum(y.\(column)), -1)", "count(DISTINCT y.\(column))",
      "sum(y.\(column)) FILTER (WHERE y.i8 > 0)",
    ])
    let outer = dice.oneIn(4) ? " AND x.i8 > 0" : dice.oneIn(4) ? " AND y.i32 > 300" : ""
    switch dice.below(6) {
    case 0: return "(SELECT y.\(column) FROM y WHERE \(correlation())\(restriction()))"
    case 1:
      return
        "(SELECT \(aggregate) FROM \(source) WHERE \(correlation())\(outer) HAVING count(*) \(dice.pick([">", "="])) 1)"
    case 2: return "(SELECT y.\(column) + 1 FROM y WHERE \(correlation()) LIMIT 1)"
    default: return "(SELECT \(aggregate) FROM \(source) WHERE \(correlation())\(outer))"
    }
  }

  mutating func correlated() -> (sql: String, isOrdered: Bool) {
    var conditions: [String] = []
    for _ in 0..<dice.below(3) {
      var condition = lookup()
      if dice.oneIn(4) { condition = "(\(condition) OR x.i8 > 7)" }
      if dice.oneIn(6) { condition = "(\(condition)) IS NOT TRUE" }
      conditions.append(condition)
    }
    if dice.oneIn(3) { conditions.append("x.i32 < 500") }
    let source = dice.oneIn(4) ? "x JOIN y AS w ON w.skew = x.skew AND w.i8 = x.i8" : "x"
    let filter = conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
    switch dice.below(4) {
    case 0:
      return ("SELECT count(*), sum(x.i32), min(x.t), count(\(scalar("i8"))) FROM \(source)\(filter)", false)
    case 1:
      return (
        "SELECT x.skew, count(*), max(\(scalar("i32"))) FROM \(source)\(filter) GROUP BY 1 ORDER BY 1", true
      )
    case 2:
      let columns = (0..<dice.below(2) + 1).map { _ in
        dice.oneIn(3) ? "(\(lookup()))" : scalar(dice.pick(["i8", "i32", "d", "t", "dec", "day"]))
      }
      return ("SELECT x.i64, \(columns.joined(separator: ", ")) FROM \(source)\(filter)", false)
    default: return ("SELECT x.i64, x.i8, x.t FROM \(source)\(filter)", false)
    }
  }

  /// A join of several: chains, stars and circles of equalities, some of them within an OR.
  mutating func wideJoin() -> (sql: String, isOrdered: Bool) {
    var sources = ["x", "y", "y AS a", "y AS b"]
    var conditions = ["x.skew = y.skew", "a.i8 = y.i8", "b.i64 = a.i64"]
    if dice.oneIn(2) { conditions[0] += " AND x.i8 = y.i8" }
    if dice.oneIn(3) { conditions.append("b.i8 = x.i8") }
    if dice.oneIn(3) { conditions.append("a.t <> 'a'") }
    if dice.oneIn(3) { conditions.append("x.i32 < 300") }
    if dice.oneIn(4) { conditions.append("((y.flag = 1 AND a.i8 = 3) OR (y.flag = 0 AND a.i8 = 2))") }
    if dice.oneIn(4) {
      conditions[0] =
        "((x.skew = y.skew AND x.i8 = 1 AND y.i8 < 5) OR (x.skew = y.skew AND y.i8 = 7 AND x.i8 > 3 AND x.flag = 0))"
    }
    if dice.oneIn(3) {
      sources.removeLast()
      conditions.removeAll { $0.contains("b.") }
    }
    let filter = conditions.joined(separator: " AND ")
    if dice.oneIn(3), sources.count == 4, conditions.count >= 3 {
      let last = conditions.contains("b.i8 = x.i8") ? "b.i64 = a.i64 AND b.i8 = x.i8" : "b.i64 = a.i64"
      let rest = conditions.filter { !$0.contains("b.") }.joined(separator: " AND ")
      let extra = dice.oneIn(2) ? " JOIN y AS c ON c.i8 = \(dice.pick(["x", "b"])).i8 AND c.i64 = a.i64" : ""
      return (
        "SELECT count(*), count(b.i8), sum(x.i32), sum(b.i32) FROM x, y, y AS a LEFT JOIN y AS b ON \(last)\(extra) WHERE \(rest)",
        false
      )
    }
    let from = sources.joined(separator: ", ")
    if dice.oneIn(4) {
      let inner =
        "(SELECT x.i64 AS p, y.t AS q, a.i8 + y.i8 AS r, strftime('%Y', x.day) AS s FROM \(from) WHERE \(filter))"
      return dice.oneIn(2)
        ? (
          "SELECT q, s, count(*), sum(r), min(p + r) FROM \(inner) WHERE r > 0 GROUP BY q, s ORDER BY 1, 2",
          true
        )
        : ("SELECT p, r, q FROM \(inner) WHERE q LIKE 'a%' OR r IS NULL", false)
    }
    switch dice.below(3) {
    case 0: return ("SELECT count(*), sum(x.i32), sum(y.i8), max(a.t) FROM \(from) WHERE \(filter)", false)
    case 1:
      return (
        "SELECT y.t, a.i8, count(*), sum(x.i64) FROM \(from) WHERE \(filter) GROUP BY 1, 2 ORDER BY 1, 2",
        true
      )
    default: return ("SELECT x.i64, y.i64, a.i64, x.dec, a.t, y.day FROM \(from) WHERE \(filter)", false)
    }
  }
}
