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
    case .kept(let schema, let batches): return KeptResult(schema: schema, batches: batches, updateCount: nil)
    }
  }

  func close(_ control: StatementControl) { running.withLock { $0[ObjectIdentifier(control)] = nil } }

  /// Stops whoever is reading, and whoever comes later.
  func cancel() {
    isCancelled.withLock { $0 = true }
    for control in running.withLock({ Array($0.values) }) { control.cancel() }
  }
}

/// A prepared statement of a client's, with the parameters that it has bound.
final class PreparedEntry: Sendable {
  let statement: any EngineStatement
  let session: ClientSession
  private let bound = Mutex<RecordBatch?>(nil)

  init(_ statement: any EngineStatement, _ session: ClientSession) {
    self.statement = statement
    self.session = session
  }

  var parameters: RecordBatch? {
    get { bound.withLock { $0 } }
    set { bound.withLock { $0 = newValue } }
  }
}
