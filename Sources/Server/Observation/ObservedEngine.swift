// An engine whose statements are watched: the same engine to whoever calls it.

import Arrow
import Engine

public final class ObservedEngine: QueryEngine {
  private let engine: any QueryEngine
  private let observer: StatementObserver

  public init(_ engine: any QueryEngine, _ observer: StatementObserver) {
    self.engine = engine
    self.observer = observer
  }

  public var information: EngineInformation { engine.information }

  public func makeSession() throws(EngineError) -> any EngineSession {
    ObservedSession(try engine.makeSession(), observer)
  }

  public func shutDown() { engine.shutDown() }
}

/// Hands everything on, and wraps statements.
private final class ObservedSession: EngineSession {
  private let session: any EngineSession
  private let observer: StatementObserver

  init(_ session: any EngineSession, _ observer: StatementObserver) {
    self.session = session
    self.observer = observer
  }

  func prepare(
    _ sql: String, in transaction: TransactionID?, willRun: Bool, _ control: StatementControl
  ) throws(EngineError) -> any EngineStatement {
    ObservedStatement(try session.prepare(sql, in: transaction, willRun: willRun, control), observer)
  }

  func execute(
    script: String, in transaction: TransactionID?, _ control: StatementControl
  ) throws(EngineError) {
    var watch = Stopwatch(script, observer)
    try watch.measure { () throws(EngineError) in
      try session.execute(script: script, in: transaction, control)
    }
    watch.end(rows: 0)
  }

  func begin() throws(EngineError) -> TransactionID { try session.begin() }
  func commit(_ transaction: TransactionID, _ control: StatementControl) throws(EngineError) {
    try session.commit(transaction, control)
  }
  func rollback(_ transaction: TransactionID) throws(EngineError) { try session.rollback(transaction) }
  var isInTransaction: Bool { session.isInTransaction }
  func rollBackAll() { session.rollBackAll() }
  func savepoint(_ name: String, in transaction: TransactionID) throws(EngineError) -> SavepointID {
    try session.savepoint(name, in: transaction)
  }
  func release(_ savepoint: SavepointID) throws(EngineError) { try session.release(savepoint) }
  func rollback(to savepoint: SavepointID) throws(EngineError) { try session.rollback(to: savepoint) }

  func stored(_ table: TableName) throws(EngineError) -> StoredTable? { try session.stored(table) }
  func scan(
    _ table: TableName, part: Int?, _ control: StatementControl
  ) throws(EngineError) -> any ResultStream {
    try session.scan(table, part: part, control)
  }

  func ingest(
    _ request: IngestRequest, in transaction: TransactionID?, _ control: StatementControl,
    next: () throws -> RecordBatch?
  ) throws -> Int {
    try session.ingest(request, in: transaction, control, next: next)
  }

  func catalogs() throws(EngineError) -> [String] { try session.catalogs() }
  func schemas() throws(EngineError) -> [SchemaDescription] { try session.schemas() }
  func tables(withColumns: Bool) throws(EngineError) -> [TableDescription] {
    try session.tables(withColumns: withColumns)
  }
  func primaryKey(of table: TableName) throws(EngineError) -> [KeyColumn] {
    try session.primaryKey(of: table)
  }
  func foreignKeys() throws(EngineError) -> [ForeignKey] { try session.foreignKeys() }

  func option(_ name: String) -> String? { session.option(name) }
  func options() -> [String: String] { session.options() }
  func setOption(_ name: String, to value: String?) throws(EngineError) {
    try session.setOption(name, to: value)
  }
  func close() { session.close() }
}

/// The time that an engine spends on a statement; what a client takes to read is not counted.
struct Stopwatch {
  private let sql: String
  private let observer: StatementObserver
  private var spent: Int64 = 0
  private var isOver = false

  init(_ sql: String, _ observer: StatementObserver) {
    self.sql = sql
    self.observer = observer
  }

  /// Adds the time of `body`; an error ends the statement.
  mutating func measure<R>(rows: Int = 0, _ body: () throws(EngineError) -> R) throws(EngineError) -> R {
    let start = StatementControl.now
    do throws(EngineError) {
      let result = try body()
      spent += StatementControl.now - start
      return result
    } catch {
      spent += StatementControl.now - start
      end(rows: rows, error)
      throw error
    }
  }

  mutating func end(rows: Int, _ error: EngineError? = nil) {
    guard !isOver else { return }
    isOver = true
    observer.ended(sql, nanoseconds: spent, rows: rows, error)
  }
}
