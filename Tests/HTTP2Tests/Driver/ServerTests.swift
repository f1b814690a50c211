// Client and server over real sockets on loopback.

import Glibc
import HTTP2
import Memory
import Testing

@Suite struct ServerTests {
  @Test(arguments: [
    SocketAddress.tcp(host: "127.0.0.1", port: 0), .tcp(host: "::1", port: 0),
    .unix(path: "/tmp/fletch-http2-test-\(getpid()).sock"),
  ])
  func echo(_ address: SocketAddress) async throws {
    let running = try Running(on: address)
    if case .unix(let path) = address {
      var status = stat()
      #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
    } else if case .tcp(_, let port) = running.address {
      #expect(port > 0)
    }
    let client = try HTTP2Client()
    let connection = try await client.connect(to: running.address)
    let body = pattern(3_000_000)
    let reply = await connection.call("/echo", body: [Buffer(copying: body)])
    #expect(reply.error == nil)
    #expect(reply.headers.status == 200)
    #expect(reply.body == body)
    #expect(reply.trailers.first("got") == "3000000")
    let hello = await connection.call("/hello")
    #expect(hello.body == Array("hello".utf8))
    let only = await connection.call("/only")
    #expect(only.headers.first("status") == "5" && only.body.isEmpty && only.error == nil)
    let reset = await connection.call("/reset")
    #expect(reset.error?.kind == .reset(.enhanceYourCalm))
    #expect(running.server.shutdown(within: .seconds(5)))
    await eventually("the client hears of the end") { connection.error != nil }
    let late = await connection.call("/hello")
    #expect(late.error != nil)
    if case .unix(let path) = address { #expect(access(path, F_OK) != 0) }
    let metrics = running.server.metrics
    #expect(metrics.connectionsOpen == 0 && metrics.connectionsTotal == 1)
    #expect(metrics.streamsOpen == 0 && metrics.streamsTotal == 4)
    #expect(metrics.bytesReceived > 3_000_000 && metrics.bytesSent > 3_000_000)
  }

  @Test func largeBodiesGoStraightToTheirPlace() async throws {
    let running = try Running()
    let connection = try await HTTP2Client().connect(to: running.address)
    let reply = await connection.call("/bytes/20000000")
    #expect(reply.body.count == 20_000_000)
    #expect(reply.inPlace > 0)
    let chunk = pattern(100_000)
    #expect(reply.body.elementsEqual((0..<200).lazy.flatMap { _ in chunk }))
    connection.close()
  }

  @Test func manyStreamsOnOneConnection() async throws {
    let running = try Running()
    let connection = try await HTTP2Client().connect(to: running.address)
    await withTaskGroup(of: (Int, Reply).self) { group in
      for i in 0..<200 {
        group.addTask {
          (
            i,
            await connection.call(
              i % 2 == 0 ? "/bytes/\(i * 1000)" : "/echo", body: [Buffer(copying: pattern(i * 100))])
          )
        }
      }
      for await (i, reply) in group {
        #expect(reply.error == nil)
        #expect(reply.count == (i % 2 == 0 ? i * 1000 : i * 100))
      }
    }
    connection.close()
  }

  @Test func manyConnections() async throws {
    let running = try Running()
    let client = try HTTP2Client()
    try await withThrowingTaskGroup(of: Reply.self) { group in
      for _ in 0..<200 {
        group.addTask {
          let connection = try await client.connect(to: running.address)
          defer { connection.close() }
          return await connection.call("/bytes/30000")
        }
      }
      for try await reply in group { #expect(reply.count == 30_000 && reply.error == nil) }
    }
    await eventually("all connections are closed") { running.server.metrics.connectionsOpen == 0 }
    #expect(running.server.metrics.connectionsTotal == 200)
  }

  @Test func threadsProduceWithBackPressure() async throws {
    let running = try Running()
    let connection = try await HTTP2Client().connect(to: running.address)
    let reply = await connection.call("/thread/50000000", keepsBody: false)
    #expect(reply.count == 50_000_000)
    #expect(reply.trailers.first("status") == "0")
    connection.close()
  }

  @Test func aStoppedReaderStopsItsProducerAndNobodyElse() async throws {
    let running = try Running()
    let connection = try await HTTP2Client().connect(to: running.address)
    let received = Counter()
    let ended = Log<Reply>()
    let stream = connection.request(.request(authority: "h", path: "/thread/1000000000")) { stream in
      TestCall(stream, keepsBody: false, consumes: false, received: received) { ended.add($0) }
    }
    stream.finish()
    // What a stopped reader costs: its window at the client, the queue at the server, what is on its way.
    await eventually("the window is full") { received.value >= 8 << 20 }
    for _ in 0..<5 {
      let reply = await connection.call("/bytes/10000000", keepsBody: false)
      #expect(reply.count == 10_000_000)
    }
    let produced = running.service.produced.value - 5 * 10_000_000
    #expect(produced <= (8 << 20) + (2 << 20) + 1_000_000)
    // The producer's thread, which waits, is woken by the reset.
    stream.reset()
    await eventually("both sides hear of the reset") {
      ended.all.count == 1 && running.service.errors.all.contains { $0.kind == .reset(.cancel) }
    }
    #expect(ended.all.first?.error?.kind == .reset(.cancel))
    connection.close()
  }

  @Test func tasksWaitForRoomAndCanBeCancelled() async throws {
    let running = try Running()
    let connection = try await HTTP2Client().connect(to: running.address)
    let done = Log<Reply>()
    let stream = connection.request(.request(authority: "h", path: "/upload")) { stream in
      TestCall(stream, keepsBody: false) { done.add($0) }
    }
    for _ in 0..<300 {
      try await stream.writable()
      stream.send(testChunk)
    }
    stream.finish()
    await eventually("the upload is answered") { done.all.count == 1 }
    #expect(done.all.first?.trailers.first("got") == "30000000")
    await #expect(throws: HTTP2Error.self) { try await stream.writable() }

    // Nobody reads this one: the queue stays full until the task is cancelled.
    let blocked = HTTP2Stream.unread(connection)
    let waiting = Task { () -> HTTP2Error.Kind? in
      do throws(HTTP2Error) {
        while true {
          try await blocked.writable()
          blocked.send(testChunk)
        }
      } catch {
        return error.kind
      }
    }
    await eventually("the queue is full") { !blocked.isWritable }
    try await Task.sleep(for: .milliseconds(100))
    waiting.cancel()
    #expect(await waiting.value == .cancelled)
    startTestThread {
      #expect(throws: HTTP2Error.self) { try blocked.waitUntilWritable(timeout: .milliseconds(50)) }
    }
    blocked.reset()
    connection.close()
  }

  @Test func aClientThatVanishesEndsItsStreams() async throws {
    let running = try Running()
    let connection = try await HTTP2Client().connect(to: running.address)
    async let reply = connection.call("/never")
    await eventually("the request is there") { running.server.metrics.streamsOpen == 1 }
    connection.close()
    #expect(await reply.error != nil)
    await eventually("the server hears of it") { running.service.closed.value == 1 }
    #expect(running.server.metrics.streamsOpen == 0)
  }

  @Test func shutdownLetsRequestsFinishAndEndsTheRest() async throws {
    let running = try Running()
    let connection = try await HTTP2Client().connect(to: running.address)
    let other = try await HTTP2Client().connect(to: running.address)
    async let slow = connection.call("/thread/80000000", keepsBody: false)
    async let never = other.call("/never")
    await eventually("both have begun") { running.server.metrics.streamsTotal == 2 }
    let server = running.server
    let finished = await withCheckedContinuation { continuation in
      startTestThread { continuation.resume(returning: server.shutdown(within: .seconds(2))) }
    }
    #expect(!finished)
    #expect(await slow.count == 80_000_000)
    #expect(await never.error != nil)
    #expect(server.metrics.connectionsOpen == 0)
    await #expect(throws: HTTP2Error.self) { try await HTTP2Client().connect(to: running.address) }
  }

  @Test func stalePathsAreReplacedAndLivingOnesAreNot() throws {
    let path = "/tmp/fletch-http2-stale-\(getpid()).sock"
    let first = try Running(on: .unix(path: path))
    #expect(throws: HTTP2Error.self) { try Running(on: .unix(path: path)) }
    first.server.close()
    #expect(access(path, F_OK) != 0)
    // What a process leaves that was killed.
    let descriptor = socket(AF_UNIX, 1, 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    _ = withUnsafeBytes(of: address) {
      bind(descriptor, $0.assumingMemoryBound(to: sockaddr.self).baseAddress!, socklen_t($0.count))
    }
    close(descriptor)
    #expect(access(path, F_OK) == 0)
    let second = try Running(on: .unix(path: path))
    second.server.close()
    // Somebody's file is not ours to remove.
    let file = open(path, O_CREAT | O_WRONLY, 0o600)
    close(file)
    #expect(throws: HTTP2Error.self) { try Running(on: .unix(path: path)) }
    #expect(access(path, F_OK) == 0)
    unlink(path)
  }

  @Test func loopsThatHaveStoppedAnswerStill() async throws {
    let running = try Running()
    let group = try EventLoopGroup(count: 1)
    let client = try HTTP2Client(group: group)
    let connection = try await client.connect(to: running.address)
    async let never = connection.call("/never")
    await eventually("the request is there") { running.server.metrics.streamsOpen == 1 }
    group.stop()
    #expect(await never.error?.kind == .disconnected)
    #expect(await connection.call("/hello").error != nil)
    await #expect(throws: HTTP2Error.self) { try await client.connect(to: running.address) }
  }

  @Test func aResponseWithoutHeadersIsReset() async throws {
    let running = try Running()
    let connection = try await HTTP2Client().connect(to: running.address)
    #expect(await connection.call("/nothing").error?.kind == .reset(.internalError))
    #expect(running.service.errors.all.map(\.kind) == [.invalid])
    connection.close()
  }

  @Test func connectingToNobodyFailsAtOnce() async throws {
    await #expect(throws: HTTP2Error.self) {
      try await HTTP2Client().connect(to: .unix(path: "/tmp/no-such-socket"))
    }
    await #expect(throws: HTTP2Error.self) {
      try await HTTP2Client().connect(to: .tcp(host: "127.0.0.1", port: 1))
    }
    #expect(throws: HTTP2Error.self) { try HTTP2Client().connectBlocking(to: .tcp(host: "", port: 99_999)) }
  }
}

extension HTTP2Stream {
  /// A request whose body the server does not consume.
  static func unread(_ connection: HTTP2Connection) -> HTTP2Stream {
    connection.request(.request(authority: "h", path: "/unread")) { TestCall($0, keepsBody: false) { _ in } }
  }
}
