// A connected or listening socket: system calls with would-block as a value.

import CLinux
import Glibc

/// One non-blocking socket, closed with its last owner.
final class Socket: Sendable {
  enum Transfer {
    case bytes(Int)
    case wouldBlock
    /// The peer has closed in order.
    case end
    case failed(HTTP2Error)
  }

  let descriptor: Int32

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  deinit { Glibc.close(descriptor) }

  static func make(family: Int32) throws(HTTP2Error) -> Socket {
    let type = c_socket_stream | c_socket_flags
    let descriptor = socket(family, type, 0)
    guard descriptor >= 0 else { throw HTTP2Error.system("make a socket") }
    return Socket(descriptor)
  }

  func set(_ level: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
  }

  /// Small answers leave at once: frames are gathered here, not in the kernel.
  func setNoDelay() { set(Int32(IPPROTO_TCP), TCP_NODELAY, 1) }

  var localAddress: RawAddress {
    var address = RawAddress()
    _ = address.fill { getsockname(descriptor, $0, $1) }
    return address
  }

  var peerAddress: RawAddress {
    var address = RawAddress()
    _ = address.fill { getpeername(descriptor, $0, $1) }
    return address
  }

  /// What became of a connection attempt: 0 or an `errno`.
  var pendingError: Int32 {
    var value: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &value, &length)
    return value
  }

  /// Reads into two places in one call: what does not fit the first goes to the second.
  func read(_ first: UnsafeMutableRawBufferPointer, _ second: UnsafeMutableRawBufferPointer) -> Transfer {
    while true {
      var n: Int
      if first.count == 0 {
        n = recv(descriptor, second.baseAddress, second.count, 0)
      } else {
        n = withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2) { vectors in
          vectors[0] = iovec(iov_base: first.baseAddress, iov_len: first.count)
          vectors[1] = iovec(iov_base: second.baseAddress, iov_len: second.count)
          return readv(descriptor, vectors.baseAddress, 2)
        }
      }
      if n > 0 { return .bytes(n) }
      if n == 0 { return .end }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .wouldBlock
      default: return .failed(.system("read from the peer"))
      }
    }
  }

  func write(_ vectors: UnsafeMutableBufferPointer<iovec>) -> Transfer {
    var message = msghdr()
    message.msg_iov = vectors.baseAddress
    message.msg_iovlen = vectors.count
    while true {
      // Without MSG_NOSIGNAL a peer that is gone would end the process.
      let n = sendmsg(descriptor, &message, c_message_no_signal)
      if n >= 0 { return .bytes(n) }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .wouldBlock
      default: return .failed(.system("write to the peer"))
      }
    }
  }

  /// Tells the peer that nothing more comes.
  func shutdownWriting() { shutdown(descriptor, Int32(SHUT_WR)) }
}
