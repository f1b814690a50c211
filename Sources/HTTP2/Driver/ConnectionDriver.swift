// One connection on its loop: a socket, perhaps TLS, a session, and the streams of the layer above.

import CLinux
import Glibc

/// Moves bytes between the socket and the session, and events between the session and the streams. On its loop's
/// thread only. What it does is in the extensions: `+Read`, `+Write`, `+Streams`, `+Time`, `+Close`.
final class ConnectionDriver: LoopMember {
  enum Phase {
    /// TCP is not yet through (client).
    case connecting
    /// TLS is not yet through.
    case handshaking
    case open
    /// Everything is said; what the peer still sends is read and dropped, so that the last GOAWAY is not lost to a TCP
    /// reset.
    case lingering
    case closed
  }

  let loop: EventLoop
  let core: DriverCore
  let connection: HTTP2Connection
  let session: HTTP2Session
  let tls: TLSEngine?
  var socket: Socket?
  var phase: Phase
  // Unchecked exclusivity: each access is one statement, see `HTTP2Session.streams`.
  @exclusivity(unchecked) var streams: [Int32: HTTP2Stream] = [:]
  /// Streams whose outbox must be fetched.
  @exclusivity(unchecked) var scheduled: [HTTP2Stream] = []
  /// The socket takes nothing just now; epoll tells when it does.
  var isWriteBlocked = false
  var isWaitingToWrite = false
  var isFlushing = false
  var hasPeerSettings = false
  /// Told once: nil when the connection is ready for requests.
  var onReady: (@Sendable (HTTP2Error?) -> Void)?
  /// Why it ends, when that is known before it has ended.
  var endReason: HTTP2Error?
  /// Where the bytes that are being fed lie, when that is where a handler wanted them.
  var inPlace: UnsafeRawPointer?

  /// The last body bytes went straight to their place.
  var isReadingDirect = false

  var handshakeLimit: ProgressLimit
  var writeLimit: ProgressLimit
  var lifetime: LifetimeLimit
  var keepAlive: KeepAlive
  /// When to give up waiting for the answer to the ping behind a shutdown notice.
  var noticeUntil: MonotonicTime?
  var isDraining = false
  /// When to end what still runs.
  var drainUntil: MonotonicTime?
  var lingerUntil: MonotonicTime?

  init(
    _ socket: Socket, _ connection: HTTP2Connection, _ core: DriverCore, tls: TLSEngine?, isConnected: Bool
  ) {
    loop = connection.loop
    self.socket = socket
    self.connection = connection
    self.core = core
    self.tls = tls
    phase = !isConnected ? .connecting : tls != nil ? .handshaking : .open
    session = HTTP2Session(role: core.isServer ? .server : .client, options: core.session)
    let limits = core.session.limits
    handshakeLimit = ProgressLimit(limits.handshake)
    writeLimit = ProgressLimit(limits.writeProgress)
    lifetime = LifetimeLimit(limits, opened: loop.now, spread: Double.random(in: -1...1))
    keepAlive = KeepAlive(core.keepAlive, opened: loop.now)
  }

  /// Enters the loop.
  func start() {
    guard let socket else { return }
    if loop.isOver { return stop() }
    connection.onLoop = self
    handshakeLimit.wait(at: loop.now)
    let events = phase == .connecting ? c_epoll_out : c_epoll_in
    loop.register(self, socket.descriptor, events, tickInterval: core.tickInterval)
    if phase != .connecting { begin() }
  }

  /// TCP is through.
  private func begin() {
    if phase == .handshaking { advanceHandshake() }
    loop.setDirty(self)
  }

  override func ready(_ events: UInt32) {
    if phase == .connecting {
      guard let socket else { return }
      let error = socket.pendingError
      guard error == 0 else {
        return destroy(.system("connect to \(connection.peer)", error))
      }
      phase = tls != nil ? .handshaking : .open
      loop.change(self, socket.descriptor, c_epoll_in)
      return begin()
    }
    if events & c_epoll_out != 0 {
      isWriteBlocked = false
      loop.setDirty(self)
    }
    if events & ~c_epoll_out != 0 { read() }
  }

  override func flush() { flushOutput() }
  override func tick(_ now: MonotonicTime) { checkLimits(now) }
  override func stop() { destroy(HTTP2Error(.disconnected, "the event loop has stopped")) }

  /// SETTINGS have come: on a client, requests may begin.
  func becomeReady() {
    guard !hasPeerSettings else { return }
    hasPeerSettings = true
    handshakeLimit.rest()
    onReady?(nil)
    onReady = nil
  }
}
