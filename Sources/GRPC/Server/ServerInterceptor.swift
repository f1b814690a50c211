// What looks on at every call of a server: logs, metrics, authentication.

import HTTP2

/// Sees every call begin and end.
public protocol ServerInterceptor: Sendable {
  /// Before the handler, on the handler's thread, in the order of the server's list; only for `.blocking` methods may
  /// it block. It can read the metadata, add response metadata (`ServerCall.sendMetadata`) and attach what the handler
  /// should know (`ServerCall.attachment`).
  /// - Throws: the status that refuses the call; the handler is not called then.
  func callStarted(_ call: ServerCall) throws(GRPCStatus)

  /// After a call, whatever became of it, on any thread; must not block. Called also for calls that were refused before
  /// `callStarted`: unknown methods, malformed requests, a server that drains.
  func callEnded(_ call: CallSummary)
}

extension ServerInterceptor {
  public func callStarted(_ call: ServerCall) throws(GRPCStatus) {}
  public func callEnded(_ call: CallSummary) {}
}

/// What became of a call.
public struct CallSummary: Sendable {
  public var path: String
  public var peer: String
  /// Who the client is by its certificate.
  public var subject: String?
  public var status: GRPCStatus
  public var started: MonotonicTime
  public var duration: Duration
  public var messagesIn = 0
  public var messagesOut = 0
  /// Bytes of messages, without their prefixes.
  public var bytesIn = 0
  public var bytesOut = 0
}
