// Statements over pairs of tables: everything that the scan of a published table may get wrong.

import Arrow
import SQLite
import Samples

/// A generated statement; `@0`, `@1` … stand for tables.
struct GeneratedStatement {
  var sql: String
  var parameters: [SQLValue] = []
  /// Whether the order of rows is settled by the statement.
  var isOrdered = false
  /// Whether only the number of rows is settled: LIMIT without an order.
  var isCountOnly = false
}

/// Makes statements for tables with these columns.
struct StatementGenerator {
  struct Column {
    let name: String
    let type: DataType
    /// Some of its values.
    let values: [SQLValue]
  }

  var random: RandomSource
  /// By table.
  let columns: [[Column]]
  private var parameters: [SQLValue] = []

  init(_ random: RandomSource, _ columns: [[Column]]) {
    self.random = random
    self.columns = columns
  }

  mutating func resetParameters() { parameters = [] }
  func takeParameters() -> [SQLValue] { parameters }

  // MARK: Values

  /// A constant as SQL: written out, or a parameter.
  mutating func constant(_ value: SQLValue) -> String {
    if random.oneIn(2), let literal = StatementGenerator.literal(value) { return literal }
    parameters.append(value)
    return "?\(parameters.count)"
  }

  static func literal(_ value: SQLValue) -> String? {
    switch value {
    case .null: return "NULL"
    case .integer(let integer): return integer == .min ? nil : "\(integer)"
    case .real(let real): return real.isFinite ? "\(real)" : nil
    case .text(let text):
      return text.utf8.contains(0) ? nil : "'\(text.replacing("'", with: "''"))'"
    case .blob(let bytes):
      let digits = Array("0123456789abcdef")
      return "x'\(String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }))'"
    }
  }

  /// A value that a column has, one near it, or one of another kind.
  mutating func value(for column: Column) -> SQLValue {
    if random.oneIn(12) {
      return random.pick([
        .null, .integer(0), .integer(.max), .integer(.min), .integer(.min + 1), .real(0.5), .real(9.3e18),
        .real(-9.3e18), .real(.infinity), .real(-.infinity), .text(""), .text("5"), .text("1.0"),
        .text("9999-12-31"), .text("zz"), .text("0000-01-01"), .blob([]), .blob([0xFF]), .real(1e300),
      ])
    }
    guard let value = column.values.isEmpty ? nil : random.pick(column.values) else { return .integer(1) }
    switch (value, random.below(8)) {
    case (.integer(let integer), 0): return .integer(integer &+ 1)
    case (.integer(let integer), 1): return .integer(integer &- 1)
    case (.integer(let integer), 2): return .real(Double(integer) + 0.5)
    case (.integer(let integer), 3): return .real(Double(integer))
    case (.integer(let integer), 4): return .text("\(integer)")
    case (.real(let real), 0): return .real(real.nextUp)
    case (.real(let real), 1): return .real(real.nextDown)
    case (.real(let real), 2): return Int64(exactly: real.rounded()).map { .integer($0) } ?? value
    case (.text(let text), 0): return .text(String(text.dropLast()))
    case (.text(let text), 1): return .text(text + "0")
    case (.text(let text), 2): return .text(text.uppercased())
    case (.text(let text), 3): return .blob(Array(text.utf8))
    case (.blob(let bytes), 0): return .blob(Array(bytes.dropLast()))
    case (.blob(let bytes), 1): return .blob(bytes + [0])
    default: return value
    }
  }

  // MARK: Conditions

  /// A condition on the columns of a table that goes by `alias`.
  mutating func condition(_ table: Int, _ alias: String, depth: Int = 2) -> String {
    if depth > 0, random.oneIn(3) {
      let left = condition(table, alias, depth: depth - 1)
      let right = condition(table, alias, depth: depth - 1)
      switch random.below(4) {
      case 0: return "(\(left) OR \(right))"
      case 1: return "NOT (\(left) AND \(right))"
      default: return "(\(left) AND \(right))"
      }
    }
    if random.oneIn(8) { return rowCondition(alias) }
    let column = random.pick(columns[table])
    let name = "\(alias).\(quoted(column.name))"
    switch random.below(16) {
    case 0: return "\(name) IS NULL"
    case 1: return "\(name) IS NOT NULL"
    case 2: return "\(name) IS \(constant(value(for: column)))"
    case 3: return "\(name) IS NOT \(constant(value(for: column)))"
    case 4: return "\(name) \(random.oneIn(4) ? "NOT " : "")IN (\(list(column)))"
    case 5:
      let other = random.pick(columns[table])
      return
        "\(name) IN (SELECT \(quoted(other.name)) FROM @\(table) WHERE rowid < \(constant(.integer(Int64(random.below(40))))))"
    case 6:
      return "\(name) BETWEEN \(constant(value(for: column))) AND \(constant(value(for: column)))"
    case 7: return "\(name) \(random.oneIn(4) ? "NOT " : "")LIKE \(constant(pattern(column, "%", "_")))"
    case 8: return "\(name) GLOB \(constant(pattern(column, "*", "?")))"
    case 9: return "\(name) \(comparison()) \(alias).\(quoted(random.pick(columns[table]).name))"
    case 10:
      let collation = random.pick(["NOCASE", "RTRIM", "BINARY"])
      return "\(name) \(comparison()) \(constant(value(for: column))) COLLATE \(collation)"
    case 11: return "\(name) + 1 \(comparison()) \(constant(value(for: column)))"
    case 12: return "\(constant(value(for: column))) \(comparison()) \(name)"
    default: return "\(name) \(comparison()) \(constant(value(for: column)))"
    }
  }

  mutating func comparison() -> String { random.pick(["=", "=", "=", "<>", "<", "<=", ">", ">="]) }

  private mutating func list(_ column: Column) -> String {
    (0...random.below(5)).map { _ in constant(value(for: column)) }.joined(separator: ", ")
  }

  private mutating func rowCondition(_ alias: String) -> String {
    func number(_ random: inout RandomSource) -> SQLValue {
      switch random.below(12) {
      case 0: .integer(.min)
      case 1: .integer(.max)
      case 2: .real(7.5)
      case 3: .null
      case 4: .text("5")
      default: .integer(Int64(random.below(120)))
      }
    }
    let first = constant(number(&random))
    switch random.below(4) {
    case 0: return "\(alias).rowid BETWEEN \(first) AND \(constant(number(&random)))"
    case 1: return "\(alias).rowid IN (\(first), \(constant(number(&random))), 3)"
    default: return "\(alias).rowid \(comparison()) \(first)"
    }
  }

  private mutating func pattern(_ column: Column, _ many: String, _ one: String) -> SQLValue {
    guard case .text(let text) = value(for: column) else {
      return .text(random.pick(["5\(many)", many, ""]))
    }
    let start = text.prefix(random.below(5))
    switch random.below(4) {
    case 0: return .text(start + many)
    case 1: return .text(many + start)
    case 2: return .text(start + one + many)
    default: return .text(start.uppercased() + many)
    }
  }

  // MARK: Queries

  mutating func query() -> GeneratedStatement {
    parameters = []
    var statement =
      switch random.below(11) {
      case 0, 1, 2: filter()
      case 3, 4: join()
      case 5: leftJoin()
      case 6: grouping()
      case 7: subquery()
      case 8: window()
      case 9: compound()
      default: expression()
      }
    statement.parameters = parameters
    return statement
  }

  private mutating func table() -> Int { random.below(columns.count) }

  private mutating func selected(_ table: Int, _ alias: String) -> String {
    if random.oneIn(4) { return "\(alias).rowid, \(alias).*" }
    var parts = ["\(alias).rowid"]
    for _ in 0..<1 + random.below(3) {
      let name = "\(alias).\(quoted(random.pick(columns[table]).name))"
      parts += [name, "typeof(\(name))"]
    }
    return parts.joined(separator: ", ")
  }

  private mutating func filter() -> GeneratedStatement {
    let t = table()
    let condition = random.oneIn(8) ? "1" : condition(t, "t")
    var statement = GeneratedStatement(
      sql: "SELECT \(selected(t, "t")) FROM @\(t) t WHERE \(condition)")
    if random.oneIn(2) {
      let column = quoted(random.pick(columns[t]).name)
      statement.sql += " ORDER BY t.\(column)\(random.oneIn(2) ? " DESC" : ""), t.rowid"
      statement.isOrdered = true
    } else if random.oneIn(3) {
      statement.sql += " ORDER BY t.rowid\(random.oneIn(2) ? " DESC" : "")"
      statement.isOrdered = true
    }
    if random.oneIn(3) {
      statement.sql += " LIMIT \(random.below(30)) OFFSET \(random.below(40) - 2)"
      statement.isCountOnly = !statement.isOrdered
    }
    return statement
  }

  private mutating func joinCondition(_ left: Int, _ right: Int, _ a: String = "a", _ b: String = "b")
    -> String
  {
    switch random.below(7) {
    case 0: return "\(a).rowid = \(b).k"
    case 1: return "\(a).s = \(b).s"
    case 2: return "\(a).s = \(b).d"
    case 3: return "\(a).k = \(b).k AND \(a).s < \(b).s"
    case 4:
      return
        "\(a).\(quoted(random.pick(columns[left]).name)) = \(b).\(quoted(random.pick(columns[right]).name))"
    default: return "\(a).k = \(b).k"
    }
  }

  private mutating func join() -> GeneratedStatement {
    let (l, r) = (table(), table())
    let kind = random.pick([", ", " JOIN ", " CROSS JOIN "])
    var sql = "SELECT a.rowid, b.rowid, a.k, b.s FROM @\(l) a\(kind)@\(r) b"
    var on = joinCondition(l, r)
    if random.oneIn(4) {
      let t = table()
      sql += "\(kind)@\(t) c"
      on += " AND \(joinCondition(r, t, "b", "c"))"
    }
    sql += " WHERE \(on)"
    if random.oneIn(2) { sql += " AND \(condition(l, "a", depth: 1))" }
    if random.oneIn(3) { sql += " AND \(condition(r, "b", depth: 1))" }
    return GeneratedStatement(sql: sql)
  }

  private mutating func leftJoin() -> GeneratedStatement {
    let (l, r) = (table(), table())
    var on = joinCondition(l, r)
    if random.oneIn(2) { on += " AND \(condition(r, "b", depth: 0))" }
    var sql = "SELECT a.rowid, b.rowid, b.k, b.s, b.f FROM @\(l) a LEFT JOIN @\(r) b ON \(on)"
    if random.oneIn(3) { sql += " WHERE \(condition(r, "b", depth: 1))" }
    return GeneratedStatement(sql: sql)
  }

  private mutating func grouping() -> GeneratedStatement {
    let t = table()
    let key = quoted(random.pick(columns[t]).name)
    let column = quoted(random.pick(columns[t]).name)
    var sql =
      "SELECT \(key), count(*), count(\(column)), min(\(column)), max(\(column)), count(DISTINCT \(column)), sum(k) "
    sql += "FROM @\(t) t WHERE \(condition(t, "t", depth: 1)) GROUP BY \(key)"
    if random.oneIn(3) { sql += " HAVING count(*) > 1" }
    return GeneratedStatement(sql: sql)
  }

  private mutating func subquery() -> GeneratedStatement {
    let (l, r) = (table(), table())
    switch random.below(4) {
    case 0:
      return GeneratedStatement(
        sql:
          "SELECT a.rowid FROM @\(l) a WHERE \(random.oneIn(2) ? "NOT " : "")EXISTS (SELECT 1 FROM @\(r) b WHERE \(joinCondition(l, r)) AND \(condition(r, "b", depth: 0)))"
      )
    case 1:
      return GeneratedStatement(
        sql:
          "SELECT a.rowid, (SELECT count(*) FROM @\(r) b WHERE b.k = a.k), (SELECT max(b.s) FROM @\(r) b WHERE b.s > a.s) FROM @\(l) a"
      )
    case 2:
      return GeneratedStatement(
        sql:
          "WITH x AS (SELECT k, s, count(*) AS n FROM @\(l) a WHERE \(condition(l, "a", depth: 1)) GROUP BY k, s) SELECT x.k, x.s, x.n, b.rowid FROM x JOIN @\(r) b ON b.k = x.k"
      )
    default:
      return GeneratedStatement(
        sql:
          "SELECT rowid, k FROM @\(l) WHERE k IN (SELECT k FROM @\(r) b WHERE \(condition(r, "b", depth: 1)))"
      )
    }
  }

  private mutating func window() -> GeneratedStatement {
    let t = table()
    let column = quoted(random.pick(columns[t]).name)
    return GeneratedStatement(
      sql:
        "SELECT rowid, row_number() OVER (PARTITION BY k ORDER BY rowid), lag(\(column)) OVER (ORDER BY rowid), sum(k) OVER (PARTITION BY d ORDER BY rowid) FROM @\(t) t WHERE \(condition(t, "t", depth: 1))"
    )
  }

  private mutating func compound() -> GeneratedStatement {
    let (l, r) = (table(), table())
    let kind = random.pick(["UNION", "UNION ALL", "EXCEPT", "INTERSECT"])
    let name = random.pick(["k", "s", "d", "f"])
    return GeneratedStatement(
      sql:
        "SELECT \(name) FROM @\(l) a WHERE \(condition(l, "a", depth: 1)) \(kind) SELECT \(name) FROM @\(r) b WHERE \(condition(r, "b", depth: 1))"
    )
  }

  private mutating func expression() -> GeneratedStatement {
    let t = table()
    let column = quoted(random.pick(columns[t]).name)
    return GeneratedStatement(
      sql:
        "SELECT rowid, CASE WHEN \(condition(t, "t", depth: 1)) THEN 'yes' ELSE \(column) END, hex(\(column)), coalesce(\(column), 'none') || '', CAST(\(column) AS TEXT), \(column) > k FROM @\(t) t"
    )
  }
}
