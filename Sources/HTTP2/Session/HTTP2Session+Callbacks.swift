// What nghttp2 calls: each callback notes an event or moves bytes, and returns. None throws, none calls out.

import CNGHTTP2
import Memory

/// The callback table, made once for all sessions.
struct SessionCallbacks: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): nghttp2 copies the table into each session and nobody changes it after init.
  let pointer: OpaquePointer
}

private func session(_ userData: UnsafeMutableRawPointer?) -> HTTP2Session {
  // SAFETY: every nghttp2 session is made with its owner's pointer, and the owner frees it in deinit.
  Unmanaged<HTTP2Session>.fromOpaque(userData!).takeUnretainedValue()
}

private func stream(_ source: UnsafeMutablePointer<nghttp2_data_source>?) -> SessionStream {
  // SAFETY: `withProvider` put it there; the stream stays in `streams` until nghttp2 closes it, and nghttp2 asks no
  // more for its data then.
  Unmanaged<SessionStream>.fromOpaque(source!.pointee.ptr).takeUnretainedValue()
}

let sessionCallbacks: SessionCallbacks = {
  var table: OpaquePointer?
  precondition(nghttp2_session_callbacks_new(&table) == 0, "out of memory")
  nghttp2_session_callbacks_set_on_begin_headers_callback(table) { _, frame, me in
    session(me).beginHeaders(frame!.pointee)
  }
  nghttp2_session_callbacks_set_on_header_callback2(table) { _, frame, name, value, _, me in
    session(me).header(frame!.pointee.hd.stream_id, name!, value!)
  }
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table) { _, _, id, bytes, count, me in
    session(me).dataChunk(id, UnsafeRawBufferPointer(start: bytes, count: count))
  }
  nghttp2_session_callbacks_set_on_frame_recv_callback(table) { _, frame, me in
    session(me).frameReceived(frame!.pointee)
  }
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(table) { _, frame, code, me in
    session(me).frameRefused(frame!.pointee.hd, code)
  }
  nghttp2_session_callbacks_set_on_stream_close_callback(table) { _, id, code, me in
    session(me).streamClosed(id, ErrorCode(rawValue: code))
  }
  nghttp2_session_callbacks_set_on_frame_not_send_callback(table) { _, frame, code, me in
    session(me).frameNotSent(frame!.pointee)
  }
  nghttp2_session_callbacks_set_on_frame_send_callback(table) { _, frame, me in
    session(me).frameSent(frame!.pointee)
  }
  nghttp2_session_callbacks_set_send_data_callback(table) { _, frame, header, count, source, me in
    session(me).sendData(stream(source), header!, count)
  }
  nghttp2_session_callbacks_set_data_source_read_length_callback(table) {
    _, _, id, connectionWindow, streamWindow, maxFrame, me in
    let session = session(me)
    // Asking for more than there is would make nghttp2 grow its frame buffer, which a DATA frame by reference
    // never fills.
    let queued = max(1, session.streams[id]?.body.count ?? 1)
    return min(
      min(Int(connectionWindow), Int(streamWindow)), min(Int(maxFrame), session.options.maxSendFrameSize),
      queued)
  }
  return SessionCallbacks(pointer: table!)
}()

/// The body of a stream, as nghttp2 asks for it.
private let readBody: nghttp2_data_source_read_callback = { _, _, _, limit, flags, source, me in
  session(me).nextFrame(of: stream(source), limit: limit, flags!)
}

extension HTTP2Session {
  /// Calls `body` with where nghttp2 gets a stream's body from, or with nil when there is none.
  func withProvider<R>(
    for stream: SessionStream, isNeeded: Bool, _ body: (UnsafePointer<nghttp2_data_provider>?) -> R
  ) -> R {
    guard isNeeded else { return body(nil) }
    var provider = nghttp2_data_provider()
    provider.source.ptr = Unmanaged.passUnretained(stream).toOpaque()
    provider.read_callback = readBody
    return body(&provider)
  }

  // MARK: Receiving

  fileprivate func beginHeaders(_ frame: nghttp2_frame) -> Int32 {
    incoming = HeaderList()
    headerLimit.begin()
    let id = frame.hd.stream_id
    if role == .server, streams[id] == nil { streams[id] = SessionStream(id: id) }
    return 0
  }

  fileprivate func header(_ id: Int32, _ name: OpaquePointer, _ value: OpaquePointer) -> Int32 {
    let name = nghttp2_rcbuf_get_buf(name)
    let value = nghttp2_rcbuf_get_buf(value)
    switch headerLimit.add(name: name.len, value: value.len) {
    case .keep:
      incoming.append(
        UnsafeRawBufferPointer(start: name.base, count: name.len),
        UnsafeRawBufferPointer(start: value.base, count: value.len))
    case .resetStream:
      streams[id]?.isRefused = true
      events.append(.breach(.headerList))
      nghttp2_submit_rst_stream(raw, 0, id, Breach.headerList.code.rawValue)
    case .drop: break
    case .endConnection: pendingBreach = .headerList
    }
    return 0
  }

  fileprivate func dataChunk(_ id: Int32, _ bytes: UnsafeRawBufferPointer) -> Int32 {
    guard let stream = streams[id], !stream.isRefused else {
      nghttp2_session_consume_connection(raw, bytes.count)
      return 0
    }
    stream.unconsumed += bytes.count
    events.append(.data(stream: id, bytes))
    return 0
  }

  fileprivate func frameReceived(_ frame: nghttp2_frame) -> Int32 {
    let header = frame.hd
    let isAck = header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0
    switch UInt32(header.type) {
    case NGHTTP2_HEADERS.rawValue: headersReceived(header.stream_id)
    case NGHTTP2_SETTINGS.rawValue: events.append(isAck ? .settingsAcknowledged : .settings)
    case NGHTTP2_PING.rawValue where isAck:
      events.append(
        .pingAcknowledged(withUnsafeBytes(of: frame.ping.opaque_data) { $0.loadUnaligned(as: UInt64.self) }))
    case NGHTTP2_GOAWAY.rawValue:
      let frame = frame.goaway
      isPeerDraining = true
      let message = UnsafeBufferPointer(start: frame.opaque_data, count: min(frame.opaque_data_len, 1024))
      events.append(
        .goAway(
          lastStream: frame.last_stream_id, ErrorCode(rawValue: frame.error_code),
          message: String(decoding: message, as: UTF8.self)))
    default: break
    }
    let canEnd = header.type == NGHTTP2_HEADERS.rawValue || header.type == NGHTTP2_DATA.rawValue
    if canEnd, header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0,
      streams[header.stream_id]?.isRefused == false
    {
      events.append(.end(stream: header.stream_id))
    }
    return 0
  }

  fileprivate func frameRefused(_ header: nghttp2_frame_hd, _ code: Int32) -> Int32 {
    // Before the peer has acknowledged our SETTINGS nghttp2 refuses the stream, after that it ends the connection.
    let isTooMany =
      code == NGHTTP2_ERR_REFUSED_STREAM.rawValue
      || code == NGHTTP2_ERR_PROTO.rawValue && header.type == NGHTTP2_HEADERS.rawValue
        && streams.count >= options.limits.streams
    if isTooMany { events.append(.breach(.streams)) }
    return 0
  }

  private func headersReceived(_ id: Int32) {
    guard let stream = streams[id], !stream.isRefused else { return }
    let list = incoming
    incoming = HeaderList()
    if stream.hasHeaders {
      events.append(.trailers(stream: id, list))
    } else if role == .server || list.status.map({ $0 >= 200 }) ?? true {
      stream.hasHeaders = true
      events.append(.headers(stream: id, list))
    }
  }

  fileprivate func streamClosed(_ id: Int32, _ code: ErrorCode) -> Int32 {
    guard let stream = streams.removeValue(forKey: id) else { return 0 }
    if stream.unconsumed > 0 { nghttp2_session_consume_connection(raw, stream.unconsumed) }
    stream.body.removeAll()
    if !stream.isRefused { events.append(.closed(stream: id, code)) }
    return 0
  }

  // MARK: Sending

  fileprivate func frameSent(_ frame: nghttp2_frame) -> Int32 {
    let header = frame.hd
    if header.type == NGHTTP2_DATA.rawValue { countSentData() }
    if header.type == NGHTTP2_GOAWAY.rawValue, frame.goaway.error_code != 0 {
      ended(ErrorCode(rawValue: frame.goaway.error_code))
    }
    if header.type == NGHTTP2_RST_STREAM.rawValue {
      // What only nghttp2 says, and only of a fault of the peer's.
      let code = ErrorCode(rawValue: frame.rst_stream.error_code)
      if [.protocolError, .flowControlError, .streamClosed, .frameSizeError].contains(code) {
        countForcedReset()
      }
      return 0
    }
    guard role == .server, header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0,
      header.type == NGHTTP2_DATA.rawValue || header.type == NGHTTP2_HEADERS.rawValue
    else { return 0 }
    // The answer is complete and the request is not: it need not be sent (RFC 9113, section 8.1).
    if nghttp2_session_get_stream_remote_close(raw, header.stream_id) == 0 {
      nghttp2_submit_rst_stream(raw, 0, header.stream_id, ErrorCode.noError.rawValue)
    }
    return 0
  }

  fileprivate func frameNotSent(_ frame: nghttp2_frame) -> Int32 {
    guard frame.hd.type == NGHTTP2_HEADERS.rawValue else { return 0 }
    let id = frame.hd.stream_id
    if role == .client, frame.headers.cat == NGHTTP2_HCAT_REQUEST {
      // The connection drains, or is out of stream numbers.
      return streamClosed(id, .refusedStream)
    }
    // Headers that cannot be sent (too large) must not leave the peer waiting.
    if streams[id] != nil { nghttp2_submit_rst_stream(raw, 0, id, ErrorCode.internalError.rawValue) }
    return 0
  }

  fileprivate func nextFrame(of stream: SessionStream, limit: Int, _ flags: UnsafeMutablePointer<UInt32>)
    -> Int
  {
    stream.wasAsked = true
    let n = min(limit, stream.body.count)
    if n == 0, !stream.isFinished || stream.areTrailersSubmitted {
      stream.isDeferred = true
      return Int(NGHTTP2_ERR_DEFERRED.rawValue)
    }
    flags.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue
    if stream.isFinished, n == stream.body.count {
      flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
      if stream.trailers != nil {
        flags.pointee |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
        submitTrailers(of: stream)
      }
    }
    return n
  }

  fileprivate func sendData(_ stream: SessionStream, _ header: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    output.appendSmall(UnsafeRawBufferPointer(start: header, count: 9))
    stream.body.move(count, to: output)
    if stream.moved == 0, count > 0 { moved.append(stream) }
    stream.moved += count
    guard output.count >= outputLimit else { return 0 }
    isPaused = true
    return NGHTTP2_ERR_PAUSE.rawValue
  }
}
