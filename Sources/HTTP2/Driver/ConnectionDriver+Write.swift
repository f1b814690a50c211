// From the streams' queues to the socket: many frames a system call, none copied.

import CLinux
import Glibc

extension ConnectionDriver {
  /// What a session may have waiting for the socket; with the kernel's own buffer, enough to keep a link busy.
  private static let outputLimit = 1 << 20
  /// What a connection may write before others on the loop have their turn.
  private static let bytesPerTurn = 4 << 20

  func flushOutput() {
    guard phase == .open || phase == .handshaking, socket != nil else { return }
    isFlushing = true
    var left = phase == .open ? ConnectionDriver.bytesPerTurn : 0
    if phase == .handshaking, !isWriteBlocked { writeCipher() }
    while phase == .open {
      fetchScheduled()
      if session.output.count < ConnectionDriver.outputLimit {
        session.drain(limit: ConnectionDriver.outputLimit)
        handleEvents()
        guard phase == .open else { break }
        if !scheduled.isEmpty { continue }
      }
      if !hasOutput || isWriteBlocked { break }
      left -= write()
      if left <= 0 {
        loop.setDirty(self)
        break
      }
    }
    isFlushing = false
    guard phase == .open || phase == .handshaking, let socket else { return }
    if isWriteBlocked != isWaitingToWrite {
      isWaitingToWrite = isWriteBlocked
      loop.change(self, socket.descriptor, c_epoll_in | (isWriteBlocked ? c_epoll_out : 0))
    }
    if phase == .open, !hasOutput, scheduled.isEmpty, session.isFinished { linger() }
  }

  var hasOutput: Bool { !session.output.isEmpty || !(tls?.output.isEmpty ?? true) }

  /// - Returns: bytes that left.
  private func write() -> Int {
    guard let tls else {
      guard let socket else { return 0 }
      let result = session.output.withVectors(limit: .max, into: loop.vectors) { vectors in
        (socket.write(vectors), vectors.reduce(0) { $0 + $1.iov_len })
      }
      return noteWrite(result.0, wanted: result.1) { session.output.take($0) }
    }
    do throws(HTTP2Error) {
      try tls.encrypt(session.output, staging: loop.staging)
    } catch {
      destroy(error)
      return 0
    }
    return writeCipher()
  }

  @discardableResult
  func writeCipher() -> Int {
    guard let tls, let socket, tls.output.count > 0 else { return 0 }
    loop.vectors[0] = iovec(
      iov_base: UnsafeMutableRawPointer(mutating: tls.output.baseAddress), iov_len: tls.output.count)
    let result = socket.write(UnsafeMutableBufferPointer(rebasing: loop.vectors[..<1]))
    return noteWrite(result, wanted: tls.output.count) {
      tls.takeOutput($0, keepsMemory: !session.output.isEmpty)
    }
  }

  private func noteWrite(_ result: Socket.Transfer, wanted: Int, _ take: (Int) -> Void) -> Int {
    switch result {
    case .bytes(let n):
      take(n)
      core.metrics.bytesSent.wrappingAdd(n, ordering: .relaxed)
      // Less than asked for means that the next call would block.
      isWriteBlocked = n < wanted
      if hasOutput { writeLimit.progress(at: loop.now) } else { writeLimit.rest() }
      return n
    case .wouldBlock:
      isWriteBlocked = true
      writeLimit.wait(at: loop.now)
    case .end: break
    case .failed(let error): peerClosed(error)
    }
    return 0
  }
}
