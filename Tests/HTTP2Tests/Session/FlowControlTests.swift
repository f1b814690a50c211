// Bytes move only as fast as they are consumed, and one stopped stream stops no other.

import Glibc
import HTTP2
import Memory
import Testing

@Suite struct FlowControlTests {
  private func small(stream: Int, connection: Int) -> SessionOptions {
    var options = SessionOptions()
    options.streamWindow = stream
    options.connectionWindow = connection
    return options
  }

  @Test func aReaderThatStopsStopsTheSender() throws {
    let pair = SessionPair(client: small(stream: 100_000, connection: 1 << 20))
    pair.consumes = false
    pair.pump()
    let id = try pair.request()
    pair.pump()
    try pair.server.respond(id, .response(), endsStream: false)
    let body = pattern(250_000)
    pair.server.send(id, Buffer(copying: body))
    try pair.server.finish(id, trailers: HeaderList([("t", "1")]))
    pair.pump()
    #expect(pair.clientLog.bodies[id]?.count == 100_000)
    #expect(pair.server.queuedBytes(id) == 150_000)
    #expect(pair.server.isBlockedByWindow(id))
    // Less than half a window is not worth an update yet; half is.
    pair.client.consume(id, 50_000)
    pair.pump()
    #expect(pair.clientLog.bodies[id]?.count == 150_000)
    pair.client.consume(id, 100_000)
    pair.pump()
    #expect(pair.clientLog.bodies[id]! == body)
    #expect(pair.clientLog.trailers[id]?.first("t") == "1")
    #expect(pair.clientLog.closed[id] == .noError)
  }

  @Test func aStoppedStreamDoesNotStopAnother() throws {
    let pair = SessionPair(client: small(stream: 50_000, connection: 1 << 20))
    pair.consumes = false
    pair.pump()
    let stopped = try pair.request("/stopped")
    let fast = try pair.request("/fast")
    pair.pump()
    for id in [stopped, fast] {
      try pair.server.respond(id, .response(), endsStream: false)
      pair.server.send(id, Buffer(copying: pattern(500_000)))
      try pair.server.finish(id)
    }
    for _ in 0..<40 {
      pair.pump()
      pair.client.consume(fast, 1 << 20)
    }
    #expect(pair.clientLog.bodies[fast]?.count == 500_000)
    #expect(pair.clientLog.ended.contains(fast))
    #expect(pair.clientLog.bodies[stopped]?.count == 50_000)
  }

  @Test func trailersNeedNoWindow() throws {
    let pair = SessionPair(client: small(stream: 50_000, connection: 70_000))
    pair.consumes = false
    pair.pump()
    let id = try pair.request()
    let other = try pair.request()
    pair.pump()
    for (id, count) in [(id, 50_000), (other, 20_000)] {
      try pair.server.respond(id, .response(), endsStream: false)
      pair.server.send(id, Buffer(copying: pattern(count)))
    }
    pair.pump()
    // The connection's window is used up to the last byte, and nobody reads: an error must still get through.
    try pair.server.finish(other, trailers: HeaderList([("grpc-status", "13")]))
    pair.pump()
    #expect(pair.clientLog.trailers[other]?.first("grpc-status") == "13")
    #expect(pair.clientLog.ended.contains(other))
  }

  @Test func closedStreamsGiveTheirBytesBackToTheConnection() throws {
    let pair = SessionPair(server: small(stream: 60_000, connection: 100_000))
    pair.consumes = false
    pair.pump()
    for i in 0..<20 {
      let id = try pair.client.request(.request(authority: "h", path: "/\(i)"), endsStream: false)
      pair.client.send(id, Buffer(copying: pattern(60_000)))
      pair.pump()
      #expect(pair.serverLog.bodies[id]?.count == 60_000)
      pair.client.reset(id, .cancel)
      pair.pump()
    }
    #expect(pair.server.failure == nil)
  }

  @Test func bodiesMoveWithoutBeingCopiedAndAreReleased() throws {
    let pair = SessionPair()
    let id = try pair.request()
    pair.pump()
    try pair.server.respond(id, .response(), endsStream: false)
    let released = Counter()
    do {
      let bytes = UnsafeMutableRawPointer.allocate(byteCount: 300_000, alignment: 64)
      memset(bytes, 5, 300_000)
      nonisolated(unsafe) let memory = bytes
      let owner = ForeignMemory {
        memory.deallocate()
        released.add()
      }
      pair.server.send(id, Buffer(owner: owner, base: bytes, count: 300_000))
    }
    #expect(released.value == 0)
    pair.pump()
    #expect(released.value == 1)
    #expect(pair.clientLog.bodies[id]?.count == 300_000)
  }

  @Test func aResetDropsWhatWasQueued() throws {
    let pair = SessionPair(client: small(stream: 1024, connection: 1 << 20))
    pair.consumes = false
    pair.pump()
    let id = try pair.request()
    pair.pump()
    try pair.server.respond(id, .response(), endsStream: false)
    pair.server.send(id, Buffer(copying: pattern(100_000)))
    pair.pump()
    pair.client.reset(id, .cancel)
    pair.pump()
    #expect(pair.serverLog.closed[id] == .cancel)
    #expect(pair.server.queuedBytes(id) == 0)
  }
}
