// Is the peer still there? A PING after silence, and a time by which it must be answered.

/// When to ping a silent peer.
public struct KeepAliveOptions: Sendable {
  /// Ping after this much silence; nil never pings.
  public var interval: Duration?
  /// How long the answer may take; any byte counts as one.
  public var timeout: Duration = .seconds(20)
  /// Whether to ping while there are no streams. gRPC servers commonly end connections that do.
  public var withoutStreams = false

  public init(interval: Duration? = nil) { self.interval = interval }
}

/// The keep-alive of one connection, as a value.
struct KeepAlive {
  enum Action { case none, ping, giveUp }

  private let options: KeepAliveOptions
  private var lastHeard: MonotonicTime
  private var pinged: MonotonicTime?

  init(_ options: KeepAliveOptions, opened: MonotonicTime) {
    self.options = options
    lastHeard = opened
  }

  mutating func heard(at now: MonotonicTime) {
    lastHeard = now
    pinged = nil
  }

  mutating func check(streams: Int, at now: MonotonicTime) -> Action {
    guard let interval = options.interval else { return .none }
    if let pinged { return now - pinged >= options.timeout ? .giveUp : .none }
    guard streams > 0 || options.withoutStreams, now - lastHeard >= interval else { return .none }
    pinged = now
    return .ping
  }
}
