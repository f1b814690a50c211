// Both ways give the same answer: generated statements, run on columns and by SQLite.
//
// FLETCH_QUERY_SEED repeats a run, FLETCH_QUERY_STATEMENTS makes it longer.

import Arrow
import Glibc
import Memory
import SQL
import SQLite
import Tables
import Testing

@testable import Query

private func number(_ name: String) -> Int? { getenv(name).flatMap { Int(String(cString: $0)) } }

/// A value of either way, as it is compared.
private enum Seen: Hashable, CustomStringConvertible {
  case null
  case real(Double)
  case other(String)

  var description: String {
    switch self {
    case .null: "NULL"
    case .real(let real): "\(real)"
    case .other(let text): text
    }
  }

  func agrees(with other: Seen) -> Bool {
    guard case .real(let a) = self, case .real(let b) = other else { return self == other }
    if a == b || (a.isNaN && b.isNaN) { return true }
    return abs(a - b) <= 1e-12 * max(abs(a), abs(b)) + 1e-9 * min(1, max(abs(a), abs(b)))
  }

  /// For sorting rows that are compared as a multiset: reals roughly, because sums differ in their last digits.
  var sortKey: String {
    guard case .real(let real) = self else { return description }
    guard real.isFinite, real != 0 else { return "\(real + 0)" }
    return "\(Float16(real / 1.000003).description) \(Float(real))"
  }
}

private func rows(_ batch: RecordBatch) -> [[Seen]] {
  (0..<batch.count).map { row in
    batch.columns.map { column in
      var column = column
      var row = row
      if case .dictionary(_, let values) = column.layout {
        if column.isNull(row) { return .null }
        row = column.integer(at: row)
        column = values
      }
      if column.isNull(row) { return .null }
      switch column.type {
      case .float64: return .real(column.values(of: Double.self)[row])
      case .float32: return .real(Double(column.values(of: Float.self)[row]))
      default:
        var text: [UInt8] = []
        column.appendJSON(at: row, to: &text)
        return .other(String(decoding: text, as: UTF8.self))
      }
    }
  }
}

private struct Outcome {
  var rows: [[Seen]] = []
  var error: String?
}

private func bySQLite(_ sql: String, _ schema: Schema, _ session: TableSession, _ parameters: [SQLValue] = [])
  -> Outcome
{
  var outcome = Outcome()
  do {
    let statement = try session.connection.prepare(sql)
    for (i, value) in parameters.prefix(statement.parameterCount).enumerated() {
      try statement.bind(value, to: i + 1)
    }
    let reader = RowReader(statement, schema: schema)
    while let batch = try reader.next(rowLimit: 10_000, byteLimit: .max) { outcome.rows += rows(batch) }
  } catch {
    outcome.error = "\(error)"
  }
  return outcome
}

@Suite struct DifferentialTests {
  @Test func bothWaysAgree() throws {
    let seed = number("FLETCH_QUERY_SEED") ?? Int(UInt32.random(in: 0 ... .max))
    let statements = number("FLETCH_QUERY_STATEMENTS") ?? 2000
    print("FLETCH_QUERY_SEED=\(seed), \(statements) statements")
    let perTable = 100
    var ran = 0
    var left = 0
    var refused: [String: Int] = [:]
    var problems: [String] = []
    for table in 0..<(statements + perTable - 1) / perTable {
      var dice = Dice(state: UInt64(seed) &+ UInt64(table) << 32)
      let extremes = dice.oneIn(3)
      let session = try Database(path: nil).makeSession()
      _ = try TestData.publish("x", on: session, &dice, extremes: extremes)
      _ = try TestData.publish("y", on: session, &dice, extremes: extremes, isSmall: true)
      try session.connection.execute(
        "CREATE VIEW v AS WITH c AS (SELECT * FROM x WHERE i8 IS NOT NULL) SELECT * FROM c WHERE skew < 100")
      var generator = StatementGenerator(dice: dice, extremes: extremes)
      let catalog = SessionCatalog(session: session)
      for number in 0..<perTable {
        let (sql, isOrdered) = generator.statement()
        let parameters: [SQLValue] = [
          generator.dice.pick([.integer(5), .integer(-3), .real(2.5), .null, .text("12"), .integer(300)]),
          generator.dice.pick([.text("abc"), .text("2024-01-20"), .null, .text("value 3"), .integer(10)]),
        ]
        let bound: BoundStatement
        do { bound = try Binder.bind(Statement(sql)!, text: sql, catalog: catalog) } catch {
          refused["\(error)", default: 0] += 1
          continue
        }
        guard case .columns(let query) = ColumnarQuery.plan(bound, parameters: parameters) else {
          if case .notMine(let reason) = ColumnarQuery.plan(bound, parameters: parameters) {
            refused[reason.reason, default: 0] += 1
          }
          continue
        }
        var options = QueryOptions()
        options.threads = number % 3 + 1
        if number % 4 < 3 { options.learningRows = 0 }
        options.numbersDirectly = number % 5 > 1
        options.batchRows = number % 2 == 0 ? 1000 : 65_536
        var mine = Outcome()
        do throws(QueryError) {
          let inputs = try! TableInput.read(query.tableNames, on: session)
          let stream = query.run(inputs, options)
          while let batch = try stream.next() {
            #expect(batch.schema == query.schema)
            mine.rows += rows(batch)
          }
        } catch {
          if error.code == .leftToSQLite {
            left += 1
            continue
          }
          mine.error = "\(error)"
        }
        ran += 1
        var theirs = bySQLite(sql, query.schema, session, parameters)
        if let problem = Self.difference(&mine, &theirs, isOrdered: isOrdered) {
          problems.append("table \(table): \(sql)\n    \(problem)")
        }
      }
      if problems.count > 10 { break }
    }
    print(
      "\(ran) ran on columns, \(left) left to SQLite while running, not mine: \(refused.sorted { $0.value > $1.value })"
    )
    #expect(problems.isEmpty, "seed \(seed):\n\(problems.joined(separator: "\n"))")
    #expect(ran * 10 > statements * 6 || !problems.isEmpty, "most statements should run on columns")
  }

  private static func difference(_ mine: inout Outcome, _ theirs: inout Outcome, isOrdered: Bool) -> String? {
    if mine.error != nil || theirs.error != nil {
      if (mine.error == nil) == (theirs.error == nil) { return nil }
      return
        "columns: \(mine.error ?? "\(mine.rows.count) rows"), SQLite: \(theirs.error ?? "\(theirs.rows.count) rows")"
    }
    if mine.rows.count != theirs.rows.count {
      return
        "columns: \(mine.rows.count) rows, SQLite: \(theirs.rows.count) \(mine.rows.prefix(3)) \(theirs.rows.prefix(3))"
    }
    if !isOrdered {
      let sorted = { (rows: [[Seen]]) in
        rows.map { (key: $0.map(\.sortKey).joined(separator: "\u{1}"), row: $0) }.sorted { $0.key < $1.key }
          .map(\.row)
      }
      mine.rows = sorted(mine.rows)
      theirs.rows = sorted(theirs.rows)
    }
    for (number, (a, b)) in zip(mine.rows, theirs.rows).enumerated() {
      if !zip(a, b).allSatisfy({ $0.agrees(with: $1) }) { return "row \(number): columns \(a), SQLite \(b)" }
    }
    return nil
  }
}

/// A statement (FLETCH_QUERY_SQL) over one of the tables of a run (FLETCH_QUERY_SEED, FLETCH_QUERY_TABLE): the first rows of both ways.
@Test func oneCase() throws {
  guard let text = getenv("FLETCH_QUERY_SQL").map({ String(cString: $0) }) else { return }
  let seed = number("FLETCH_QUERY_SEED")!
  var dice = Dice(state: UInt64(seed) &+ UInt64(number("FLETCH_QUERY_TABLE")!) << 32)
  let extremes = dice.oneIn(3)
  let session = try Database(path: nil).makeSession()
  _ = try TestData.publish("x", on: session, &dice, extremes: extremes)
  _ = try TestData.publish("y", on: session, &dice, extremes: extremes, isSmall: true)
  let bound = try Binder.bind(Statement(text)!, text: text, catalog: SessionCatalog(session: session))
  guard case .columns(let query) = ColumnarQuery.plan(bound, parameters: []) else { return }
  var mine: [[Seen]] = []
  let stream = query.run(try TableInput.read(query.tableNames, on: session))
  while let batch = try stream.next() { mine += rows(batch) }
  let theirs = bySQLite(text, query.schema, session).rows
  print("[\(mine.count) \(theirs.count)]")
  for i in 0..<min(12, mine.count, theirs.count) { print(mine[i], theirs[i]) }
}
