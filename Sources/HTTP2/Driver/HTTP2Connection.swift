// A connection as the layers above see it: who is at the other end, and on a client, where requests begin.

import Synchronization

/// One connection. Every method may be called from any thread.
///
/// It stays open until one side closes it, also when nobody holds it any more.
/// It outlives the socket: streams and others may hold it for as long as they like, and it costs little then.
public final class HTTP2Connection: Sendable {
  /// Where the peer is; for a Unix socket the path may be empty.
  public let peer: SocketAddress
  public let local: SocketAddress
  public let isServer: Bool
  let loop: EventLoop
  private let streamOptions: StreamOptions
  /// Keeps the loop's thread while there is somebody to hear from it.
  private let group: EventLoopGroup

  private struct State {
    var tls: TLSInfo?
    var error: HTTP2Error?
    var isDraining = false
    var whenClosed: [@Sendable (HTTP2Error?) -> Void] = []
  }
  private let state = Mutex(State())

  // SAFETY: set, read and cleared on the loop's thread only. The driver clears it when it closes, which ends the cycle.
  nonisolated(unsafe) var onLoop: ConnectionDriver?

  init(
    peer: SocketAddress, local: SocketAddress, isServer: Bool, group: EventLoopGroup,
    streamOptions: StreamOptions
  ) {
    self.peer = peer
    self.local = local
    self.isServer = isServer
    self.group = group
    loop = group.pick()
    self.streamOptions = streamOptions
  }

  /// What TLS settled; nil without TLS.
  public var tls: TLSInfo? { state.withLock { $0.tls } }

  /// Whether new streams have a chance: the connection is open and neither side drains it.
  public var isOpen: Bool { state.withLock { $0.error == nil && !$0.isDraining } }

  /// Why the connection ended; nil while it has not. An end in order is `.disconnected` or `.draining`.
  public var error: HTTP2Error? { state.withLock { $0.error } }

  /// Begins a request (client). When the server allows no more streams just now, it waits for its turn.
  ///
  /// A fault, also one that is known at once, comes as `closed` of the handler, on the loop's thread.
  /// - Parameter makeHandler: makes who hears the response; it is called at once, and what it returns is used on the
  ///   loop's thread only.
  public func request(
    _ headers: HeaderList, handler makeHandler: (HTTP2Stream) -> sending any StreamHandler
  ) -> HTTP2Stream {
    precondition(!isServer, "a server does not begin requests")
    let stream = HTTP2Stream(self, streamOptions)
    stream.state.handler = makeHandler(stream)
    stream.state.request = headers
    if loop.isCurrent { stream.beginRequest() } else { loop.run { stream.beginRequest() } }
    return stream
  }

  /// Takes no new streams from here on, lets those that run finish, and closes.
  public func drain() { loop.run { self.onLoop?.beginDrain(force: nil) } }

  /// Ends the connection and its streams now.
  public func close(_ code: ErrorCode = .noError) {
    loop.run { self.onLoop?.terminate(HTTP2Error(.disconnected, "the connection was closed by us"), code) }
  }

  /// Calls back once, on the loop's thread, when the connection has ended; at once if it has.
  public func whenClosed(_ body: @escaping @Sendable (HTTP2Error?) -> Void) {
    let error = state.withLock { state in
      if state.error == nil { state.whenClosed.append(body) }
      return state.error
    }
    if let error { body(error) }
  }

  // MARK: The loop's side

  func set(tls: TLSInfo) { state.withLock { $0.tls = tls } }
  func setDraining() { state.withLock { $0.isDraining = true } }

  func setClosed(_ error: HTTP2Error) {
    let waiting = state.withLock { state in
      state.error = state.error ?? error
      defer { state.whenClosed = [] }
      return state.whenClosed
    }
    for body in waiting { body(error) }
  }
}

extension HTTP2Stream {
  /// On the loop: hands the request to the connection, or says that there is none.
  func beginRequest() {
    guard let driver = connection.onLoop else {
      let error = connection.error ?? HTTP2Error(.draining, "the connection is closed")
      close(error)
      let handler = state.handler
      state.handler = nil
      handler?.closed(error)
      return
    }
    driver.begin(self)
  }
}
