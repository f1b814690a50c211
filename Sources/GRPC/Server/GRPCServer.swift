// A server of gRPC methods: listens, answers, and ends in order.

import HTTP2
import Memory
import Synchronization

/// Serves methods over TCP, TLS and Unix sockets, with health and reflection beside them.
///
///     let server = GRPCServer(methods: methods, options: GRPCServerOptions(), interceptors: [JSONCallLog()])
///     let address = try server.listen(on: .tcp(host: "127.0.0.1", port: 0), tls: nil)
///     …
///     server.shutdown(within: 30)
///
/// It runs until `shutdown` or `close`; letting go of it closes it.
public final class GRPCServer: Sendable {
  /// The health service's statuses; set by whoever knows how the services are.
  public let health: HealthService
  /// What reflection tells; modules register their own files.
  public let descriptors: DescriptorRegistry
  private let core: ServerCore

  private struct State {
    var wire: HTTP2Server?
    var isOver = false
  }
  private let state = Mutex(State())

  /// - Parameter interceptors: called in this order.
  public init(
    methods: [GRPCMethod], options: GRPCServerOptions = GRPCServerOptions(),
    interceptors: [any ServerInterceptor] = []
  ) {
    let health = HealthService()
    let descriptors = DescriptorRegistry()
    self.health = health
    self.descriptors = descriptors
    var methods = methods
    if options.servesHealth {
      methods += health.methods
      descriptors.registerOwn(WellKnownFiles.health)
    }
    if options.servesReflection {
      methods += ReflectionService.methods(descriptors)
      for file in WellKnownFiles.reflection { descriptors.registerOwn(file) }
    }
    descriptors.setServices(of: methods)
    core = ServerCore(methods, options, interceptors)
  }

  deinit { close() }

  /// Begins to accept connections; may be called for several addresses.
  /// - Returns: the address with the port that the system chose, if it was 0.
  @discardableResult
  public func listen(on address: SocketAddress, tls: TLSContext? = nil) throws(HTTP2Error) -> SocketAddress {
    let wire = try state.withLock { state throws(HTTP2Error) in
      if state.isOver { throw HTTP2Error(.draining, "the server has been stopped") }
      if let wire = state.wire { return wire }
      let wire = try HTTP2Server(options: core.options.http2, handler: core)
      state.wire = wire
      return wire
    }
    return try wire.listen(on: address, tls: tls)
  }

  /// Takes no new connections and calls, lets running ones finish, and cancels with UNAVAILABLE what still runs after
  /// `seconds`. Blocks until then; not for a loop's thread.
  /// - Returns: whether everything finished by itself.
  @discardableResult
  public func shutdown(within seconds: Double) -> Bool {
    core.isDraining.store(true, ordering: .relaxed)
    health.drain()
    let limit = GRPCTimeout.duration(seconds: seconds)
    let core = core
    let key = core.deadlines.add(MonotonicTime.now + limit) {
      for call in core.runningCalls {
        call.cancel(GRPCStatus(.unavailable, "the server is shutting down"), tellsPeer: true)
      }
    }
    // The statuses of what is cancelled have half a second to leave.
    let isDone = stop { $0.shutdown(within: limit + .milliseconds(500)) }
    core.deadlines.remove(key)
    core.waitUntilIdle(.seconds(1))
    return isDone
  }

  /// Ends everything now; handlers that still run find their calls cancelled.
  public func close() {
    core.isDraining.store(true, ordering: .relaxed)
    health.drain()
    _ = stop {
      $0.close()
      return true
    }
  }

  private func stop(_ body: (HTTP2Server) -> Bool) -> Bool {
    let wire = state.withLock { state in
      state.isOver = true
      defer { state.wire = nil }
      return state.wire
    }
    let isDone = wire.map(body) ?? true
    core.pool.close()
    return isDone
  }

  public var metrics: GRPCServerMetrics {
    GRPCServerMetrics(
      wire: state.withLock { $0.wire?.metrics }, callsRunning: core.runningCount,
      callsTotal: core.callsTotal.load(ordering: .relaxed), unreadBytes: core.unread.inUse,
      workerThreads: core.pool.threads)
  }
}

/// A snapshot of a server's counts.
public struct GRPCServerMetrics: Sendable {
  /// Connections, streams and bytes; nil before the server listens and after its end.
  public var wire: Metrics?
  /// `.blocking` and `.detached` calls; `.immediate` ones are over before anybody could look.
  public var callsRunning: Int
  public var callsTotal: Int
  /// Bytes of messages that no handler has received yet.
  public var unreadBytes: Int
  public var workerThreads: Int
}
