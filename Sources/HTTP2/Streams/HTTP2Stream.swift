// One request and its response, as other threads see it: what to send goes in a queue, and the loop fetches it.

import Memory
import Synchronization

/// How much a stream queues before its producer is asked to wait. Bytes.
public struct StreamOptions: Sendable {
  /// At this many queued bytes `isWritable` turns false …
  public var highWatermark = 2 << 20
  /// … and true again at this many.
  public var lowWatermark = 1 << 20

  public init() {}
}

/// A stream. Every method may be called from any thread and returns at once, except `waitUntilWritable`.
///
/// What is sent is queued in order and goes out when the peer's window allows. Nothing is copied: a buffer's owner is
/// released when its bytes are with the kernel (or encrypted). `send` always takes what it is given; a producer that
/// looks at `isWritable`, or waits, before each `send` has at most `highWatermark` and one `send` in memory.
public final class HTTP2Stream: Sendable {
  /// The connection: who the peer is.
  public let connection: HTTP2Connection
  private let outbox: Mutex<StreamOutbox>

  // SAFETY: both are touched on the loop's thread only; `connection.loop` says which that is.
  nonisolated(unsafe) var id: Int32 = 0
  // Unchecked exclusivity: each access is one statement, see `HTTP2Session.streams`.
  @exclusivity(unchecked) nonisolated(unsafe) var state = StreamLoopState()

  init(_ connection: HTTP2Connection, _ options: StreamOptions) {
    self.connection = connection
    outbox = Mutex(StreamOutbox(options))
  }

  // MARK: Sending

  /// Sends the response headers (server); once, and first.
  /// - Parameter isHeld: whether they may wait for what is sent next, or for `flush`: waking the loop costs more than a small message.
  public func send(headers: HeaderList, isHeld: Bool = false) {
    post(wakesLoop: !isHeld) { $0.headers = headers }
  }

  /// Sends body bytes by reference; they must not change until they are released.
  public func send(_ buffer: Buffer) { post { $0.append(buffer) } }

  /// Sends several, in order, with one wake-up of the loop.
  /// - Parameter isHeld: as for headers.
  public func send(_ buffers: [Buffer], isHeld: Bool = false) {
    post(wakesLoop: !isHeld) { outbox in for buffer in buffers { outbox.append(buffer) } }
  }

  /// Sends what was held.
  public func flush() { post { _ in } }

  /// Ends what we send, with trailers or without. On a server without `send(headers:)` before it, the trailers are the
  /// whole answer, so they begin with `:status`.
  public func finish(trailers: HeaderList? = nil) {
    post { outbox in
      if !outbox.isFinished { outbox.trailers = trailers }
      outbox.isFinished = true
    }
  }

  /// A whole response in one go.
  public func respond(headers: HeaderList, body: [Buffer] = [], trailers: HeaderList? = nil) {
    post { outbox in
      outbox.headers = headers
      for buffer in body { outbox.append(buffer) }
      outbox.trailers = trailers
      outbox.isFinished = true
    }
  }

  /// Ends the stream in both directions, at once; what is queued is dropped, and who waits is woken with an error.
  public func reset(_ code: ErrorCode = .cancel) {
    let error = HTTP2Error(.reset(code), "the stream was reset by us: \(code)")
    post(whenOpen: false) { outbox in
      outbox.reset = outbox.reset ?? code
      outbox.refuse(error)
    }
    wakeWaiters()
  }

  /// Declares received bytes used, so that the peer may send as many more.
  public func consume(_ bytes: Int) { post { $0.consumed += bytes } }

  // MARK: Back-pressure

  /// Whether the queue has room, and the stream is open.
  public var isWritable: Bool { outbox.withLock { $0.isWritable } }

  /// Bytes given to `send` that have not left for the kernel.
  public var queuedBytes: Int { outbox.withLock { $0.queued } }

  /// Why nothing can be sent any more; nil while something can.
  public var error: HTTP2Error? { outbox.withLock { $0.error } }

  /// Blocks until the queue has room. `reset` from any thread, the peer's reset, and the end of the connection wake it.
  /// - Throws: what ended the stream, or `.timedOut`.
  public func waitUntilWritable(timeout: Duration? = nil) throws(HTTP2Error) {
    precondition(!connection.loop.isCurrent, "waiting on the loop's thread would wait for ever")
    let signal = Signal()
    let (done, error) = outbox.withLock { $0.wait(.thread(signal)) }
    if let error { throw error }
    if done { return }
    guard signal.wait(timeout) else {
      _ = outbox.withLock {
        $0.removeWaiter { if case .thread(let other) = $0 { other === signal } else { false } }
      }
      throw HTTP2Error(.timedOut, "the peer did not read for \(timeout ?? .zero)")
    }
    if let error = self.error { throw error }
  }

  /// Suspends until the queue has room.
  /// - Throws: what ended the stream, or `.cancelled` when the task is.
  public func writable() async throws(HTTP2Error) {
    let token = WaitToken()
    let result: HTTP2Error? = await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<HTTP2Error?, Never>) in
        let (done, error) = outbox.withLock { $0.wait(.task(token, continuation)) }
        if done || error != nil { return continuation.resume(returning: error) }
        // The handler below may have run before there was anything to cancel.
        if Task.isCancelled { cancelWait(token) }
      }
    } onCancel: {
      cancelWait(token)
    }
    if let result { throw result }
  }

  private func cancelWait(_ token: WaitToken) {
    let waiter = outbox.withLock { outbox in
      outbox.removeWaiter { if case .task(let other, _) = $0 { other === token } else { false } }
    }
    if case .task(_, let continuation) = waiter {
      continuation.resume(returning: HTTP2Error(.cancelled, "the task was cancelled"))
    }
  }

  // MARK: The loop's side

  private func post(
    whenOpen: Bool = true, wakesLoop: Bool = true, _ change: (inout sending StreamOutbox) -> Void
  ) {
    let mustSchedule = outbox.withLock { outbox in
      if whenOpen, outbox.error != nil { return false }
      change(&outbox)
      if !wakesLoop { return false }
      defer { outbox.isScheduled = true }
      return !outbox.isScheduled
    }
    guard mustSchedule else { return }
    if connection.loop.isCurrent { flushScheduled() } else { connection.loop.add(.stream(self)) }
  }

  /// Asks the connection to fetch the outbox in this turn.
  func flushScheduled() { connection.onLoop?.schedule(self) }

  /// Everything that was queued since the last time.
  func takeOutbox() -> StreamOutbox.Work { outbox.withLock { $0.take() } }

  /// Bytes have left; wakes producers when there is room again.
  func didSend(_ bytes: Int) {
    let hasRoom = outbox.withLock { $0.didSend(bytes) }
    guard hasRoom else { return }
    wakeWaiters()
    state.handler?.writable()
  }

  /// Nothing more can be sent.
  func close(_ error: HTTP2Error) {
    outbox.withLock { $0.refuse(error) }
    wakeWaiters()
  }

  private func wakeWaiters() {
    let (waiters, error) = outbox.withLock { ($0.takeWaiters(), $0.error) }
    for waiter in waiters {
      switch waiter {
      case .thread(let signal): signal.raise()
      case .task(_, let continuation): continuation.resume(returning: error)
      }
    }
  }
}

/// What the loop keeps for a stream.
struct StreamLoopState {
  var handler: (any StreamHandler)?
  /// In the connection's list of streams to fetch from.
  var isListed = false
  var hasSentHeaders = false
  var hasEnded = false
  var trailers = HeaderList()
  /// Why it was reset by us, to be told when it is closed.
  var error: HTTP2Error?
  var bodyProgress: ProgressLimit
  var readerProgress: ProgressLimit
  /// What a client's request began with, until it is submitted.
  var request: HeaderList?

  init(_ limits: ConnectionLimits = ConnectionLimits()) {
    bodyProgress = ProgressLimit(limits.bodyProgress)
    readerProgress = ProgressLimit(limits.readerProgress)
  }
}
