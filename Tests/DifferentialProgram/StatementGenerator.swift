// Random SELECTs over the test's tables: most of them within what runs on columns.

import SQLite

struct StatementGenerator {
  var dice: Dice
  /// Whether overflows are wanted.
  var extremes: Bool

  let integers = ["i8", "i32", "i64", "u16", "skew", "flag", "dec0"]
  let reals = ["d", "f", "none", "dec"]
  let texts = ["t", "s", "dict"]
  let times = ["day", "ts"]

  init(dice: Dice, extremes: Bool) {
    self.dice = dice
    self.extremes = extremes
  }

  mutating func integerColumn() -> String { extremes && dice.oneIn(6) ? "big" : dice.pick(integers) }
  mutating func anyColumn() -> String {
    switch dice.below(10) {
    case 0...3: integerColumn()
    case 4, 5: dice.pick(reals)
    case 6, 7: dice.pick(texts)
    case 8: dice.pick(times)
    default: "b"
    }
  }

  mutating func integer(_ depth: Int = 0) -> String {
    if depth > 2 || dice.oneIn(2) { return dice.oneIn(4) ? String(dice.below(200) - 50) : integerColumn() }
    if dice.oneIn(4) { return integerFunction(depth) }
    switch dice.below(12) {
    case 0: return "(\(integer(depth + 1)) + \(integer(depth + 1)))"
    case 1: return "(\(integer(depth + 1)) - \(integer(depth + 1)))"
    case 2: return "(\(integer(depth + 1)) * \(dice.below(9)))"
    case 3: return "(\(integer(depth + 1)) / \(dice.oneIn(3) ? integer(depth + 1) : String(dice.below(7))))"
    case 4: return "(\(integer(depth + 1)) % \(dice.oneIn(3) ? integer(depth + 1) : String(dice.below(7))))"
    case 5: return "length(\(text(depth + 1)))"
    case 6: return "coalesce(\(integer(depth + 1)), \(integer(depth + 1)))"
    case 7:
      return "CASE WHEN \(condition(depth + 1)) THEN \(integer(depth + 1)) ELSE \(integer(depth + 1)) END"
    case 8: return "abs(\(integer(depth + 1)))"
    case 9: return "CAST(\(dice.oneIn(2) ? real(depth + 1) : text(depth + 1)) AS INTEGER)"
    case 10: return "(\(integer(depth + 1)) \(dice.pick(["&", "|", "<<", ">>"])) \(dice.below(70) - 5))"
    default: return dice.oneIn(2) ? "(\(condition(depth + 1)))" : "instr(\(text(depth + 1)), 'a')"
    }
  }

  mutating func real(_ depth: Int = 0) -> String {
    if depth > 2 || dice.oneIn(2) {
      return dice.oneIn(4) ? "\(Double(dice.below(400)) / 4 - 20)" : dice.pick(reals)
    }
    if dice.oneIn(3) { return realFunction(depth) }
    switch dice.below(7) {
    case 0: return "(\(real(depth + 1)) + \(integer(depth + 1)))"
    case 1: return "(\(real(depth + 1)) - \(real(depth + 1)))"
    case 2: return "(\(real(depth + 1)) * 2.5)"
    case 3: return "(\(real(depth + 1)) / \(dice.oneIn(2) ? integer(depth + 1) : real(depth + 1)))"
    case 4: return "ifnull(\(real(depth + 1)), 0.5)"
    case 5: return "CAST(\(integer(depth + 1)) AS REAL)"
    default: return "nullif(\(real(depth + 1)), 1.5)"
    }
  }

  mutating func text(_ depth: Int = 0) -> String {
    if depth > 2 || dice.oneIn(2) { return dice.oneIn(4) ? literal() : dice.pick(texts) }
    if dice.oneIn(3) { return textFunction(depth) }
    switch dice.below(11) {
    case 9: return dice.pick(["date(ts)", "time(ts)", "datetime(ts)", "date(day)", "datetime(day)"])
    case 10:
      return "strftime('\(dice.pick(["%Y", "%m-%d", "%H:%M:%S", "%w", "%j", "%Y-%m"]))', \(dice.pick(times)))"
    case 0: return "lower(\(text(depth + 1)))"
    case 1: return "upper(\(text(depth + 1)))"
    case 2: return "substr(\(text(depth + 1)), \(dice.below(9) - 4), \(dice.below(7) - 2))"
    case 3: return "substr(\(text(depth + 1)), \(integer(depth + 1)))"
    case 4: return "(\(text(depth + 1)) || \(text(depth + 1)))"
    case 5: return "trim(\(text(depth + 1)))"
    case 6: return "replace(\(text(depth + 1)), 'a', 'xy')"
    case 7: return "CAST(\(integer(depth + 1)) AS TEXT)"
    default:
      return "iif(\(condition(depth + 1)), \(text(depth + 1)), \(dice.oneIn(2) ? "NULL" : text(depth + 1)))"
    }
  }

  mutating func literal() -> String { "'" + dice.pick(TestData.words) + "'" }

  mutating func condition(_ depth: Int = 0) -> String {
    if depth < 3, dice.oneIn(3) {
      switch dice.below(4) {
      case 0: return "(\(condition(depth + 1)) AND \(condition(depth + 1)))"
      case 1: return "(\(condition(depth + 1)) OR \(condition(depth + 1)))"
      case 2: return "NOT \(condition(depth + 1))"
      default:
        return "((\(condition(depth + 1))) IS \(dice.pick(["TRUE", "FALSE", "NOT TRUE", "NOT FALSE"])))"
      }
    }
    if dice.oneIn(7) { return oddCondition(depth) }
    let order = dice.pick(["=", "<>", "<", "<=", ">", ">=", "=", "IS", "IS NOT"])
    switch dice.below(16) {
    case 14: return "\(dice.pick(integers + reals)) \(order) ?1"
    case 15: return "\(dice.pick(texts + times)) \(order) ?2"
    case 0, 1: return "\(integer(depth + 1)) \(order) \(integer(depth + 1))"
    case 2: return "\(integerColumn()) \(order) \(dice.below(1000))"
    case 3: return "\(real(depth + 1)) \(order) \(dice.oneIn(2) ? real(depth + 1) : integer(depth + 1))"
    case 4: return "\(dice.pick(reals)) \(order) \(dice.below(100)).5"
    case 5: return "\(text(depth + 1)) \(order) \(text(depth + 1))"
    case 6: return "\(dice.pick(texts)) \(dice.oneIn(3) ? "NOT " : "")LIKE '\(pattern())'"
    case 7:
      return
        "\(dice.pick(texts)) GLOB '\(dice.pick(["*a*", "a?", "[a-c]*", "*[^0-9]", "value *1", "", "*", "[]x]*"]))'"
    case 8:
      return
        "\(integer(depth + 1)) \(dice.oneIn(3) ? "NOT " : "")BETWEEN \(dice.below(100)) AND \(dice.below(600))"
    case 9:
      let list = (0..<dice.below(5) + 1).map { _ in dice.oneIn(8) ? "NULL" : String(dice.below(100)) }
      return "\(integerColumn()) \(dice.oneIn(3) ? "NOT " : "")IN (\(list.joined(separator: ", ")))"
    case 10:
      let list = (0..<dice.below(12) + 1).map { _ in literal() }
      return "\(dice.pick(texts)) \(dice.oneIn(3) ? "NOT " : "")IN (\(list.joined(separator: ", ")))"
    case 11:
      if dice.oneIn(4) {
        return dice.pick([
          "i32 \(dice.oneIn(2) ? "NOT " : "")IN (SELECT i32 FROM y)", "t IN (SELECT t FROM y WHERE i8 > 2)",
          "EXISTS (SELECT 1 FROM y WHERE i8 > 8)", "d > (SELECT avg(d) FROM y)", "t = (SELECT max(t) FROM y)",
          "i8 NOT IN (SELECT i8 FROM y WHERE i8 IS NOT NULL)",
        ])
      }
      return "\(anyColumn()) IS \(dice.oneIn(2) ? "NOT " : "")NULL"
    case 12:
      return dice.oneIn(2)
        ? "day \(order) '\(dice.pick(["2023-01-01", "2022-06-15", "2023", "", "zzz", "2023-01-01 00:00"]))'"
        : "ts \(order) '\(dice.pick(["2024-01-10", "2024-02-01 12:00:00", "2024-03", "1999", "2024-01-15 00:00:00"]))'"
    default: return integer(depth + 1)
    }
  }

  mutating func pattern() -> String {
    dice.pick([
      "a%", "%a", "%a%", "A_", "_", "%", "", "value 1%", "%É%", "%1%2%", "a\\%b", "__", "nor%", "été", "%e_%",
      "%a%b%", "%lon%TEXT%", "%v%l%1%", "%n%o%", "%sixteen%bytes%of%",
    ])
  }

  mutating func expression() -> String {
    switch dice.below(6) {
    case 5: dice.oneIn(4) ? "typeof(\(mixed(1)))" : mixed(1)
    case 0, 1: anyColumn()
    case 2: integer()
    case 3: real()
    default: text()
    }
  }

  mutating func key() -> String {
    switch dice.below(11) {
    case 0...2: dice.pick(["skew", "i8", "flag", "i32", "u16", "i64", "i64"])
    case 3...5: dice.oneIn(4) ? "\(anyText()) COLLATE \(collation())" : dice.pick(texts)
    case 10:
      dice.pick(["st ->> 'b'", "round(d)", "num", "u", "date(ts, 'start of month')", "substr(iso, 1, 4)"])
    case 6: dice.pick(reals)
    case 7: dice.pick(times)
    case 8: "b"
    default: dice.oneIn(3) ? mixed(2) : dice.oneIn(2) ? integer(1) : text(1)
    }
  }

  private mutating func bareColumn() -> String {
    dice.pick(["i64", "t", "st", "dec", "ts", "d", "dict", "i32 + i8", "length(s)", "upper(t) || i64"])
  }

  mutating func aggregate() -> String {
    let filter = dice.oneIn(5) ? " FILTER (WHERE \(condition(1)))" : ""
    switch dice.below(20) {
    case 17, 18: return "\(dice.pick(["sum", "total", "avg", "min", "max", "count"]))(\(mixed(1)))\(filter)"
    case 19: return "sum(CASE WHEN \(condition(2)) THEN d ELSE 0 END) / 2\(dice.oneIn(2) ? ".0" : "")"
    case 15:
      return
        "group_concat(\(dice.oneIn(3) ? "DISTINCT \(anyText()) COLLATE \(collation())" : anyValue(2)))\(filter)"
    case 16: return "group_concat(\(anyText()), \(dice.pick(["'; '", "t", "i8", "NULL", "''"])))\(filter)"
    case 12: return "\(dice.pick(["min", "max"]))(\(anyText()) COLLATE \(collation()))\(filter)"
    case 13: return "count(DISTINCT \(anyText()) COLLATE \(collation()))\(filter)"
    case 14: return "count(\(anyValue(1)))\(filter)"
    case 0: return "count(*)\(filter)"
    case 1: return "count(\(anyColumn()))\(filter)"
    case 2: return "sum(\(integer(1)))\(filter)"
    case 3: return "sum(\(real(1)))\(filter)"
    case 4: return "avg(\(dice.oneIn(2) ? integer(1) : real(1)))\(filter)"
    case 5: return "total(\(dice.oneIn(2) ? integer(1) : real(1)))\(filter)"
    case 6: return "min(\(anyColumn()))\(filter)"
    case 7: return "max(\(anyColumn()))\(filter)"
    case 8: return "count(DISTINCT \(anyColumn()))\(filter)"
    case 9: return "sum(DISTINCT \(integer(1)))\(filter)"
    case 10: return "min(\(text(1)))\(filter)"
    default: return "max(\(dice.oneIn(2) ? integer(1) : real(1)))\(filter)"
    }
  }

  /// A statement, and whether the order of its rows is told.
  mutating func statement() -> (sql: String, isOrdered: Bool) {
    if dice.oneIn(6) { return join() }
    if dice.oneIn(12) { return window() }
    if dice.oneIn(6) { return correlated() }
    if dice.oneIn(15) { return wideJoin() }
    let filter = dice.oneIn(3) ? "" : " WHERE " + condition()
    let source =
      dice.oneIn(12)
      ? "v" : dice.oneIn(8) ? "(SELECT * FROM x\(dice.oneIn(2) ? " WHERE " + condition(1) : ""))" : "x"
    switch dice.below(10) {
    case 0, 1:
      let results = (0..<dice.below(4) + 1).map { _ in expression() }.joined(separator: ", ")
      return ("SELECT \(results) FROM \(source)\(filter)", true)
    case 2: return ("SELECT *\(dice.oneIn(3) ? ", i32 + 1" : "") FROM \(source)\(filter)", true)
    case 3, 4:
      var results = (0..<dice.below(4) + 1).map { _ in aggregate() }.joined(separator: ", ")
      if dice.oneIn(8) { results += ", " + bareColumn() }
      return ("SELECT \(results) FROM \(source)\(filter)", true)
    case 5, 6:
      let keys = (0..<dice.below(3) + 1).map { _ in key() }
      var results = keys + (0..<dice.below(3) + 1).map { _ in aggregate() }
      if dice.oneIn(5) { results.append(bareColumn()) }
      let having = dice.oneIn(4) ? " HAVING count(*) > \(dice.below(5))" : ""
      let places = keys.indices.map { "\($0 + 1)" }.joined(separator: ", ")
      let ordering = dice.oneIn(2) ? " ORDER BY \(places)" : ""
      return (
        "SELECT \(results.joined(separator: ", ")) FROM \(source)\(filter) GROUP BY \(places)\(having)\(ordering)",
        true
      )
    case 7:
      let results = (0..<dice.below(3) + 1).map { _ in key() }.joined(separator: ", ")
      return ("SELECT DISTINCT \(results) FROM \(source)\(filter)", true)
    default:
      // All columns that are shown are ordered by, so that the order is total as far as it can be seen.
      let columns = (0..<dice.below(3) + 1).map { _ in expression() }
      let terms = columns.indices.map {
        "\($0 + 1)\(dice.oneIn(4) ? " COLLATE \(collation())" : "")\(dice.pick(["", " ASC", " DESC", " DESC NULLS LAST", " ASC NULLS LAST", " DESC NULLS FIRST"]))"
      }
      let distinct = dice.oneIn(5) ? "DISTINCT " : ""
      var sql = "SELECT \(distinct)\(columns.joined(separator: ", ")) FROM \(source)\(filter)"
      if dice.oneIn(6) {
        sql +=
          " \(dice.pick(["UNION", "UNION ALL", "EXCEPT", "INTERSECT"])) SELECT \(columns.joined(separator: ", ")) FROM x WHERE \(condition(1))"
      }
      sql += " ORDER BY \(terms.joined(separator: ", "))"
      if dice.oneIn(2) {
        sql += " LIMIT \(dice.below(30))" + (dice.oneIn(3) ? " OFFSET \(dice.below(20))" : "")
      }
      return (sql, true)
    }
  }
}

extension StatementGenerator {
  /// Values for the parameters `?1` and `?2` of a statement.
  mutating func parameters() -> [SQLValue] {
    [
      dice.pick([.integer(5), .integer(-3), .real(2.5), .null, .text("12"), .integer(300)]),
      dice.pick([.text("abc"), .text("2024-01-20"), .null, .text("value 3"), .integer(10)]),
    ]
  }
}
