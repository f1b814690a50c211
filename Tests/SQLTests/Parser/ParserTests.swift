// What the parser makes of a text: trees, offsets, parameters, several statements, limits.

import Testing

@testable import SQL

@Suite struct ParserTests {
  @Test func offsetsOfErrors() {
    let error = #expect(throws: SQLError.self) { try Statement("SELECT a,\n  FROM t") }
    #expect(error == SQLError(.syntax, "near \"FROM\": syntax error", at: 12))
    #expect(throws: SQLError(.syntax, "incomplete input", at: 15)) { try Statement("SELECT a FROM  ") }
    #expect(throws: SQLError(.syntax, "unrecognized token: \"'open\"", at: 7)) {
      try Statement("SELECT 'open")
    }
  }

  @Test func emptyTexts() throws {
    for text in ["", " \n", ";", " ;; -- done", "/* nothing */"] { #expect(try Statement(text) == nil) }
  }

  @Test func severalStatements() throws {
    let text = """
      CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT ';'; DELETE FROM u; END; -- a ; comment
      SELECT 1 /* ; */ ; ; COMMIT
      """
    var reader = StatementReader(text)
    let bytes = Array(text.utf8)
    var pieces: [String] = []
    while let statement = try reader.next() {
      pieces.append(String(decoding: bytes[statement.range.offset..<Int(statement.range.end)], as: UTF8.self))
    }
    #expect(
      pieces == [
        "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT ';'; DELETE FROM u; END", "SELECT 1", "COMMIT",
      ])
    #expect(throws: SQLError.self) { try Statement("SELECT 1; SELECT 2") }
    #expect(try Statement("SELECT 1; -- and that is all") != nil)
  }

  @Test func faultsOfLaterStatementsShowInTheirTurn() throws {
    var reader = StatementReader("SELECT 1; SELECT 'open")
    #expect(try reader.next() != nil)
    #expect(reader.offset == 9)
    #expect(throws: SQLError.self) { try reader.next() }
  }

  @Test func parameterNumbers() throws {
    let statement = try #require(try Statement("SELECT ?, :a, ?7, ?, :a, $b::c(d), @a"))
    let expected: [(Int, String?)] = [
      (1, nil), (2, ":a"), (3, nil), (4, nil), (5, nil), (6, nil), (7, "?7"), (8, nil), (9, "$b::c(d)"),
      (10, "@a"),
    ]
    #expect(statement.parameters == expected.map { Parameter(number: $0.0, name: $0.1) })
  }

  @Test(arguments: [
    String(repeating: "(", count: 100_000), String(repeating: "(SELECT ", count: 100_000),
    String(repeating: "NOT ", count: 100_000), String(repeating: "- ", count: 100_000),
    String(repeating: "CASE ", count: 100_000), String(repeating: "a IN (", count: 100_000),
    "1" + String(repeating: " + 1", count: 100_000), "a" + String(repeating: " ISNULL", count: 100_000),
    "1" + String(repeating: " AND 1 = 1 OR 1", count: 50_000), String(repeating: "f(", count: 100_000),
    "1 FROM " + String(repeating: "(", count: 100_000),
    "1 FROM " + String(repeating: "(SELECT * FROM ", count: 100_000),
    "1 " + String(repeating: " UNION SELECT 1 ", count: 100_000),
  ])
  func hostileDepth(_ text: String) {
    let error = #expect(throws: SQLError.self) { try Statement("SELECT " + text) }
    #expect(error?.code == .limit)
  }

  @Test func depthThatSQLiteAllows() throws {
    let oracle = OracleDatabase()
    let sum = "SELECT 1" + String(repeating: " + 1", count: 998)
    let nested = "SELECT " + String(repeating: "(", count: 90) + "1" + String(repeating: ")", count: 90)
    for text in [sum, nested] {
      #expect(oracle.verdict(text) == .prepared)
      #expect(try Statement(text) != nil)
    }
  }

  @Test func literals() throws {
    func literal(_ text: String) throws -> Literal? {
      guard case .select(let select) = try Statement("SELECT " + text)?.kind,
        case .select(let body) = select.first, case .expression(let expression, _, _) = body.columns[0],
        case .literal(let literal) = expression.node
      else { return nil }
      return literal
    }
    #expect(try literal("9223372036854775807") == .integer(.max))
    #expect(try literal("9223372036854775808") == .integerMagnitude)
    #expect(try literal("9223372036854775809") == .real(9.2233720368547758e18))
    #expect(try literal("0xFFFFFFFFFFFFFFFF") == .integer(-1))
    #expect(try literal("1e3") == .real(1000))
    #expect(try literal(".5") == .real(0.5))
    #expect(try literal("x'00fF'") == .blob([0, 255]))
    #expect(try literal("'it''s'") == .text("it's"))
    #expect(try literal("0x0000000000000000000001") == .integer(1))
  }

  @Test func nothingIsSilentlyCutAtZeroBytes() {
    #expect(throws: SQLError.self) { try Statement("SELECT 1\0; DROP TABLE t") }
    #expect(throws: SQLError.self) { try Statement("SELECT 'a\0b'") }
  }
}
