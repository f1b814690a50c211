// A connection that statements use in turn: that of a transaction, or a session's own.

import SQLite
import Synchronization
import Tables

/// Whoever has the turn uses the connection. A result that is being read has the turn for each batch only, so that a client that is
/// still reading one may run another statement in the same transaction.
final class SharedConnection: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): `connection`, `open` and `isEnded` are touched by whoever has the turn.
  let connection: PooledConnection
  private let turn = Turnstile(places: 1, queueLimit: 1000, name: "the transaction's running statement")
  private var open: [ObjectIdentifier: OpenRun] = [:]
  /// Runs that were given up while another statement had the turn.
  private let abandoned = Mutex<[OpenRun]>([])
  private(set) var isEnded = false

  /// A statement that has begun and not ended, and what it keeps from being deleted.
  final class OpenRun: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): used within the turn.
    var statement: Statement?
    let sql: String
    let mark: UInt64

    init(_ statement: Statement?, _ sql: String, _ mark: UInt64) {
      self.statement = statement
      self.sql = sql
      self.mark = mark
    }
  }

  init(_ connection: PooledConnection) { self.connection = connection }

  func enter(_ control: StatementControl) throws(EngineError) {
    try turn.enter(control)
    if isEnded {
      turn.leave()
      throw EngineError(.failedPrecondition, "the transaction has ended; begin another")
    }
  }

  func leave() {
    // An ended connection may be another's already.
    if !isEnded { connection.obey(nil) }
    sweep()
    turn.leave()
    // One that came after the sweep.
    if abandoned.withLock({ !$0.isEmpty }), turn.tryEnter() {
      sweep()
      turn.leave()
    }
  }

  /// Notes a run that goes on when the turn has passed to others.
  func began(_ run: OpenRun) { open[ObjectIdentifier(run)] = run }

  /// Ends a run, within the turn.
  func ended(_ run: OpenRun) {
    guard open.removeValue(forKey: ObjectIdentifier(run)) != nil else { return }
    if let statement = run.statement { connection.keep(statement, run.sql) }
    connection.tables.endReading(run.mark)
  }

  /// Ends a run from outside of the turn: now if it is free, else by whoever has it.
  func abandon(_ run: OpenRun) {
    abandoned.withLock { $0.append(run) }
    if turn.tryEnter() {
      sweep()
      turn.leave()
    }
  }

  private func sweep() {
    let runs = abandoned.withLock { runs in
      defer { runs = [] }
      return runs
    }
    if isEnded { return }
    for run in runs { ended(run) }
  }

  /// Ends every run that has not ended: their statements are closed here, since the connection goes to others. Within the turn.
  func endRuns() {
    for run in open.values {
      run.statement?.close()
      connection.tables.endReading(run.mark)
    }
    open = [:]
  }

  /// The last use, within the turn: nobody gets another.
  func end() {
    endRuns()
    isEnded = true
  }
}
