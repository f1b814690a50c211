// Queries that run on columns rather than in SQLite: chosen when they are asked, and handed over when they cannot go on.

import Arrow
import Memory
import Query
import SQL
import SQLite
import Synchronization
import Tables

extension EmbeddedStatement {
  /// What the session wants to run queries with.
  private var wish: String { session.option("fletch_engine") ?? "auto" }

  /// The query on columns; nil when it is SQLite's to run.
  func columnarStream(
    _ settled: SettledStatement, _ rows: [[SQLValue]], _ borrowed: Borrowed, _ control: StatementControl
  ) throws(EngineError) -> ColumnStream? {
    if wish == "sqlite" { return nil }
    switch plan(settled, rows) {
    case .notMine(let reason):
      guard wish == "columns" else { return nil }
      throw EngineError(.unimplemented, "the statement does not run on columns: \(reason)")
    case .columns(let query):
      let inputs = try engineTables(control) { () throws(TableError) in
        try TableInput.read(query.tableNames, on: borrowed.connection.tables)
      }
      var options = QueryOptions()
      options.threads = session.engine.options.threads
      options.batchRows = session.engine.options.batchRows
      options.batchBytes = session.engine.options.batchBytes
      options.memoryLimit = session.engine.options.memoryLimit
      options.isCancelled = { control.reason != nil }
      options.progress = control.progress.map { progress in ScanProgress { progress.report($0) } }
      control.took(.columns)
      let (sql, engine) = (sql, session.engine)
      return ColumnStream(query.run(inputs, options), sql, schema: settled.result!, borrowed, control) {
        () throws(EngineError) in
        let statement = try engine.compile(sql, on: borrowed.connection, control)
        borrowed.attach(statement)
        return RowStream(sql, statement, borrowed, settled, rows, control, engine.options)
      }
    }
  }

  private func plan(_ settled: SettledStatement, _ rows: [[SQLValue]]) -> ColumnarQuery.Decision {
    guard let bound = settled.bound else {
      return .notMine(NotMine(settled.unboundReason ?? "it is no SELECT"))
    }
    guard settled.open.isEmpty, let schema = settled.result else {
      return .notMine(NotMine("the types of its result are settled by its rows"))
    }
    guard rows.count <= 1 else { return .notMine(NotMine("it runs once for each row of parameters")) }
    let decision = ColumnarQuery.plan(bound, parameters: rows.first ?? [])
    if case .columns(let query) = decision, query.schema.fields.map(\.type) != schema.fields.map(\.type) {
      return .notMine(NotMine("its result has types of its own there"))
    }
    return decision
  }

  /// The answer to EXPLAIN QUERY PLAN: the way that the statement takes, and then what SQLite would do.
  func explain(
    _ statement: String, _ rows: [[SQLValue]], _ borrowed: Borrowed, _ control: StatementControl
  ) throws(EngineError) -> any ResultStream {
    let inner = try session.engine.compile(statement, on: borrowed.connection, control)
    let settled = try session.engine.settled(statement, inner, on: borrowed.connection)
    borrowed.connection.keep(inner, statement)
    let way = EmbeddedStatement(explaining: statement, session, settled).executionWay
    let own = try session.engine.compile(sql, on: borrowed.connection, control)
    defer {
      borrowed.connection.keep(own, sql)
      borrowed.giveBack()
    }
    var plan: [[SQLValue]] = [[.integer(0), .integer(0), .integer(0), .text(way)]]
    try Engine.engine(control) { () throws(SQLiteError) in
      while try own.step() { plan.append((0..<4).map { own.value($0) }) }
    }
    let batch = try engineTables(control) { () throws(TableError) in
      try RowReader.batch(of: plan, schema: SettledStatement.queryPlan)
    }
    return KeptResult(schema: batch.schema, batches: [batch], updateCount: nil)
  }

  /// Which way the statement takes, and why, in words.
  var executionWay: String {
    if wish == "sqlite" { return "RUN IN SQLITE (the session says so)" }
    switch plan(settled, []) {
    case .columns(let query): return "RUN ON COLUMNS OF \(query.tableNames.joined(separator: ", "))"
    case .notMine(let reason): return "RUN IN SQLITE (\(reason))"
    }
  }
}

/// A query that runs on columns, or in SQLite from where the columns could not go on.
final class ColumnStream: ResultStream, @unchecked Sendable {
  // SAFETY (@unchecked Sendable): one thread at a time pulls; `close` waits for it.
  let schema: Schema
  let updateCount: Int? = nil
  private let stream: QueryStream
  private let sql: String
  private let borrowed: Borrowed
  private let control: StatementControl
  private let inSQLite: () throws(EngineError) -> RowStream
  private var rest: RowStream?
  private var delivered = 0
  private let turn = Mutex(false)

  init(
    _ stream: QueryStream, _ sql: String, schema: Schema, _ borrowed: Borrowed, _ control: StatementControl,
    inSQLite: @escaping () throws(EngineError) -> RowStream
  ) {
    self.stream = stream
    self.sql = sql
    self.schema = schema
    self.borrowed = borrowed
    self.control = control
    self.inSQLite = inSQLite
  }

  /// Lets other statements of the same transaction run: what is read of the tables is in memory or mapped already.
  func pause() { borrowed.pause(nil, sql) }

  func next() throws(EngineError) -> RecordBatch? {
    try turn.withLock { isOver throws(EngineError) in
      if isOver { return nil }
      do throws(EngineError) {
        if let batch = try nextBatch() {
          delivered += batch.count
          return batch
        }
      } catch {
        end()
        isOver = true
        throw error
      }
      end()
      isOver = true
      return nil
    }
  }

  var isAtEnd: Bool { rest == nil && stream.isAtEnd }

  private func nextBatch() throws(EngineError) -> RecordBatch? {
    if let rest { return try rest.next() }
    let batch: RecordBatch?
    do throws(QueryError) { batch = try stream.next() } catch {
      guard error.code == .leftToSQLite else { throw EngineError(error, control) }
      try borrowed.resume(control)
      control.took(.sqlite)
      let rows: RowStream
      do throws(EngineError) { rows = try inSQLite() } catch {
        borrowed.rest()
        throw error
      }
      rest = rows
      borrowed.rest()
      // Rows come in the same order either way, and those that are out already must not come again.
      var skip = delivered
      while let batch = try rows.next() {
        if batch.count > skip { return batch.slice(skip..<batch.count) }
        skip -= batch.count
      }
      return nil
    }
    guard let batch else { return nil }
    return try engineData { () throws(DataError) in
      try RecordBatch(schema: schema, columns: batch.columns, count: batch.count)
    }
  }

  func close() {
    turn.withLock { isOver in
      if !isOver { end() }
      isOver = true
    }
  }

  private func end() {
    if let rest { rest.close() } else { borrowed.end(nil, sql, hasTurn: false) }
  }

  deinit { close() }
}

extension EngineError {
  init(_ error: QueryError, _ control: StatementControl) {
    if error.code == .cancelled, let reason = control.reason {
      self = reason
      return
    }
    let code: Code =
      switch error.code {
      case .leftToSQLite: .internal
      case .cancelled: .cancelled
      case .memory: .resourceExhausted
      case .schemaChanged: .aborted
      case .data(.malformed): .dataLoss
      case .data(.invalid): .invalidArgument
      case .data: .internal
      }
    self.init(code, error.message)
  }
}
