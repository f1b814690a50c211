// What all calls of a server share, and the way of a request to its handler.

import HTTP2
import Memory
import Synchronization

/// Takes requests on the loops' threads.
final class ServerCore: RequestHandler {
  let options: GRPCServerOptions
  let interceptors: [any ServerInterceptor]
  /// Messages that nobody has received.
  let unread: UnreadAccount
  let deadlines = DeadlineWatch()
  let pool: WorkerPool
  private let methods: [String: GRPCMethod]
  let isDraining = Atomic<Bool>(false)
  let callsTotal = Atomic<Int>(0)
  /// Calls whose handlers outlast a turn of the loop.
  private let running = Guarded(Running())
  private struct Running {
    var calls: [ObjectIdentifier: ServerCall] = [:]
    var waiters: [Signal] = []
  }

  init(_ methods: [GRPCMethod], _ options: GRPCServerOptions, _ interceptors: [any ServerInterceptor]) {
    self.options = options
    self.interceptors = interceptors
    // The first of two with the same path counts.
    self.methods = Dictionary(methods.map { ($0.path, $0) }) { first, _ in first }
    unread = UnreadAccount(limit: options.unreadTotal)
    pool = WorkerPool(limit: options.workerThreads, waiting: options.waitingCalls)
  }

  deinit { pool.close() }

  var runningCalls: [ServerCall] { running.withLock { Array($0.calls.values) } }
  var runningCount: Int { running.withLock { $0.calls.count } }

  /// Waits for the handlers that have been cancelled to notice.
  func waitUntilIdle(_ limit: Duration) {
    let signal = running.withLock { running -> Signal? in
      if running.calls.isEmpty { return nil }
      let signal = Signal()
      running.waiters.append(signal)
      return signal
    }
    _ = signal?.wait(limit)
  }

  // MARK: Requests

  func handle(_ request: HeaderList, on stream: HTTP2Stream) -> any StreamHandler {
    callsTotal.wrappingAdd(1, ordering: .relaxed)
    let path = request.path ?? ""
    do throws(RequestHead.Refusal) {
      let head = try RequestHead(request)
      guard let method = methods[path] else { throw RequestHead.Refusal(unimplemented(path)) }
      if isDraining.load(ordering: .relaxed) {
        throw RequestHead.Refusal(GRPCStatus(.unavailable, "the server is shutting down"))
      }
      let call = ServerCall(self, method, head, request, stream)
      if method.kind != .immediate { try begin(call) }
      return ServerCallInput(call)
    } catch {
      // HTTP clients that are no gRPC commonly take an answer before the end of their request for a fault.
      if error.isGRPC { stream.finish(trailers: error.fields) }
      if !interceptors.isEmpty {
        let summary = CallSummary(
          path: path, peer: stream.connection.peer.description, subject: stream.connection.tls?.peerSubject,
          status: error.status, started: MonotonicTime.now, duration: .zero)
        for interceptor in interceptors { interceptor.callEnded(summary) }
      }
      return RefusedRequest(stream, answer: error.isGRPC ? nil : error.fields)
    }
  }

  private func unimplemented(_ path: String) -> GRPCStatus {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].isEmpty else {
      return GRPCStatus(.unimplemented, "'\(path)' is not /service/method")
    }
    let isKnown = methods.keys.contains { $0.hasPrefix("/\(parts[1])/") }
    return GRPCStatus(
      .unimplemented,
      isKnown ? "service \(parts[1]) has no method \(parts[2])" : "there is no service \(parts[1])")
  }

  /// A call that lasts: it is known by name, and its deadline is watched.
  private func begin(_ call: ServerCall) throws(RequestHead.Refusal) {
    running.withLock { $0.calls[ObjectIdentifier(call)] = call }
    if let deadline = call.deadline {
      let key = deadlines.add(deadline) { [weak call] in
        call?.cancel(GRPCStatus(.deadlineExceeded, "the deadline has passed"), tellsPeer: true)
      }
      call.state.withLock { $0.deadlineKey = key }
    }
    guard call.method.kind == .blocking else { return }
    guard pool.submit({ [self] in run(call) }) else {
      forget(call)
      throw RequestHead.Refusal(GRPCStatus(.unavailable, "the server is busy: too many calls run and wait"))
    }
  }

  /// Runs interceptors and handler, on whichever thread this is.
  func run(_ call: ServerCall) {
    do {
      for interceptor in interceptors { try interceptor.callStarted(call) }
      if let deadline = call.deadline, MonotonicTime.now >= deadline {
        throw GRPCStatus(.deadlineExceeded, "the deadline has passed")
      }
      if let status = call.cancellation { throw status }
      try call.method.handle(call)
      if call.method.kind != .detached { call.end(.ok) }
    } catch {
      call.end(GRPCStatus(mapping: error))
    }
  }

  private func forget(_ call: ServerCall) {
    if let key = call.state.withLock({ $0.deadlineKey }) { deadlines.remove(key) }
    let waiters = running.withLock { running -> [Signal] in
      running.calls[ObjectIdentifier(call)] = nil
      guard running.calls.isEmpty, !running.waiters.isEmpty else { return [] }
      defer { running.waiters = [] }
      return running.waiters
    }
    for signal in waiters { signal.raise() }
  }

  /// Once a call, after its handler.
  func ended(_ call: ServerCall, _ status: GRPCStatus, _ counts: ServerCallState.Counts) {
    defer { if call.method.kind != .immediate { forget(call) } }
    if interceptors.isEmpty { return }
    let summary = CallSummary(
      path: call.path, peer: call.peer, subject: call.tls?.peerSubject, status: status, started: call.started,
      duration: MonotonicTime.now - call.started, messagesIn: counts.messagesIn,
      messagesOut: counts.messagesOut, bytesIn: counts.bytesIn, bytesOut: counts.bytesOut)
    for interceptor in interceptors { interceptor.callEnded(summary) }
  }
}

/// The rest of a request that was answered at once; nobody wants it.
private final class RefusedRequest: StreamHandler {
  private let stream: HTTP2Stream
  /// What is still to be said.
  private var answer: HeaderList?
  private var received = 0
  private static let patience = 64 << 10

  init(_ stream: HTTP2Stream, answer: HeaderList?) {
    self.stream = stream
    self.answer = answer
  }

  func received(_ bytes: RawSpan, isInPlace: Bool) {
    stream.consume(bytes.byteCount)
    received += bytes.byteCount
    if received > RefusedRequest.patience { finish() }
  }

  func ended(trailers: HeaderList) { finish() }

  private func finish() {
    if let answer { stream.finish(trailers: answer) }
    answer = nil
  }

  func closed(_ error: HTTP2Error?) {}
}

/// Bytes of messages that wait in all calls together.
final class UnreadAccount: Sendable {
  private let bytes = Atomic<Int>(0)
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  var inUse: Int { bytes.load(ordering: .relaxed) }

  /// - Returns: whether they are within the limit; they are counted in any case.
  func add(_ n: Int) -> Bool { bytes.wrappingAdd(n, ordering: .relaxed).newValue <= limit }

  func release(_ n: Int) { if n > 0 { bytes.wrappingSubtract(n, ordering: .relaxed) } }
}
