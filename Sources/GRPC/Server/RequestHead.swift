// The headers of a request: what they must be for it to be a call, and what else to answer.

import HTTP2

/// What gRPC wants to know of a request before its first message.
struct RequestHead {
  var timeout: Duration?

  /// Why a request is no call.
  struct Refusal: Error {
    /// The whole answer.
    var fields: HeaderList
    var status: GRPCStatus
    /// Whether a gRPC client is to read it.
    var isGRPC: Bool

    /// An answer in HTTP's own words, for those who do not speak gRPC.
    init(http: Int, _ message: String) {
      fields = HeaderList([(":status", String(http)), ("content-type", "text/plain")])
      if http == 405 { fields.append("allow", "POST") }
      status = GRPCStatus(.invalidArgument, message)
      isGRPC = false
    }

    init(_ status: GRPCStatus, _ more: [(String, String)] = []) {
      self.status = status
      isGRPC = true
      fields = StatusTrailers.only(status, initial: CallMetadata(), CallMetadata())
      for (name, value) in more { fields.append(name, value) }
    }
  }

  /// - Throws: in the order of PROTOCOL-HTTP2.md: is it HTTP POST, is it gRPC, is it one that we can read.
  init(_ fields: HeaderList) throws(Refusal) {
    guard fields.has(":method", "POST") else { throw Refusal(http: 405, "gRPC calls are POST") }
    guard RequestHead.isGRPC(fields) else { throw Refusal(http: 415, "content-type is not application/grpc") }
    // Its absence is let pass, as other servers do; proxies that drop trailers are rare by now.
    if fields.firstIndex(of: "te") != nil, !fields.has("te", "trailers") {
      throw Refusal(GRPCStatus(.internalError, "te is not trailers"))
    }
    if fields.firstIndex(of: "grpc-encoding") != nil, !fields.has("grpc-encoding", "identity") {
      let name = fields.first("grpc-encoding") ?? ""
      throw Refusal(
        GRPCStatus(.unimplemented, "messages in the encoding '\(name)' are not read here"),
        [("grpc-accept-encoding", "identity")])
    }
    if let index = fields.firstIndex(of: "grpc-timeout") {
      timeout = GRPCTimeout.parse(fields.valueBytes(index))
      guard timeout != nil else {
        throw Refusal(GRPCStatus(.internalError, "'\(fields.value(index))' is no grpc-timeout"))
      }
    }
    if let fault = CallMetadata.fault(ofReceived: fields) { throw Refusal(GRPCStatus(.internalError, fault)) }
  }

  private static let type = Array("application/grpc".utf8)

  /// `application/grpc`, with `+proto` or parameters behind it.
  static func isGRPC(_ fields: HeaderList) -> Bool {
    guard let index = fields.firstIndex(of: "content-type") else { return false }
    let value = fields.valueBytes(index)
    guard value.starts(with: type) else { return false }
    let rest = value.dropFirst(type.count)
    return rest.isEmpty || rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: ";")
  }
}
