// grpc.health.v1: whether each service is able to serve, asked once or watched.

import Memory
import Protobuf
import Synchronization

/// The health of a server's services. The empty name stands for the whole server, which serves until it drains.
public final class HealthService: Sendable {
  public enum ServingStatus: Int64, Sendable { case unknown, serving, notServing, serviceUnknown }

  private struct State {
    var statuses: [String: ServingStatus] = ["": .serving]
    var isDraining = false
    var watchers: [ObjectIdentifier: (call: ServerCall, service: String, last: ServingStatus?)] = [:]
  }
  private let state = Mutex(State())

  init() {}

  /// Sets a service's status and tells those who watch it. Once the server drains, nothing serves any more.
  public func set(_ status: ServingStatus, for service: String = "") {
    state.withLock { $0.statuses[service] = status }
    tellWatchers()
  }

  /// What `Check` would say; nil for a service that was never set.
  public func status(of service: String) -> ServingStatus? {
    state.withLock { HealthService.status(of: service, $0) }
  }

  private static func status(of service: String, _ state: State) -> ServingStatus? {
    guard let status = state.statuses[service] else { return nil }
    return state.isDraining ? .notServing : status
  }

  /// Tells everybody NOT_SERVING, and ends the watches: they would hold their connections open.
  func drain() {
    let isFirst = state.withLock { state in
      defer { state.isDraining = true }
      return !state.isDraining
    }
    guard isFirst else { return }
    tellWatchers()
    let watchers = state.withLock { state in
      defer { state.watchers = [:] }
      return state.watchers
    }
    for (_, watcher) in watchers {
      watcher.call.end(GRPCStatus(.unavailable, "the server is shutting down"))
    }
  }

  // MARK: Methods

  var methods: [GRPCMethod] {
    [
      GRPCMethod("/grpc.health.v1.Health/Check", kind: .immediate) { [self] call in
        let service = try HealthService.service(try call.receive() ?? .empty)
        guard let status = status(of: service) else {
          throw GRPCStatus(.notFound, "the service '\(service)' is not known")
        }
        try call.send([HealthService.response(status)])
      },
      GRPCMethod("/grpc.health.v1.Health/Watch", kind: .detached) { [self] call in
        let service = try HealthService.service(try call.receive() ?? .empty)
        call.onCancel { [weak self, weak call] status in
          guard let call else { return }
          _ = self?.state.withLock { $0.watchers.removeValue(forKey: ObjectIdentifier(call)) }
          call.end(status)
        }
        let isOver = state.withLock { state in
          if !state.isDraining { state.watchers[ObjectIdentifier(call)] = (call, service, nil) }
          return state.isDraining
        }
        if isOver { throw GRPCStatus(.unavailable, "the server is shutting down") }
        // Cancelled in between: nobody would take it out any more.
        if call.isCancelled { _ = state.withLock { $0.watchers.removeValue(forKey: ObjectIdentifier(call)) } }
        tellWatchers()
      },
    ]
  }

  /// Sends every watcher its service's status if that is not what it heard last.
  private func tellWatchers() {
    let news = state.withLock { state in
      var news: [(ServerCall, ServingStatus)] = []
      for (key, watcher) in state.watchers {
        let status = HealthService.status(of: watcher.service, state) ?? .serviceUnknown
        guard status != watcher.last else { continue }
        state.watchers[key]?.last = status
        news.append((watcher.call, status))
      }
      return news
    }
    for (call, status) in news { try? call.send([HealthService.response(status)]) }
  }

  private static func service(_ request: Buffer) throws(DataError) -> String {
    var reader = ProtobufReader(request)
    var service = ""
    while let field = try reader.next() { if field.number == 1 { service = try field.string() } }
    return service
  }

  private static func response(_ status: ServingStatus) -> Buffer {
    var writer = ProtobufWriter()
    writer.integer(1, status.rawValue)
    return Buffer(copying: writer.bytes)
  }
}
