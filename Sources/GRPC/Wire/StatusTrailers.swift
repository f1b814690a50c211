// A status as header fields, both ways.

import HTTP2

enum StatusTrailers {
  private static let okTrailers = HeaderList([("grpc-status", "0")])
  static let okHeaders = HeaderList([(":status", "200"), ("content-type", "application/grpc")])

  /// What ends an answer whose headers are sent.
  static func trailers(_ status: GRPCStatus, _ metadata: CallMetadata) -> HeaderList {
    if status.code == .ok, status.message.isEmpty, status.details.isEmpty, metadata.fields.isEmpty {
      return okTrailers
    }
    var list = HeaderList()
    append(status, metadata, to: &list)
    return list
  }

  /// A whole answer without messages (PROTOCOL-HTTP2.md, "Trailers-Only").
  static func only(_ status: GRPCStatus, initial: CallMetadata, _ metadata: CallMetadata) -> HeaderList {
    var list = okHeaders
    initial.append(to: &list)
    append(status, metadata, to: &list)
    return list
  }

  /// What an error may say and carry. Common clients refuse header lists of more than 8 KiB.
  private static let messageLimit = 4096
  private static let detailsLimit = 4096

  private static func append(_ status: GRPCStatus, _ metadata: CallMetadata, to list: inout HeaderList) {
    var status = status
    var metadata = metadata
    if let fault = metadata.fault {
      metadata = CallMetadata()
      if status.code == .ok { status = GRPCStatus(.internalError, fault) }
    }
    list.append("grpc-status", String(status.code.rawValue))
    if !status.message.isEmpty {
      list.append("grpc-message", bytes: PercentCoding.encode(status.message, limit: messageLimit))
    }
    if !status.details.isEmpty, status.details.count <= detailsLimit {
      list.append("grpc-status-details-bin", Base64.encode(status.details))
    }
    metadata.append(to: &list)
  }

  /// The status in trailers, or in the headers of a trailers-only answer; nil when there is none.
  static func status(in list: HeaderList) -> GRPCStatus? {
    guard let index = list.firstIndex(of: "grpc-status") else { return nil }
    let text = list.value(index)
    // A code that is not one of the seventeen is UNKNOWN (statuscodes.md).
    let code = Int(text).flatMap { GRPCStatus.Code(rawValue: $0) } ?? .unknown
    let message = list.firstIndex(of: "grpc-message").map { PercentCoding.decode(list.valueBytes($0)) } ?? ""
    let details = list.firstIndex(of: "grpc-status-details-bin").flatMap {
      Base64.decode(list.valueBytes($0))
    }
    return GRPCStatus(code, message, details: details ?? [])
  }
}
