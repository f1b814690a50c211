// A connection for the length of a statement.

import SQLite
import Synchronization
import Tables

/// What a statement runs on: a connection of the pool, or its turn on one that it shares.
final class Borrowed: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): used by the one who runs the statement.
  let connection: PooledConnection
  private let engine: EmbeddedEngine
  private let transaction: OpenTransaction?
  private let shared: SharedConnection?
  private let isWriter: Bool
  private let mark: UInt64
  private var run: SharedConnection.OpenRun?
  private let isReturned = Mutex(false)

  /// - Parameters:
  ///   - shared: whose turn it is, when the connection is not the statement's alone.
  ///   - isWriter: whether the place of the one writer goes back with the connection.
  init(
    _ connection: PooledConnection, _ engine: EmbeddedEngine, transaction: OpenTransaction?,
    shared: SharedConnection?, isWriter: Bool, _ control: StatementControl
  ) {
    self.connection = connection
    self.engine = engine
    self.transaction = transaction
    self.shared = shared
    self.isWriter = isWriter
    mark = connection.tables.beginReading()
    connection.obey(control)
  }

  /// Says that rows are read, on a connection that was borrowed to look at the schema.
  func noteReading() { transaction?.noteReading() }

  var isInTransaction: Bool { transaction != nil }
  /// Whether others may see other tables under the same names.
  var isPrivate: Bool { shared != nil }

  /// Lets others have their turn while nobody pulls rows out of a statement that has begun.
  /// - Parameter statement: nil for a query that needs none.
  func pause(_ statement: Statement?, _ sql: String) {
    guard let shared, run == nil else { return }
    let run = SharedConnection.OpenRun(statement, sql, mark)
    self.run = run
    shared.began(run)
    leave()
  }

  /// The statement of a run that needed none until now. Within the turn.
  func attach(_ statement: Statement) { run?.statement = statement }

  /// Takes the turn again.
  func resume(_ control: StatementControl) throws(EngineError) {
    guard let shared, run != nil else { return connection.obey(control) }
    if let transaction { try transaction.beginUse(control, writes: false) } else { try shared.enter(control) }
    connection.obey(control)
  }

  /// Passes the turn on until the next `resume`.
  func rest() { if shared != nil, run != nil { leave() } }

  private func leave() {
    connection.obey(nil)
    if let transaction { transaction.endUse() } else { shared?.leave() }
  }

  /// Ends what was paused, from within the turn or from outside, and gives the connection back; once.
  /// - Parameter hasTurn: whether it is this statement's turn.
  func end(_ statement: Statement?, _ sql: String, hasTurn: Bool) {
    guard let shared, let run else {
      if let statement, !isReturned.withLock({ $0 }) { connection.keep(statement, sql) }
      return giveBack()
    }
    let isFirst = isReturned.withLock { returned in
      defer { returned = true }
      return !returned
    }
    if hasTurn {
      if isFirst { shared.ended(run) }
      leave()
    } else if isFirst {
      shared.abandon(run)
    }
  }

  /// Gives the connection back; once. Not for what was paused.
  func giveBack() {
    guard
      run == nil,
      !isReturned.withLock({ returned in
        defer { returned = true }
        return returned
      })
    else { return }
    connection.obey(nil)
    connection.onProgress = nil
    connection.tables.positions = nil
    connection.tables.endReading(mark)
    if let transaction { return transaction.endUse() }
    try? connection.tables.settle()
    if let shared { shared.leave() } else { engine.pool.giveBack(connection) }
    if isWriter { engine.writers.leave() }
  }

  deinit { giveBack() }
}
