// From the socket to the session: large bodies straight to their final place, everything else by the loop's buffer.

import Glibc

extension ConnectionDriver {
  /// Smaller payloads come by the loop's buffer: many of them in one system call cost less than a copy saves.
  private static let directThreshold = 64 << 10
  /// With TLS it is one record at a time in any case.
  private static let directThresholdTLS = 8192
  /// What is read behind a body's place: the next frame's header and the beginning of its payload, so that most of
  /// that frame can go to its own place again.
  private static let behindDirect = 16384
  /// Turns that a connection may read before others on the loop have theirs.
  private static let readsPerTurn = 4

  func read() {
    for _ in 0..<ConnectionDriver.readsPerTurn {
      guard let socket, phase != .closed else { return }
      // Ciphertext has no place of its own.
      let direct = tls == nil && phase == .open ? destination() : nil
      // At a boundary between two large frames there is nothing direct for the length of a header.
      if direct != nil || session.isMidFrame { isReadingDirect = direct != nil }
      let first = direct ?? UnsafeMutableRawBufferPointer(start: nil, count: 0)
      let second =
        isReadingDirect
        ? UnsafeMutableRawBufferPointer(rebasing: loop.readBuffer[..<ConnectionDriver.behindDirect])
        : loop.readBuffer
      switch socket.read(first, second) {
      case .bytes(let n):
        core.metrics.bytesReceived.wrappingAdd(n, ordering: .relaxed)
        keepAlive.heard(at: loop.now)
        received(n, first)
        if n < first.count + second.count { return loop.setDirty(self) }
      case .wouldBlock: return loop.setDirty(self)
      case .end: return peerClosed(nil)
      case .failed(let error): return peerClosed(error)
      }
    }
    loop.setDirty(self)
  }

  /// Where a handler wants the body bytes that come next, if a DATA frame is under way and it has a wish.
  private func destination() -> UnsafeMutableRawBufferPointer? {
    let least = tls == nil ? ConnectionDriver.directThreshold : ConnectionDriver.directThresholdTLS
    guard let (id, count) = session.dataUnderWay, count >= least,
      let place = streams[id]?.state.handler?.destination(upTo: count), place.count >= least
    else { return nil }
    return UnsafeMutableRawBufferPointer(rebasing: place[..<min(place.count, count)])
  }

  private func received(_ n: Int, _ first: UnsafeMutableRawBufferPointer) {
    let inFirst = min(n, first.count)
    if inFirst > 0 {
      inPlace = UnsafeRawPointer(first.baseAddress)
      feed(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(first)[..<inFirst]))
      inPlace = nil
    }
    guard n > inFirst, phase != .closed else { return }
    let rest = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(loop.readBuffer)[..<(n - inFirst)])
    switch phase {
    case .open where tls == nil: feed(rest)
    case .open, .handshaking: decrypt(rest)
    default: break
    }
  }

  private func feed(_ bytes: UnsafeRawBufferPointer) {
    session.receive(bytes, at: loop.now)
    handleEvents()
  }

  // MARK: TLS

  private func decrypt(_ bytes: UnsafeRawBufferPointer) {
    guard let tls else { return }
    tls.feed(bytes)
    // What is left when the connection ends is of no use, and points into the loop's buffer.
    defer { tls.feed(UnsafeRawBufferPointer(start: nil, count: 0)) }
    if phase == .handshaking { advanceHandshake() }
    while phase == .open {
      let place = destination()
      let result = place.map { readRecord(tls, into: $0) } ?? readRecords(tls)
      if case .done = result { continue }
      return endOfRecords(result)
    }
  }

  /// One record, or a part of one, straight to its place.
  private func readRecord(_ tls: TLSEngine, into place: UnsafeMutableRawBufferPointer) -> TLSEngine.Result {
    let result = tls.read(into: place)
    guard case .done(let n) = result else { return result }
    inPlace = UnsafeRawPointer(place.baseAddress)
    feed(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(place)[..<n]))
    inPlace = nil
    return result
  }

  /// Several records behind one another, so that the session is fed seldom.
  private func readRecords(_ tls: TLSEngine) -> TLSEngine.Result {
    var filled = 0
    var result = TLSEngine.Result.done(0)
    while case .done = result, filled + TLSEngine.recordSize <= loop.plainBuffer.count {
      result = tls.read(into: UnsafeMutableRawBufferPointer(rebasing: loop.plainBuffer[filled...]))
      if case .done(let n) = result { filled += n }
    }
    if filled > 0 {
      feed(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(loop.plainBuffer)[..<filled]))
    }
    return result
  }

  private func endOfRecords(_ result: TLSEngine.Result) {
    switch result {
    case .closed: peerClosed(nil)
    case .failed(let error): peerClosed(error)
    case .wantsInput, .done: break
    }
  }

  func advanceHandshake() {
    guard let tls else { return }
    switch tls.handshake() {
    case .done:
      phase = .open
      connection.set(tls: tls.info)
    case .wantsInput, .closed: break
    case .failed(let error):
      core.metrics.tlsHandshakesFailed.wrappingAdd(1, ordering: .relaxed)
      // The alert that says why.
      endReason = error
      writeCipher()
      if isWriteBlocked { destroy(error) } else { linger() }
    }
  }
}
