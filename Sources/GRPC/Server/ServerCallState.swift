// What a server call has come to: a value that the call's lock guards, whose changes say what to do after unlocking.

import HTTP2
import Memory

struct ServerCallState {
  struct Counts {
    var messagesIn = 0
    var messagesOut = 0
    var bytesIn = 0
    var bytesOut = 0
  }

  var inbox = Inbox()
  var initial = CallMetadata()
  var trailers = CallMetadata()
  var attachment: (any Sendable)?
  var onCancel: [@Sendable (GRPCStatus) -> Void] = []
  /// In the deadline watch.
  var deadlineKey: UInt64?
  private(set) var counts = Counts()
  private(set) var cancelled: GRPCStatus?
  /// The handler is done.
  private(set) var isEnded = false
  private var hasSentHeaders = false
  /// The status is on its way, or there is nobody to send it to.
  private var hasSentStatus = false
  private var waiters: [Signal] = []

  enum Taken {
    case message(Buffer, consumed: Int, released: Int)
    case end(GRPCStatus?)
    case wait(Signal)
  }

  mutating func take() -> Taken {
    if let cancelled { return .end(cancelled) }
    switch inbox.take() {
    case .message(let message, let consumed, let released):
      return .message(message, consumed: consumed, released: released)
    case .end(let status): return .end(status)
    case .nothing:
      let signal = Signal()
      waiters.append(signal)
      return .wait(signal)
    }
  }

  mutating func takeWaiters() -> [Signal] {
    if waiters.isEmpty { return [] }
    defer { waiters = [] }
    return waiters
  }

  mutating func arrived(_ message: Buffer) {
    inbox.append(message)
    counts.messagesIn += 1
    counts.bytesIn += message.count
  }

  /// - Returns: the headers, if they are to be sent now.
  mutating func beginHeaders() throws(GRPCStatus) -> HeaderList? {
    if let cancelled { throw cancelled }
    if isEnded { throw GRPCStatus(.internalError, "the call has ended") }
    if hasSentHeaders { return nil }
    if let fault = initial.fault { throw GRPCStatus(.internalError, fault) }
    hasSentHeaders = true
    var headers = StatusTrailers.okHeaders
    initial.append(to: &headers)
    return headers
  }

  mutating func beginSending(_ bytes: Int) throws(GRPCStatus) -> HeaderList? {
    let headers = try beginHeaders()
    counts.messagesOut += 1
    counts.bytesOut += bytes
    return headers
  }

  /// The fields that carry the status, once.
  private mutating func statusFields(_ status: GRPCStatus) -> HeaderList? {
    guard !hasSentStatus else { return nil }
    hasSentStatus = true
    if hasSentHeaders { return StatusTrailers.trailers(status, trailers) }
    if let fault = initial.fault {
      return StatusTrailers.only(GRPCStatus(.internalError, fault), initial: CallMetadata(), trailers)
    }
    return StatusTrailers.only(status, initial: initial, trailers)
  }

  struct Ending {
    var status: GRPCStatus
    var fields: HeaderList?
    var released: Int
    var counts: Counts
  }

  /// The handler is done.
  mutating func end(_ wanted: GRPCStatus) -> Ending? {
    guard !isEnded else { return nil }
    isEnded = true
    onCancel = []
    let status = cancelled ?? wanted
    let fields = statusFields(status)
    return Ending(status: status, fields: fields, released: inbox.discard(status), counts: counts)
  }

  struct Cancelling {
    var fields: HeaderList?
    var released: Int
    var waiters: [Signal]
    var handlers: [@Sendable (GRPCStatus) -> Void]
  }

  mutating func cancel(_ status: GRPCStatus, tellsPeer: Bool) -> Cancelling? {
    guard !isEnded, cancelled == nil else { return nil }
    cancelled = status
    let fields = tellsPeer ? statusFields(status) : nil
    hasSentStatus = true
    defer { onCancel = [] }
    return Cancelling(
      fields: fields, released: inbox.discard(status), waiters: takeWaiters(), handlers: onCancel)
  }
}
