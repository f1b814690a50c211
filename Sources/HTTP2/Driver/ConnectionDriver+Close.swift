// How a connection ends: by a limit, by the peer, in order, or at once.

import CLinux
import Glibc

extension ConnectionDriver {
  /// A limit was passed: GOAWAY says which, then the connection closes.
  func end(_ breach: Breach) {
    endReason = endReason ?? breach.error
    session.fail(breach)
    handleEvents()
    loop.setDirty(self)
  }

  /// Ends the connection by our own will.
  func terminate(_ error: HTTP2Error, _ code: ErrorCode) {
    guard phase == .open else { return destroy(error) }
    endReason = endReason ?? error
    session.terminate(code)
    closeStreams(error)
    loop.setDirty(self)
  }

  /// The peer has closed its side, or the connection is broken: HTTP/2 has no half-closed connections.
  func peerClosed(_ error: HTTP2Error?) {
    destroy(endReason ?? error ?? .disconnected)
  }

  /// Everything is said: tell the peer so, and read what it still sends for a moment.
  ///
  /// Closing a socket with unread bytes makes the kernel send a reset, and the peer may then never see our GOAWAY.
  func linger() {
    guard phase != .lingering, phase != .closed, let socket else { return }
    let reason =
      endReason ?? session.failure
      ?? (isDraining || session.isPeerDraining
        ? HTTP2Error(.draining, "the connection has drained") : .disconnected)
    endReason = reason
    tls?.close()
    writeCipher()
    guard phase != .closed else { return }
    phase = .lingering
    socket.shutdownWriting()
    loop.change(self, socket.descriptor, c_epoll_in)
    lingerUntil = loop.now + .seconds(1)
    connection.setDraining()
    closeStreams(reason)
  }

  func closeStreams(_ error: HTTP2Error) {
    let open = streams
    streams = [:]
    for (_, stream) in open { close(stream, stream.state.error ?? error) }
    let waiting = scheduled
    scheduled = []
    // Requests that never began.
    for stream in waiting where stream.state.request != nil {
      stream.state.request = nil
      close(stream, HTTP2Error(.draining, "the connection closed before the request began: \(error.message)"))
    }
  }

  /// Closes the socket and forgets everything.
  func destroy(_ error: HTTP2Error) {
    guard phase != .closed, let socket else { return }
    phase = .closed
    loop.remove(self, socket.descriptor)
    self.socket = nil
    connection.onLoop = nil
    closeStreams(error)
    loop.load.wrappingSubtract(1, ordering: .relaxed)
    core.metrics.connectionsOpen.wrappingSubtract(1, ordering: .relaxed)
    onReady?(error)
    onReady = nil
    connection.setClosed(error)
    core.didClose(connection)
  }
}
