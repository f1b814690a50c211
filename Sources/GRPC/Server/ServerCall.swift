// One call as its handler sees it, and the state behind it.

import HTTP2
import Memory
import Synchronization

/// A call on a server. Every method may be called from any thread; those that block, block that thread only.
///
/// The call ends when its handler returns or throws; after a cancel the handler should do so soon. Nothing that a peer
/// or a handler does here traps.
public final class ServerCall: Sendable {
  /// `/package.Service/Method`
  public let path: String
  public let metadata: CallMetadata
  /// When the client gives up (`grpc-timeout`).
  public let deadline: MonotonicTime?
  public let started: MonotonicTime

  let core: ServerCore
  let stream: HTTP2Stream
  let method: GRPCMethod
  let state: Mutex<ServerCallState>

  init(
    _ core: ServerCore, _ method: GRPCMethod, _ request: RequestHead, _ fields: HeaderList,
    _ stream: HTTP2Stream
  ) {
    self.core = core
    self.method = method
    self.stream = stream
    path = method.path
    metadata = CallMetadata(received: fields)
    started = MonotonicTime.now
    deadline = request.timeout.map { [started] in started + $0 }
    state = Mutex(ServerCallState())
  }

  /// The client's address; for a Unix socket the path may be empty.
  public var peer: String { stream.connection.peer.description }

  /// What the call came over. No other that is open is the same object.
  public var connection: HTTP2Connection { stream.connection }

  /// What TLS settled, with the subject of a verified client certificate; nil without TLS.
  public var tls: TLSInfo? { stream.connection.tls }

  /// Something of an interceptor's for the handler: who the caller is, for example.
  public var attachment: (any Sendable)? {
    get { state.withLock { $0.attachment } }
    set { state.withLock { $0.attachment = newValue } }
  }

  // MARK: Cancellation

  public var isCancelled: Bool { state.withLock { $0.cancelled != nil } }

  /// Why the call was cancelled: by the client, its deadline, a limit, or the server's end.
  public var cancellation: GRPCStatus? { state.withLock { $0.cancelled } }

  /// Calls `handler` once if the call is cancelled before it ends, at once if it has been; on any thread, so it must
  /// not block.
  public func onCancel(_ handler: @escaping @Sendable (GRPCStatus) -> Void) {
    let status = state.withLock { state in
      if state.cancelled == nil, !state.isEnded { state.onCancel.append(handler) }
      return state.cancelled
    }
    if let status { handler(status) }
  }

  // MARK: Messages

  /// The next message of the request, alone in 64-byte aligned memory of its size; nil when there are no more. Blocks.
  /// - Throws: why the call was cancelled.
  public func receive() throws(GRPCStatus) -> Buffer? {
    while true {
      let signal: Signal
      switch state.withLock({ $0.take() }) {
      case .message(let message, let consumed, let released):
        core.unread.release(released)
        if consumed > 0 { stream.consume(consumed) }
        return message
      case .end(let status):
        if let status { throw status }
        return nil
      case .wait(let mine): signal = mine
      }
      // On the loop's thread nothing is ever waited for.
      guard method.kind == .blocking else { return nil }
      _ = signal.wait(nil)
    }
  }

  /// Sends one message: the buffers behind one another, by reference, so they must not change. Blocks while the peer does
  /// not read and some megabytes wait (`StreamOptions.highWatermark`); handlers on the loop's thread do not wait.
  /// - Parameter isHeld: whether it may wait for the next message, the call's end or `flush`, whichever is first. For small ones that
  ///   another follows at once: each that is sent by itself wakes two threads, one here and one at the client's.
  /// - Throws: why the call was cancelled; RESOURCE_EXHAUSTED for a message over the limit, which is not sent.
  public func send(_ message: [Buffer], isHeld: Bool = false) throws(GRPCStatus) {
    let (buffers, bytes) = try MessageFraming.frame(message, limit: core.options.maxSentMessage)
    if method.kind == .blocking { try waitUntilWritable() }
    let headers = try state.withLock { state throws(GRPCStatus) in try state.beginSending(bytes) }
    if let headers { stream.send(headers: headers, isHeld: true) }
    stream.send(buffers, isHeld: isHeld)
  }

  /// Sends what was held.
  public func flush() { stream.flush() }

  private func waitUntilWritable() throws(GRPCStatus) {
    while !stream.isWritable {
      if let status = cancellation { throw status }
      do throws(HTTP2Error) {
        // Not for ever: a cancel by us ends the stream in order and wakes nobody there.
        try stream.waitUntilWritable(timeout: .milliseconds(50))
      } catch {
        if error.kind == .timedOut, stream.error == nil { continue }
        throw cancellation ?? ServerCall.cancelStatus(error, deadline)
      }
    }
  }

  /// Adds to the initial metadata, which goes out before the first message or, without one, with the status. Too late
  /// after the first message: it is dropped then.
  public func sendMetadata(_ metadata: CallMetadata) { state.withLock { $0.initial.add(metadata) } }

  /// Sends the initial metadata now, before there is a message.
  public func flushMetadata() throws(GRPCStatus) {
    if let headers = try state.withLock({ state throws(GRPCStatus) in try state.beginHeaders() }) {
      stream.send(headers: headers)
    }
  }

  /// Adds to the metadata that is sent with the status.
  public func setTrailers(_ metadata: CallMetadata) { state.withLock { $0.trailers.add(metadata) } }

  // MARK: The end

  /// Ends a `.detached` call; the first end counts. Other calls end with their handler.
  public func end(_ status: GRPCStatus = .ok) {
    let ending = state.withLock { $0.end(status) }
    guard let ending else { return }
    if let fields = ending.fields { stream.finish(trailers: fields) }
    core.unread.release(ending.released)
    core.ended(self, ending.status, ending.counts)
  }

  /// Ends the call's work; the handler hears of it and returns in its own time.
  /// - Parameter tellsPeer: whether the peer should be sent the status: it is still there.
  func cancel(_ status: GRPCStatus, tellsPeer: Bool) {
    let cancelling = state.withLock { $0.cancel(status, tellsPeer: tellsPeer) }
    guard let cancelling else { return }
    if let fields = cancelling.fields {
      let isBlocked = stream.queuedBytes > 0
      stream.finish(trailers: fields)
      // Behind what the peer does not read the status would never arrive.
      if isBlocked {
        let stream = stream
        _ = core.deadlines.add(MonotonicTime.now + .seconds(1)) { stream.reset(.cancel) }
      }
    }
    core.unread.release(cancelling.released)
    for signal in cancelling.waiters { signal.raise() }
    for handler in cancelling.handlers { handler(status) }
  }

  /// What the end of a stream that was not finished means.
  static func cancelStatus(_ error: HTTP2Error, _ deadline: MonotonicTime?) -> GRPCStatus {
    if let deadline, MonotonicTime.now >= deadline {
      return GRPCStatus(.deadlineExceeded, "the deadline has passed")
    }
    if case .reset(.cancel) = error.kind {
      return GRPCStatus(.cancelled, "the client has cancelled the call")
    }
    return GRPCStatus(.cancelled, error.message)
  }
}
