// A request and its answer between two sessions, in every cut of the bytes, with everything that can end it.

import HTTP2
import Memory
import Testing

@Suite struct SessionTests {
  @Test(arguments: [SessionPair.Pieces.whole, .bytes, .random])
  func requestAndResponse(_ pieces: SessionPair.Pieces) throws {
    let pair = SessionPair()
    let body = pattern(40_000)
    let answer = pattern(70_000, seed: 9)
    let server = pair.server
    pair.onServer = { event in
      guard case .end(let id) = event else { return }
      try! server.respond(id, .response(), endsStream: false)
      server.send(id, Buffer(copying: answer).slice(0..<30_000))
      server.send(id, Buffer(copying: answer).slice(30_000..<70_000))
      try! server.finish(id, trailers: HeaderList([("grpc-status", "0"), ("x-bin", "AAA=")]))
    }
    let id = try pair.request("/service/Method", body: body)
    pair.pump(pieces)
    #expect(pair.serverLog.headers[id]?.path == "/service/Method")
    #expect(pair.serverLog.headers[id]?.authority == "host")
    #expect(pair.serverLog.bodies[id] == body)
    #expect(pair.clientLog.headers[id]?.status == 200)
    #expect(pair.clientLog.bodies[id] == answer)
    #expect(pair.clientLog.trailers[id]?.first("grpc-status") == "0")
    #expect(pair.clientLog.ended == [id])
    #expect(pair.clientLog.closed[id] == .noError)
    #expect(pair.serverLog.closed[id] == .noError)
    #expect(pair.serverLog.sent[id] == 70_000)
    #expect(pair.client.failure == nil && pair.server.failure == nil)
  }

  @Test func trailersOnly() throws {
    let pair = SessionPair()
    let server = pair.server
    pair.onServer = { event in
      guard case .headers(let id, _) = event else { return }
      var list = HeaderList.response()
      list.append("grpc-status", "12")
      try! server.respond(id, list, endsStream: true)
    }
    let id = try pair.request()
    pair.pump()
    #expect(pair.clientLog.headers[id]?.first("grpc-status") == "12")
    #expect(pair.clientLog.ended == [id])
    #expect(pair.clientLog.bodies[id] == nil)
    #expect(pair.clientLog.closed[id] == .noError)
  }

  @Test func emptyBodyWithTrailersSendsNoDataFrame() throws {
    let pair = SessionPair()
    let server = pair.server
    pair.onServer = { event in
      guard case .headers(let id, _) = event else { return }
      try! server.respond(id, .response(), endsStream: false)
      try! server.finish(id, trailers: HeaderList([("a", "b")]))
    }
    let id = try pair.request()
    pair.pump()
    #expect(pair.clientLog.trailers[id]?.first("a") == "b")
    #expect(pair.serverLog.sent[id] == nil)
  }

  @Test func informationalResponsesAreDropped() throws {
    let pair = SessionPair()
    let id = try pair.request()
    pair.pump()
    // HEADERS with :status 103 (literal without indexing, name 8 of the static table), then 200.
    let early: [UInt8] = [0, 0, 5, 1, 4, 0, 0, 0, UInt8(id), 0x08, 3, 0x31, 0x30, 0x33]
    let final: [UInt8] = [0, 0, 1, 1, 5, 0, 0, 0, UInt8(id), 0x88]
    pair.feed(early + final, to: pair.client)
    #expect(pair.clientLog.headers[id]?.status == 200)
    #expect(pair.clientLog.trailers[id] == nil)
    #expect(pair.clientLog.ended == [id])
  }

  @Test func resetsBothWays() throws {
    let pair = SessionPair()
    let first = try pair.client.request(.request(authority: "h", path: "/1"), endsStream: false)
    let second = try pair.client.request(.request(authority: "h", path: "/2"), endsStream: false)
    pair.pump()
    pair.client.reset(first, .cancel)
    pair.server.reset(second, .internalError)
    pair.pump()
    #expect(pair.serverLog.closed[first] == .cancel)
    #expect(pair.clientLog.closed[second] == .internalError)
    #expect(pair.clientLog.closed[first] == .cancel)
    // What is said to streams that are gone is ignored.
    pair.server.send(first, Buffer(copying: [1]))
    try pair.server.respond(first, .response(), endsStream: true)
    pair.server.reset(first, .cancel)
    pair.server.consume(first, 10)
    pair.pump()
    #expect(pair.server.failure == nil && pair.client.failure == nil)
  }

  @Test func answeringBeforeTheRequestEndsStopsIt() throws {
    let pair = SessionPair()
    let id = try pair.client.request(.request(authority: "h", path: "/"), endsStream: false)
    pair.pump()
    try pair.server.respond(id, .response(), endsStream: true)
    pair.pump()
    #expect(pair.clientLog.ended == [id])
    #expect(pair.clientLog.closed[id] == .noError)
    #expect(pair.serverLog.closed[id] == .noError)
  }

  @Test func pingsAreAnswered() {
    let pair = SessionPair()
    pair.client.ping(42)
    pair.server.ping(43)
    pair.pump()
    #expect(pair.clientLog.pings == [42])
    #expect(pair.serverLog.pings == [43])
  }

  @Test func gracefulGoAwayLetsStreamsFinish() throws {
    let pair = SessionPair()
    let id = try pair.request(body: [1, 2, 3])
    pair.pump()
    pair.server.announceShutdown()
    pair.pump()
    // Between notice and GOAWAY the server still takes what was under way.
    pair.server.goAway(.noError, message: "bye")
    pair.pump()
    #expect(pair.clientLog.goAways.map(\.lastStream) == [Int32.max, id])
    #expect(pair.clientLog.goAways.last?.message == "bye")
    #expect(throws: HTTP2Error.self) { try pair.request() }
    try pair.server.respond(id, .response(), endsStream: true)
    pair.pump()
    #expect(pair.clientLog.ended == [id])
    #expect(pair.server.isFinished && pair.client.isFinished)
  }

  @Test func requestsBeyondTheLastStreamAreSafeToRetry() throws {
    let pair = SessionPair()
    _ = try pair.request()
    pair.pump()
    pair.server.goAway(.noError)
    // Under way while the GOAWAY is.
    let late = try pair.request("/late")
    pair.feed(takeOutput(pair.client), to: pair.server)
    pair.pump()
    #expect(pair.clientLog.closed[late] == .refusedStream)
    #expect(pair.serverLog.headers[late] == nil)
    #expect(HTTP2Error(.reset(.refusedStream), "").isSafeToRetry)
  }

  @Test func badHeaderFieldsAreOurFaultNotThePeers() throws {
    let pair = SessionPair()
    for (name, value) in [("Upper", "x"), ("with space", "x"), ("a", "b\r\nc: d"), ("", "x")] {
      var list = HeaderList.request(authority: "h", path: "/")
      list.append(name, value)
      #expect(throws: HTTP2Error.self) { try pair.client.request(list, endsStream: true) }
    }
    pair.pump()
    #expect(pair.client.failure == nil)
  }

  @Test func streamsWaitForThePeersLimit() throws {
    var options = SessionOptions()
    options.limits.streams = 2
    let pair = SessionPair(server: options)
    pair.pump()
    let ids = try (0..<5).map { try pair.request("/\($0)") }
    pair.pump()
    #expect(pair.serverLog.headers.count == 2)
    for id in ids {
      try pair.server.respond(id, .response(), endsStream: true)
      pair.pump()
    }
    #expect(pair.clientLog.ended == Set(ids))
    #expect(pair.client.peerStreamLimit == 2)
  }

  @Test func framesAreAsLargeAsThePeerAllows() throws {
    var small = SessionOptions()
    small.maxFrameSize = 16384
    let large = SessionOptions()
    for (options, frames) in [(small, 64), (large, 4)] {
      let pair = SessionPair(client: options)
      pair.pump()
      let id = try pair.request()
      pair.pump()
      let body = Buffer(copying: pattern(1 << 20))
      try pair.server.respond(id, .response(), endsStream: false)
      pair.server.send(id, body)
      try pair.server.finish(id)
      pair.server.drain(limit: 4 << 20)
      // Each frame is a header of nine bytes and a slice of the body itself.
      #expect(pair.server.output.count >= (1 << 20) + 9 * frames)
      #expect(pair.server.output.bodyPieces.count == frames)
      #expect(pair.server.output.bodyPieces.first == body.base)
      pair.pump()
      #expect(pair.clientLog.bodies[id]?.count == 1 << 20)
    }
  }
}
