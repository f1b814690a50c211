// A client: makes connections, and counts what goes through them. When to make another is up to the layer above.

import Glibc
import Synchronization

/// Opens HTTP/2 connections over TCP, TLS and Unix sockets.
public final class HTTP2Client: Sendable {
  private let core: DriverCore
  private let options: ClientOptions
  private let group: EventLoopGroup

  /// - Parameter group: loops to share with others; nil makes one loop for this client.
  public init(options: ClientOptions = ClientOptions(), group: EventLoopGroup? = nil) throws(HTTP2Error) {
    var options = options
    options.session.limits.handshake = options.connectTimeout
    self.options = options
    if let group { self.group = group } else { self.group = try EventLoopGroup(count: 1, name: "client") }
    core = DriverCore(
      session: options.session, stream: options.stream, keepAlive: options.keepAlive,
      metrics: MetricsRecorder(),
      handler: nil, didClose: { _ in })
  }

  public var metrics: Metrics { core.metrics.snapshot() }

  /// Connects and calls back, on a loop's thread, when requests may begin: TCP and TLS are through and the server's
  /// SETTINGS have come. The addresses of a name are tried one after the other. Looking the name up blocks the caller.
  public func connect(
    to address: SocketAddress, tls: TLSContext? = nil,
    _ done: @escaping @Sendable (Result<HTTP2Connection, HTTP2Error>) -> Void
  ) {
    do throws(HTTP2Error) {
      let addresses = try RawAddress.resolve(address, isPassive: false)
      attempt(addresses[...], address, tls, MonotonicTime.now + options.connectTimeout, done)
    } catch {
      done(.failure(error))
    }
  }

  private func attempt(
    _ addresses: ArraySlice<RawAddress>, _ name: SocketAddress, _ tls: TLSContext?, _ deadline: MonotonicTime,
    _ done: @escaping @Sendable (Result<HTTP2Connection, HTTP2Error>) -> Void
  ) {
    guard let address = addresses.first else {
      return done(.failure(HTTP2Error(.invalid, "there is no address for \(name)")))
    }
    let connection = HTTP2Connection(
      peer: address.address, local: name, isServer: false, group: group, streamOptions: options.stream)
    let loop = connection.loop
    core.metrics.connectionsOpen.wrappingAdd(1, ordering: .relaxed)
    core.metrics.connectionsTotal.wrappingAdd(1, ordering: .relaxed)
    loop.run { [self] in
      let onReady: @Sendable (HTTP2Error?) -> Void = { [self] error in
        guard let error else { return done(.success(connection)) }
        let rest = addresses.dropFirst()
        if case .system = error.kind, !rest.isEmpty, MonotonicTime.now < deadline {
          return attempt(rest, name, tls, deadline, done)
        }
        done(.failure(error))
      }
      do throws(HTTP2Error) {
        try open(address, name, tls, connection, onReady)
      } catch {
        core.metrics.connectionsOpen.wrappingSubtract(1, ordering: .relaxed)
        loop.load.wrappingSubtract(1, ordering: .relaxed)
        connection.setClosed(error)
        onReady(error)
      }
    }
  }

  /// On the loop.
  private func open(
    _ address: RawAddress, _ name: SocketAddress, _ tls: TLSContext?, _ connection: HTTP2Connection,
    _ onReady: @escaping @Sendable (HTTP2Error?) -> Void
  ) throws(HTTP2Error) {
    let socket = try Socket.make(family: address.family)
    if address.family != AF_UNIX { socket.setNoDelay() }
    var host: String?
    if case .tcp(let text, _) = name { host = text }
    let engine = try tls.map { context throws(HTTP2Error) in
      try TLSEngine(context.handle, isServer: false, host: host)
    }
    let result = address.withPointer { Glibc.connect(socket.descriptor, $0, $1) }
    // A Unix socket whose queue is full says EAGAIN, and never more.
    if result != 0, errno != EINPROGRESS { throw HTTP2Error.system("connect to \(name)") }
    let driver = ConnectionDriver(socket, connection, core, tls: engine, isConnected: result == 0)
    driver.onReady = onReady
    driver.start()
  }

  /// The same for a task.
  public func connect(to address: SocketAddress, tls: TLSContext? = nil) async throws(HTTP2Error)
    -> HTTP2Connection
  {
    let result = await withCheckedContinuation { continuation in
      connect(to: address, tls: tls) { continuation.resume(returning: $0) }
    }
    return try result.get()
  }

  /// The same for a thread that may block.
  public func connectBlocking(to address: SocketAddress, tls: TLSContext? = nil) throws(HTTP2Error)
    -> HTTP2Connection
  {
    let signal = Signal()
    let outcome = Mutex<Result<HTTP2Connection, HTTP2Error>?>(nil)
    let box = Box(outcome: outcome, signal: signal)
    connect(to: address, tls: tls) { result in
      box.outcome.withLock { $0 = result }
      box.signal.raise()
    }
    _ = box.signal.wait(nil)
    return try box.outcome.withLock { $0! }.get()
  }

  private final class Box: Sendable {
    let outcome: Mutex<Result<HTTP2Connection, HTTP2Error>?>
    let signal: Signal
    init(outcome: consuming Mutex<Result<HTTP2Connection, HTTP2Error>?>, signal: Signal) {
      self.outcome = outcome
      self.signal = signal
    }
  }
}
