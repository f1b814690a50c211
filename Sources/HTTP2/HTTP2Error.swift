// The one error of this module: what ended a stream or a connection, or why neither began.

import Glibc
import Memory

/// A fault of the peer, of the network, of TLS, or a limit that was passed.
public struct HTTP2Error: Error, Sendable, Equatable {
  public enum Kind: Sendable, Equatable {
    /// The stream was reset, by whichever side; only this stream is affected.
    case reset(ErrorCode)
    /// The connection ended in an HTTP/2 error that one side stated in GOAWAY.
    case connection(ErrorCode)
    /// The connection closed; what was not answered by then is lost.
    case disconnected
    /// The connection takes no new streams; the request was not begun and may be sent elsewhere.
    case draining
    /// The operating system refused; the value is `errno`.
    case system(Int32)
    /// The TLS handshake or a record failed, or a certificate was not accepted.
    case tls
    /// A time limit passed.
    case timedOut
    /// One of our own limits was passed.
    case limit(Breach)
    /// The waiting task was cancelled.
    case cancelled
    /// What the caller asked for makes no sense (a header name with a space, an unreadable certificate).
    case invalid
  }

  public var kind: Kind
  public var message: String

  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  /// Whether the peer certainly did not begin to work on the request.
  public var isSafeToRetry: Bool {
    switch kind {
    case .reset(.refusedStream), .draining: true
    default: false
    }
  }
}

extension HTTP2Error: CustomStringConvertible {
  public var description: String { message }
}

extension HTTP2Error {
  /// What the system says in `errno` against "cannot \(what)".
  static func system(_ what: String, _ code: Int32 = errno) -> HTTP2Error {
    HTTP2Error(.system(code), "cannot \(what): \(String(cString: strerror(code)))")
  }

  init(_ error: DataError) {
    let kind: Kind = if case .system(let code) = error.code { .system(code) } else { .invalid }
    self.init(kind, error.message)
  }
}
