// The limits of a server that people may set: one table, read by the command line and by whatever else sets them.

import GRPC
import HTTP2
import Memory

/// One limit: its name, what it is about, how its text is read, and where its value goes.
public struct ServerSetting: Sendable {
  /// Where a value goes decides how it is written.
  enum Place: Sendable {
    case count(any WritableKeyPath<GRPCServerOptions, Int> & Sendable, ClosedRange<Int>)
    case bytes(any WritableKeyPath<GRPCServerOptions, Int> & Sendable, ClosedRange<Int>)
    case time(any WritableKeyPath<GRPCServerOptions, Duration> & Sendable)
    /// `off` is no limit.
    case optionalTime(any WritableKeyPath<GRPCServerOptions, Duration?> & Sendable)
    case rate(any WritableKeyPath<GRPCServerOptions, Rate> & Sendable)
  }

  /// In words with hyphens, as on the command line: `idle-time`.
  public let name: String
  /// A sentence without the default.
  public let help: String
  let place: Place

  init(_ name: String, _ place: Place, _ help: String) {
    self.name = name
    self.place = place
    self.help = help
  }

  /// What the value is called where its form is explained.
  public var form: String {
    switch place {
    case .count: "N"
    case .bytes: "SIZE"
    case .time, .optionalTime: "TIME"
    case .rate: "BURST/RATE"
    }
  }

  /// The value in these options, in the form that `set` takes.
  public func text(in options: GRPCServerOptions) -> String {
    switch place {
    case .count(let path, _): "\(options[keyPath: path])"
    case .bytes(let path, _): SettingText.bytes(options[keyPath: path])
    case .time(let path): SettingText.time(options[keyPath: path])
    case .optionalTime(let path): options[keyPath: path].map(SettingText.time) ?? "off"
    case .rate(let path): "\(options[keyPath: path].burst)/\(options[keyPath: path].perSecond)"
    }
  }

  /// Reads a value and puts it in its place.
  /// - Throws: `.invalid`, with what the setting takes; the name is for the caller to say.
  public func set(_ text: String, in options: inout GRPCServerOptions) throws(DataError) {
    switch place {
    case .count(let path, let range):
      guard let value = Int(text.filter { $0 != "_" }), range.contains(value) else {
        throw DataError(
          .invalid, "takes a whole number, \(range.lowerBound) to \(range.upperBound), not '\(text)'")
      }
      options[keyPath: path] = value
    case .bytes(let path, let range):
      guard let value = SettingText.bytes(text) else {
        throw DataError(.invalid, "takes a size such as 64K or 32M, not '\(text)'")
      }
      guard range.contains(value) else {
        throw DataError(
          .invalid,
          "takes a size from \(SettingText.bytes(range.lowerBound)) to \(SettingText.bytes(range.upperBound)), not '\(text)'"
        )
      }
      options[keyPath: path] = value
    case .time(let path):
      guard let value = SettingText.time(text), value > .zero else {
        throw DataError(.invalid, "takes a time such as 500ms, 30s, 15m or 24h, not '\(text)'")
      }
      options[keyPath: path] = value
    case .optionalTime(let path):
      if text == "off" {
        options[keyPath: path] = nil
        return
      }
      guard let value = SettingText.time(text), value > .zero else {
        throw DataError(.invalid, "takes a time such as 500ms, 30s, 15m or 24h, or off, not '\(text)'")
      }
      options[keyPath: path] = value
    case .rate(let path):
      let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
      guard parts.count == 2, parts.allSatisfy((1...1_000_000_000).contains) else {
        throw DataError(
          .invalid, "takes how many at once and how many a second, such as 512/64, not '\(text)'")
      }
      options[keyPath: path] = Rate(burst: parts[0], perSecond: parts[1])
    }
  }
}

extension ServerSetting {
  private static let counts = 1...1_000_000
  private static let sizes = 1024...1 << 40

  /// Every limit, in the order of the help.
  public static let all: [ServerSetting] = [
    // Connections
    ServerSetting(
      "max-connections", .count(\.http2.connections, counts), "Connections at once; more are closed."),
    ServerSetting("backlog", .count(\.http2.backlog, 1...65_535), "Connections that wait to be accepted."),
    ServerSetting(
      "handshake-time", .optionalTime(\.http2.limits.handshake), "What TLS and HTTP/2's settings may take."),
    ServerSetting(
      "idle-time", .optionalTime(\.http2.limits.idle), "How long a connection may be without calls."),
    ServerSetting(
      "max-age", .optionalTime(\.http2.limits.age), "After this a connection takes no new calls."),
    ServerSetting(
      "age-grace", .optionalTime(\.http2.limits.ageGrace),
      "How long calls may go on on a connection that\nends for its age."),
    ServerSetting(
      "keep-alive", .optionalTime(\.http2.keepAlive.interval),
      "Ping a client after so much silence while calls run."),
    ServerSetting(
      "keep-alive-timeout", .time(\.http2.keepAlive.timeout), "What the answer to a ping may take."),
    // Streams
    ServerSetting(
      "max-streams", .count(\.http2.limits.streams, counts), "Calls at once on one connection; more wait."),
    ServerSetting(
      "stream-window", .bytes(\.http2.session.streamWindow, 65_535...1 << 30),
      "What may come of a call before it is read."),
    ServerSetting(
      "connection-window", .bytes(\.http2.session.connectionWindow, 65_535...1 << 30),
      "The same, of all calls of a connection together."),
    ServerSetting(
      "write-time", .optionalTime(\.http2.limits.writeProgress),
      "How long a client may take no bytes at all."),
    ServerSetting(
      "reader-time", .optionalTime(\.http2.limits.readerProgress),
      "How long a client may leave one answer unread."),
    ServerSetting(
      "body-time", .optionalTime(\.http2.limits.bodyProgress),
      "How long a client may think between two messages."),
    ServerSetting(
      "frame-time", .optionalTime(\.http2.limits.frame), "What a frame may take once it has begun."),
    // Sizes
    ServerSetting(
      "max-header-size", .bytes(\.http2.limits.headerListSize, 1024...16 << 20),
      "The header fields of a request together."),
    ServerSetting(
      "max-header-fields", .count(\.http2.limits.headerFields, 8...100_000), "How many there may be."),
    ServerSetting(
      "max-message-size", .bytes(\.maxReceivedMessage, 1024...Int(Int32.max)),
      "The largest message that is taken."),
    ServerSetting(
      "max-unread-call", .bytes(\.unreadPerCall, sizes), "Messages of one call that nobody has read."),
    ServerSetting("max-unread", .bytes(\.unreadTotal, sizes), "The same, of all calls together."),
    // Work
    ServerSetting(
      "max-calls", .count(\.workerThreads, 1...65_536), "Calls that work at once, a thread each."),
    ServerSetting(
      "max-waiting-calls", .count(\.waitingCalls, counts),
      "Calls that wait for a thread; more are UNAVAILABLE."),
    // Floods
    ServerSetting("reset-rate", .rate(\.http2.limits.resets), "Streams that a client may reset."),
    ServerSetting("ping-rate", .rate(\.http2.limits.pings), "PING frames that it may send."),
    ServerSetting("settings-rate", .rate(\.http2.limits.settings), "SETTINGS frames that it may send."),
    ServerSetting(
      "empty-frame-rate", .rate(\.http2.limits.emptyFrames), "DATA and CONTINUATION frames without content."),
    ServerSetting("other-frame-rate", .rate(\.http2.limits.idleFrames), "PRIORITY and unknown frames."),
  ]
}
