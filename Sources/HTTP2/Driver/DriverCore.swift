// What all connections of a server, or of a client, share.

/// Settings, counts and who is told. Immutable.
final class DriverCore: Sendable {
  let session: SessionOptions
  let stream: StreamOptions
  let keepAlive: KeepAliveOptions
  let metrics: MetricsRecorder
  /// A server's; nil on a client.
  let handler: (any RequestHandler)?
  let didClose: @Sendable (HTTP2Connection) -> Void

  init(
    session: SessionOptions, stream: StreamOptions, keepAlive: KeepAliveOptions, metrics: MetricsRecorder,
    handler: (any RequestHandler)?, didClose: @escaping @Sendable (HTTP2Connection) -> Void
  ) {
    self.session = session
    self.stream = stream
    self.keepAlive = keepAlive
    self.metrics = metrics
    self.handler = handler
    self.didClose = didClose
  }

  var isServer: Bool { handler != nil }

  /// How often time limits are looked at, in nanoseconds: a quarter of the shortest, between 10 ms and 1 s.
  var tickInterval: Int64 {
    let limits = session.limits
    let all = [
      limits.handshake, limits.frame, limits.bodyProgress, limits.writeProgress, limits.readerProgress,
      limits.idle,
      limits.age, limits.ageGrace, keepAlive.interval, keepAlive.interval == nil ? nil : keepAlive.timeout,
    ]
    let shortest = all.compactMap { $0?.nanoseconds }.min() ?? .max
    return max(10_000_000, min(1_000_000_000, shortest / 4))
  }
}
