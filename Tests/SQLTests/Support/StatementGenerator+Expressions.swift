// Random expressions.

extension StatementGenerator {
  mutating func literal() -> String {
    switch random.number(0...11) {
    case 0: "NULL"
    case 1: "0"
    case 2, 3: "\(random.number(-5...30))"
    case 4:
      random.pick([
        "9223372036854775807", "-9223372036854775808", "9223372036854775808", "0x1F", "2147483648",
      ])
    case 5: random.pick(["1.5", "-0.25", ".5", "1e5", "2.", "1e400", "0.0"])
    case 6: random.pick(["''", "'a'", "'Ab c'", "'it''s'", "'12'", "'1.5'", "'é'", "'12abc'"])
    case 7: random.pick(["x''", "X'00ff'", "x'414243'"])
    case 8: random.pick(["'2024-02-29'", "'2024-02-29 12:30:45'", "'%a%'", "'{\"a\":[1,2]}'"])
    default: "\(random.number(0...9))"
    }
  }

  mutating func expression(_ depth: Int, allowsWindow: Bool = false) -> String {
    guard depth > 0 else { return random.once(in: 3) ? literal() : column() }
    let next = depth - 1
    switch random.number(0...23) {
    case 0...3: return column()
    case 4: return literal()
    case 5, 6:
      let symbol = random.pick(["+", "-", "*", "/", "%", "||", "&", "|", "<<", ">>"])
      return "(\(expression(next)) \(symbol) \(expression(next)))"
    case 7, 8:
      let symbol = random.pick([
        "=", "==", "<>", "!=", "<", "<=", ">", ">=", "IS", "IS NOT", "IS DISTINCT FROM",
      ])
      return "\(expression(next)) \(symbol) \(expression(0))"
    case 9: return "(\(expression(next)) \(random.pick(["AND", "OR"])) \(expression(next)))"
    case 10: return random.pick(["NOT ", "-", "+", "~"]) + "(" + expression(next) + ")"
    case 11:
      let not = random.pick(["", " NOT"])
      return "(\(expression(next))\(not) BETWEEN \(expression(next)) AND \(expression(0)))"
    case 12:
      let list = (0..<random.number(0...3)).map { _ in expression(0) }.joined(separator: ", ")
      return "(\(expression(next))\(random.pick(["", " NOT"])) IN (\(list)))"
    case 13:
      let word = random.pick(["LIKE", "GLOB", "NOT LIKE"])
      return "(\(expression(0)) \(word) \(random.pick(["'%a%'", "'a*'", "'_b%'", column()])))"
    case 14:
      return
        "(\(expression(next)) \(random.pick(["ISNULL", "NOTNULL", "IS NULL", "NOT NULL", "IS NOT NULL"])))"
    case 15:
      let type = random.pick([
        "INTEGER", "TEXT", "REAL", "BLOB", "NUMERIC", "DECIMAL(10, 2)", "VARCHAR(5)", "", "DATE",
      ])
      return "CAST(\(expression(next)) AS \(type))"
    case 16:
      let operand = random.once(in: 3) ? expression(0) + " " : ""
      let otherwise = random.once(in: 3) ? "" : " ELSE " + expression(next)
      return "CASE \(operand)WHEN \(expression(next)) THEN \(expression(next))\(otherwise) END"
    case 17: return "(\(expression(next)) COLLATE \(random.pick(["NOCASE", "RTRIM", "BINARY"])))"
    case 18, 19, 20: return call(next)
    case 21:
      guard allowsSubqueries, depth > 1 else { return column() }
      switch random.number(0...2) {
      case 0: return "(\(select(columns: 1, next)))"
      case 1: return "\(random.pick(["", "NOT "]))EXISTS (\(select(columns: nil, next)))"
      default: return "(\(expression(0))\(random.pick(["", " NOT"])) IN (\(select(columns: 1, next))))"
      }
    case 22:
      let symbol = random.pick(["=", "<", "IS", ">="])
      return "((\(expression(0)), \(expression(0))) \(symbol) (\(expression(0)), \(expression(0))))"
    default:
      guard allowsWindow, allowsWindows else { return call(next) }
      return window(next)
    }
  }

  mutating func call(_ depth: Int) -> String {
    let one = expression(depth)
    switch random.number(0...16) {
    case 0:
      return
        "\(random.pick(["abs", "length", "typeof", "hex", "quote", "unicode", "upper", "lower", "sign"]))(\(one))"
    case 1:
      return
        "\(random.pick(["trim", "ltrim", "rtrim", "soundex", "zeroblob"]))(\(random.once(in: 3) ? "'7'" : one))"
        .replacingZeroblob()
    case 2: return "\(random.pick(["coalesce", "max", "min"]))(\(one), \(expression(0)), \(expression(0)))"
    case 3: return "\(random.pick(["ifnull", "nullif", "max", "min", "instr"]))(\(one), \(expression(0)))"
    case 4: return "iif(\(one), \(expression(0)), \(expression(0)))"
    case 5: return "substr(\(one), \(random.number(-3...3))\(random.pick(["", ", 2"])))"
    case 6: return "replace(\(one), 'a', \(literal()))"
    case 7: return "round(\(one)\(random.pick(["", ", 1"])))"
    case 8: return "\(random.pick(["date", "time", "datetime", "julianday", "unixepoch"]))(\(one))"
    case 9: return "strftime('%Y-%m', \(one))"
    case 10:
      return "\(random.pick(["ceil", "floor", "trunc", "sqrt", "ln", "exp", "radians", "sin"]))(\(one))"
    case 11: return "\(random.pick(["pow", "mod", "atan2"]))(\(one), \(expression(0)))"
    case 12: return "printf('%s-%d', \(one), \(expression(0)))"
    case 13: return "char(\(random.number(60...90)))"
    case 14: return "json_array(\(literal().replacingBlob()), 1)"
    case 15: return "json_extract('{\"a\":[1,2.5,\"x\",null,{}]}', '$.a[\(random.number(0...5))]')"
    default: return "likely(\(one))"
    }
  }

  mutating func aggregate(_ depth: Int) -> String {
    let filter = random.once(in: 6) ? " FILTER (WHERE \(expression(1)))" : ""
    let distinct = random.once(in: 6) ? "DISTINCT " : ""
    let argument = expression(min(depth, 1))
    var names = ["count", "sum", "total", "avg", "min", "max"]
    if !isOrdered { names.append("group_concat") }
    let call =
      random.once(in: 5) ? "count(*)\(filter)" : "\(random.pick(names))(\(distinct)\(argument))\(filter)"
    switch random.number(0...5) {
    case 0: return "coalesce(\(call), \(literal()))"
    case 1: return "(\(call) + 1)"
    default: return call
    }
  }

  mutating func window(_ depth: Int) -> String {
    let argument = expression(min(depth, 1))
    let call: String
    switch random.number(0...6) {
    case 0: call = random.pick(["row_number()", "rank()", "dense_rank()", "percent_rank()", "cume_dist()"])
    case 1: call = "ntile(\(random.number(1...4)))"
    case 2: call = "\(random.pick(["lag", "lead"]))(\(argument)\(random.pick(["", ", 1", ", 2, 0"])))"
    case 3: call = "\(random.pick(["first_value", "last_value"]))(\(argument))"
    case 4: call = "nth_value(\(argument), \(random.number(1...3)))"
    default: call = "\(random.pick(["count", "sum", "avg", "min", "max", "total"]))(\(argument))"
    }
    var over = random.once(in: 2) ? "PARTITION BY \(expression(0)) " : ""
    over += "ORDER BY " + column()
    if random.once(in: 3) {
      over += random.pick([
        " ROWS BETWEEN 1 PRECEDING AND CURRENT ROW", " ROWS UNBOUNDED PRECEDING",
        " GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING EXCLUDE TIES", " RANGE CURRENT ROW",
      ])
    }
    return "\(call) OVER (\(over))"
  }
}

extension String {
  /// zeroblob of a large number would fill the memory.
  fileprivate func replacingZeroblob() -> String { hasPrefix("zeroblob") ? "zeroblob(3)" : self }

  /// JSON holds no blobs.
  fileprivate func replacingBlob() -> String { hasPrefix("x'") || hasPrefix("X'") ? "1" : self }
}
