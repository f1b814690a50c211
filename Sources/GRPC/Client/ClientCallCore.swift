// The state and the work behind a client's call; unary calls use it without the handle.

import HTTP2
import Memory
import Synchronization

final class ClientCallCore: Sendable {
  let options: GRPCClientOptions
  let deadline: MonotonicTime?
  let state = Mutex(ClientCallState())
  private let connector: Connector
  private let head: HeaderList
  private let metadata: CallMetadata

  init(
    _ options: GRPCClientOptions, _ connector: Connector, _ head: HeaderList, _ metadata: CallMetadata,
    _ deadline: MonotonicTime?
  ) {
    self.options = options
    self.connector = connector
    self.head = head
    self.metadata = metadata
    self.deadline = deadline
  }

  /// Begins the request, for the first or the second time.
  func begin(on connection: HTTP2Connection) {
    var headers = head
    if let deadline {
      headers.append("grpc-timeout", GRPCTimeout.format(deadline - MonotonicTime.now))
    }
    metadata.append(to: &headers)
    let attempt = state.withLock { $0.attempt }
    let stream = connection.request(headers) { stream in ClientCallInput(self, stream) }
    let isOver = state.withLock { state in
      if state.status != nil { return true }
      // Refused already, and begun again on another thread, which has sent what there was.
      if state.attempt != attempt { return false }
      // Under the lock, which keeps a `send` of now behind those of before. The stream's queue never calls back.
      for message in state.replay ?? [] { stream.send(message) }
      if state.isSendingFinished { stream.finish() }
      state.stream = stream
      return false
    }
    if isOver { stream.reset(.cancel) }
  }

  // MARK: Sending

  func send(_ message: [Buffer]) throws(GRPCStatus) {
    let (buffers, bytes) = try MessageFraming.frame(message, limit: options.maxSentMessage)
    try waitUntilWritable()
    let stream = try state.withLock { state throws(GRPCStatus) in try state.willSend(buffers, bytes) }
    stream?.send(buffers)
  }

  /// A unary call's message, and the end of sending.
  func sendOnly(_ message: [Buffer]) throws(GRPCStatus) {
    let (buffers, bytes) = try MessageFraming.frame(message, limit: options.maxSentMessage)
    let stream = state.withLock { state in
      // That the call has ended already is told by what follows.
      let stream = try? state.willSend(buffers, bytes)
      _ = state.finishSending()
      return stream
    }
    stream?.send(buffers)
    stream?.finish()
  }

  private func waitUntilWritable() throws(GRPCStatus) {
    while true {
      let stream = try state.withLock { state throws(GRPCStatus) in
        try state.checkSending()
        return state.stream
      }
      guard let stream, !stream.isWritable, stream.error == nil else { return }
      try checkDeadline()
      // What ended the stream becomes the call's status, in `ClientCallInput`.
      try? stream.waitUntilWritable(timeout: .milliseconds(50))
    }
  }

  func finishSending() {
    let stream = state.withLock { $0.finishSending() }
    stream?.finish()
  }

  // MARK: Receiving

  func receive() throws(GRPCStatus) -> Buffer? {
    while true {
      let (taken, stream, signal) = state.withLock { state -> (Inbox.Taken, HTTP2Stream?, Signal?) in
        let taken = state.inbox.take()
        if case .nothing = taken { return (taken, nil, state.wait(for: .message)) }
        return (taken, state.stream, nil)
      }
      switch taken {
      case .message(let message, let consumed, _):
        if consumed > 0 { stream?.consume(consumed) }
        return message
      case .end(let status):
        if let status { throw status }
        return nil
      case .nothing: if let signal { try wait(signal) }
      }
    }
  }

  func waitForEnd() throws(GRPCStatus) {
    let signal = state.withLock { $0.status == nil ? $0.wait(for: .end) : nil }
    if let signal { try wait(signal) }
  }

  func initialMetadata() -> CallMetadata {
    while true {
      let (initial, signal) = state.withLock { state -> (CallMetadata?, Signal?) in
        if let initial = state.initial { return (initial, nil) }
        return state.status != nil ? (CallMetadata(), nil) : (nil, state.wait(for: .headers))
      }
      if let initial { return initial }
      if let signal { try? wait(signal) }
    }
  }

  var trailers: CallMetadata { state.withLock { $0.trailers } }
  var status: GRPCStatus? { state.withLock { $0.status } }

  private func wait(_ signal: Signal) throws(GRPCStatus) {
    guard let deadline else {
      _ = signal.wait(nil)
      return
    }
    if !signal.wait(max(.zero, deadline - MonotonicTime.now)) { try checkDeadline() }
  }

  /// The server may not have noticed, or cannot say so: the client ends the call by itself.
  private func checkDeadline() throws(GRPCStatus) {
    guard let deadline, MonotonicTime.now >= deadline else { return }
    let status = GRPCStatus(.deadlineExceeded, "the deadline has passed")
    cancel(status)
    throw self.status ?? status
  }

  // MARK: The end

  func cancel(_ status: GRPCStatus) {
    let (isEnd, stream, waiters) = state.withLock { state -> (Bool, HTTP2Stream?, [Signal]) in
      guard state.cancel(status) else { return (false, nil, []) }
      return (true, state.stream, state.takeWaiters(for: .end))
    }
    guard isEnd else { return }
    stream?.reset(.cancel)
    for signal in waiters { signal.raise() }
  }

  /// The server has spoken its last, or nobody can hear it.
  func end(_ status: GRPCStatus, trailers: CallMetadata = CallMetadata()) {
    let waiters = state.withLock { state -> [Signal] in
      _ = state.end(status, trailers: trailers)
      return state.takeWaiters(for: .end)
    }
    for signal in waiters { signal.raise() }
  }

  /// The server has not begun, and says that it will not: once more, on another connection. On a thread of its own,
  /// because making a connection may block and this is an event loop's.
  /// - Returns: false when that is not possible.
  func retry() -> Bool {
    guard state.withLock({ $0.mayRetry() }) else { return false }
    return startThread { [self] in
      do throws(GRPCStatus) {
        begin(on: try connector.connection(deadline))
      } catch {
        end(error)
      }
    }
  }
}
