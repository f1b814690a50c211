// A result that a ticket stands for.

import Arrow
import Engine
import Flight
import GRPC
import Synchronization

/// What a ticket gets: a query that runs when it is asked for, or rows that a statement has returned already.
final class PendingResult: Sendable {
  enum Source: Sendable {
    /// A statement that only reads: it may run again for whoever asks again.
    case query(any EngineStatement, RecordBatch?)
    case kept(Schema, [RecordBatch])
    /// A query that runs already, for the first who asks; later ones run it again.
    case running(BackgroundRun, any EngineStatement, RecordBatch?)
  }

  let source: Source
  let schema: Schema
  private let running = Mutex<[ObjectIdentifier: StatementControl]>([:])
  private let isCancelled = Mutex(false)

  init(_ source: Source, schema: Schema) {
    self.source = source
    self.schema = schema
  }

  /// The rows, under a control that `cancel` reaches.
  func open(_ control: StatementControl) throws -> any ResultStream {
    guard !isCancelled.withLock({ $0 }) else { throw GRPCStatus(.cancelled, "the query was cancelled") }
    running.withLock { $0[ObjectIdentifier(control)] = control }
    switch source {
    case .query(let statement, let parameters):
      return try grpc { () throws(EngineError) in try statement.query(parameters, control) }
    case .running(let run, let statement, let parameters):
      if let stream = run.take(control) { return stream }
      return try grpc { () throws(EngineError) in try statement.query(parameters, control) }
    case .kept(let schema, let batches): return KeptResult(schema: schema, batches: batches, updateCount: nil)
    }
  }

  func close(_ control: StatementControl) {
    running.withLock { running in
      running[ObjectIdentifier(control)] = nil
      // Without its storage, which would stay for as long as the ticket and keep the heap around it from being used again: 15 KB a
      // result, measured.
      if running.isEmpty { running = [:] }
    }
  }

  /// Stops whoever is reading, and whoever comes later.
  func cancel() {
    isCancelled.withLock { $0 = true }
    if case .running(let run, _, _) = source { run.cancel() }
    for control in running.withLock({ Array($0.values) }) { control.cancel() }
  }
}

/// A prepared statement of a client's, with the parameters that it has bound.
final class PreparedEntry: Sendable {
  let session: ClientSession
  private let current: Mutex<(statement: any EngineStatement, transaction: TransactionID?)>
  private let bound = Mutex<RecordBatch?>(nil)

  init(_ statement: any EngineStatement, _ session: ClientSession, in transaction: TransactionID?) {
    current = Mutex((statement, transaction))
    self.session = session
  }

  /// The statement as it was prepared last.
  var prepared: any EngineStatement { current.withLock { $0.statement } }

  /// The statement, ready to run. Drivers keep it beyond the end of the transaction that they prepared it in; it goes on in the one that
  /// they have begun since.
  func statement(_ control: StatementControl) throws -> any EngineStatement {
    session.touch()
    let (statement, transaction) = current.withLock { $0 }
    guard let transaction, !session.isOpen(transaction) else { return statement }
    let successor = session.newestTransaction
    let again = try grpc { () throws(EngineError) in
      try session.engine.prepare(statement.sql, in: successor, control)
    }
    current.withLock { $0 = (again, successor) }
    statement.close()
    return again
  }

  var parameters: RecordBatch? {
    get { bound.withLock { $0 } }
    set { bound.withLock { $0 = newValue } }
  }
}
