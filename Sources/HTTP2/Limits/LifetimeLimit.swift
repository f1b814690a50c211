// When a connection has lived long enough: without streams for too long, or simply old.

/// Idle time and age. Neither is a fault: the connection drains, and clients open another.
struct LifetimeLimit {
  private let idle: Int64?
  private let age: Int64?
  private let opened: MonotonicTime
  private var idleSince: MonotonicTime?

  /// - Parameter spread: -1 to 1, how this connection's age limit is varied, by up to a tenth.
  init(_ limits: ConnectionLimits, opened: MonotonicTime, spread: Double) {
    idle = limits.idle?.nanoseconds
    age = limits.age.map { age in
      let whole = age.nanoseconds
      return whole + Int64(Double(whole / 10) * max(-1, min(1, spread)))
    }
    self.opened = opened
    idleSince = opened
  }

  mutating func update(streams: Int, at now: MonotonicTime) {
    if streams > 0 {
      idleSince = nil
    } else if idleSince == nil {
      idleSince = now
    }
  }

  func exceeded(at now: MonotonicTime) -> Breach? {
    if let idle, let idleSince, (now - idleSince).nanoseconds >= idle { return .idle }
    if let age, (now - opened).nanoseconds >= age { return .age }
    return nil
  }
}
