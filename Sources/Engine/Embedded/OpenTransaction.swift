// A transaction that a client has open: a connection of its own until it ends.

import SQLite
import Synchronization

/// One statement of a transaction runs at a time; the others wait for it.
final class OpenTransaction: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): what varies is touched by whoever holds `turn` only.
  let connection: PooledConnection
  /// Held until the transaction ends, once it has written.
  private(set) var isWriting = false
  private(set) var isOver = false
  private var savepoints: [UInt64] = []
  private var nextSavepoint: UInt64 = 0
  private var lastUse = StatementControl.now
  private let turn = Turnstile(places: 1, queueLimit: 1000, name: "the transaction's running statement")
  private let engine: EmbeddedEngine

  init(_ engine: EmbeddedEngine, _ control: StatementControl) throws(EngineError) {
    self.engine = engine
    connection = try engine.pool.take(control)
    do throws(EngineError) { try connection.control("BEGIN") } catch {
      engine.pool.giveBack(connection)
      throw error
    }
  }

  /// Waits for the transaction's turn; `endUse` gives it to the next.
  func beginUse(_ control: StatementControl, writes: Bool) throws(EngineError) {
    try turn.enter(control)
    do throws(EngineError) {
      try checkOpen()
      if writes, !isWriting {
        try engine.writers.enter(control)
        isWriting = true
      }
    } catch {
      turn.leave()
      throw error
    }
  }

  func endUse() {
    lastUse = StatementControl.now
    // Some errors undo the whole transaction (https://sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction).
    if !isOver, !connection.connection.isInTransaction { finish() }
    turn.leave()
  }

  private func checkOpen() throws(EngineError) {
    guard !isOver else { throw EngineError(.failedPrecondition, "the transaction has ended; begin another") }
  }

  /// Commits or rolls back. A commit that fails for now leaves the transaction open.
  func end(commits: Bool, _ control: StatementControl) throws(EngineError) {
    try turn.enter(control)
    defer { turn.leave() }
    try checkOpen()
    if connection.connection.isInTransaction {
      do throws(EngineError) { try connection.control(commits ? "COMMIT" : "ROLLBACK") } catch {
        if !connection.connection.isInTransaction { finish() }
        throw error
      }
    }
    finish()
  }

  /// Rolls back if nothing is running and nobody has come for so long.
  func rollBack(ifIdleFor seconds: Double) -> Bool {
    let control = StatementControl(timeout: 0)
    guard (try? turn.enter(control)) != nil else { return false }
    defer { turn.leave() }
    if isOver { return true }
    guard Double(StatementControl.now - lastUse) / 1e9 > seconds else { return false }
    try? connection.control("ROLLBACK")
    finish()
    return true
  }

  private func finish() {
    isOver = true
    try? connection.tables.settle()
    if isWriting { engine.writers.leave() }
    isWriting = false
    engine.pool.giveBack(connection)
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
    defer { endUse() }
    guard let place = savepoints.firstIndex(of: number) else {
      throw EngineError(.notFound, "there is no such savepoint in the transaction")
    }
    if !releases { try connection.control("ROLLBACK TO fletch_\(number)") }
    try connection.control("RELEASE fletch_\(number)")
    savepoints.removeSubrange(place...)
  }
}
