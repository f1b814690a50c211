// stub
import HTTP2
import Memory

public final class ServerCall: Sendable {
  public let path: String
  public let metadata: CallMetadata
  public let peer: String
  public let tls: TLSInfo?
  public let deadline: MonotonicTime?
  init() { path = ""; metadata = CallMetadata(); peer = ""; tls = nil; deadline = nil }
  public var isCancelled: Bool { false }
  public var attachment: (any Sendable)? { get { nil } set {} }
  public func onCancel(_ handler: @escaping @Sendable (GRPCStatus) -> Void) {}
  public func receive() throws(GRPCStatus) -> Buffer? { nil }
  public func send(_ message: [Buffer]) throws(GRPCStatus) {}
  public func sendMetadata(_ metadata: CallMetadata) {}
  public func setTrailers(_ metadata: CallMetadata) {}
  public func end(_ status: GRPCStatus = .ok) {}
}
