// What a connection owes to the clock: limits, keep-alive, age.

extension ConnectionDriver {
  func checkLimits(_ now: MonotonicTime) {
    switch phase {
    case .closed: return
    case .lingering:
      if let lingerUntil, now >= lingerUntil { destroy(endReason ?? .disconnected) }
      return
    case .connecting, .handshaking, .open: break
    }
    if handshakeLimit.isExceeded(at: now) {
      core.metrics.count(.handshake)
      return destroy(
        core.isServer
          ? Breach.handshake.error : HTTP2Error(.timedOut, "no connection to \(connection.peer) in time"))
    }
    guard phase == .open else { return }
    if writeLimit.isExceeded(at: now) {
      // The peer takes nothing, so it would not take a GOAWAY either.
      core.metrics.count(.writeProgress)
      return destroy(Breach.writeProgress.error)
    }
    if session.isFrameOverdue(at: now) { return end(.frame) }
    if let drainUntil, now >= drainUntil {
      return terminate(HTTP2Error(.timedOut, "the connection was closed while draining"), .noError)
    }
    if let noticeUntil, now >= noticeUntil { finishNotice() }
    checkStreams(now)
    checkLifetime(now)
  }

  private func checkLifetime(_ now: MonotonicTime) {
    lifetime.update(streams: streams.count, at: now)
    if !isDraining, let breach = lifetime.exceeded(at: now) {
      core.metrics.count(breach)
      beginDrain(force: core.session.limits.ageGrace)
    }
    switch keepAlive.check(streams: streams.count, at: now) {
    case .none: break
    case .ping:
      session.ping(0)
      loop.setDirty(self)
    case .giveUp:
      core.metrics.count(.keepAlive)
      destroy(Breach.keepAlive.error)
    }
  }

  private func checkStreams(_ now: MonotonicTime) {
    for (id, stream) in streams {
      if stream.state.hasEnded || !session.hasWindow(id) {
        stream.state.bodyProgress.rest()
      } else {
        stream.state.bodyProgress.wait(at: now)
      }
      if session.isBlockedByWindow(id) {
        stream.state.readerProgress.wait(at: now)
      } else {
        stream.state.readerProgress.rest()
      }
      let breach: Breach? =
        stream.state.bodyProgress.isExceeded(at: now)
        ? .bodyProgress : stream.state.readerProgress.isExceeded(at: now) ? .readerProgress : nil
      guard let breach else { continue }
      core.metrics.count(breach)
      stream.state.error = breach.error
      session.reset(id, breach.code)
      loop.setDirty(self)
    }
  }

  // MARK: Draining

  /// Takes no new streams, lets those that run finish, and closes.
  /// - Parameter force: how long they have; nil is for ever.
  func beginDrain(force: Duration?) {
    if let force { drainUntil = min(drainUntil ?? loop.now + force, loop.now + force) }
    guard !isDraining, phase != .lingering, phase != .closed else { return }
    isDraining = true
    connection.setDraining()
    if phase != .open { return destroy(HTTP2Error(.draining, "the connection drains")) }
    if core.isServer {
      // RFC 9113, section 6.8: first a notice, then, once requests under way have arrived, the last stream that counts.
      session.announceShutdown()
      session.ping(1)
      noticeUntil = loop.now + .seconds(1)
    } else {
      session.goAway(.noError)
    }
    loop.setDirty(self)
  }

  /// The peer has seen the notice, or has had time to.
  func finishNotice() {
    guard noticeUntil != nil else { return }
    noticeUntil = nil
    session.goAway(.noError)
    loop.setDirty(self)
  }
}

extension HTTP2Error {
  static var disconnected: HTTP2Error { HTTP2Error(.disconnected, "the connection was closed") }
}
