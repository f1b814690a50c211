// Where to listen and where to connect: names as people write them, and what the system makes of them.

import CLinux
import Glibc

/// A place on the network or in the file system.
public enum SocketAddress: Sendable, Hashable {
  /// A name or number, IPv4 or IPv6 (without brackets), and a port; port 0 lets the system choose.
  case tcp(host: String, port: Int)
  case unix(path: String)

  public var isUnix: Bool { if case .unix = self { true } else { false } }
}

extension SocketAddress: CustomStringConvertible {
  /// `127.0.0.1:31337`, `[::1]:31337`, `unix:/run/fletch`
  public var description: String {
    switch self {
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }
}

/// An address as system calls take it.
struct RawAddress {
  var storage = sockaddr_storage()
  var length = socklen_t(MemoryLayout<sockaddr_storage>.size)

  var family: Int32 { Int32(storage.ss_family) }

  func withPointer<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
    withUnsafePointer(to: storage) { pointer in
      // SAFETY: sockaddr_storage is made to be seen as any kind of sockaddr.
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
  }

  /// Lets a system call fill the address in.
  mutating func fill(_ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32)
    -> Int32
  {
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = withUnsafeMutablePointer(to: &storage) { pointer in
      // SAFETY: as above; `length` tells the system how much room there is.
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, &length) }
    }
    self.length = length
    return result
  }

  /// The address in words; numbers, never names.
  var address: SocketAddress {
    if family == AF_UNIX {
      let path = withUnsafeBytes(of: storage) { bytes in
        let text = bytes[MemoryLayout<sa_family_t>.size..<min(Int(length), bytes.count)]
        return String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
      }
      return .unix(path: path)
    }
    var host = [UInt8](repeating: 0, count: Int(NI_MAXHOST))
    var port = [UInt8](repeating: 0, count: Int(NI_MAXSERV))
    let result = withPointer { pointer, length in
      host.withUnsafeMutableBytes { host in
        port.withUnsafeMutableBytes { port in
          getnameinfo(
            pointer, length, host.baseAddress!.assumingMemoryBound(to: CChar.self), socklen_t(host.count),
            port.baseAddress!.assumingMemoryBound(to: CChar.self), socklen_t(port.count),
            NI_NUMERICHOST | NI_NUMERICSERV)
        }
      }
    }
    guard result == 0 else { return .tcp(host: "?", port: 0) }
    let text = { (bytes: [UInt8]) in String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
    return .tcp(host: text(host), port: Int(text(port)) ?? 0)
  }

  /// What an address may mean, in the order of preference. Names are looked up, which blocks.
  static func resolve(_ address: SocketAddress, isPassive: Bool) throws(HTTP2Error) -> [RawAddress] {
    switch address {
    case .unix(let path): return [try unix(path)]
    case .tcp(let host, let port):
      guard (0...65535).contains(port) else { throw HTTP2Error(.invalid, "there is no port \(port)") }
      var hints = addrinfo()
      hints.ai_socktype = c_socket_stream
      hints.ai_flags = AI_NUMERICSERV | (isPassive ? AI_PASSIVE : 0)
      var list: UnsafeMutablePointer<addrinfo>?
      let result = getaddrinfo(host.isEmpty ? nil : host, String(port), &hints, &list)
      guard result == 0 else {
        throw HTTP2Error(.invalid, "cannot find '\(host)': \(String(cString: gai_strerror(result)))")
      }
      defer { freeaddrinfo(list) }
      var found: [RawAddress] = []
      var next = list
      while let entry = next?.pointee {
        var raw = RawAddress()
        raw.length = entry.ai_addrlen
        withUnsafeMutableBytes(of: &raw.storage) {
          $0.copyMemory(from: UnsafeRawBufferPointer(start: entry.ai_addr, count: Int(entry.ai_addrlen)))
        }
        found.append(raw)
        next = entry.ai_next
      }
      return found
    }
  }

  private static func unix(_ path: String) throws(HTTP2Error) -> RawAddress {
    var raw = RawAddress()
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let room = MemoryLayout.size(ofValue: address.sun_path)
    guard !bytes.isEmpty, bytes.count < room, !bytes.contains(0) else {
      throw HTTP2Error(.invalid, "'\(path)' cannot be a socket: it must have 1 to \(room - 1) bytes")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    withUnsafeBytes(of: address) { source in
      withUnsafeMutableBytes(of: &raw.storage) { $0.copyMemory(from: source) }
    }
    raw.length = socklen_t(MemoryLayout<sockaddr_un>.size)
    return raw
  }
}
