// The error codes of RFC 9113, section 7: what RST_STREAM and GOAWAY carry.

/// A 32-bit HTTP/2 error code; unknown ones are kept as they are.
public struct ErrorCode: RawRepresentable, Sendable, Hashable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public static let noError = ErrorCode(rawValue: 0)
  public static let protocolError = ErrorCode(rawValue: 1)
  public static let internalError = ErrorCode(rawValue: 2)
  public static let flowControlError = ErrorCode(rawValue: 3)
  public static let settingsTimeout = ErrorCode(rawValue: 4)
  public static let streamClosed = ErrorCode(rawValue: 5)
  public static let frameSizeError = ErrorCode(rawValue: 6)
  /// The peer has not begun to work on the stream: the request may be sent again elsewhere.
  public static let refusedStream = ErrorCode(rawValue: 7)
  public static let cancel = ErrorCode(rawValue: 8)
  public static let compressionError = ErrorCode(rawValue: 9)
  public static let connectError = ErrorCode(rawValue: 10)
  public static let enhanceYourCalm = ErrorCode(rawValue: 11)
  public static let inadequateSecurity = ErrorCode(rawValue: 12)
  public static let http11Required = ErrorCode(rawValue: 13)
}

extension ErrorCode: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noError: "NO_ERROR"
    case .protocolError: "PROTOCOL_ERROR"
    case .internalError: "INTERNAL_ERROR"
    case .flowControlError: "FLOW_CONTROL_ERROR"
    case .settingsTimeout: "SETTINGS_TIMEOUT"
    case .streamClosed: "STREAM_CLOSED"
    case .frameSizeError: "FRAME_SIZE_ERROR"
    case .refusedStream: "REFUSED_STREAM"
    case .cancel: "CANCEL"
    case .compressionError: "COMPRESSION_ERROR"
    case .connectError: "CONNECT_ERROR"
    case .enhanceYourCalm: "ENHANCE_YOUR_CALM"
    case .inadequateSecurity: "INADEQUATE_SECURITY"
    case .http11Required: "HTTP_1_1_REQUIRED"
    default: "error \(rawValue)"
    }
  }
}
