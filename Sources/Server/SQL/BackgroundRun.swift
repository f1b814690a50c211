// A query that runs ahead of who reads it, up to a limit of bytes.

import Arrow
import Engine
import Synchronization

/// Pulls a result on a thread of its own. It stops at its end or when enough is kept; then a reader takes what there is, and goes on
/// pulling by itself.
final class BackgroundRun: Sendable {
  /// How far a run is.
  enum Stage {
    case running(rows: Int)
    /// All rows are there.
    case done([RecordBatch])
    /// There are more than are kept.
    case full
    case failed(EngineError)
  }

  private struct State {
    var batches: [RecordBatch] = []
    var rows = 0
    var bytes = 0
    var stream: (any ResultStream)?
    var isStopped = false
    var isDone = false
    var isTaken = false
    var error: EngineError?
  }

  private let state = Mutex(State())
  private let limit: Int
  private let control: StatementControl
  private let signal = Doorbell()

  init(_ control: StatementControl, limit: Int) {
    self.control = control
    self.limit = limit
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
        let isFull = state.withLock { state in
          state.batches.append(batch)
          state.rows += batch.count
          state.bytes += batch.byteCount
          return state.bytes >= limit
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
      return state.isDone ? .done(state.batches) : .full
    }
  }

  /// The rows from the first on, once.
  func take(_ control: StatementControl) -> (any ResultStream)? {
    let taken = state.withLock { state -> (batches: [RecordBatch], rest: (any ResultStream)?)? in
      guard state.isStopped, !state.isTaken, state.error == nil else { return nil }
      state.isTaken = true
      defer { (state.batches, state.stream) = ([], nil) }
      return (state.batches, state.stream)
    }
    guard let taken else { return nil }
    return ResumedResult(taken.batches, taken.rest, own: self.control, reader: control)
  }

  func cancel() {
    control.cancel()
    let rest = state.withLock { state -> (any ResultStream)? in
      defer { (state.batches, state.stream) = ([], nil) }
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
  private let kept: Mutex<[RecordBatch]>
  private let rest: (any ResultStream)?
  private let registration: Int
  private let reader: StatementControl

  init(
    _ batches: [RecordBatch], _ rest: (any ResultStream)?, own: StatementControl, reader: StatementControl
  ) {
    schema = rest?.schema ?? batches.first?.schema ?? Schema([])
    kept = Mutex(batches.reversed())
    self.rest = rest
    self.reader = reader
    // The statement obeys the control that it was begun under; whoever reads must be able to stop it, too.
    registration = reader.onCancel { own.cancel(reader.reason ?? EngineError(.cancelled, "the call has ended")) }
  }

  func next() throws(EngineError) -> RecordBatch? {
    try reader.check()
    if let batch = kept.withLock({ $0.popLast() }) { return batch }
    return try rest?.next()
  }

  func close() {
    reader.remove(registration)
    kept.withLock { $0 = [] }
    rest?.close()
  }

  deinit { close() }
}
