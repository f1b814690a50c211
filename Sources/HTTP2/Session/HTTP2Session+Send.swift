// What the driver tells a session to do; nothing is written before `drain`.

import CNGHTTP2
import Memory

extension HTTP2Session {
  // MARK: Streams

  /// Begins a request (client). When the peer allows no more streams just now it waits inside; `GOAWAY` closes it.
  /// - Parameter endsStream: whether there is no body.
  /// - Returns: the stream's number.
  public func request(_ headers: HeaderList, endsStream: Bool) throws(HTTP2Error) -> Int32 {
    if let failure { throw failure }
    if isPeerDraining { throw HTTP2Error(.draining, "the peer takes no new streams on this connection") }
    try headers.check()
    let stream = SessionStream(id: nghttp2_session_get_next_stream_id(raw).asStreamID)
    let id = withProvider(for: stream, isNeeded: !endsStream) { provider in
      headers.withFields { fields, count in nghttp2_submit_request(raw, nil, fields, count, provider, nil) }
    }
    guard id > 0 else {
      throw HTTP2Error(.draining, "no new stream: \(String(cString: nghttp2_strerror(id)))")
    }
    precondition(id == stream.id)
    streams[id] = stream
    stream.isFinished = endsStream
    return id
  }

  /// Sends a response's headers (server). With `endsStream` they are all of it: a trailers-only response.
  public func respond(_ id: Int32, _ headers: HeaderList, endsStream: Bool) throws(HTTP2Error) {
    guard let stream = streams[id] else { return }
    try headers.check()
    if endsStream { stream.isFinished = true }
    let result = withProvider(for: stream, isNeeded: !endsStream) { provider in
      headers.withFields { fields, count in nghttp2_submit_response(raw, id, fields, count, provider) }
    }
    if result != 0 { throw HTTP2Error(.invalid, "no response: \(String(cString: nghttp2_strerror(result)))") }
  }

  /// Queues body bytes by reference. They may wait long: the owner must keep them unchanged.
  public func send(_ id: Int32, _ buffer: Buffer) {
    guard let stream = streams[id], !stream.isFinished else { return }
    stream.body.append(buffer)
    resume(stream)
  }

  /// Ends the body, with trailers or without.
  public func finish(_ id: Int32, trailers: HeaderList? = nil) throws(HTTP2Error) {
    guard let stream = streams[id], !stream.isFinished else { return }
    try trailers?.check()
    stream.isFinished = true
    stream.trailers = trailers
    if stream.wasAsked, stream.body.count == 0, trailers != nil {
      // Past nghttp2's queue of bodies, which waits for window: trailers need none, and the peer that has given us
      // none may wait for them.
      submitTrailers(of: stream)
    } else {
      resume(stream)
    }
  }

  private func resume(_ stream: SessionStream) {
    guard stream.isDeferred else { return }
    stream.isDeferred = false
    nghttp2_session_resume_data(raw, stream.id)
  }

  func submitTrailers(of stream: SessionStream) {
    guard let trailers = stream.trailers, !stream.areTrailersSubmitted else { return }
    stream.areTrailersSubmitted = true
    let result = trailers.withFields { fields, count in nghttp2_submit_trailer(raw, stream.id, fields, count)
    }
    if result != 0 { nghttp2_submit_rst_stream(raw, 0, stream.id, ErrorCode.internalError.rawValue) }
  }

  /// Ends a stream at once, in both directions; its unsent body is dropped.
  public func reset(_ id: Int32, _ code: ErrorCode) {
    guard let stream = streams[id] else { return }
    stream.body.removeAll()
    stream.isFinished = true
    nghttp2_submit_rst_stream(raw, 0, id, code.rawValue)
  }

  /// Says that `bytes` of a stream's body are used up: the peer may send as many more. Those of a closed stream count
  /// as used.
  public func consume(_ id: Int32, _ bytes: Int) {
    guard let stream = streams[id] else { return }
    let n = min(bytes, stream.unconsumed)
    guard n > 0 else { return }
    stream.unconsumed -= n
    nghttp2_session_consume(raw, id, n)
  }

  /// Bytes of a stream's body that have not moved to `output`.
  public func queuedBytes(_ id: Int32) -> Int { streams[id]?.body.count ?? 0 }

  /// Whether the peer's window is what a stream's body waits for.
  public func isBlockedByWindow(_ id: Int32) -> Bool {
    guard let stream = streams[id], stream.body.count > 0 else { return false }
    return nghttp2_session_get_stream_remote_window_size(raw, id) <= 0
      || nghttp2_session_get_remote_window_size(raw) <= 0
  }

  /// Whether the peer could send more of a stream's body: it has window left.
  public func hasWindow(_ id: Int32) -> Bool {
    nghttp2_session_get_stream_local_window_size(raw, id) > 0
      && nghttp2_session_get_local_window_size(raw) > 0
  }

  /// How many streams the peer lets us have open at once.
  public var peerStreamLimit: Int {
    Int(nghttp2_session_get_remote_settings(raw, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS))
  }

  // MARK: The connection

  public func ping(_ value: UInt64) {
    withUnsafeBytes(of: value) { bytes in
      _ = nghttp2_submit_ping(raw, 0, bytes.assumingMemoryBound(to: UInt8.self).baseAddress)
    }
  }

  /// Announces that new streams will soon be refused, so that none is lost: GOAWAY with the highest stream number
  /// (server; RFC 9113, section 6.8). `goAway` follows a round trip later.
  public func announceShutdown() { nghttp2_submit_shutdown_notice(raw) }

  /// No new streams from here on; those that run may finish.
  public func goAway(_ code: ErrorCode, message: String = "") {
    let last = role == .server ? nghttp2_session_get_last_proc_stream_id(raw) : 0
    var message = message
    message.withUTF8 { text in
      _ = nghttp2_submit_goaway(raw, 0, last, code.rawValue, text.baseAddress, text.count)
    }
    // To the output at once: a request taken between now and then would be done here and retried elsewhere.
    drain(limit: output.count + 4096)
  }

  /// Ends the connection: GOAWAY, and nothing after it.
  public func terminate(_ code: ErrorCode) { nghttp2_session_terminate_session(raw, code.rawValue) }

  // MARK: Output

  /// Moves frames to `output` until there are `limit` bytes in it or nothing more may be sent now.
  /// - Returns: whether there is more to drain once the output is written.
  @discardableResult
  public func drain(limit: Int) -> Bool {
    outputLimit = limit
    var hasMore = false
    while true {
      if output.count >= limit {
        hasMore = true
        break
      }
      isPaused = false
      var bytes: UnsafePointer<UInt8>?
      let count = nghttp2_session_mem_send(raw, &bytes)
      if count < 0 {
        fatal(String(cString: nghttp2_strerror(Int32(count))))
        break
      }
      if count > 0 {
        output.appendSmall(UnsafeRawBufferPointer(start: bytes, count: count))
      } else if !isPaused {
        break
      }
    }
    if failPending() { hasMore = drain(limit: limit + 4096) }
    for stream in moved {
      events.append(.sent(stream: stream.id, bytes: stream.moved))
      stream.moved = 0
    }
    moved.removeAll(keepingCapacity: true)
    return hasMore
  }
}

extension UInt32 {
  fileprivate var asStreamID: Int32 { Int32(truncatingIfNeeded: self) }
}

extension HeaderList {
  /// Refuses what HTTP/2 does not allow in a field, so that nothing can be smuggled through one.
  func check() throws(HTTP2Error) {
    let bad = bytes.withUnsafeBufferPointer { all -> Int? in
      for (i, field) in fields.enumerated() {
        guard let base = all.baseAddress else { return i }
        let name = base + Int(field.start)
        let value = base + Int(field.nameEnd)
        if nghttp2_check_header_name(name, Int(field.nameEnd - field.start)) == 0
          || nghttp2_check_header_value(value, Int(field.valueEnd - field.nameEnd)) == 0
        {
          return i
        }
      }
      return nil
    }
    if let bad {
      throw HTTP2Error(.invalid, "the header field '\(name(bad))' has bytes that HTTP does not allow")
    }
  }

  /// The fields as nghttp2 wants them; it copies what it is given.
  func withFields<R>(_ body: (UnsafePointer<nghttp2_nv>?, Int) -> R) -> R {
    bytes.withUnsafeBufferPointer { all in
      withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: fields.count) { list in
        let base = UnsafeMutablePointer(mutating: all.baseAddress)
        for (i, field) in fields.enumerated() {
          let flags = field.isSensitive ? NGHTTP2_NV_FLAG_NO_INDEX.rawValue : NGHTTP2_NV_FLAG_NONE.rawValue
          list.initializeElement(
            at: i,
            to: nghttp2_nv(
              name: base.map { $0 + Int(field.start) }, value: base.map { $0 + Int(field.nameEnd) },
              namelen: Int(field.nameEnd - field.start), valuelen: Int(field.valueEnd - field.nameEnd),
              flags: UInt8(flags)))
        }
        return body(UnsafePointer(list.baseAddress), fields.count)
      }
    }
  }
}
