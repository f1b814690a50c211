// Calls of every function that columns or SQLite behind them compute, by the class of their value.

extension StatementGenerator {
  mutating func integerFunction(_ depth: Int) -> String {
    let x = anyValue(depth + 1)
    switch dice.below(15) {
    case 0: return "length(\(x))"
    case 1: return "sign(\(dice.oneIn(2) ? real(depth + 1) : dice.pick(["num", "i32", "t"])))"
    case 2: return "unicode(\(anyText()))"
    case 3: return "instr(\(anyText()), \(anyText()))"
    case 4: return "unixepoch(\(time())\(modifiers()))"
    case 5: return "CAST(\(dice.pick(["num", "d", "t", "iso", "dec", "f", "b"])) AS INTEGER)"
    case 6: return "json_array_length(\(dice.oneIn(2) ? "j" : "st"))"
    case 7: return "json_valid(\(anyText()))"
    case 8:
      return "CAST(strftime('\(dice.pick(["%Y", "%m", "%d", "%H", "%s", "%W"]))', \(time())) AS INTEGER)"
    case 9: return "(st ->> 'a')"
    case 10: return "json_extract(st, '$.d.flag')"
    case 11: return "like(\(dice.pick(["'a%'", "t", "'%b%'"])), \(anyText()))"
    case 12: return "min(\(integer(depth + 1)), \(integer(depth + 1)))"
    case 13: return "max(\(integer(depth + 1)), \(integer(depth + 1)), 7)"
    default: return "(\(anyText()) \(dice.pick(["=", "<", ">=", "IS"])) \(anyText()) COLLATE \(collation()))"
    }
  }

  mutating func realFunction(_ depth: Int) -> String {
    let x = dice.oneIn(2) ? real(depth + 1) : integer(depth + 1)
    switch dice.below(15) {
    case 12: return "round(\(mixed(depth)), 1)"
    case 13: return "(\(mixed(depth)) \(dice.pick(["+", "-", "*", "/", "%"])) \(real(depth + 1)))"
    case 14: return "CAST(\(mixed(depth)) AS \(dice.pick(["REAL", "INTEGER"])))"
    case 0, 1, 2:
      return "round(\(x)\(dice.oneIn(3) ? "" : ", \(dice.pick(["0", "1", "2", "5", "-1", "20", "i8"]))"))"
    case 3: return "julianday(\(time())\(modifiers()))"
    case 4: return "CAST(\(dice.pick(["num", "t", "iso", "i64", "big"])) AS REAL)"
    case 5: return "sqrt(\(x))"
    case 6: return "\(dice.pick(["exp", "ln", "log10", "sin", "cos", "atan", "radians"]))(\(x))"
    case 7: return "pow(\(x), \(dice.pick(["2", "0.5", "-1"])))"
    case 8: return "round(\(x) / 7, 3)"
    case 9: return "abs(\(dice.pick(["num", "t"])))"
    case 10: return "max(\(real(depth + 1)), \(real(depth + 1)))"
    default: return "(\(x) * 1.5)"
    }
  }

  mutating func textFunction(_ depth: Int) -> String {
    let x = anyValue(depth + 1)
    switch dice.below(24) {
    case 0: return "hex(\(x))"
    case 1: return "quote(\(x))"
    case 2: return "typeof(\(x))"
    case 3: return "(\(x) || \(anyValue(depth + 1)))"
    case 4: return "char(\(integer(depth + 1)), \(integer(depth + 1)))"
    case 5:
      return
        "printf('\(dice.pick(["%d", "%5.2f|", "%s", "%-10s|", "%x", "%e", "%g", "%05d", "%,d", "%!.15g", "%q", "%c", "%%"]))', \(x))"
    case 6: return "format('%s-%d', \(x), \(integer(depth + 1)))"
    case 7, 8: return "\(dice.pick(["date", "time", "datetime"]))(\(time())\(modifiers()))"
    case 9:
      return
        "strftime('\(dice.pick(["%Y-%m-%d", "%H:%M:%f", "%s", "%J", "%W %w %j", "%Y%", "%%", "%d.%m.%Y"]))', \(time())\(modifiers()))"
    case 10: return "trim(\(anyText()), \(dice.pick(["'a'", "'ab '", "' '", "t", "'é'", "''"])))"
    case 11: return "\(dice.pick(["ltrim", "rtrim"]))(\(anyText())\(dice.oneIn(2) ? "" : ", 'xa '"))"
    case 12: return "CAST(\(x) AS TEXT)"
    case 13: return "(st ->> '\(dice.pick(["b", "$.b", "$.d.k"]))')"
    case 14: return "(\(dice.oneIn(2) ? "j" : "st") -> '\(dice.pick(["a", "$.b", "$.d", "b"]))')"
    case 15: return "json_type(\(dice.oneIn(2) ? "j" : "st"), '$.a')"
    case 16: return "substr(\(anyText()), \(integer(depth + 1)), \(integer(depth + 1)))"
    case 17: return "replace(\(anyText()), \(dice.pick(["'a'", "'b'", "' '", "''"])), \(anyText()))"
    case 18: return "upper(\(anyText()))"
    case 19: return "lower(\(x))"
    case 20: return "coalesce(\(anyText()), \(anyText()), 'none')"
    case 21: return "nullif(\(anyText()), \(anyText()))"
    case 22: return "soundex(\(anyText()))"
    default: return "min(\(anyText()), \(anyText()))"
    }
  }

  /// Conditions about values of several classes, collations, JSON.
  mutating func oddCondition(_ depth: Int) -> String {
    let order = dice.pick(["=", "<>", "<", "<=", ">", ">=", "IS", "IS NOT"])
    switch dice.below(13) {
    case 11: return "\(mixed(depth)) \(order) \(dice.pick(["0", "1.5", "i8", "d", "num"]))"
    case 12: return "\(mixed(depth)) \(dice.pick(["IN (0, 1.5, NULL)", "BETWEEN -1 AND 5.5", "IS NULL"]))"
    case 0: return "\(anyText()) \(order) \(anyText()) COLLATE \(collation())"
    case 1: return "\(anyText()) COLLATE \(collation()) IN ('abc', 'A', 'zebra', 'x')"
    case 2: return "num + 0 \(order) \(dice.pick(["1", "0.5", "i8", "d"]))"
    case 3: return "(j ->> '$.a') \(order) \(dice.pick(["1", "'x'", "2.5", "i8"]))"
    case 4: return "\(anyText())"
    case 5: return "i32 \(order) num"
    case 6: return "num \(order) \(dice.pick(["12", "'12'", "3.75"]))"
    case 7: return "\(anyText()) LIKE \(dice.pick(["t", "'a' || '%'", "substr(s, 1, 2) || '%'"]))"
    case 8: return "i32 LIKE '%1%'"
    case 9: return "\(anyText()) COLLATE \(collation()) BETWEEN 'a' AND 'm'"
    default: return "round(d, 1) \(order) \(dice.below(100)).5"
    }
  }

  /// A statement with window functions.
  mutating func window() -> (sql: String, isOrdered: Bool) {
    func windowKey(_ dice: inout Dice) -> String {
      dice.pick([
        "skew", "i8", "flag", "t", "dict", "day", "d", "b", "t COLLATE NOCASE", "u COLLATE RTRIM", "none",
        "dec0", "i32 % 5", "ts",
      ])
    }
    func over() -> String {
      var parts: [String] = []
      if dice.oneIn(2) {
        parts.append("PARTITION BY " + windowKey(&dice) + (dice.oneIn(4) ? ", " + windowKey(&dice) : ""))
      }
      if !dice.oneIn(4) {
        let terms = (0..<dice.below(2) + 1).map { _ in
          windowKey(&dice) + dice.pick(["", " DESC", " NULLS LAST", " DESC NULLS FIRST"])
        }
        parts.append("ORDER BY " + terms.joined(separator: ", "))
        if dice.oneIn(4) {
          parts.append(
            dice.pick([
              "ROWS UNBOUNDED PRECEDING", "RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
              "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW", "GROUPS UNBOUNDED PRECEDING",
              "ROWS 2 PRECEDING",
            ]))
        }
      }
      return " OVER (" + parts.joined(separator: " ") + ")"
    }
    func call() -> String {
      switch dice.below(12) {
      case 0: "row_number()"
      case 1: "rank()"
      case 2: "dense_rank()"
      case 3: dice.pick(["percent_rank()", "cume_dist()", "ntile(\(dice.below(5) + 1))"])
      case 4, 5: "\(dice.pick(["lag", "lead"]))(\(anyColumn())\(dice.oneIn(2) ? "" : ", \(dice.below(4))"))"
      case 6: "\(dice.pick(["first_value", "last_value"]))(\(dice.oneIn(3) ? "st" : anyColumn()))"
      case 7: "nth_value(\(anyColumn()), 2)"
      case 8:
        "count(\(dice.oneIn(2) ? "*" : anyColumn()))\(dice.oneIn(4) ? " FILTER (WHERE \(condition(2)))" : "")"
      case 9:
        "\(dice.pick(["sum", "avg", "total"]))(\(dice.oneIn(2) ? integer(2) : real(2)))\(dice.oneIn(4) ? " FILTER (WHERE \(condition(2)))" : "")"
      default: "\(dice.pick(["min", "max"]))(\(dice.oneIn(3) ? "t COLLATE NOCASE" : anyColumn()))"
      }
    }
    let shared = over()
    let calls = (0..<dice.below(3) + 1).map { _ in call() + (dice.oneIn(2) ? shared : over()) }
    let filter = dice.oneIn(3) ? " WHERE " + condition(1) : ""
    let limit = dice.oneIn(4) ? " LIMIT \(dice.below(50))" : ""
    switch dice.below(5) {
    case 0:
      return (
        "SELECT skew, count(*), rank() OVER (ORDER BY count(*) DESC), sum(max(i8)) OVER (ORDER BY skew) FROM x\(filter) GROUP BY skew\(limit)",
        true
      )
    case 1:
      return ("SELECT i64, t, \(calls.joined(separator: ", ")) FROM x\(filter) ORDER BY i64, t\(limit)", true)
    case 2:
      return ("SELECT * FROM (SELECT i64, skew, \(calls[0]) AS w FROM x\(filter)) WHERE w IS NOT NULL", true)
    default: return ("SELECT i64, \(calls.joined(separator: ", ")), t FROM x\(filter)\(limit)", true)
    }
  }

  /// A value that is an integer in some rows and a real in others.
  mutating func mixed(_ depth: Int) -> String {
    switch dice.below(6) {
    case 0: "CASE WHEN \(condition(depth + 1)) THEN \(real(depth + 1)) ELSE 0 END"
    case 1: "coalesce(\(real(depth + 1)), \(integer(depth + 1)))"
    case 2: "iif(\(condition(depth + 1)), \(integer(depth + 1)), \(real(depth + 1)))"
    case 3: "max(\(integer(depth + 1)), \(real(depth + 1)))"
    case 4: "ifnull(\(dice.pick(["i8", "i32", "dec0"])), 2.5)"
    default: "nullif(coalesce(d, 1), \(dice.pick(["1", "0.5", "i8"])))"
    }
  }

  mutating func collation() -> String { dice.pick(["NOCASE", "NOCASE", "RTRIM", "BINARY"]) }

  mutating func anyText() -> String {
    dice.pick(["t", "s", "dict", "iso", "num", "u", "u", "day", "ts", "t"])
  }

  mutating func anyValue(_ depth: Int) -> String {
    switch dice.below(8) {
    case 0: integer(depth)
    case 1: real(depth)
    case 2: text(depth)
    case 3: "b"
    case 4: "st"
    default: dice.oneIn(2) ? anyText() : anyColumn()
    }
  }

  private mutating func time() -> String {
    dice.pick([
      "ts", "day", "ts", "day", "iso", "iso", "i32", "d", "'2024-03-10 10:20:30'", "num", "s", "big",
      "'2460000.5'", "substr(iso, 1, 10)",
    ])
  }

  private mutating func modifiers() -> String {
    var list = ""
    while dice.oneIn(2) {
      list +=
        ", "
        + dice.pick([
          "'+1 day'", "'-1 month'", "'start of month'", "'start of year'", "'start of day'", "'weekday 0'",
          "'+1.5 hours'", "'unixepoch'",
          "'julianday'", "'auto'", "'utc'", "'localtime'", "i8 || ' days'", "'+10 years'", "'nonsense'",
          "NULL", "'-90 minutes'",
        ])
    }
    return list
  }
}
