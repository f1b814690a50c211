// A transaction that a client has open: a connection that is its own until it ends.

import SQLite
import Synchronization

/// One statement of a transaction runs at a time; the others wait for it.
final class OpenTransaction: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): what varies is touched by whoever has the turn on `shared` only; `isOver` is set once, and who
  // reads it from outside asks again within the turn.
  let shared: SharedConnection
  var connection: PooledConnection { shared.connection }
  /// Whether the connection goes back to the pool with the transaction's end. That of a session stays with it.
  private var ownsConnection: Bool
  /// Held until the transaction ends, once it has written.
  private(set) var isWriting = false
  private(set) var isOver = false
  /// Whether no statement has run yet: what was prepared has read the schema only.
  private var isFresh = true
  private var savepoints: [UInt64] = []
  private var nextSavepoint: UInt64 = 0
  private var lastUse = StatementControl.now
  private let engine: EmbeddedEngine

  /// - Parameter kept: the session's own connection, if it has one that is not in a transaction.
  init(_ engine: EmbeddedEngine, on kept: SharedConnection?, _ control: StatementControl) throws(EngineError)
  {
    self.engine = engine
    ownsConnection = kept == nil
    if let kept {
      shared = kept
    } else {
      shared = SharedConnection(try engine.pool.take(control))
    }
    do throws(EngineError) {
      try shared.enter(control)
      defer { shared.leave() }
      guard !connection.connection.isInTransaction else {
        throw EngineError(.failedPrecondition, "cannot start a transaction within a transaction")
      }
      try connection.control("BEGIN")
    } catch {
      if kept == nil { engine.pool.giveBack(shared.connection) }
      throw error
    }
  }

  /// Leaves the connection to the session, whose temporary tables are in it. Within the turn or before any.
  func leaveConnectionToSession() { ownsConnection = false }

  /// Waits for the transaction's turn; `endUse` gives it to the next.
  /// - Parameter reads: false for what only looks at the schema.
  func beginUse(_ control: StatementControl, writes: Bool, reads: Bool = true) throws(EngineError) {
    try shared.enter(control)
    do throws(EngineError) {
      try checkOpen()
      if writes, !isWriting {
        // To compile a statement is to read. What others commit while this one waits for its turn would make SQLite refuse it, though its
        // client has seen nothing yet.
        if isFresh, connection.connection.isReading {
          try connection.control("ROLLBACK")
          try connection.control("BEGIN")
        }
        try engine.writers.enter(control)
        isWriting = true
      }
      if reads || writes { isFresh = false }
    } catch {
      shared.leave()
      throw error
    }
  }

  /// Says that rows are read after all. Within the turn.
  func noteReading() { isFresh = false }

  func endUse() {
    lastUse = StatementControl.now
    // Some errors undo the whole transaction (https://sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction).
    if !isOver, !connection.connection.isInTransaction { finish(commits: false) }
    shared.leave()
  }

  private func checkOpen() throws(EngineError) {
    guard !isOver else { throw EngineError(.failedPrecondition, "the transaction has ended; begin another") }
  }

  /// Commits or rolls back. A commit that fails for now leaves the transaction open.
  func end(commits: Bool, _ control: StatementControl) throws(EngineError) {
    try shared.enter(control)
    defer { shared.leave() }
    try checkOpen()
    if connection.connection.isInTransaction {
      do throws(EngineError) { try connection.control(commits ? "COMMIT" : "ROLLBACK") } catch {
        if !connection.connection.isInTransaction { finish(commits: false) }
        throw error
      }
    }
    finish(commits: commits)
  }

  /// Rolls back if nothing is running and nobody has come for so long.
  func rollBack(ifIdleFor seconds: Double) -> Bool {
    guard (try? shared.enter(StatementControl(timeout: 0))) != nil else { return isOver }
    defer { shared.leave() }
    if isOver { return true }
    guard Double(StatementControl.now - lastUse) / 1e9 > seconds else { return false }
    try? connection.control("ROLLBACK")
    finish(commits: false)
    return true
  }

  private func finish(commits: Bool) {
    isOver = true
    engine.noteChange()
    shared.endRuns()
    // A schema that was rolled back may have had the number that the next one gets.
    if !commits { connection.forgetCompiled() }
    try? connection.tables.settle()
    if isWriting { engine.writers.leave() }
    isWriting = false
    if ownsConnection {
      shared.end()
      engine.pool.giveBack(connection)
    }
  }

  // MARK: Savepoints: named by number, since a client's names may repeat

  func savepoint(_ control: StatementControl) throws(EngineError) -> UInt64 {
    try beginUse(control, writes: false)
    defer { endUse() }
    nextSavepoint += 1
    try connection.control("SAVEPOINT fletch_\(nextSavepoint)")
    savepoints.append(nextSavepoint)
    return nextSavepoint
  }

  func endSavepoint(_ number: UInt64, releases: Bool, _ control: StatementControl) throws(EngineError) {
    try beginUse(control, writes: false)
    defer {
      engine.noteChange()
      endUse()
    }
    guard let place = savepoints.firstIndex(of: number) else {
      throw EngineError(.notFound, "there is no such savepoint in the transaction")
    }
    if !releases { try connection.control("ROLLBACK TO fletch_\(number)") }
    try connection.control("RELEASE fletch_\(number)")
    savepoints.removeSubrange(place...)
  }
}
