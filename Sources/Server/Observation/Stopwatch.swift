// How long a statement takes.

import Engine

/// The time that an engine spends on a statement; what a client takes to read is not counted.
struct Stopwatch {
  private let sql: String
  private let observer: StatementObserver
  private let control: StatementControl
  /// Nanoseconds.
  var spent: Int64
  private var isOver = false

  /// - Parameter spent: what it has cost before: preparing a statement may take as long as running it.
  init(_ sql: String, _ observer: StatementObserver, _ control: StatementControl, spent: Int64 = 0) {
    self.sql = sql
    self.observer = observer
    self.control = control
    self.spent = spent
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
    let stopping = control.stoppedAt.map { StatementControl.now - $0 }
    // One that came to its end in spite of all was not stopped.
    let wasStopped = error != nil || control.reason != nil
    observer.ended(
      sql, nanoseconds: spent, rows: rows, error ?? control.reason, control,
      stopping: wasStopped ? stopping : nil)
  }
}
