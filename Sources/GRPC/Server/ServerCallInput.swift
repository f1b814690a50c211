// What a client sends on one stream: bytes to messages, and the moments at which a handler starts or must stop.

import HTTP2
import Memory

/// Hears a call's stream, on the loop's thread only.
final class ServerCallInput: StreamHandler {
  private let call: ServerCall
  private var deframer: MessageDeframer
  private var messages = 0
  private var hasStarted = false
  /// The call was ended for a fault: what still comes is dropped.
  private var isFaulty = false
  /// `deframer.memoryAhead`, as the server's account of unread bytes has it.
  private var ahead = 0
  /// What a call may hold whatever all of them hold together.
  private static let alwaysTaken = 4096

  init(_ call: ServerCall) {
    self.call = call
    deframer = MessageDeframer(limit: call.core.options.maxReceivedMessage)
  }

  func destination(upTo count: Int) -> UnsafeMutableRawBufferPointer? {
    isFaulty ? nil : deframer.destination
  }

  func received(_ bytes: RawSpan, isInPlace: Bool) {
    if isFaulty { return call.stream.consume(bytes.byteCount) }
    do throws(GRPCStatus) {
      try bytes.withUnsafeBytes { raw throws(GRPCStatus) in try deframe(raw, isInPlace) }
    } catch {
      fail(error)
    }
  }

  private func deframe(_ bytes: UnsafeRawBufferPointer, _ isInPlace: Bool) throws(GRPCStatus) {
    var rest = bytes
    while rest.count > 0 {
      let before = rest.count
      let message = try deframer.next(&rest, isInPlace: isInPlace)
      try took(before - rest.count, message)
      try account(deframer.memoryAhead)
    }
    if !hasStarted, messages > 0, call.method.kind == .detached { start() }
  }

  /// Enters memory that was made for bytes to come.
  private func account(_ ahead: Int) throws(GRPCStatus) {
    let more = ahead - self.ahead
    self.ahead = ahead
    if more < 0 { call.core.unread.release(-more) }
    if more > 0, !call.core.unread.add(more) { throw unreadTotalPassed }
  }

  private var unreadTotalPassed: GRPCStatus {
    GRPCStatus(
      .resourceExhausted,
      "messages that no handler has received pass the server's limit of \(call.core.options.unreadTotal) bytes"
    )
  }

  /// Enters bytes and perhaps a message into the call's account.
  private func took(_ bytes: Int, _ message: Buffer?) throws(GRPCStatus) {
    let (consumed, added, unread, waiters) = call.state.withLock { state in
      guard !state.inbox.isEnded else { return (bytes, 0, 0, [Signal]()) }
      let before = state.inbox.unread
      let consumed = state.inbox.arrived(bytes)
      var waiters: [Signal] = []
      if let message {
        state.arrived(message)
        waiters = state.takeWaiters()
      }
      return (consumed, state.inbox.unread - before, state.inbox.unread, waiters)
    }
    if message != nil { messages += 1 }
    if consumed > 0 { call.stream.consume(consumed) }
    // Counted in any case: the end of the call gives back all that it holds. Small questions are heard even when others hold it all.
    if added > 0, !call.core.unread.add(added), unread > ServerCallInput.alwaysTaken {
      throw unreadTotalPassed
    }
    for signal in waiters { signal.raise() }
    if unread > call.core.options.unreadPerCall {
      throw GRPCStatus(
        .resourceExhausted,
        "messages that the handler has not received pass the limit of \(call.core.options.unreadPerCall) bytes"
      )
    }
  }

  func ended(trailers: HeaderList) {
    if isFaulty { return }
    if deframer.isMidMessage {
      return fail(GRPCStatus(.internalError, "the request ends in the middle of a message"))
    }
    let waiters = call.state.withLock { state in
      state.inbox.end(nil)
      return state.takeWaiters()
    }
    for signal in waiters { signal.raise() }
    switch call.method.kind {
    case .blocking: break
    case .immediate where messages != 1:
      fail(GRPCStatus(.unimplemented, "\(call.path) takes one message, and \(messages) came"))
    case .immediate, .detached: if !hasStarted { start() }
    }
  }

  /// Runs the handler here and now.
  private func start() {
    hasStarted = true
    call.core.run(call)
  }

  private func fail(_ status: GRPCStatus) {
    isFaulty = true
    call.cancel(status, tellsPeer: true)
    // No handler has seen it, and none will.
    if call.method.kind != .blocking, !hasStarted { call.end(status) }
  }

  func closed(_ error: HTTP2Error?) {
    // The message under way goes nowhere.
    call.core.unread.release(ahead)
    ahead = 0
    deframer = MessageDeframer(limit: call.core.options.maxReceivedMessage)
    let error = error ?? HTTP2Error(.reset(.cancel), "the stream has ended")
    let status = ServerCall.cancelStatus(error, call.deadline)
    call.cancel(status, tellsPeer: false)
    if call.method.kind != .blocking { call.end(status) }
  }
}
