// What SQLite's parser accepts is accepted here, and what it refuses is refused.

import Testing

@testable import SQL

@Suite struct GrammarOracleTests {
  static let schema = GeneratorSchema(tables: [
    .init(name: "t", columns: ["a", "b", "c"]),
    .init(name: "u", columns: ["a", "d", "e f"]),
    .init(name: "my-table", columns: ["x", "select"]),
  ])
  static let definition = """
    CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c);
    CREATE TABLE u(a REAL, d NUMERIC, "e f" BLOB);
    CREATE TABLE "my-table"(x INT, "select" TEXT COLLATE NOCASE);
    CREATE INDEX i ON t(b);
    """

  /// nil if both agree, else what they say.
  static func disagreement(_ sql: String, _ oracle: OracleDatabase) -> String? {
    var fault: SQLError?
    do {
      var reader = StatementReader(sql)
      _ = try reader.next()
    } catch { fault = error }
    switch (oracle.verdict(sql), fault) {
    case (.prepared, let fault?): return "SQLite prepares it, here: \(fault)\n    \(sql)"
    case (.refused(let message), let fault?):
      // SQLite checks some rules while it parses, and then does not come to the fault of the grammar.
      if fault.code == .limit || fault.message == message || fault.message.hasPrefix("hex literal")
        || earlyRules.contains(where: message.contains)
      {
        return nil
      }
      return "SQLite refuses with \(message), here: \(fault)\n    \(sql)"
    case (.syntaxError(let message), nil): return "SQLite: \(message); accepted here\n    \(sql)"
    case (.syntaxError(let message), let fault?):
      // Where the fault lies is the same, unless a rule that is not grammar comes first here (or BETWEEN is followed by OR).
      let isGrammar = ["near ", "incomplete", "unrecognized"].contains(where: fault.message.hasPrefix)
      if message == fault.message || !isGrammar || sql.contains("BETWEEN") || message.contains("#") {
        return nil
      }
      return fault.message.contains("#") || fault.message == "near \"COLLATE\": syntax error"
        ? nil : "SQLite: \(message); here: \(fault)\n    \(sql)"
    case (.prepared, nil), (.refused, nil): return nil
    }
  }

  static let earlyRules = [
    "a JOIN clause is required", "unknown join type", "error in generated column", "after column name",
    "no such table",
    "element has", "PRIMARY KEY missing", "unknown table option", "should come after", "hex literal",
    "already exists",
    "assigned", "more than one primary key", "AUTOINCREMENT", "unknown database", "cannot create",
    "duplicate column name", "all VALUES must have", "too many arguments", "do not have the same number",
    "STORED",
    "row value misused", "generated column", "conflicting", "table name", "not allowed", "variable number",
    "no such column", "datatype for", "default value",
  ]

  @Test func generatedStatements() {
    let oracle = OracleDatabase(Self.definition)
    var generator = StatementGenerator(seed: 1, schema: Self.schema)
    var prepared = 0
    var refusals: [String: Int] = [:]
    for _ in 0..<3000 {
      let sql = generator.statement()
      if let problem = Self.disagreement(sql, oracle) { Issue.record("\(problem)") }
      switch oracle.verdict(sql) {
      case .prepared: prepared += 1
      case .refused(let message), .syntaxError(let message): refusals[message, default: 0] += 1
      }
    }
    #expect(prepared > 2900, "\(refusals.sorted { $0.value > $1.value }.prefix(12))")
  }

  /// Statements with tokens dropped, doubled, swapped and replaced.
  @Test func damagedStatements() {
    let oracle = OracleDatabase(Self.definition)
    var random = SeededRandom(7)
    var generator = StatementGenerator(seed: 2, schema: Self.schema)
    generator.depth = 2
    var problems = 0
    for round in 0..<60_000 {
      let whole = round % 2 == 0 ? generator.statement() : random.pick(Self.handMade)
      let sql = Self.damaged(whole, &random)
      if let problem = Self.disagreement(sql, oracle) {
        problems += 1
        if problems < 40 { Issue.record("\(problem)") }
      }
    }
  }

  static func damaged(_ sql: String, _ random: inout SeededRandom) -> String {
    let bytes = Array(sql.utf8)
    var words = Lexer.tokens(sql).dropLast().map { token in
      String(decoding: bytes[token.range.offset..<Int(token.range.end)], as: UTF8.self)
    }
    for _ in 0..<random.number(1...2) where !words.isEmpty {
      let place = random.number(0...(words.count - 1))
      switch random.number(0...4) {
      case 0: words.remove(at: place)
      case 1: words.insert(words[place], at: place)
      case 2: words.swapAt(place, random.number(0...(words.count - 1)))
      case 3: words[place] = random.pick(vocabulary)
      default: words.insert(random.pick(vocabulary), at: place)
      }
    }
    return words.joined(separator: " ")
  }

  static let vocabulary: [String] =
    TokenKind.allCases.filter(\.isKeyword).map { kind in
      kind == .currentDate
        ? "CURRENT_DATE"
        : kind == .currentTime
          ? "CURRENT_TIME"
          : kind == .currentTimestamp ? "CURRENT_TIMESTAMP" : "\(kind)"
    } + [
      "(", ")", ",", ".", ";", "+", "-", "*", "/", "%", "=", "==", "<>", "<", "<=", ">", ">=", "||", "->",
      "->>",
      "&", "|", "~", "<<", ">>", "1", "2.5", "'s'", "x'00'", "?", "?2", ":p", "@q", "$r::s(t)", "a", "b", "t",
      "u",
      "\"a\"", "[b]", "`c`", "0x1f", "rowid", "strict", "!", "1a", "#1", "#a",
    ]
}

extension GrammarOracleTests {
  @Test(arguments: GrammarOracleTests.handMade)
  func handMadeStatement(_ sql: String) {
    let problem = Self.disagreement(sql, OracleDatabase(Self.definition))
    #expect(problem == nil)
  }
}
