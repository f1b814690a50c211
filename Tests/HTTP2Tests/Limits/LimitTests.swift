// Every limit by itself, with a clock of the test's.

import Testing

@testable import HTTP2

private func at(_ milliseconds: Int64) -> MonotonicTime {
  MonotonicTime(nanoseconds: milliseconds * 1_000_000)
}

/// `#expect` cannot call what mutates.
private func check<T: Equatable>(_ got: T, _ wanted: T, _ location: SourceLocation = #_sourceLocation) {
  #expect(got == wanted, sourceLocation: location)
}

@Suite struct LimitTests {
  @Test func rateAllowsABurstAndThenItsPace() {
    var limit = RateLimit(Rate(burst: 3, perSecond: 2))
    check((0..<5).map { _ in limit.allow(at: at(0)) }, [true, true, true, false, false])
    check(limit.allow(at: at(499)), false)
    check(limit.allow(at: at(500)), true)
    check(limit.allow(at: at(501)), false)
    // Rest never saves up more than the burst, however long.
    check((0..<4).map { _ in limit.allow(at: at(1_000_000_000_000)) }, [true, true, true, false])
    // A clock that stands still, or seems to go back, gives nothing.
    check(limit.allow(at: at(5)), false)
  }

  @Test func floodsAreToldApart() {
    var limits = ConnectionLimits()
    let two = Rate(burst: 2, perSecond: 0)
    limits.resets = two
    limits.pings = two
    limits.settings = two
    limits.emptyFrames = two
    limits.idleFrames = two
    let frames: [(type: UInt8, flags: UInt8, length: Int, breach: Breach)] = [
      (3, 0, 4, .resets), (6, 0, 8, .pings), (4, 0, 6, .settings), (0, 0, 0, .emptyFrames),
      (2, 0, 5, .idleFrames),
      (200, 0, 5, .idleFrames),
    ]
    for frame in frames {
      var flood = FloodLimit(limits)
      let told = (0..<3).map { _ in
        flood.began(type: frame.type, flags: frame.flags, length: frame.length, at: at(0))
      }
      #expect(told == [nil, nil, frame.breach])
    }
    // Pings that data of ours is answered with are none either: one for each time that data went out.
    var answered = FloodLimit(limits)
    for _ in 0..<10_000 {
      answered.sentData()
      check(answered.began(type: 6, flags: 0, length: 8, at: at(0)), nil)
    }
    let bare = (0..<3).map { _ in answered.began(type: 6, flags: 0, length: 8, at: at(0)) }
    #expect(bare == [nil, nil, .pings])
    // What a working stream sends is never a flood: data, the end of a body, acknowledgements, windows, headers.
    var flood = FloodLimit(limits)
    for _ in 0..<10_000 {
      check(flood.began(type: 0, flags: 0, length: 1, at: at(0)), nil)
      check(flood.began(type: 0, flags: 1, length: 0, at: at(0)), nil)
      check(flood.began(type: 4, flags: 1, length: 0, at: at(0)), nil)
      check(flood.began(type: 6, flags: 1, length: 8, at: at(0)), nil)
      check(flood.began(type: 8, flags: 0, length: 4, at: at(0)), nil)
      check(flood.began(type: 1, flags: 4, length: 30, at: at(0)), nil)
    }
  }

  @Test func headerListsAreMeasuredWhileTheyArrive() {
    var limits = ConnectionLimits()
    limits.headerListSize = 100
    limits.headerFields = 1000
    var limit = HeaderListLimit(limits)
    limit.begin()
    check(limit.add(name: 10, value: 10), .keep)
    check(limit.add(name: 10, value: 7), .resetStream)
    check(limit.add(name: 1, value: 1), .drop)
    check(limit.add(name: 1, value: 800), .endConnection)
    limit.begin()
    check(limit.add(name: 10, value: 10), .keep)

    limits.headerFields = 2
    limits.headerListSize = 1 << 20
    var fields = HeaderListLimit(limits)
    fields.begin()
    check((0..<4).map { _ in fields.add(name: 1, value: 0) }, [.keep, .keep, .resetStream, .drop])
  }

  @Test func progressStartsTheWatchAnew() {
    var limit = ProgressLimit(.seconds(2))
    #expect(!limit.isExceeded(at: at(100_000)))
    limit.wait(at: at(0))
    limit.wait(at: at(1500))
    #expect(!limit.isExceeded(at: at(1999)))
    #expect(limit.isExceeded(at: at(2000)))
    limit.progress(at: at(1999))
    #expect(!limit.isExceeded(at: at(3998)))
    limit.rest()
    #expect(!limit.isExceeded(at: at(9000)))
    var none = ProgressLimit(nil)
    none.wait(at: at(0))
    #expect(!none.isExceeded(at: at(Int64.max / 1_000_000)))
  }

  @Test func framesMustEnd() {
    var limit = FrameProgressLimit(.seconds(2))
    limit.began(length: 1 << 20, isHeaderBlock: false, at: at(0))
    // A slow line is no fault …
    for second in 1...16 {
      limit.payload(1 << 16, at: at(Int64(second) * 1000))
      #expect(!limit.isExceeded(at: at(Int64(second) * 1000 + 1500)))
    }
    limit.ended(endsHeaderBlock: false)
    #expect(!limit.isExceeded(at: at(1_000_000)))
    // … a trickle is.
    limit.began(length: 1 << 20, isHeaderBlock: false, at: at(0))
    for i in 1...19 { limit.payload(100, at: at(Int64(i) * 100)) }
    #expect(limit.isExceeded(at: at(2000)))
    limit.ended(endsHeaderBlock: false)
    // A header block is one thing, however many frames it has.
    limit.began(length: 10, isHeaderBlock: true, at: at(0))
    limit.ended(endsHeaderBlock: false)
    limit.began(length: 10, isHeaderBlock: false, at: at(1900))
    limit.ended(endsHeaderBlock: false)
    #expect(limit.isExceeded(at: at(2000)))
    limit.ended(endsHeaderBlock: true)
    #expect(!limit.isExceeded(at: at(9000)))
  }

  @Test func connectionsEndIdleOrOld() {
    var limits = ConnectionLimits()
    limits.idle = .seconds(10)
    limits.age = .seconds(100)
    var lifetime = LifetimeLimit(limits, opened: at(0), spread: 0)
    #expect(lifetime.exceeded(at: at(9999)) == nil)
    #expect(lifetime.exceeded(at: at(10_000)) == .idle)
    lifetime.update(streams: 1, at: at(5000))
    #expect(lifetime.exceeded(at: at(50_000)) == nil)
    lifetime.update(streams: 0, at: at(60_000))
    #expect(lifetime.exceeded(at: at(69_999)) == nil)
    #expect(lifetime.exceeded(at: at(70_000)) == .idle)
    lifetime.update(streams: 3, at: at(70_000))
    #expect(lifetime.exceeded(at: at(100_000)) == .age)
    #expect(LifetimeLimit(limits, opened: at(0), spread: -1).exceeded(at: at(90_000)) != nil)
  }

  @Test func keepAlivePingsSilenceOnly() {
    var options = KeepAliveOptions(interval: .seconds(10))
    options.timeout = .seconds(3)
    var keepAlive = KeepAlive(options, opened: at(0))
    check(keepAlive.check(streams: 0, at: at(20_000)), .none)
    check(keepAlive.check(streams: 1, at: at(9999)), .none)
    check(keepAlive.check(streams: 1, at: at(10_000)), .ping)
    check(keepAlive.check(streams: 1, at: at(12_999)), .none)
    keepAlive.heard(at: at(12_999))
    check(keepAlive.check(streams: 1, at: at(15_000)), .none)
    check(keepAlive.check(streams: 1, at: at(22_999)), .ping)
    check(keepAlive.check(streams: 1, at: at(25_999)), .giveUp)
    options.withoutStreams = true
    keepAlive = KeepAlive(options, opened: at(0))
    check(keepAlive.check(streams: 0, at: at(10_000)), .ping)
  }
}
