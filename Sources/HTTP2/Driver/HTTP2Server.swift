// A server: listens on any number of addresses, hands requests to one handler, and ends in order.

import Synchronization

/// An HTTP/2 server over TCP, TLS (ALPN `h2`) and Unix sockets; without TLS by prior knowledge.
///
///     let server = try HTTP2Server(handler: myHandler)
///     let address = try server.listen(on: .tcp(host: "127.0.0.1", port: 0))
///     …
///     server.shutdown(within: .seconds(30))
///
/// It runs until `shutdown` or `close`; letting go of it closes it.
public final class HTTP2Server: Sendable {
  private let core: DriverCore
  private let options: ServerOptions
  private let group: EventLoopGroup
  private let registry: Registry

  /// What is open, for shutting down.
  private final class Registry: Sendable {
    struct State {
      var connections: [ObjectIdentifier: HTTP2Connection] = [:]
      /// Each stops one acceptor on its loop, and then raises the signal.
      var acceptors: [@Sendable (Signal) -> Void] = []
      var waiters: [Signal] = []
      var isStopped = false
    }
    let state = Mutex(State())

    func remove(_ connection: HTTP2Connection) {
      let waiters = state.withLock { state -> [Signal] in
        state.connections[ObjectIdentifier(connection)] = nil
        guard state.connections.isEmpty else { return [] }
        defer { state.waiters = [] }
        return state.waiters
      }
      for waiter in waiters { waiter.raise() }
    }
  }

  /// - Parameter group: loops to share with others; nil makes one loop a core for this server.
  public init(
    options: ServerOptions = ServerOptions(), group: EventLoopGroup? = nil, handler: any RequestHandler
  ) throws(HTTP2Error) {
    self.options = options
    if let group { self.group = group } else { self.group = try EventLoopGroup(name: "server") }
    let registry = Registry()
    self.registry = registry
    core = DriverCore(
      session: options.session, stream: options.stream, keepAlive: options.keepAlive,
      metrics: MetricsRecorder(),
      handler: handler, didClose: { registry.remove($0) })
  }

  deinit { close() }

  public var metrics: Metrics { core.metrics.snapshot() }

  /// Begins to accept connections.
  /// - Returns: the address with the port that the system chose, if it was 0.
  @discardableResult
  public func listen(on address: SocketAddress, tls: TLSContext? = nil) throws(HTTP2Error) -> SocketAddress {
    if registry.state.withLock({ $0.isStopped }) {
      throw HTTP2Error(.draining, "the server has been stopped")
    }
    let socket = try ListeningSocket(address, backlog: options.backlog)
    let bound = socket.address
    let loop = group.pick()
    loop.load.wrappingSubtract(1, ordering: .relaxed)
    let (core, group, registry, limit) = (core, group, registry, options.connections)
    // SAFETY: the acceptor is made here and from then on used on its loop only.
    nonisolated(unsafe) let acceptor = Acceptor(socket, loop) { socket in
      HTTP2Server.take(socket, bound, tls, core, group, registry, limit: limit)
    }
    loop.run { acceptor.start() }
    let isLate = registry.state.withLock { state in
      state.acceptors.append { signal in
        loop.run {
          acceptor.stop()
          signal.raise()
        }
      }
      return state.isStopped
    }
    if isLate { stopListening() }
    return bound
  }

  private static func take(
    _ socket: Socket, _ local: SocketAddress, _ tls: TLSContext?, _ core: DriverCore, _ group: EventLoopGroup,
    _ registry: Registry, limit: Int
  ) {
    let open = core.metrics.connectionsOpen.wrappingAdd(1, ordering: .relaxed).newValue
    guard open <= limit else {
      core.metrics.connectionsOpen.wrappingSubtract(1, ordering: .relaxed)
      return core.metrics.count(.connections)
    }
    core.metrics.connectionsTotal.wrappingAdd(1, ordering: .relaxed)
    let connection = HTTP2Connection(
      peer: socket.peerAddress.address, local: local, isServer: true, group: group, streamOptions: core.stream
    )
    let loop = connection.loop
    registry.state.withLock { $0.connections[ObjectIdentifier(connection)] = connection }
    loop.run {
      do throws(HTTP2Error) {
        let engine = try tls.map { context throws(HTTP2Error) in
          try TLSEngine(context.handle, isServer: true, host: nil)
        }
        let driver = ConnectionDriver(socket, connection, core, tls: engine, isConnected: true)
        driver.start()
        // Stopped between the accept and now: what `close` told the connection found no driver.
        if registry.state.withLock({ $0.isStopped }) {
          driver.destroy(HTTP2Error(.draining, "the server has been stopped"))
        }
      } catch {
        core.metrics.connectionsOpen.wrappingSubtract(1, ordering: .relaxed)
        loop.load.wrappingSubtract(1, ordering: .relaxed)
        registry.remove(connection)
      }
    }
  }

  // MARK: The end

  /// Accepts no more connections; those that run go on. When this returns, ports are free and paths are removed (except
  /// on a loop's thread, which cannot wait).
  public func stopListening() {
    let acceptors = registry.state.withLock { state in
      defer { state.acceptors = [] }
      return state.acceptors
    }
    let signal = Signal()
    for stop in acceptors { stop(signal) }
    if isOnLoop { return }
    for _ in acceptors { _ = signal.wait(nil) }
  }

  private var isOnLoop: Bool { group.loops.contains { $0.isCurrent } }

  /// Accepts no more connections, tells every client to begin no more requests, and waits until those that run have
  /// finished; what still runs after `limit` is ended. Blocks, so not for a loop's thread.
  /// - Returns: whether everything finished by itself.
  @discardableResult
  public func shutdown(within limit: Duration) -> Bool {
    let signal = Signal()
    let open = registry.state.withLock { state in
      state.isStopped = true
      if !state.connections.isEmpty { state.waiters.append(signal) }
      return Array(state.connections.values)
    }
    stopListening()
    for connection in open { connection.drain() }
    let isDone = open.isEmpty || signal.wait(limit)
    close()
    return isDone
  }

  /// Ends everything now, and waits a moment for the connections to have said so.
  public func close() {
    let signal = Signal()
    let open = registry.state.withLock { state in
      state.isStopped = true
      if !state.connections.isEmpty { state.waiters.append(signal) }
      return Array(state.connections.values)
    }
    stopListening()
    for connection in open { connection.close() }
    if !open.isEmpty, !isOnLoop { _ = signal.wait(.seconds(2)) }
  }
}
