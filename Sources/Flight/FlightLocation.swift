// Where a Flight server is, as its clients write it.

import HTTP2
import Memory

/// `grpc://host:port`, `grpc+tcp://…`, `grpc+tls://…` or `grpc+unix:///path`.
public struct FlightLocation: Sendable, Hashable, CustomStringConvertible {
  public let address: SocketAddress
  public let isTLS: Bool

  public init(_ address: SocketAddress, isTLS: Bool = false) {
    self.address = address
    self.isTLS = isTLS
  }

  /// - Parameter uri: without a scheme, `host:port` is plain TCP.
  public init(uri: String, defaultPort: Int = 8815) throws(DataError) {
    let schemes: [(String, Bool)] = [
      ("grpc://", false), ("grpc+tcp://", false), ("grpc+tls://", true), ("grpcs://", true),
    ]
    for prefix in ["grpc+unix://", "unix://", "unix:"] where uri.hasPrefix(prefix) {
      self.init(.unix(path: String(uri.dropFirst(prefix.count))))
      return
    }
    let known = schemes.first { uri.hasPrefix($0.0) }
    guard known != nil || !uri.contains("://") else {
      throw DataError(
        .invalid, "'\(uri)' is no Flight location; those begin with grpc://, grpc+tls:// or grpc+unix://")
    }
    var rest = Substring(uri.dropFirst(known?.0.count ?? 0))
    if rest.last == "/" { rest.removeLast() }
    var port = defaultPort
    // The colons of an IPv6 address stand in brackets.
    let end = rest.lastIndex(of: "]").map { rest.index(after: $0) } ?? rest.startIndex
    if let colon = rest[end...].lastIndex(of: ":") {
      guard let number = Int(rest[rest.index(after: colon)...]), (0...65_535).contains(number) else {
        throw DataError(.invalid, "'\(uri)' has no port after its colon")
      }
      port = number
      rest = rest[..<colon]
    }
    if rest.first == "[", rest.last == "]" { rest = rest.dropFirst().dropLast() }
    guard !rest.isEmpty else { throw DataError(.invalid, "'\(uri)' names no host") }
    self.init(.tcp(host: String(rest), port: port), isTLS: known?.1 ?? false)
  }

  public var description: String {
    switch address {
    case .unix(let path): "grpc+unix://\(path)"
    case .tcp: "\(isTLS ? "grpc+tls" : "grpc")://\(address)"
    }
  }
}
