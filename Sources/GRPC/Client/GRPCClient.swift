// stub
import HTTP2
import Memory

public final class GRPCClient: Sendable {
  public init(to address: SocketAddress, tls: TLSContext? = nil, options: GRPCClientOptions = GRPCClientOptions()) {}
  public func unary(
    _ path: String, _ message: Buffer, metadata: CallMetadata = CallMetadata(), timeout: Double? = nil
  ) throws(GRPCStatus) -> (Buffer, initial: CallMetadata, trailers: CallMetadata) {
    throw GRPCStatus(.unimplemented)
  }
  public func call(_ path: String, metadata: CallMetadata = CallMetadata(), timeout: Double? = nil)
    throws(GRPCStatus) -> ClientCall
  { throw GRPCStatus(.unimplemented) }
  public func close() {}
}

public final class ClientCall: Sendable {
  public func send(_ message: [Buffer]) throws(GRPCStatus) {}
  public func finishSending() {}
  public func receive() throws(GRPCStatus) -> Buffer? { nil }
  public var initialMetadata: CallMetadata { CallMetadata() }
  public var trailers: CallMetadata { CallMetadata() }
  public func cancel() {}
}
