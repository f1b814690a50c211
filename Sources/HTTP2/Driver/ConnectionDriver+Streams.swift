// Between session and streams: events to handlers, outboxes to the session.

extension ConnectionDriver {
  /// A stream's outbox has something: it is fetched before the loop sleeps.
  func schedule(_ stream: HTTP2Stream) {
    guard phase != .closed, !stream.state.isListed else { return }
    stream.state.isListed = true
    scheduled.append(stream)
    if !isFlushing { loop.setDirty(self) }
  }

  func begin(_ stream: HTTP2Stream) { schedule(stream) }

  func fetchScheduled() {
    while !scheduled.isEmpty {
      let list = scheduled
      scheduled.removeAll(keepingCapacity: true)
      for stream in list {
        stream.state.isListed = false
        fetch(stream)
      }
    }
  }

  private func fetch(_ stream: HTTP2Stream) {
    let work = stream.takeOutbox()
    do throws(HTTP2Error) {
      let isEmpty = work.isFinished && work.buffers.isEmpty && work.trailers == nil
      if let request = stream.state.request {
        stream.state.request = nil
        if work.reset != nil {
          throw HTTP2Error(.reset(.cancel), "the stream was reset by us before it began")
        }
        stream.id = try session.request(request, endsStream: isEmpty)
        stream.state.bodyProgress = ProgressLimit(core.session.limits.bodyProgress)
        stream.state.readerProgress = ProgressLimit(core.session.limits.readerProgress)
        streams[stream.id] = stream
        opened()
        if isEmpty { return }
      }
      let id = stream.id
      guard streams[id] === stream else { return }
      if let code = work.reset {
        stream.state.error = stream.error
        return session.reset(id, code)
      }
      if work.consumed > 0 { session.consume(id, work.consumed) }
      if let headers = work.headers, !stream.state.hasSentHeaders {
        stream.state.hasSentHeaders = true
        try session.respond(id, headers, endsStream: isEmpty)
        if isEmpty { return }
      }
      let isTrailersOnly = work.trailers != nil && work.buffers.isEmpty
      if core.isServer, !stream.state.hasSentHeaders, !isTrailersOnly,
        work.isFinished || !work.buffers.isEmpty
      {
        throw HTTP2Error(.invalid, "a response needs headers before its body")
      }
      for buffer in work.buffers { session.send(id, buffer) }
      guard work.isFinished else { return }
      if core.isServer, !stream.state.hasSentHeaders, let trailers = work.trailers {
        stream.state.hasSentHeaders = true
        try session.respond(id, trailers, endsStream: true)
      } else {
        try session.finish(id, trailers: work.trailers)
      }
    } catch {
      if streams[stream.id] === stream {
        stream.state.error = error
        session.reset(stream.id, .internalError)
      } else {
        close(stream, error)
      }
    }
  }

  // MARK: Events

  func handleEvents() { session.forEachEvent { handle($0) } }

  private func handle(_ event: SessionEvent) {
    switch event {
    case .headers(let id, let list):
      if core.isServer { accept(id, list) } else { streams[id]?.state.handler?.headers(list) }
    case .data(let id, let bytes):
      guard let stream = streams[id] else { return }
      stream.state.bodyProgress.progress(at: loop.now)
      stream.state.handler?.received(RawSpan(_unsafeBytes: bytes), isInPlace: bytes.baseAddress == inPlace)
    case .trailers(let id, let list): streams[id]?.state.trailers = list
    case .end(let id):
      guard let stream = streams[id] else { return }
      stream.state.hasEnded = true
      stream.state.handler?.ended(trailers: stream.state.trailers)
    case .sent(let id, let bytes):
      guard let stream = streams[id] else { return }
      stream.state.readerProgress.rest()
      stream.didSend(bytes)
    case .closed(let id, let code):
      guard let stream = streams.removeValue(forKey: id) else { return }
      close(stream, error(of: stream, code))
    case .settings: becomeReady()
    case .settingsAcknowledged: break
    case .pingAcknowledged: finishNotice()
    case .goAway(_, let code, let message):
      connection.setDraining()
      if code != .noError {
        let text = message.isEmpty ? "" : ": \(message)"
        endReason =
          endReason ?? HTTP2Error(.connection(code), "the peer ended the connection with \(code)\(text)")
      }
    case .breach(let breach): core.metrics.count(breach)
    }
  }

  private func accept(_ id: Int32, _ request: HeaderList) {
    guard let handler = core.handler else { return }
    let stream = HTTP2Stream(connection, core.stream)
    stream.id = id
    stream.state = StreamLoopState(core.session.limits)
    stream.state.bodyProgress.wait(at: loop.now)
    streams[id] = stream
    opened()
    stream.state.handler = handler.handle(request, on: stream)
  }

  private func opened() {
    core.metrics.streamsOpen.wrappingAdd(1, ordering: .relaxed)
    core.metrics.streamsTotal.wrappingAdd(1, ordering: .relaxed)
  }

  /// What the end of a stream means to the layer above.
  private func error(of stream: HTTP2Stream, _ code: ErrorCode) -> HTTP2Error? {
    if let error = stream.state.error { return error }
    if code == .noError, stream.state.hasEnded || core.isServer { return nil }
    if let endReason { return endReason }
    if let failure = session.failure { return failure }
    return HTTP2Error(.reset(code), "the stream was reset by the peer: \(code)")
  }

  /// The last that a stream hears. It is no longer in `streams`.
  func close(_ stream: HTTP2Stream, _ error: HTTP2Error?) {
    if stream.id != 0 { core.metrics.streamsOpen.wrappingSubtract(1, ordering: .relaxed) }
    stream.close(error ?? HTTP2Error(.reset(.streamClosed), "the stream has ended"))
    let handler = stream.state.handler
    stream.state.handler = nil
    handler?.closed(error)
  }
}
