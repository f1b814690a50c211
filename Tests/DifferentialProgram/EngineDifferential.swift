// The same statements asked of a whole engine, once as it likes and once in SQLite only: result schemas, rows and errors must be the same,
// also where a query is handed over to SQLite while it runs.

import Arrow
import Engine
import Memory

extension Differential {
  func runInEngine(dataSet number: Int, statements: Int) throws -> Report {
    var dice = Dice(state: seed &+ UInt64(number) << 32)
    let extremes = dice.oneIn(3)
    var options = EngineOptions()
    options.threads = 2
    options.batchRows = dice.pick([100, 65_536])
    options.maintenanceInterval = nil
    let engine = try EmbeddedEngine(options)
    let session = engine.makeEmbeddedSession()
    let control = StatementControl()
    for (name, sizes) in [("x", [60, 300, 2500]), ("y", [10, 40])] {
      for _ in 0..<2 {
        let batch = try TestData.batch(TestColumn.allCases, rows: dice.pick(sizes), &dice, extremes: extremes)
        var batches = [batch]
        _ = try session.ingest(
          IngestRequest(
            table: TableName(table: name), schema: batch.schema, ifExists: .append, ifMissing: .create),
          in: nil, control
        ) { batches.popLast() }
      }
    }
    try session.execute(
      script: """
        DELETE FROM x WHERE rowid % 7 = 1; UPDATE x SET i32 = i32 / 2, t = 'new ' || t WHERE rowid % 37 = 5;
        INSERT INTO x SELECT * FROM x WHERE rowid % 50 = 3;
        CREATE VIEW v AS WITH c AS (SELECT * FROM x WHERE i8 IS NOT NULL) SELECT * FROM c WHERE skew < 100
        """, in: nil, control)
    var generator = StatementGenerator(dice: dice, extremes: extremes)
    var report = Report()
    for _ in 0..<statements {
      let (sql, isOrdered) = generator.statement()
      report.statements += 1
      report.inEngine += 1
      let mine = try answer(sql, "auto", session, control)
      let theirs = try answer(sql, "sqlite", session, control)
      let comesInOrder = isOrdered && Self.isOrderCertain(sql)
      if mine.schema != theirs.schema {
        report.problems.append(
          "data set \(number), in the engine: \(sql)\n    schema: \(String(describing: mine.schema)), "
            + "SQLite: \(String(describing: theirs.schema))")
      } else if let problem = mine.outcome.difference(from: theirs.outcome, isOrdered: comesInOrder) {
        report.problems.append("data set \(number), in the engine: \(sql)\n    \(problem)")
      }
    }
    return report
  }

  private func answer(
    _ sql: String, _ way: String, _ session: EmbeddedSession, _ control: StatementControl
  ) throws -> (schema: Schema?, outcome: Outcome) {
    try session.setOption("fletch_engine", to: way)
    var outcome = Outcome()
    var schema: Schema?
    do {
      let statement = try session.prepare(sql, in: nil, control)
      defer { statement.close() }
      let stream = try statement.query(nil, control)
      defer { stream.close() }
      schema = stream.schema
      while let batch = try stream.next() {
        if batch.schema != stream.schema { outcome.error = "a batch has another schema" }
        outcome.append(batch)
      }
    } catch {
      outcome.error = "\(error)"
    }
    return (schema, outcome)
  }
}
