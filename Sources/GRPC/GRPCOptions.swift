// How servers and clients behave, in one place each.

import HTTP2
import Memory

/// Everything has a default that is meant for use.
public struct GRPCServerOptions: Sendable {
  /// The wire below: windows, limits, keep-alive, connection age.
  public var http2 = ServerOptions()
  /// The largest message that is taken and sent, in bytes.
  public var maxReceivedMessage = 64 << 20
  public var maxSentMessage = Int(Int32.max)
  /// Bytes of messages that have come and that no handler has received yet: of one call, and of all calls together.
  /// Flow control keeps a call far below; what passes a limit ends in RESOURCE_EXHAUSTED.
  public var unreadPerCall = 128 << 20
  public var unreadTotal = 2 << 30
  /// Threads for `.blocking` handlers, and calls that may wait for one; beyond that calls are UNAVAILABLE.
  public var workerThreads = 512
  public var waitingCalls = 1024
  /// Whether `grpc.health.v1` and `grpc.reflection` are served.
  public var servesHealth = true
  public var servesReflection = true

  /// A ping after a minute of silence while calls run: a client that is gone without a word is noticed then, and what stands
  /// between, such as a load balancer, sees that a long query is not dead.
  public init() { http2.keepAlive.interval = .seconds(60) }
}

public struct GRPCClientOptions: Sendable {
  /// The wire below. A ping after 30 s of silence while calls run.
  public var http2 = ClientOptions()
  /// The largest message that is taken and sent, in bytes.
  public var maxReceivedMessage = 256 << 20
  public var maxSentMessage = Int(Int32.max)
  /// Bytes of messages of one call that have come and are not received yet.
  public var unreadPerCall = 512 << 20
  /// After a failed attempt to connect calls fail at once for this long; doubled with every failure, up to the most.
  public var firstBackOff: Duration = .milliseconds(100)
  public var longestBackOff: Duration = .seconds(10)
  /// `:authority`; nil is the address.
  public var authority: String?
  public var userAgent = "fletch-swift/1"

  public init() { http2.keepAlive.interval = .seconds(30) }
}
