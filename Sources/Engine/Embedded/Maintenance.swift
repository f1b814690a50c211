// What an engine does by itself: ends transactions that nobody uses, and compacts tables that were changed.

import Glibc
import SQLite
import Synchronization
import Tables

/// What the engine has done by itself, for logs.
public enum MaintenanceEvent: Sendable {
  case compacted(table: String, CompactionReport, seconds: Double)
  /// The table stays as it is until it is changed again.
  case failed(table: String, EngineError)
}

/// A thread that looks after an engine now and then, and goes with it.
final class Maintenance: Sendable {
  private struct State {
    var control = StatementControl()
    var isStopped = false
    /// The version of each table when it was looked at last. What an earlier process has left is compacted when it changes.
    var seen: [String: Int64]?
    /// Rounds that were left out because others were busy.
    var postponed = 0
  }

  private let state = Mutex(State())
  private let signal = ConditionSignal()

  /// Under load nothing is compacted; but not for ever, or the rows in motion would grow and grow.
  private static let longestPostponement = 10
  private static let fewStatements = 2

  private final class Body {
    let maintenance: Maintenance
    weak var engine: EmbeddedEngine?
    let interval: Double

    init(_ maintenance: Maintenance, _ engine: EmbeddedEngine, _ interval: Double) {
      self.maintenance = maintenance
      self.engine = engine
      self.interval = interval
    }
  }

  func start(_ engine: EmbeddedEngine, every interval: Double) {
    let body = Unmanaged.passRetained(Body(self, engine, interval))
    var all = sigset_t()
    var before = sigset_t()
    // Signals are for the program's own threads.
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    var thread = pthread_t()
    let result = pthread_create(
      &thread, nil,
      { argument in
        // SAFETY: the argument was retained for this thread.
        let body = Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue()
        while body.maintenance.waits(body.interval), let engine = body.engine {
          engine.tidyUp()
          body.maintenance.compactChanged(engine)
        }
        return nil
      }, body.toOpaque())
    if result == 0 { pthread_detach(thread) } else { body.release() }
  }

  /// Ends the thread; a compaction under way is undone.
  func stop() {
    let control = state.withLock { state in
      state.isStopped = true
      return state.control
    }
    control.cancel(EngineError(.unavailable, "the engine is shutting down"))
    signal.notifyAll()
  }

  private func waits(_ interval: Double) -> Bool {
    let seen = signal.count
    if state.withLock({ $0.isStopped }) { return false }
    signal.wait(past: seen, until: StatementControl.now + Int64(interval * 1e9))
    return state.withLock { !$0.isStopped }
  }

  /// Compacts the tables that were changed since the last round, if that is worth it and nobody minds.
  func compactChanged(_ engine: EmbeddedEngine) {
    guard let policy = engine.options.compaction, !engine.options.isReadOnly else { return }
    let control = state.withLock { $0.control }
    guard let versions = try? engine.tableVersions(control) else { return }
    let (isFirst, changed) = state.withLock { state in
      defer { if state.seen == nil { state.seen = versions } }
      return (state.seen == nil, versions.filter { state.seen?[$0.key] != $0.value }.keys.sorted())
    }
    if isFirst || changed.isEmpty { return }
    let isBusy = engine.pool.inUse > Maintenance.fewStatements || engine.writers.isTaken
    let postpones = state.withLock { state in
      state.postponed = isBusy ? state.postponed + 1 : 0
      return isBusy && state.postponed < Maintenance.longestPostponement
    }
    if postpones { return }
    for table in changed where control.reason == nil {
      compact(table, engine, policy, control)
      // Its version now is that of the compaction.
      if let version = try? engine.tableVersions(control)[table] {
        state.withLock { $0.seen?[table] = version }
      }
    }
    state.withLock { state in state.seen = state.seen?.filter { versions[$0.key] != nil } }
  }

  private func compact(
    _ table: String, _ engine: EmbeddedEngine, _ policy: CompactionPolicy, _ control: StatementControl
  ) {
    do throws(EngineError) {
      guard try engine.needsCompaction(table, policy, control) else { return }
      let began = StatementControl.now
      let report = try engine.compact(table, policy: policy, control)
      let seconds = Double(StatementControl.now - began) / 1e9
      engine.options.onMaintenance?(.compacted(table: table, report, seconds: seconds))
    } catch {
      // One that was dropped in the meantime is no failure.
      if error.code != .notFound { engine.options.onMaintenance?(.failed(table: table, error)) }
    }
  }
}

extension EmbeddedEngine {
  /// The state of each published table, as a number that differs after every change.
  func tableVersions(_ control: StatementControl) throws(EngineError) -> [String: Int64] {
    let connection = try pool.take(control)
    defer { pool.giveBack(connection) }
    return try Engine.engine(control) { () throws(SQLiteError) in
      try connection.connection.unauthorized { () throws(SQLiteError) in
        let statement = try connection.connection.prepare("SELECT name, version FROM fletch_tables")
        var versions: [String: Int64] = [:]
        while try statement.step() { versions[statement.text(0)] = statement.integer(1) }
        return versions
      }
    }
  }

  func needsCompaction(
    _ table: String, _ policy: CompactionPolicy, _ control: StatementControl
  ) throws(EngineError) -> Bool {
    let connection = try pool.take(control)
    let mark = connection.tables.beginReading()
    defer {
      connection.tables.endReading(mark)
      pool.giveBack(connection)
    }
    return try Engine.engine(control) { () throws(SQLiteError) in
      try connection.connection.unauthorized { () throws(SQLiteError) in
        try connection.tables.snapshot(of: table)?.needsCompaction(policy) ?? false
      }
    }
  }
}
