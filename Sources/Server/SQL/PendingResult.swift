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
    case query(any EngineStatement, KeptParameters?)
    case kept(KeptRows)
    /// A query that runs already, for the first who asks; later ones run it again.
    case running(BackgroundRun, any EngineStatement, KeptParameters?)
  }

  /// What is kept for it that others could use.
  enum Keeping {
    case nothing
    /// It is being read.
    case inUse
    /// A run that waits, and could begin anew.
    case run
    case rows
    /// Rows that were read to their end, though they may be asked for again.
    case readRows
  }

  private struct State {
    /// Nil once it was cancelled.
    var source: Source?
    var readers: [ObjectIdentifier: StatementControl] = [:]
    var wasRead = false
  }

  let schema: Schema
  private let state: Mutex<State>

  init(_ source: Source, schema: Schema) {
    state = Mutex(State(source: source))
    self.schema = schema
  }

  /// The rows, under a control that `cancel` reaches.
  func open(_ control: StatementControl) throws -> any ResultStream {
    let source = state.withLock { state in
      if state.source != nil { state.readers[ObjectIdentifier(control)] = control }
      return state.source
    }
    switch source {
    case nil: throw GRPCStatus(.cancelled, "the query was cancelled")
    case .query(let statement, let parameters)?:
      return try grpc { () throws(EngineError) in try statement.query(parameters?.rows, control) }
    case .running(let run, let statement, let parameters)?:
      if let stream = run.take(control) { return stream }
      return try grpc { () throws(EngineError) in try statement.query(parameters?.rows, control) }
    case .kept(let rows)?: return KeptResult(schema: schema, batches: rows.batches, updateCount: nil)
    }
  }

  /// - Parameter isComplete: whether all rows were read.
  func close(_ control: StatementControl, isComplete: Bool) {
    state.withLock { state in
      if isComplete { state.wasRead = true }
      state.readers[ObjectIdentifier(control)] = nil
      // Without its storage, which would stay for as long as the ticket and keep the heap around it from being used again: 15 KB a
      // result, measured.
      if state.readers.isEmpty { state.readers = [:] }
    }
  }

  /// Stops whoever is reading, and whoever comes later.
  func cancel() {
    let (source, readers) = state.withLock { state in
      defer { state.source = nil }
      return (state.source, Array(state.readers.values))
    }
    if case .running(let run, _, _)? = source { run.cancel() }
    for control in readers { control.cancel() }
  }

  var keeping: Keeping {
    state.withLock { state in
      if !state.readers.isEmpty { return .inUse }
      switch state.source {
      case nil, .query?: return .nothing
      case .running(let run, _, _)?: return run.isWaiting ? .run : .nothing
      case .kept(let rows)?:
        return (rows.share?.bytes ?? 0) == 0 ? .nothing : state.wasRead ? .readRows : .rows
      }
    }
  }

  /// Lets go of what is kept.
  /// - Returns: whether nothing of the result is left.
  func dropKept() -> Bool {
    let source = state.withLock { $0.source }
    guard case .running(let run, let statement, let parameters)? = source else { return true }
    run.cancel()
    state.withLock { state in
      if state.source != nil { state.source = .query(statement, parameters) }
    }
    return false
  }
}

/// A prepared statement of a client's, with the parameters that it has bound.
final class PreparedEntry: Sendable {
  let session: ClientSession
  private let current: Mutex<(statement: any EngineStatement, transaction: TransactionID?)>
  private let bound = Mutex<KeptParameters?>(nil)

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

  var parameters: KeptParameters? {
    get { bound.withLock { $0 } }
    set { bound.withLock { $0 = newValue } }
  }
}
