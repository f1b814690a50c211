// Every limit on what a peer may cost us, all on by default, each configurable.

/// How often something may happen: `burst` times at once, and `perSecond` times a second in the long run.
public struct Rate: Sendable, Equatable {
  public var burst: Int
  public var perSecond: Int

  public init(burst: Int, perSecond: Int) {
    self.burst = burst
    self.perSecond = perSecond
  }
}

/// The limits of one connection. A time of nil means no limit.
public struct ConnectionLimits: Sendable {
  /// Streams that the peer may have open at once (SETTINGS_MAX_CONCURRENT_STREAMS); more are refused.
  public var streams = 256
  /// The size of a header list, counted as SETTINGS_MAX_HEADER_LIST_SIZE does; above it the stream is reset, above
  /// eight times of it the connection ends.
  public var headerListSize = 32 << 10
  /// Fields in a header list.
  public var headerFields = 128
  /// CONTINUATION frames behind one HEADERS frame.
  public var continuations = 8

  /// RST_STREAM from the peer (CVE-2023-44487). A client that cancels a page full of queries stays below.
  public var resets = Rate(burst: 512, perSecond: 64)
  /// PING from the peer. gRPC's C++ core probes bandwidth with pings while data flows.
  public var pings = Rate(burst: 512, perSecond: 64)
  /// SETTINGS from the peer. gRPC's C++ core retunes its window by SETTINGS while data flows.
  public var settings = Rate(burst: 128, perSecond: 16)
  /// DATA and CONTINUATION frames that carry nothing.
  public var emptyFrames = Rate(burst: 128, perSecond: 16)
  /// PRIORITY and unknown frames.
  public var idleFrames = Rate(burst: 1024, perSecond: 128)

  /// TCP accepted until TLS and both SETTINGS are through.
  public var handshake: Duration? = .seconds(10)
  /// How long a frame may take to arrive once it has begun; each new mebibyte of a DATA frame starts anew.
  public var frame: Duration? = .seconds(20)
  /// How long a stream may go without a byte of its unfinished request (server) or response (client), while there
  /// is window for it. Long on purpose: a gRPC stream may think between two messages.
  public var bodyProgress: Duration? = .seconds(1800)
  /// How long the socket may take nothing while bytes wait: a peer that is gone or stopped.
  public var writeProgress: Duration? = .seconds(120)
  /// How long a stream's body may wait for window: a reader that has stopped, on a connection that goes on.
  public var readerProgress: Duration? = .seconds(1800)
  /// How long a connection may stay without streams.
  public var idle: Duration? = .seconds(900)
  /// After this a connection takes no new streams; varied by a tenth so that not all end at once.
  public var age: Duration? = .seconds(24 * 3600)
  /// How long streams may still run once the connection is draining for age or idleness; nil is for ever.
  public var ageGrace: Duration?

  public init() {}
}

/// What a limit was about, for errors and for the counts in `Metrics`.
public enum Breach: UInt8, Sendable, CaseIterable {
  case connections, streams, headerList, resets, pings, settings, emptyFrames, idleFrames, continuations
  case handshake, frame, bodyProgress, writeProgress, readerProgress, idle, age, keepAlive

  /// What GOAWAY or RST_STREAM says.
  var code: ErrorCode {
    switch self {
    case .idle, .age: .noError
    case .streams: .refusedStream
    case .handshake: .settingsTimeout
    case .bodyProgress, .readerProgress: .cancel
    default: .enhanceYourCalm
    }
  }

  var error: HTTP2Error { HTTP2Error(.limit(self), message) }

  private var message: String {
    switch self {
    case .connections: "too many connections"
    case .streams: "too many streams on the connection"
    case .headerList: "the header list is larger than allowed"
    case .resets: "too many streams were reset"
    case .pings: "too many PING frames"
    case .settings: "too many SETTINGS frames"
    case .emptyFrames: "too many empty frames"
    case .idleFrames: "too many PRIORITY or unknown frames"
    case .continuations: "too many CONTINUATION frames"
    case .handshake: "the handshake took too long"
    case .frame: "a frame took too long to arrive"
    case .bodyProgress: "the peer stopped sending a body"
    case .writeProgress: "the peer took no bytes for too long"
    case .readerProgress: "the peer gave a stream no window for too long"
    case .idle: "the connection was idle"
    case .age: "the connection reached its age limit"
    case .keepAlive: "the peer did not answer a keep-alive ping"
    }
  }
}
