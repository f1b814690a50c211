// Texts that are being typed: when a statement is complete.

import SQL
import Testing

@Suite struct CompletenessTests {
  @Test(arguments: [
    ("", StatementReader.Completeness.empty), ("  -- only a comment\n", .empty), ("SELECT 1", .partial),
    ("SELECT 1;", .complete), ("SELECT 1; -- and why", .complete), ("SELECT 1; SELECT", .partial),
    ("SELECT ';'", .partial), ("SELECT ';", .partial), ("SELECT \"a;", .partial), ("SELECT 1 -- ;", .partial),
    ("SELECT 1 /* ;", .partial), ("SELEC 1;", .complete), ("SELECT (1;", .complete), (";", .complete),
    ("CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b;", .partial),
    ("CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; END;", .complete),
    ("BEGIN;", .complete), ("SELECT CASE WHEN 1 THEN 2 END;", .complete),
  ])
  func aStatementIsCompleteAtItsSemicolon(_ text: String, _ expected: StatementReader.Completeness) {
    #expect(StatementReader.completeness(of: text) == expected)
  }
}
