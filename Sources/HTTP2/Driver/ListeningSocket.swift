// Making a listening socket: ports and paths, and what a path leaves behind.

import CLinux
import Glibc

/// A socket that accepts connections. A Unix socket's path is removed with it.
final class ListeningSocket {
  let socket: Socket
  /// Where it listens in fact: with the port that the system chose.
  let address: SocketAddress
  /// The path that we made, and which file it was: somebody may have put another there since.
  private var path: (name: String, device: dev_t, inode: ino_t)?

  /// - Parameter backlog: connections that wait to be accepted.
  init(_ wanted: SocketAddress, backlog: Int) throws(HTTP2Error) {
    let what = "listen on \(wanted)"
    guard let raw = try RawAddress.resolve(wanted, isPassive: true).first else {
      throw HTTP2Error(.invalid, "cannot \(what): it is no address")
    }
    let socket = try Socket.make(family: raw.family)
    self.socket = socket
    if case .unix(let path) = wanted {
      try ListeningSocket.removeStale(path, raw)
      // Before bind: the file is born with these permissions, and nobody can come between.
      fchmod(socket.descriptor, 0o600)
    } else {
      socket.set(SOL_SOCKET, SO_REUSEADDR, 1)
      // "::" takes IPv4 too, whatever the system's default is.
      if raw.family == AF_INET6 { socket.set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
    }
    guard raw.withPointer({ bind(socket.descriptor, $0, $1) }) == 0 else { throw HTTP2Error.system(what) }
    if case .unix(let path) = wanted {
      var status = stat()
      if stat(path, &status) == 0 { self.path = (path, status.st_dev, status.st_ino) }
      address = wanted
    } else {
      address = socket.localAddress.address
    }
    guard listen(socket.descriptor, Int32(clamping: backlog)) == 0 else { throw HTTP2Error.system(what) }
  }

  deinit { removePath() }

  func removePath() {
    guard let path else { return }
    var status = stat()
    if stat(path.name, &status) == 0, status.st_dev == path.device, status.st_ino == path.inode {
      unlink(path.name)
    }
    self.path = nil
  }

  /// Removes a socket that nobody listens on any more; anything else at the path is left alone, and `bind` says so.
  private static func removeStale(_ path: String, _ raw: RawAddress) throws(HTTP2Error) {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
    let probe = try Socket.make(family: AF_UNIX)
    if raw.withPointer({ connect(probe.descriptor, $0, $1) }) != 0, errno == ECONNREFUSED { unlink(path) }
  }

  enum Accepted {
    case socket(Socket)
    case none
    /// Out of descriptors or memory: the connection stays in the queue, so try again later, not at once.
    case exhausted
  }

  func accept() -> Accepted {
    while true {
      let flags = c_socket_flags
      let descriptor = accept4(socket.descriptor, nil, nil, flags)
      if descriptor >= 0 {
        let accepted = Socket(descriptor)
        if path == nil { accepted.setNoDelay() }
        return .socket(accepted)
      }
      switch errno {
      case EINTR, ECONNABORTED: continue
      case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted
      default: return .none
      }
    }
  }
}
