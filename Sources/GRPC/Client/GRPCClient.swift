// A client: one connection that is made when it is needed, and calls on it.

import HTTP2
import Memory
import Synchronization

/// Calls a server over TCP, TLS or a Unix socket. Every method may be called from any thread and blocks that thread only;
/// none may be called from an event loop's. The connection closes with `close`, or when the client and its last call are
/// let go of.
public final class GRPCClient: Sendable {
  let options: GRPCClientOptions
  private let connector: Connector
  private let head: HeaderList

  /// Connects with the first call, and again when the connection is gone.
  public init(
    to address: SocketAddress, tls: TLSContext? = nil, options: GRPCClientOptions = GRPCClientOptions()
  ) {
    self.options = options
    connector = Connector(address, tls, options)
    var authority = options.authority ?? address.description
    // A path is no authority; other clients send this too.
    if case .unix = address, options.authority == nil { authority = "localhost" }
    var head = HeaderList()
    head.append(":method", "POST")
    head.append(":scheme", tls == nil ? "http" : "https")
    head.append(":authority", authority)
    self.head = head
  }

  /// Ends the connection; calls that run end in UNAVAILABLE, and later ones begin no more.
  public func close() { connector.close() }

  /// One message there, one back.
  /// - Parameter timeout: seconds until DEADLINE_EXCEEDED; sent to the server too.
  public func unary(
    _ path: String, _ message: Buffer, metadata: CallMetadata = CallMetadata(), timeout: Double? = nil
  ) throws(GRPCStatus) -> (Buffer, initial: CallMetadata, trailers: CallMetadata) {
    try call(path, metadata: metadata, timeout: timeout).unary(message)
  }

  /// Begins a call of any kind. Letting go of it cancels it.
  /// - Parameter timeout: seconds until DEADLINE_EXCEEDED; sent to the server too.
  public func call(_ path: String, metadata: CallMetadata = CallMetadata(), timeout: Double? = nil)
    throws(GRPCStatus) -> ClientCall
  {
    ClientCall(try begin(path, metadata, timeout))
  }

  private func begin(_ path: String, _ metadata: CallMetadata, _ timeout: Double?) throws(GRPCStatus)
    -> ClientCallCore
  {
    if let fault = metadata.fault { throw GRPCStatus(.internalError, fault) }
    let deadline = timeout.map { MonotonicTime.now + GRPCTimeout.duration(seconds: $0) }
    var headers = head
    headers.append(":path", path)
    headers.append("te", "trailers")
    headers.append("content-type", "application/grpc")
    headers.append("user-agent", options.userAgent)
    let core = ClientCallCore(options, connector, headers, metadata, deadline)
    core.begin(on: try connector.connection(deadline))
    return core
  }
}
