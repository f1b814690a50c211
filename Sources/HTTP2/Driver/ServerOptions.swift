// How a server and a client behave, in one place each.

/// Everything has a default that is meant for use.
public struct ServerOptions: Sendable {
  public var session = SessionOptions()
  public var stream = StreamOptions()
  public var keepAlive = KeepAliveOptions()
  /// Connections at once, over all addresses; those beyond are closed at once.
  public var connections = 10_000
  /// Connections that wait to be accepted.
  public var backlog = 1024

  public init() {}

  public var limits: ConnectionLimits {
    get { session.limits }
    set { session.limits = newValue }
  }
}

public struct ClientOptions: Sendable {
  public var session = SessionOptions()
  public var stream = StreamOptions()
  public var keepAlive = KeepAliveOptions()
  /// How long TCP, TLS and the server's SETTINGS may take together.
  public var connectTimeout: Duration = .seconds(20)

  /// No idle or age limit: the server ends what it does not want, and a client closes what it does not need.
  public init() {
    session.limits.idle = nil
    session.limits.age = nil
    // A response may take as long as the query does; the layer above has deadlines.
    session.limits.bodyProgress = nil
    session.limits.readerProgress = nil
  }
}
