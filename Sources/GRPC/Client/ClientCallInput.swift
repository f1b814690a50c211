// What a server sends on one stream: headers, messages, and a status in one of several forms.

import HTTP2
import Memory

/// Hears a client call's stream, on the loop's thread only.
final class ClientCallInput: StreamHandler {
  private let core: ClientCallCore
  private let stream: HTTP2Stream
  private var deframer: MessageDeframer
  /// The headers, while they may be all of the answer.
  private var onlyHeaders: HeaderList?
  /// What the answer is instead of gRPC.
  private var fault: GRPCStatus?

  init(_ core: ClientCallCore, _ stream: HTTP2Stream) {
    self.core = core
    self.stream = stream
    deframer = MessageDeframer(limit: core.options.maxReceivedMessage)
  }

  func headers(_ headers: HeaderList) {
    if let status = headers.status, status != 200 {
      fault = GRPCStatus(
        GRPCStatus.code(ofHTTPStatus: status), "the server answered with HTTP status \(status)")
    } else if !RequestHead.isGRPC(headers) {
      let type = headers.first("content-type") ?? "none"
      fault = GRPCStatus(.unknown, "the server's answer is no gRPC: its content-type is \(type)")
    } else if headers.firstIndex(of: "grpc-encoding") != nil, !headers.has("grpc-encoding", "identity") {
      fail(GRPCStatus(.internalError, "the server compresses by \(headers.first("grpc-encoding") ?? "")"))
    } else if let text = CallMetadata.fault(ofReceived: headers) {
      fail(GRPCStatus(.internalError, text))
    }
    // With a status in them they are trailers, if nothing follows.
    if StatusTrailers.status(in: headers) != nil || fault != nil {
      onlyHeaders = headers
      return
    }
    let waiters = core.state.withLock { state -> [Signal] in
      state.came(headers: headers)
      return state.takeWaiters(for: .headers)
    }
    for signal in waiters { signal.raise() }
  }

  func destination(upTo count: Int) -> UnsafeMutableRawBufferPointer? {
    fault == nil ? deframer.destination : nil
  }

  func received(_ bytes: RawSpan, isInPlace: Bool) {
    guard fault == nil else { return stream.consume(bytes.byteCount) }
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
      let bytes = before - rest.count
      let (consumed, unread, waiters) = core.state.withLock { state -> (Int, Int, [Signal]) in
        if state.status != nil { return (bytes, 0, []) }
        let consumed = state.inbox.arrived(bytes)
        guard let message else { return (consumed, state.inbox.unread, []) }
        state.inbox.append(message)
        return (consumed, state.inbox.unread, state.takeWaiters(for: .message))
      }
      if consumed > 0 { stream.consume(consumed) }
      for signal in waiters { signal.raise() }
      if unread > core.options.unreadPerCall {
        throw GRPCStatus(
          .resourceExhausted, "messages that nobody has received pass \(core.options.unreadPerCall) bytes")
      }
    }
  }

  func ended(trailers: HeaderList) {
    let list = trailers.isEmpty ? onlyHeaders ?? trailers : trailers
    var status = StatusTrailers.status(in: list)
    if let fault {
      // gRPC's own words are better, wherever they come with.
      status = status ?? fault
    } else if deframer.isMidMessage {
      status = GRPCStatus(.internalError, "the answer ends in the middle of a message")
    }
    if status?.code == .ok, let text = CallMetadata.fault(ofReceived: list) {
      status = GRPCStatus(.internalError, text)
    }
    core.end(
      status ?? GRPCStatus(.unknown, "the server ended the call without a status"),
      trailers: CallMetadata(received: list))
    // What we have not sent yet, nobody will read.
    if !core.state.withLock({ $0.isSendingFinished }) { stream.reset(.cancel) }
  }

  /// The server does what it must not: the call is over for us.
  private func fail(_ status: GRPCStatus) {
    fault = status
    core.end(status)
    stream.reset(.cancel)
  }

  func closed(_ error: HTTP2Error?) {
    guard let error else {
      return core.end(GRPCStatus(.internalError, "the stream ended without a status"))
    }
    if error.isSafeToRetry, core.retry() { return }
    var status = GRPCStatus(error)
    if status.code == .cancelled, let deadline = core.deadline, MonotonicTime.now >= deadline {
      status = GRPCStatus(.deadlineExceeded, "the deadline has passed")
    }
    core.end(status)
  }
}
