// What a client call has come to: a value that the call's lock guards.

import HTTP2
import Memory

struct ClientCallState {
  enum Event: Hashable { case message, headers, end }

  var inbox = Inbox()
  var stream: HTTP2Stream?
  private(set) var initial: CallMetadata?
  private(set) var trailers = CallMetadata()
  private(set) var status: GRPCStatus?
  private(set) var isSendingFinished = false
  /// What was sent so far, in case that the server says that it has not begun; nil once that cannot help any more.
  private(set) var replay: [[Buffer]]? = []
  private var replayBytes = 0
  private var hasRetried: Bool { attempt > 0 }
  /// How often the call has begun again.
  private(set) var attempt = 0
  private var waiters: [(signal: Signal, event: Event)] = []
  /// Cancelled by the user, who knows and need not read what came before.
  private var isCancelled = false

  /// The replay refers to the caller's buffers and would keep a long stream in memory.
  private static let replayLimit = 1 << 20

  mutating func wait(for event: Event) -> Signal {
    let signal = Signal()
    waiters.append((signal, event))
    return signal
  }

  mutating func takeWaiters(for event: Event) -> [Signal] {
    if waiters.isEmpty { return [] }
    let isMeant = { (waiter: (signal: Signal, event: Event)) in event == .end || waiter.event == event }
    let found = waiters.filter(isMeant).map(\.signal)
    waiters.removeAll(where: isMeant)
    return found
  }

  // MARK: Sending

  /// - Returns: where to send it; nil while the call is being begun again, which will send it.
  mutating func willSend(_ buffers: [Buffer], _ bytes: Int) throws(GRPCStatus) -> HTTP2Stream? {
    try checkSending()
    if replay != nil {
      replayBytes += bytes
      replay = replayBytes <= ClientCallState.replayLimit ? replay.map { $0 + [buffers] } : nil
    }
    return stream
  }

  func checkSending() throws(GRPCStatus) {
    if let status {
      throw status.code == .ok
        ? GRPCStatus(.cancelled, "the server has ended the call with OK and takes no more messages") : status
    }
    if isSendingFinished { throw GRPCStatus(.internalError, "a message after the end of sending") }
  }

  mutating func finishSending() -> HTTP2Stream? {
    isSendingFinished = true
    return stream
  }

  // MARK: Receiving

  mutating func came(headers: HeaderList) {
    initial = CallMetadata(received: headers)
    replay = nil
  }

  /// Whether the call may begin again after the server refused to begin it: once, when nothing came back, and when all
  /// that was sent is still here.
  mutating func mayRetry() -> Bool {
    guard status == nil, !hasRetried, initial == nil, replay != nil else { return false }
    attempt += 1
    stream = nil
    return true
  }

  /// - Returns: whether this is the end; the first one stays.
  mutating func end(_ status: GRPCStatus, trailers: CallMetadata) -> Bool {
    guard self.status == nil else { return false }
    self.status = status
    self.trailers = trailers
    replay = nil
    inbox.end(status.code == .ok ? nil : status)
    return true
  }

  mutating func cancel(_ status: GRPCStatus) -> Bool {
    guard end(status, trailers: CallMetadata()) else { return false }
    _ = inbox.discard(status)
    return true
  }
}
