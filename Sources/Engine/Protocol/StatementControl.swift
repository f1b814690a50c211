// How a statement that runs is stopped: by its client, by its deadline, by the server.

import Glibc
import Synchronization

/// What a running statement is stopped with. Whoever runs it asks often; whoever stops it need not know who runs it.
public final class StatementControl: Sendable {
  private struct State {
    var reason: EngineError?
    var stops: [Int: @Sendable () -> Void] = [:]
    var next = 0
    var delayed: (@Sendable () -> Void)?
  }

  private let state = Mutex(State())
  /// Nanoseconds of the monotonic clock; nil without a limit.
  public let deadline: Int64?
  /// When whoever asks for a reason makes `onDelay`'s call, in nanoseconds.
  private let patience = Atomic(Int64.max)
  /// Set once there is a reason, so that asking costs a load.
  private let isStopped = Atomic(false)

  /// - Parameter seconds: how long the statement may take from now on; nil for as long as it likes.
  public init(timeout seconds: Double? = nil) {
    deadline = seconds.map { StatementControl.now + Int64($0 * 1e9) }
  }

  public static var now: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// Stops whatever runs under this control, now or later.
  public func cancel(_ reason: EngineError = EngineError(.cancelled, "the statement was cancelled")) {
    let stops = state.withLock { state -> [@Sendable () -> Void] in
      guard state.reason == nil else { return [] }
      state.reason = reason
      return Array(state.stops.values)
    }
    isStopped.store(true, ordering: .releasing)
    for stop in stops { stop() }
  }

  /// Why the statement has to end; nil while it may go on.
  public var reason: EngineError? {
    if isStopped.load(ordering: .acquiring) { return state.withLock { $0.reason } }
    let patience = patience.load(ordering: .relaxed)
    if deadline == nil, patience == .max { return nil }
    let now = StatementControl.now
    if now > patience { callDelayed() }
    if let deadline, now > deadline {
      return EngineError(.deadlineExceeded, "the statement took longer than it may")
    }
    return nil
  }

  /// Has `action` called once, by whichever thread works on the statement, if that still asks whether it may go on in so many
  /// nanoseconds. Only the last such action counts.
  public func onDelay(_ nanoseconds: Int64, _ action: @escaping @Sendable () -> Void) {
    state.withLock { $0.delayed = action }
    patience.store(StatementControl.now + nanoseconds, ordering: .releasing)
  }

  private func callDelayed() {
    guard patience.exchange(.max, ordering: .acquiring) != .max else { return }
    let action = state.withLock { state in
      defer { state.delayed = nil }
      return state.delayed
    }
    action?()
  }

  public func check() throws(EngineError) {
    if let reason { throw reason }
  }

  /// Calls `stop` when the statement is cancelled, at once if it was already; until `remove` is called with what is returned.
  public func onCancel(_ stop: @escaping @Sendable () -> Void) -> Int {
    let (number, isLate) = state.withLock { state -> (Int, Bool) in
      state.next += 1
      state.stops[state.next] = stop
      return (state.next, state.reason != nil)
    }
    if isLate { stop() }
    return number
  }

  public func remove(_ number: Int) { state.withLock { $0.stops[number] = nil } }
}
