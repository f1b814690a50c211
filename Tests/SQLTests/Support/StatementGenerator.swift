// Random statements over a given schema; the same ones for the same seed.

@testable import SQL

/// What the generator writes statements about.
struct GeneratorSchema {
  struct Table {
    var name: String
    var columns: [String]
    var hasRowid = true
  }
  var tables: [Table]
}

/// Writes SELECT statements that SQLite accepts (nearly always: a few miss a rule of it), using all of the grammar.
///
/// Whatever a row order could decide is kept deterministic only if `isOrdered` asks for it: then LIMIT comes with an ORDER BY
/// over all columns, and group_concat, bare columns of groups and unordered windows are left out.
struct StatementGenerator {
  var random: SeededRandom
  let schema: GeneratorSchema
  /// How deep expressions and subqueries nest.
  var depth = 3
  var isOrdered = false
  /// Off for executors that do not run them.
  var allowsWindows = true
  var allowsSubqueries = true
  var allowsRecursion = true

  /// Columns that can be named here, innermost query first.
  struct Scope {
    var columns: [(table: String, column: String)] = []
  }
  private var scopes: [Scope] = []
  private var commonTables: [GeneratorSchema.Table] = []
  private var aliases = 0

  init(seed: UInt64, schema: GeneratorSchema) {
    random = SeededRandom(seed)
    self.schema = schema
  }

  /// A whole statement.
  mutating func statement() -> String {
    scopes = []
    commonTables = []
    aliases = 0
    return select(columns: nil, depth, isTop: true)
  }

  /// An expression over all columns of the schema's first table, for a SELECT from it alone.
  mutating func expression(over table: GeneratorSchema.Table) -> String {
    scopes = [Scope(columns: table.columns.map { (table.name, $0) })]
    defer { scopes = [] }
    return expression(depth)
  }

  // MARK: Queries

  mutating func select(columns wanted: Int?, _ depth: Int, isTop: Bool = false) -> String {
    let count = wanted ?? random.number(1...4)
    var sql = ""
    let savedTables = commonTables
    defer { commonTables = savedTables }
    if depth > 1, random.once(in: 6) { sql += with(depth - 1) }
    sql += core(count, depth)
    var isCompound = false
    while depth > 1, random.once(in: 6) {
      isCompound = true
      sql += random.pick([" UNION ", " UNION ALL ", " EXCEPT ", " INTERSECT "])
      sql += random.once(in: 5) ? values(count, depth) : core(count, depth)
    }
    // VALUES takes no ORDER BY, so end on a core.
    if isCompound { sql += " UNION ALL " + core(count, depth) }
    let limits = random.once(in: 4)
    if isOrdered ? limits || isTop : random.once(in: 3) {
      let terms =
        isOrdered ? Array(1...count) : (0..<random.number(1...2)).map { _ in random.number(1...count) }
      sql += " ORDER BY " + terms.map { "\($0)" + ordering() }.joined(separator: ", ")
    }
    if limits {
      sql += " LIMIT \(random.number(0...20))"
      if random.once(in: 2) { sql += " OFFSET \(random.number(0...3))" }
    }
    return sql
  }

  private mutating func ordering() -> String {
    var text = random.pick(["", "", " ASC", " DESC"])
    if random.once(in: 6) { text = collation() + text }
    return text + random.pick(["", "", "", " NULLS FIRST", " NULLS LAST"])
  }

  private mutating func collation() -> String { " COLLATE " + random.pick(["NOCASE", "binary", "RTRIM"]) }

  private mutating func with(_ depth: Int) -> String {
    if allowsRecursion, random.once(in: 4) {
      let name = fresh("r")
      commonTables.append(GeneratorSchema.Table(name: name, columns: ["n", "m"], hasRowid: false))
      return
        "WITH RECURSIVE \(name)(n, m) AS (SELECT 1, 'x' UNION ALL SELECT n + 1, m || n FROM \(name) WHERE n < "
        + "\(random.number(1...6))) "
    }
    let name = fresh("c")
    let columns = (0..<random.number(1...3)).map { "k\($0)" }
    let outer = scopes
    scopes = []
    let query = select(columns: columns.count, depth)
    scopes = outer
    commonTables.append(GeneratorSchema.Table(name: name, columns: columns, hasRowid: false))
    let hint = random.pick(["", "", " MATERIALIZED", " NOT MATERIALIZED"])
    return "WITH \(name)(\(columns.joined(separator: ", "))) AS\(hint) (\(query)) "
  }

  private mutating func values(_ count: Int, _ depth: Int) -> String {
    let rows = (0..<random.number(1...3)).map { _ in
      "(" + (0..<count).map { _ in literal() }.joined(separator: ", ") + ")"
    }
    return "VALUES " + rows.joined(separator: ", ")
  }

  private mutating func core(_ count: Int, _ depth: Int) -> String {
    scopes.append(Scope())
    defer { scopes.removeLast() }
    let from = from(depth)
    let isGrouped = random.once(in: 4)
    var sql = "SELECT " + random.pick(["", "", "", "", "DISTINCT ", "ALL "])
    let keys = isGrouped ? (0..<random.number(0...2)).map { _ in expression(1) } : []
    sql += (0..<count).map { number in
      var item: String
      if isGrouped {
        item = number < keys.count && random.once(in: 2) ? keys[number] : aggregate(depth)
      } else {
        item = expression(depth, allowsWindow: true)
      }
      if random.once(in: 3) {
        item += random.pick([" AS ", " "]) + random.pick(["a1", "\"b 2\"", "[c]", "'d'"])
      }
      return item
    }.joined(separator: ", ")
    sql += from
    if random.once(in: 2) { sql += " WHERE " + expression(depth) }
    if !keys.isEmpty { sql += " GROUP BY " + keys.joined(separator: ", ") }
    if isGrouped, !keys.isEmpty, random.once(in: 3) { sql += " HAVING " + aggregate(depth) }
    return sql
  }

  private mutating func from(_ depth: Int) -> String {
    var sql = " FROM "
    for number in 0..<random.pick([1, 1, 1, 2, 2, 3]) {
      if number > 0 {
        sql += random.pick([
          ", ", " JOIN ", " LEFT JOIN ", " INNER JOIN ", " CROSS JOIN ", " LEFT OUTER JOIN ", " RIGHT JOIN ",
          " FULL JOIN ",
        ])
      }
      let hadComma = sql.hasSuffix(", ")
      let alias = fresh("s")
      let columns: [String]
      if allowsSubqueries, depth > 1, random.once(in: 5) {
        let count = random.number(1...3)
        let outer = scopes
        scopes = []
        let query = select(columns: count, depth - 1)
        scopes = outer
        columns = (0..<count).map { "q\($0)" }
        let name = fresh("c")
        // The names of a subquery's columns are what its text says, so it gets them from a common table.
        sql +=
          "(WITH \(name)(\(columns.joined(separator: ", "))) AS (\(query)) SELECT * FROM \(name)) AS \(alias)"
      } else {
        let table = random.pick(schema.tables + commonTables + commonTables)
        columns = table.columns
        sql += quoted(table.name) + random.pick([" AS ", " "]) + alias
      }
      scopes[scopes.count - 1].columns += columns.map { (alias, $0) }
      if number > 0, !hadComma, !random.once(in: 4) { sql += " ON " + expression(1) }
    }
    return sql
  }

  mutating func fresh(_ letter: String) -> String {
    aliases += 1
    return "\(letter)\(aliases)"
  }

  func quoted(_ name: String) -> String {
    let isPlain =
      Lexer.tokens(name).first?.kind == .identifier
      && name.utf8.allSatisfy { $0 == 95 || ($0 | 0x20 >= 97 && $0 | 0x20 <= 122) || ($0 >= 48 && $0 <= 57) }
    return isPlain
      ? name
      : "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }

  mutating func column() -> String {
    // An outer query's columns now and then, which makes the inner one correlated.
    let scope = scopes.count > 1 && random.once(in: 5) ? random.pick(scopes) : scopes.last
    guard let (table, column) = scope?.columns.randomElement(using: &random) else { return literal() }
    return "\(table == "" ? "" : quoted(table) + ".")\(quoted(column))"
  }
}
