// Statements of the embedded engine: asked or run, with parameters row by row.

import Arrow
import Memory
import SQL
import SQLite
import Synchronization
import Tables

/// A statement that SQLite has compiled once already. It holds no connection, unless its first rows had to be looked at to know
/// what they are: those are kept for the first who asks, for a while and as long as nothing is changed.
public final class EmbeddedStatement: EngineStatement {
  public let sql: String
  public let resultSchema: Schema?
  public let parameterSchema: Schema
  let session: EmbeddedSession
  private let transaction: TransactionID?
  let settled: SettledStatement
  /// The run that settled the schema, before it has handed out anything.
  private let begun = Mutex<RowStream?>(nil)
  /// What a statement that is run next was prepared on.
  private let held = Mutex<Held?>(nil)
  /// The engine's count of changes when that run began.
  private let changesBefore: UInt64

  private struct Held: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): used by whoever takes it, once.
    let borrowed: Borrowed
    let statement: SQLite.Statement
  }

  /// - Parameter willRun: whether it is run next, so that a query need not borrow a second time.
  init(
    _ sql: String, _ session: EmbeddedSession, _ transaction: TransactionID?, willRun: Bool,
    _ control: StatementControl
  ) throws(EngineError) {
    self.sql = sql
    self.session = session
    self.transaction = transaction
    changesBefore = session.engine.changes
    let borrowed = try session.borrow(transaction, writes: false, reads: false, control)
    var keepsBorrowed = false
    defer { if !keepsBorrowed { borrowed.giveBack() } }
    let connection = borrowed.connection
    let statement = try session.engine.compile(sql, on: connection, control)
    do throws(EngineError) {
      var settled = try session.engine.settled(sql, statement, on: connection)
      parameterSchema = settled.parameters
      if !settled.open.isEmpty, settled.isReadOnly {
        // Parameters may decide: without them a short look must do.
        let isWhole = settled.parameters.fields.isEmpty
        let look = isWhole ? control : StatementControl(timeout: 0.2)
        connection.obey(look)
        borrowed.noteReading()
        let rows = RowStream(sql, statement, borrowed, settled, [], look, session.engine.options)
        if isWhole {
          settled.settle(by: try rows.peek())
        } else if let seen = try? rows.peek() {
          settled.settle(by: seen)
        }
        rows.schema = settled.result!
        if isWhole {
          begun.withLock { $0 = rows }
          keepsBorrowed = true
          rows.pause()
        } else {
          rows.abandon()
          try control.check()
        }
      }
      self.settled = settled
      resultSchema = settled.result
      if willRun, settled.isReadOnly, !borrowed.isPrivate, !keepsBorrowed {
        held.withLock { $0 = Held(borrowed: borrowed, statement: statement) }
        keepsBorrowed = true
        return
      }
      if !keepsBorrowed { connection.keep(statement, sql) }
    } catch {
      connection.keep(statement, sql)
      throw error
    }
    if keepsBorrowed { session.engine.begun.add(self) }
  }

  /// A statement that is only looked at.
  init(explaining sql: String, _ session: EmbeddedSession, _ settled: SettledStatement) {
    self.sql = sql
    self.session = session
    self.settled = settled
    transaction = nil
    changesBefore = 0
    resultSchema = settled.result
    parameterSchema = settled.parameters
  }

  public var isUpdate: Bool { settled.result == nil }
  public var changesData: Bool { !settled.isReadOnly }

  public func resultSchema(
    for parameters: RecordBatch?, _ control: StatementControl
  ) throws(EngineError) -> Schema? {
    guard let parameters, parameters.count > 0, !settled.open.isEmpty, settled.isReadOnly else {
      return resultSchema
    }
    let stream = try query(parameters, control)
    defer { stream.close() }
    return stream.schema
  }

  // MARK: Running

  public func query(_ parameters: RecordBatch?, _ control: StatementControl) throws(EngineError)
    -> any ResultStream
  {
    guard settled.isReadOnly else { return try run(parameters, control) }
    let rows = try parameterRows(parameters)
    if rows.isEmpty, let stream = takeBegun() {
      control.took(.sqlite)
      stream.obey(control)
      stream.report(to: control.progress)
      return stream
    }
    let borrowed: Borrowed
    let statement: SQLite.Statement
    let isFresh: Bool
    var isKept = false
    if let held = takeHeld() {
      (borrowed, statement, isFresh) = (held.borrowed, held.statement, true)
      borrowed.connection.obey(control)
    } else {
      isFresh = false
      borrowed = try session.borrow(transaction, writes: false, control)
      do throws(EngineError) {
        statement = try session.engine.compile(sql, on: borrowed.connection, control)
      } catch {
        borrowed.giveBack()
        throw error
      }
    }
    do throws(EngineError) {
      var settled = isFresh ? self.settled : try current(statement, borrowed)
      if let explained = settled.explained {
        borrowed.connection.keep(statement, sql)
        isKept = true
        return try explain(explained, rows, borrowed, control)
      }
      if let columns = try columnarStream(settled, rows, borrowed, control) {
        borrowed.connection.keep(statement, sql)
        isKept = true
        columns.pause()
        return columns
      }
      control.took(.sqlite)
      let stream = RowStream(sql, statement, borrowed, settled, rows, control, session.engine.options)
      if !settled.open.isEmpty, !rows.isEmpty {
        settled.settle(by: try stream.peek())
        stream.schema = settled.result!
      }
      stream.report(to: control.progress)
      stream.pause()
      return stream
    } catch {
      if !isKept { borrowed.connection.keep(statement, sql) }
      borrowed.giveBack()
      throw error
    }
  }

  private func takeHeld() -> Held? {
    held.withLock { held in
      defer { held = nil }
      return held
    }
  }

  /// Lets go of the run that has begun.
  func dropBegun() {
    let dropped = begun.withLock { begun in
      defer { begun = nil }
      return begun
    }
    dropped?.close()
  }

  /// The run that has begun, unless something has changed since: a statement may be prepared now and run much later.
  private func takeBegun() -> RowStream? {
    let stream = begun.withLock { begun in
      defer { begun = nil }
      return begun
    }
    guard let stream, session.engine.changes == changesBefore else {
      stream?.close()
      return nil
    }
    return stream
  }

  /// What is known of the statement now: the same as when it was prepared, or so after changes of the schema that do not show.
  private func current(
    _ statement: SQLite.Statement, _ borrowed: Borrowed
  ) throws(EngineError) -> SettledStatement {
    var now = try session.engine.settled(sql, statement, on: borrowed.connection)
    if now.schemaVersion == settled.schemaVersion { return settled }
    guard now.told == settled.told, now.isReadOnly == settled.isReadOnly else {
      throw EngineError(.aborted, "the schema has changed since the statement was prepared; prepare it again")
    }
    now.result = settled.result
    return now
  }

  public func update(_ parameters: RecordBatch?, _ control: StatementControl) throws(EngineError) -> Int? {
    if settled.isReadOnly {
      let stream = try query(parameters, control)
      defer { stream.close() }
      while try stream.next() != nil {}
      return nil
    }
    return try run(parameters, control).updateCount
  }

  /// Runs a statement that writes: to its end, at once, so that it takes effect exactly once whoever asks for its rows.
  private func run(_ parameters: RecordBatch?, _ control: StatementControl) throws(EngineError) -> KeptResult
  {
    let rows = try parameterRows(parameters)
    control.took(.sqlite)
    let borrowed = try session.borrow(transaction, writes: true, control)
    defer {
      session.engine.noteChange()
      borrowed.giveBack()
    }
    let connection = borrowed.connection
    let statement = try session.engine.compile(sql, on: connection, control)
    defer { connection.keep(statement, sql) }
    _ = try current(statement, borrowed)
    var execution = WritingExecution(statement, settled, session.engine.options)
    // Several rows of parameters are one transaction, or a part of the one that is open which is undone as a whole; so is a statement
    // whose rows must all be there for it to have happened. Any other is undone by SQLite itself.
    let isNested = borrowed.isInTransaction
    let needsBracket = rows.count > 1 || settled.result != nil
    if needsBracket { try connection.control(isNested ? "SAVEPOINT fletch_statement" : "BEGIN IMMEDIATE") }
    do throws(EngineError) {
      try control.check()
      if rows.isEmpty { try execution.run([], connection.connection, control) }
      for row in rows { try execution.run(row, connection.connection, control) }
      let result = try execution.finish()
      if needsBracket { try connection.control(isNested ? "RELEASE fletch_statement" : "COMMIT") }
      // Temporary objects have no number that would tell.
      if borrowed.isPrivate, settled.changesSchema { connection.forgetCompiled() }
      return result
    } catch {
      statement.reset()
      if needsBracket, connection.connection.isInTransaction {
        if isNested {
          try? connection.control("ROLLBACK TO fletch_statement; RELEASE fletch_statement")
        } else {
          try? connection.control("ROLLBACK")
        }
      }
      throw error
    }
  }

  public func explain() throws(EngineError) -> [String] {
    let control = StatementControl(timeout: session.engine.options.statementTimeout)
    let borrowed = try session.borrow(transaction, writes: false, control)
    defer { borrowed.giveBack() }
    return try engine(control) { () throws(SQLiteError) in
      let statement = try borrowed.connection.connection.prepare("EXPLAIN QUERY PLAN \(sql)")
      var lines = [executionWay]
      var depth: [Int64: Int] = [0: 0]
      while try statement.step() {
        let indent = depth[statement.integer(1)] ?? 0
        depth[statement.integer(0)] = indent + 1
        lines.append(String(repeating: "  ", count: indent) + statement.text(3))
      }
      return lines
    }
  }

  public func close() {
    dropBegun()
    guard let held = takeHeld() else { return }
    held.borrowed.connection.keep(held.statement, sql)
    held.borrowed.giveBack()
  }

  deinit { close() }

  // MARK: Parameters

  /// The values of each row of parameters, in the statement's order.
  private func parameterRows(_ batch: RecordBatch?) throws(EngineError) -> [[SQLValue]] {
    guard let batch, batch.columns.count > 0 else {
      guard settled.parameterNames.isEmpty || batch == nil else { throw missing(0) }
      return []
    }
    let count = settled.parameterNames.count
    let places = try columnPlaces(batch.schema, count)
    var rows = [[SQLValue]](repeating: Array(repeating: .null, count: count), count: batch.count)
    for (parameter, place) in places.enumerated() {
      let values = try engineData { () throws(DataError) in try sqlValues(of: batch.columns[place]) }
      for (row, value) in values.enumerated() { rows[row][parameter] = value }
    }
    return rows
  }

  /// By name where the columns have the parameters' names, else by order.
  private func columnPlaces(_ schema: Schema, _ count: Int) throws(EngineError) -> [Int] {
    guard schema.fields.count == count else { throw missing(schema.fields.count) }
    let names = settled.parameterNames
    if count > 0, names.allSatisfy({ $0 != nil && !$0!.hasPrefix("?") }) {
      let places = names.map { name in
        schema.fields.firstIndex { $0.name == name! || $0.name == String(name!.dropFirst()) }
      }
      if places.allSatisfy({ $0 != nil }), Set(places).count == count { return places.map { $0! } }
    }
    return Array(0..<count)
  }

  private func missing(_ given: Int) -> EngineError {
    let count = settled.parameterNames.count
    return EngineError(
      .invalidArgument, "the statement has \(count) parameter\(count == 1 ? "" : "s"), and \(given) are bound"
    )
  }
}

/// BEGIN, COMMIT and their like.
final class ControlStatement: EngineStatement {
  let sql: String
  let resultSchema: Schema? = nil
  let parameterSchema = Schema([])
  let isUpdate = true
  let changesData = true
  private let kind: SQL.Statement.Kind
  private let session: EmbeddedSession
  private let transaction: TransactionID?

  init(_ sql: String, _ kind: SQL.Statement.Kind, _ session: EmbeddedSession, _ transaction: TransactionID?) {
    self.sql = sql
    self.kind = kind
    self.session = session
    self.transaction = transaction
  }

  func query(_ parameters: RecordBatch?, _ control: StatementControl) throws(EngineError) -> any ResultStream
  {
    try session.run(kind, transaction, control)
    return KeptResult(schema: Schema([]), batches: [], updateCount: nil)
  }

  func update(_ parameters: RecordBatch?, _ control: StatementControl) throws(EngineError) -> Int? {
    try session.run(kind, transaction, control)
    return nil
  }

  func resultSchema(
    for parameters: RecordBatch?, _ control: StatementControl
  ) throws(EngineError) -> Schema? { nil }

  func explain() throws(EngineError) -> [String] { [] }
  func close() {}
}

extension EmbeddedEngine {
  /// Compiles a statement, or takes it from what the connection has compiled before.
  func compile(
    _ sql: String, on connection: PooledConnection, _ control: StatementControl
  ) throws(EngineError) -> SQLite.Statement {
    try engine(control) { () throws(SQLiteError) in try connection.take(sql) }
  }

  private func engine<R>(
    _ control: StatementControl, _ body: () throws(SQLiteError) -> R
  ) throws(EngineError) -> R {
    do throws(SQLiteError) { return try body() } catch { throw EngineError(error, control) }
  }
}
