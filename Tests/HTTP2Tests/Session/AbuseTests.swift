// What a hostile peer may send: floods, oversized headers, nonsense. Never a trap, always a named end.

import Memory
import Testing

@testable import HTTP2

private let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

private func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
  let n = payload.count
  return [
    UInt8(n >> 16 & 255), UInt8(n >> 8 & 255), UInt8(n & 255), type, flags, UInt8(stream >> 24),
    UInt8(stream >> 16 & 255),
    UInt8(stream >> 8 & 255), UInt8(stream & 255),
  ] + payload
}

/// POST http / with literal fields that are not indexed.
private func requestBlock(_ fields: [(String, String)] = []) -> [UInt8] {
  var block: [UInt8] = [0x83, 0x86, 0x84, 0x01, 1, 0x68]
  for (name, value) in fields {
    block += [0x00, UInt8(name.utf8.count)] + Array(name.utf8)
    let n = value.utf8.count
    if n < 127 {
      block.append(UInt8(n))
    } else {
      block.append(127)
      var rest = n - 127
      while rest >= 128 {
        block.append(UInt8(rest & 127 | 128))
        rest >>= 7
      }
      block.append(UInt8(rest))
    }
    block += Array(value.utf8)
  }
  return block
}

@Suite struct AbuseTests {
  private func server(_ change: (inout ConnectionLimits) -> Void = { _ in }) -> SessionPair {
    var options = SessionOptions()
    change(&options.limits)
    let pair = SessionPair(server: options)
    pair.feed(preface + frame(4), to: pair.server)
    return pair
  }

  private func expectEnd(_ pair: SessionPair, _ breach: Breach) {
    #expect(pair.server.failure?.kind == .limit(breach))
    #expect(pair.serverLog.breaches == [breach])
    let output = takeOutput(pair.server)
    // The last frame is a GOAWAY with the breach's code.
    #expect(output.suffix(4).elementsEqual([0, 0, 0, UInt8(breach.code.rawValue)]))
    #expect(pair.server.isFinished)
    pair.feed(frame(6, [1, 2, 3, 4, 5, 6, 7, 8]), to: pair.server)
    #expect(takeOutput(pair.server).isEmpty)
  }

  @Test func rapidResets() {
    let pair = server { $0.resets = Rate(burst: 20, perSecond: 1) }
    for i in 0..<21 {
      let id = UInt32(2 * i + 1)
      pair.feed(
        frame(1, flags: 5, stream: id, requestBlock()) + frame(3, stream: id, [0, 0, 0, 8]), to: pair.server)
    }
    expectEnd(pair, .resets)
  }

  @Test func resetsThatThePeerForcesUsTo() {
    let pair = server { $0.resets = Rate(burst: 20, perSecond: 1) }
    for i in 0..<21 {
      // A body that is longer than announced.
      let id = UInt32(2 * i + 1)
      let request = frame(1, flags: 4, stream: id, requestBlock([("content-length", "1")]))
      pair.feed(request + frame(0, flags: 1, stream: id, [1, 2, 3]), to: pair.server)
      if i < 20 { _ = takeOutput(pair.server) }
    }
    let output = takeOutput(pair.server)
    pair.collect(pair.server)
    #expect(pair.server.failure?.kind == .limit(.resets))
    #expect(output.suffix(4).elementsEqual([0, 0, 0, 11]))
    #expect(pair.serverLog.breaches == [.resets])
  }

  @Test func pingFlood() {
    let pair = server { $0.pings = Rate(burst: 20, perSecond: 1) }
    for _ in 0..<21 { pair.feed(frame(6, [1, 2, 3, 4, 5, 6, 7, 8]), to: pair.server) }
    expectEnd(pair, .pings)
  }

  @Test func settingsFlood() {
    let pair = server { $0.settings = Rate(burst: 20, perSecond: 1) }
    for _ in 0..<20 { pair.feed(frame(4), to: pair.server) }
    expectEnd(pair, .settings)
  }

  @Test func emptyDataFlood() {
    let pair = server { $0.emptyFrames = Rate(burst: 20, perSecond: 1) }
    pair.feed(frame(1, flags: 4, stream: 1, requestBlock()), to: pair.server)
    for _ in 0..<21 { pair.feed(frame(0, stream: 1), to: pair.server) }
    expectEnd(pair, .emptyFrames)
  }

  @Test func emptyContinuationFlood() {
    let pair = server { $0.emptyFrames = Rate(burst: 5, perSecond: 1) }
    pair.feed(frame(1, stream: 1, requestBlock()), to: pair.server)
    for _ in 0..<6 { pair.feed(frame(9, stream: 1), to: pair.server) }
    expectEnd(pair, .emptyFrames)
  }

  @Test func priorityAndUnknownFrameFlood() {
    let pair = server { $0.idleFrames = Rate(burst: 20, perSecond: 1) }
    for i in 0..<21 {
      pair.feed(i % 2 == 0 ? frame(2, stream: 3, [0, 0, 0, 0, 1]) : frame(99, [1]), to: pair.server)
    }
    expectEnd(pair, .idleFrames)
  }

  @Test func continuationFlood() {
    let pair = server()
    pair.feed(frame(1, stream: 1, requestBlock()), to: pair.server)
    for _ in 0..<20 { pair.feed(frame(9, stream: 1, [0x00, 1, 0x61, 1, 0x62]), to: pair.server) }
    expectEnd(pair, .continuations)
  }

  @Test func aLargeHeaderListResetsItsStreamOnly() throws {
    let pair = server { $0.headerListSize = 1000 }
    let large = requestBlock((0..<20).map { ("x-\($0)", String(repeating: "v", count: 50)) })
    pair.feed(frame(1, flags: 5, stream: 1, large), to: pair.server)
    pair.feed(frame(1, flags: 5, stream: 3, requestBlock([("a", "b")])), to: pair.server)
    _ = takeOutput(pair.server)
    pair.collect(pair.server)
    #expect(pair.serverLog.breaches == [.headerList])
    #expect(pair.serverLog.headers[1] == nil)
    #expect(pair.serverLog.closed[1] == nil)
    #expect(pair.serverLog.headers[3]?.first("a") == "b")
    #expect(pair.server.failure == nil)
  }

  @Test func aHugeHeaderListEndsTheConnection() {
    let pair = server { $0.headerListSize = 1000 }
    let huge = requestBlock((0..<20).map { ("x-\($0)", String(repeating: "v", count: 500)) })
    pair.feed(frame(1, flags: 5, stream: 1, huge), to: pair.server)
    #expect(pair.server.failure?.kind == .limit(.headerList))
  }

  @Test func streamsBeyondTheLimitAreRefused() {
    let pair = server { $0.streams = 3 }
    for i in 0..<5 {
      pair.feed(frame(1, flags: 5, stream: UInt32(2 * i + 1), requestBlock()), to: pair.server)
    }
    #expect(pair.serverLog.headers.count == 3)
    #expect(pair.serverLog.breaches == [.streams, .streams])
    #expect(pair.server.failure == nil)
  }

  @Test func streamsBeyondAnAcknowledgedLimitEndTheConnection() {
    let pair = server { $0.streams = 3 }
    _ = takeOutput(pair.server)
    pair.feed(frame(4, flags: 1), to: pair.server)
    for i in 0..<5 {
      pair.feed(frame(1, flags: 5, stream: UInt32(2 * i + 1), requestBlock()), to: pair.server)
    }
    _ = takeOutput(pair.server)
    #expect(pair.serverLog.headers.count == 3)
    #expect(pair.serverLog.breaches == [.streams])
    #expect(pair.server.failure?.kind == .connection(.protocolError))
  }

  @Test func aFrameThatDoesNotEndIsOverdue() {
    let pair = server()
    pair.feed(Array(frame(1, flags: 5, stream: 1, requestBlock()).dropLast()), to: pair.server)
    #expect(!pair.server.isFrameOverdue(at: pair.now + .seconds(19)))
    #expect(pair.server.isFrameOverdue(at: pair.now + .seconds(20)))
    pair.feed([0x68], to: pair.server)
    #expect(!pair.server.isFrameOverdue(at: pair.now + .seconds(100)))
    #expect(pair.serverLog.headers[1] != nil)
  }

  @Test func somebodyElsesProtocol() {
    for text in [
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r",
    ] {
      let pair = SessionPair()
      pair.feed(Array(text.utf8), to: pair.server)
      #expect(pair.server.failure?.kind == .connection(.protocolError))
      _ = takeOutput(pair.server)
      #expect(pair.server.isFinished)
    }
  }

  @Test func malformedRequestsEndTheirStream() {
    let pair = server()
    // No :path; an upper-case name; a connection header.
    pair.feed(frame(1, flags: 5, stream: 1, [0x83, 0x86]), to: pair.server)
    pair.feed(frame(1, flags: 5, stream: 3, requestBlock([("Bad", "x")])), to: pair.server)
    pair.feed(frame(1, flags: 5, stream: 5, requestBlock([("connection", "close")])), to: pair.server)
    _ = takeOutput(pair.server)
    pair.collect(pair.server)
    #expect(
      pair.serverLog.headers[1] == nil && pair.serverLog.headers[3] == nil && pair.serverLog.headers[5] == nil
    )
    #expect(pair.server.failure == nil)
  }

  /// A conversation is recorded, bytes of it are changed, and both kinds of session are fed with it.
  @Test func mutatedConversations() throws {
    let recorded = SessionPair()
    var up: [UInt8] = []
    var down: [UInt8] = []
    for i in 0..<4 {
      let id = try recorded.request("/service/\(i)", body: pattern(3000, seed: i))
      let bytes = takeOutput(recorded.client)
      up += bytes
      recorded.feed(bytes, to: recorded.server)
      try recorded.server.respond(id, .response(), endsStream: false)
      recorded.server.send(id, Buffer(copying: pattern(2000)))
      try recorded.server.finish(id, trailers: HeaderList([("grpc-status", "0")]))
      down += takeOutput(recorded.server)
    }
    var random = SystemRandomNumberGenerator()
    for round in 0..<3000 {
      let isServer = round % 2 == 0
      var bytes = isServer ? up : down
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        let i = Int.random(in: (isServer ? 24 : 0)..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[i] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[i] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: bytes.remove(at: i)
        default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: i)
        }
      }
      let pair = SessionPair()
      let session = isServer ? pair.server : pair.client
      if !isServer { for i in 0..<4 { _ = try pair.request("/service/\(i)", body: [1]) } }
      _ = takeOutput(session)
      if isServer {
        pair.onServer = { event in
          guard case .headers(let id, _) = event else { return }
          try? pair.server.respond(id, .response(), endsStream: false)
          pair.server.send(id, Buffer(copying: [1, 2, 3]))
          try? pair.server.finish(id, trailers: HeaderList([("a", "b")]))
        }
      }
      pair.feed(bytes, to: session, round % 3 == 0 ? .random : .whole)
      _ = takeOutput(session)
      pair.collect(session)
      pair.onServer = nil
    }
  }
}
