// A query that runs ahead of who reads it, up to a limit of bytes.

import Arrow
import Engine
import Synchronization

/// Pulls a result on a thread of its own. It stops at its end, when enough is kept, or when there is no room for more; then a reader
/// takes what there is, and goes on pulling by itself.
final class BackgroundRun: Sendable {
  /// How far a run is.
  enum Stage {
    case running(rows: Int)
    /// All rows are there.
    case done(KeptRows)
    /// There are more than are kept.
    case full
    case failed(EngineError)
  }

  private struct State {
    var kept: KeptRows
    var rows = 0
    var stream: (any ResultStream)?
    var isStopped = false
    var isDone = false
    var isTaken = false
    var error: EngineError?
  }

  private let state: Mutex<State>
  private let limit: Int
  private let makeRoom: @Sendable (Int) -> Void
  private let control: StatementControl
  private let signal = Doorbell()

  /// - Parameters:
  ///   - limit: the most bytes that are kept.
  ///   - makeRoom: asked for so many bytes in the memory when they have no room there.
  init(
    _ control: StatementControl, _ memory: KeptMemory, limit: Int, makeRoom: @escaping @Sendable (Int) -> Void
  ) {
    self.control = control
    self.limit = limit
    self.makeRoom = makeRoom
    state = Mutex(State(kept: KeptRows(batches: [], share: KeptMemory.Share(memory))))
  }

  func start(_ begin: @escaping @Sendable () throws(EngineError) -> any ResultStream) {
    startThread { [self] in pull(begin) }
  }

  private func pull(_ begin: () throws(EngineError) -> any ResultStream) {
    var stream: (any ResultStream)?
    var (isDone, failure) = (false, EngineError?.none)
    do throws(EngineError) {
      stream = try begin()
      while true {
        guard let batch = try stream!.next() else {
          isDone = true
          break
        }
        // One that was cancelled has no share any more, and its stream ends with the next batch.
        let share = state.withLock { $0.kept.share }
        // A batch that is there is kept even where it has no room, but nothing behind it.
        let fits = share?.add(batch, makeRoom: makeRoom) ?? true
        let isFull = state.withLock { state in
          state.kept.batches.append(batch)
          state.rows += batch.count
          return !fits || (share?.bytes ?? 0) >= limit
        }
        if isFull { break }
      }
    } catch {
      failure = error
    }
    if isDone || failure != nil {
      stream?.close()
      stream = nil
    }
    state.withLock { state in
      state.isStopped = true
      state.isDone = isDone
      state.error = failure
      state.stream = stream
    }
    signal.ring()
  }

  /// Waits for the end, at most until the monotonic clock shows `deadline` nanoseconds.
  func wait(until deadline: Int64) -> Stage {
    signal.wait(until: deadline)
    return state.withLock { state in
      if let error = state.error { return .failed(error) }
      if !state.isStopped { return .running(rows: state.rows) }
      return state.isDone ? .done(state.kept) : .full
    }
  }

  /// The rows from the first on, once.
  func take(_ control: StatementControl) -> (any ResultStream)? {
    let taken = state.withLock { state -> (kept: KeptRows, rest: (any ResultStream)?)? in
      guard state.isStopped, !state.isTaken, state.error == nil else { return nil }
      state.isTaken = true
      defer { (state.kept, state.stream) = (KeptRows(batches: []), nil) }
      return (state.kept, state.stream)
    }
    guard let taken else { return nil }
    return ResumedResult(taken.kept, taken.rest, own: self.control, reader: control)
  }

  /// How far the query is, where that is known.
  var share: Double? { control.progress?.share }

  /// Whether it has stopped, and waits for whoever takes it.
  var isWaiting: Bool { state.withLock { $0.isStopped && !$0.isTaken } }

  func cancel() {
    control.cancel()
    let rest = state.withLock { state -> (any ResultStream)? in
      defer { (state.kept, state.stream) = (KeptRows(batches: []), nil) }
      state.isTaken = true
      return state.stream
    }
    rest?.close()
  }

  deinit { state.withLock { $0.stream }?.close() }
}

/// What a run has kept, and then what it has left to give.
private final class ResumedResult: ResultStream {
  let schema: Schema
  let updateCount: Int? = nil
  private let kept: Mutex<KeptRows>
  private let rest: (any ResultStream)?
  private let registration: Int
  private let reader: StatementControl

  init(
    _ kept: KeptRows, _ rest: (any ResultStream)?, own: StatementControl, reader: StatementControl
  ) {
    schema = rest?.schema ?? kept.batches.first?.schema ?? Schema([])
    self.kept = Mutex(KeptRows(batches: kept.batches.reversed(), share: kept.share))
    self.rest = rest
    self.reader = reader
    // The statement obeys the control that it was begun under; whoever reads must be able to stop it, too.
    registration = reader.onCancel {
      own.cancel(reader.reason ?? EngineError(.cancelled, "the call has ended"))
    }
  }

  func next() throws(EngineError) -> RecordBatch? {
    try reader.check()
    if let batch = kept.withLock({ $0.batches.popLast() }) { return batch }
    // All that was kept is out.
    kept.withLock { $0.share = nil }
    return try rest?.next()
  }

  func close() {
    reader.remove(registration)
    kept.withLock { $0 = KeptRows(batches: []) }
    rest?.close()
  }

  deinit { close() }
}
