// How a call ends: one of seventeen codes, words for people, and details for programs.

import HTTP2
import Memory

/// The outcome of a call; as an error, everything but `.ok`.
public struct GRPCStatus: Error, Sendable, Equatable {
  /// The codes of gRPC; see `statuscodes.md` of the specification for when each is meant.
  public struct Code: RawRepresentable, Sendable, Hashable {
    public let rawValue: Int

    /// - Parameter rawValue: what is not one of the seventeen is nil.
    public init?(rawValue: Int) {
      guard (0...16).contains(rawValue) else { return nil }
      self.rawValue = rawValue
    }

    private init(_ value: Int) { rawValue = value }

    public static let ok = Code(0)
    public static let cancelled = Code(1)
    public static let unknown = Code(2)
    public static let invalidArgument = Code(3)
    public static let deadlineExceeded = Code(4)
    public static let notFound = Code(5)
    public static let alreadyExists = Code(6)
    public static let permissionDenied = Code(7)
    public static let resourceExhausted = Code(8)
    public static let failedPrecondition = Code(9)
    public static let aborted = Code(10)
    public static let outOfRange = Code(11)
    public static let unimplemented = Code(12)
    public static let internalError = Code(13)
    public static let unavailable = Code(14)
    public static let dataLoss = Code(15)
    public static let unauthenticated = Code(16)
  }

  public var code: Code
  public var message: String
  /// A serialised `google.rpc.Status`, sent as `grpc-status-details-bin`; may be empty.
  public var details: [UInt8]

  public init(_ code: Code, _ message: String = "", details: [UInt8] = []) {
    self.code = code
    self.message = message
    self.details = details
  }

  public static let ok = GRPCStatus(.ok)
}

extension GRPCStatus.Code: CustomStringConvertible {
  /// The specification's name: `NOT_FOUND`.
  public var description: String { GRPCStatus.names[rawValue] }
}

extension GRPCStatus: CustomStringConvertible {
  fileprivate static let names = [
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
    "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
  ]

  public var description: String { message.isEmpty ? code.description : "\(code): \(message)" }
}

extension GRPCStatus {
  /// What a handler's error means to the peer.
  public init(mapping error: any Error) {
    switch error {
    case let status as GRPCStatus:
      // Nothing fails with OK.
      self =
        status.code == .ok ? GRPCStatus(.unknown, "an error with the status OK: \(status.message)") : status
    case let error as DataError: self.init(error)
    default: self.init(.internalError, "\(error)")
    }
  }

  public init(_ error: DataError) {
    let code: Code =
      switch error.code {
      case .malformed, .invalid: .invalidArgument
      case .limit: .resourceExhausted
      case .unsupported: .unimplemented
      case .system: .internalError
      }
    self.init(code, error.description)
  }

  /// What the end of a stream without a status means (PROTOCOL-HTTP2.md, "Errors").
  public init(_ error: HTTP2Error) {
    let code: Code =
      switch error.kind {
      case .reset(let code): GRPCStatus.code(ofReset: code)
      case .connection, .disconnected, .draining, .system, .tls, .timedOut: .unavailable
      case .limit(.headerList): .resourceExhausted
      case .limit: .unavailable
      case .cancelled: .cancelled
      case .invalid: .internalError
      }
    self.init(code, error.message)
  }

  private static func code(ofReset code: ErrorCode) -> Code {
    switch code {
    case .refusedStream: .unavailable
    case .cancel: .cancelled
    case .enhanceYourCalm: .resourceExhausted
    case .inadequateSecurity: .permissionDenied
    default: .internalError
    }
  }

  /// What an answer that is no gRPC means (http-grpc-status-mapping.md).
  static func code(ofHTTPStatus status: Int) -> Code {
    switch status {
    case 400: .internalError
    case 401: .unauthenticated
    case 403: .permissionDenied
    case 404: .unimplemented
    case 429, 502, 503, 504: .unavailable
    default: .unknown
    }
  }
}
