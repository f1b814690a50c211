// The threads that blocking handlers run on: as many as are needed, up to a limit.

import HTTP2
import Memory
import Synchronization

/// An elastic pool. The thread that became idle last works next, so its caches are warm and the others end in time.
final class WorkerPool: Sendable {
  typealias Job = @Sendable () -> Void

  /// An idle thread.
  private final class Worker: Sendable {
    let signal = Signal()
    let job = Mutex<Job?>(nil)
  }

  private struct State {
    var idle: [Worker] = []
    var waiting: [Job] = []
    var threads = 0
    var isClosed = false
  }

  private let state = Guarded(State())
  private let limit: Int
  private let waitingLimit: Int
  private static let idleTime: Duration = .seconds(10)

  init(limit: Int, waiting: Int) {
    self.limit = max(1, limit)
    waitingLimit = waiting
  }

  var threads: Int { state.withLock { $0.threads } }

  /// - Returns: false when all threads are busy and enough jobs wait already.
  func submit(_ job: @escaping Job) -> Bool {
    enum Plan { case wake(Worker), start, queued, full }
    let plan: Plan = state.withLock { state in
      if state.isClosed { return .full }
      if let worker = state.idle.popLast() { return .wake(worker) }
      if state.threads < limit {
        state.threads += 1
        return .start
      }
      guard state.waiting.count < waitingLimit else { return .full }
      state.waiting.append(job)
      return .queued
    }
    switch plan {
    case .wake(let worker):
      worker.job.withLock { $0 = job }
      worker.signal.raise()
    case .start:
      if startThread({ [self] in run(job) }) { return true }
      // The system has no more threads: those that there are will come to it.
      return state.withLock { state in
        state.threads -= 1
        guard state.threads > 0, state.waiting.count < waitingLimit else { return false }
        state.waiting.append(job)
        return true
      }
    case .queued: break
    case .full: return false
    }
    return true
  }

  /// Takes no more jobs; idle threads end.
  func close() {
    let idle = state.withLock { state in
      state.isClosed = true
      defer { state.idle = [] }
      return state.idle
    }
    for worker in idle { worker.signal.raise() }
  }

  private func run(_ job: @escaping Job) {
    let worker = Worker()
    var next: Job? = job
    while let job = next {
      job()
      next = nextJob(worker)
    }
  }

  /// nil when the thread should end; it is counted out then.
  private func nextJob(_ worker: Worker) -> Job? {
    let (job, mustEnd) = state.withLock { state -> (Job?, Bool) in
      if !state.waiting.isEmpty { return (state.waiting.removeFirst(), false) }
      if state.isClosed {
        state.threads -= 1
        return (nil, true)
      }
      state.idle.append(worker)
      return (nil, false)
    }
    if job != nil || mustEnd { return job }
    if !worker.signal.wait(WorkerPool.idleTime) {
      let isOver = state.withLock { state in
        guard let index = state.idle.firstIndex(where: { $0 === worker }) else { return false }
        state.idle.remove(at: index)
        state.threads -= 1
        return true
      }
      if isOver { return nil }
      // Chosen just now: the job is on its way.
      _ = worker.signal.wait(nil)
    }
    let given = worker.job.withLock { job in
      defer { job = nil }
      return job
    }
    if given == nil { state.withLock { $0.threads -= 1 } }
    return given
  }
}
