// Generated statements over generated tables, run on columns and by SQLite: both ways must give the same.

import Arrow
import Query
import SQL
import SQLite
import Synchronization
import Tables

/// One data set, and the statements that are asked of it.
struct DataSet {
  let session: TableSession
  var generator: StatementGenerator

  init(seed: UInt64, number: Int) throws {
    var dice = Dice(state: seed &+ UInt64(number) << 32)
    let extremes = dice.oneIn(3)
    session = try Database(path: nil).makeSession()
    _ = try TestData.publish("x", on: session, &dice, extremes: extremes)
    _ = try TestData.publish("y", on: session, &dice, extremes: extremes, isSmall: true)
    try session.connection.execute(
      "CREATE VIEW v AS WITH c AS (SELECT * FROM x WHERE i8 IS NOT NULL) SELECT * FROM c WHERE skew < 100")
    generator = StatementGenerator(dice: dice, extremes: extremes)
  }

  func plan(_ sql: String, _ parameters: [SQLValue]) throws -> ColumnarQuery.Decision {
    guard let statement = try Statement(sql) else { return .notMine(NotMine("there is no statement")) }
    let bound = try Binder.bind(statement, text: sql, catalog: SessionCatalog(session: session))
    return ColumnarQuery.plan(bound, parameters: parameters)
  }

  /// - Returns: nil when the statement was left to SQLite while it ran.
  func onColumns(_ query: ColumnarQuery, _ options: QueryOptions) throws -> Outcome? {
    var outcome = Outcome()
    let stream = query.run(try TableInput.read(query.tableNames, on: session), options)
    do throws(QueryError) {
      while let batch = try stream.next() {
        if batch.schema != query.schema { outcome.error = "a batch has another schema" }
        outcome.append(batch)
      }
    } catch {
      if error.code == .leftToSQLite { return nil }
      outcome.error = "\(error)"
    }
    return outcome
  }
}

/// What a run found.
struct Report: Sendable {
  var statements = 0
  var onColumns = 0
  var inEngine = 0
  var leftWhileRunning = 0
  /// Why statements did not run on columns, and how often.
  var reasons: [String: Int] = [:]
  var problems: [String] = []

  mutating func add(_ other: Report) {
    statements += other.statements
    onColumns += other.onColumns
    inEngine += other.inEngine
    leftWhileRunning += other.leftWhileRunning
    reasons.merge(other.reasons, uniquingKeysWith: +)
    problems += other.problems
  }
}

/// A run: some statements for each of many data sets.
struct Differential: Sendable {
  let seed: UInt64
  var statementsPerDataSet = 100

  /// SQLite may take the parts of an OR one after the other; rows that a collation takes for equal then keep that order.
  static func isOrderCertain(_ sql: String) -> Bool {
    !sql.contains(" OR ") || sql.contains(" ORDER BY ") && !sql.contains("COLLATE")
  }

  func run(dataSet number: Int, statements: Int) throws -> Report {
    if number % 8 == 7 { return try runInEngine(dataSet: number, statements: statements) }
    var report = Report()
    var data = try DataSet(seed: seed, number: number)
    for place in 0..<statements {
      let (sql, isOrdered) = data.generator.statement()
      let parameters = data.generator.parameters()
      report.statements += 1
      let query: ColumnarQuery
      do {
        switch try data.plan(sql, parameters) {
        case .columns(let planned): query = planned
        case .notMine(let reason):
          report.reasons[reason.reason, default: 0] += 1
          continue
        }
      } catch {
        report.reasons["\(error)", default: 0] += 1
        continue
      }
      var options = QueryOptions()
      options.threads = place % 3 + 1
      if place % 4 < 3 { options.learningRows = 0 }
      options.numbersDirectly = place % 5 > 1
      options.batchRows = place % 2 == 0 ? 1000 : 65_536
      guard let mine = try data.onColumns(query, options) else {
        report.leftWhileRunning += 1
        continue
      }
      report.onColumns += 1
      let theirs = Outcome.bySQLite(sql, query.schema, data.session, parameters)
      let comesInOrder = isOrdered && Self.isOrderCertain(sql)
      if let problem = mine.difference(from: theirs, isOrdered: comesInOrder) {
        report.problems.append("data set \(number): \(sql)\n    \(problem)")
      }
    }
    return report
  }
}
