// The wire's limits: connections, streams, sizes, floods.

import HTTP2

extension ServerSetting {
  private static let counts = 1...1_000_000
  private static let sizes = 1024...1 << 40

  static let wire: [ServerSetting] = [
    // Connections
    ServerSetting(
      "max-connections", .count(\.grpc.http2.connections, counts), "Connections at once; more are closed."),
    ServerSetting(
      "backlog", .count(\.grpc.http2.backlog, 1...65_535), "Connections that wait to be accepted."),
    ServerSetting(
      "handshake-time", .optionalTime(\.grpc.http2.limits.handshake),
      "What TLS and HTTP/2's settings may take."),
    ServerSetting(
      "idle-time", .optionalTime(\.grpc.http2.limits.idle), "How long a connection may be without calls."),
    ServerSetting(
      "max-age", .optionalTime(\.grpc.http2.limits.age), "After this a connection takes no new calls."),
    ServerSetting(
      "age-grace", .optionalTime(\.grpc.http2.limits.ageGrace),
      "How long calls may go on on a connection that ends for its age."),
    ServerSetting(
      "keep-alive", .optionalTime(\.grpc.http2.keepAlive.interval),
      "Ping a client after so much silence while calls run."),
    ServerSetting(
      "keep-alive-timeout", .time(\.grpc.http2.keepAlive.timeout), "What the answer to a ping may take."),
    // Streams
    ServerSetting(
      "max-streams", .count(\.grpc.http2.limits.streams, counts),
      "Calls at once on one connection; more wait."),
    ServerSetting(
      "stream-window", .bytes(\.grpc.http2.session.streamWindow, 65_535...1 << 30),
      "What may come of a call before it is read."),
    ServerSetting(
      "connection-window", .bytes(\.grpc.http2.session.connectionWindow, 65_535...1 << 30),
      "The same, of all calls of a connection together."),
    ServerSetting(
      "write-time", .optionalTime(\.grpc.http2.limits.writeProgress),
      "How long a client may take no bytes at all."),
    ServerSetting(
      "reader-time", .optionalTime(\.grpc.http2.limits.readerProgress),
      "How long a client may leave one answer unread."),
    ServerSetting(
      "body-time", .optionalTime(\.grpc.http2.limits.bodyProgress),
      "How long a client may think between two messages."),
    ServerSetting(
      "frame-time", .optionalTime(\.grpc.http2.limits.frame), "What a frame may take once it has begun."),
    // Sizes
    ServerSetting(
      "max-header-size", .bytes(\.grpc.http2.limits.headerListSize, 1024...16 << 20),
      "The header fields of a request together."),
    ServerSetting(
      "max-header-fields", .count(\.grpc.http2.limits.headerFields, 8...100_000), "How many there may be."),
    ServerSetting(
      "max-message-size", .bytes(\.grpc.maxReceivedMessage, 1024...Int(Int32.max)),
      "The largest message that is taken."),
    ServerSetting(
      "max-unread-call", .bytes(\.grpc.unreadPerCall, sizes), "Messages of one call that nobody has read."),
    ServerSetting("max-unread", .bytes(\.grpc.unreadTotal, sizes), "The same, of all calls together."),
    // Work
    ServerSetting(
      "max-calls", .count(\.grpc.workerThreads, 1...65_536), "Calls that work at once, a thread each."),
    ServerSetting(
      "max-waiting-calls", .count(\.grpc.waitingCalls, counts),
      "Calls that wait for a thread; more are UNAVAILABLE."),
    // Floods
    ServerSetting("reset-rate", .rate(\.grpc.http2.limits.resets), "Streams that a client may reset."),
    ServerSetting("ping-rate", .rate(\.grpc.http2.limits.pings), "PING frames that it may send."),
    ServerSetting("settings-rate", .rate(\.grpc.http2.limits.settings), "SETTINGS frames that it may send."),
    ServerSetting(
      "empty-frame-rate", .rate(\.grpc.http2.limits.emptyFrames),
      "DATA and CONTINUATION frames without content."),
    ServerSetting("other-frame-rate", .rate(\.grpc.http2.limits.idleFrames), "PRIORITY and unknown frames."),
  ]
}
