// How a statement that runs is stopped: by its client, by its deadline, by the server.

import Glibc
import Synchronization

/// Who a statement is from, for logs.
public struct StatementOrigin: Sendable {
  /// The client's address, made text only where somebody reads it.
  public let peer: any CustomStringConvertible & Sendable
  /// Empty for nobody in particular.
  public let user: String

  public init(peer: any CustomStringConvertible & Sendable, user: String) {
    self.peer = peer
    self.user = user
  }
}

/// Which ways an engine took with a statement.
public struct StatementWays: OptionSet, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let columns = StatementWays(rawValue: 1)
  public static let sqlite = StatementWays(rawValue: 2)
}

extension StatementWays: CustomStringConvertible {
  /// `columns`, `sqlite`, or both for one that columns could not bring to its end; empty for neither.
  public var description: String {
    switch self {
    case .columns: "columns"
    case .sqlite: "sqlite"
    case [.columns, .sqlite]: "columns, then sqlite"
    default: ""
    }
  }
}

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
  /// When it was cancelled.
  private let stopTime = Atomic<Int64>(0)
  private let waysTaken = Atomic<UInt8>(0)
  public let origin: StatementOrigin?
  /// What engines report to; nil where nobody asks how far the statement is.
  public let progress: StatementProgress?

  /// - Parameter seconds: how long the statement may take from now on; nil for as long as it likes.
  public init(
    timeout seconds: Double? = nil, origin: StatementOrigin? = nil, progress: StatementProgress? = nil
  ) {
    deadline = seconds.map { StatementControl.now + Int64($0 * 1e9) }
    self.origin = origin
    self.progress = progress
  }

  /// To be told by the engine when it begins on a way.
  public func took(_ way: StatementWays) { waysTaken.bitwiseOr(way.rawValue, ordering: .relaxed) }

  public var ways: StatementWays { StatementWays(rawValue: waysTaken.load(ordering: .relaxed)) }

  /// The monotonic clock's nanoseconds when the statement had to end; nil while it may go on.
  public var stoppedAt: Int64? {
    let time = stopTime.load(ordering: .acquiring)
    if time > 0 { return time }
    if let deadline, StatementControl.now > deadline { return deadline }
    return nil
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
    _ = stopTime.compareExchange(expected: 0, desired: StatementControl.now, ordering: .relaxed)
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
