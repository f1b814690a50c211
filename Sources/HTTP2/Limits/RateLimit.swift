// A token bucket: how often something may happen, in a burst and in the long run.

/// Counts events against a `Rate`. All state is two numbers; time is passed in.
struct RateLimit {
  private let rate: Rate
  /// Tokens left, in billionths: one second gives `perSecond * 1e9` of them.
  private var tokens: Int64
  private var last: MonotonicTime?

  init(_ rate: Rate) {
    self.rate = rate
    tokens = Int64(clamping: rate.burst) &* 1_000_000_000
  }

  /// Whether one more event is allowed now.
  mutating func allow(at now: MonotonicTime) -> Bool {
    let full = Int64(clamping: rate.burst) &* 1_000_000_000
    if let last, now > last {
      let (gain, overflow) = (now - last).nanoseconds.multipliedReportingOverflow(by: Int64(rate.perSecond))
      tokens = overflow || gain > full - tokens ? full : tokens + gain
    }
    last = now
    guard tokens >= 1_000_000_000 else { return false }
    tokens -= 1_000_000_000
    return true
  }
}
