// Limits that need a socket and a clock: who is too slow, too many, too old.

import Glibc
import HTTP2
import Memory
import Testing

@Suite struct DriverLimitTests {
  private func running(_ change: (inout ServerOptions) -> Void) throws -> (Running, Int) {
    var options = ServerOptions()
    change(&options)
    let running = try Running(options)
    guard case .tcp(_, let port) = running.address else { throw HTTP2Error(.invalid, "no port") }
    return (running, port)
  }

  private func expectBreach(_ running: Running, _ breach: Breach) async {
    await eventually("\(breach) is counted") { running.server.metrics.breaches[breach] != nil }
    await eventually("the connection is gone") { running.server.metrics.connectionsOpen == 0 }
    #expect(running.server.metrics.breaches.keys.elementsEqual([breach]))
  }

  @Test func handshake() async throws {
    let (running, port) = try running { $0.limits.handshake = .milliseconds(100) }
    let descriptor = connectedSocket(port)
    await expectBreach(running, .handshake)
    close(descriptor)
  }

  @Test func idle() async throws {
    let (running, _) = try running { $0.limits.idle = .milliseconds(500) }
    let reply = try await HTTP2Client().firstCall(running.address, "/hello")
    #expect(reply.error == nil && reply.headers.status == 200)
    await expectBreach(running, .idle)
  }

  @Test func age() async throws {
    let (running, _) = try running { $0.limits.age = .milliseconds(200) }
    // What runs when the time has come is not cut short.
    let reply = try await HTTP2Client().firstCall(running.address, "/thread/150000000")
    #expect(reply.error == nil && reply.count == 150_000_000)
    await expectBreach(running, .age)
  }

  @Test func frame() async throws {
    let (running, port) = try running { $0.limits.frame = .milliseconds(200) }
    let descriptor = connectedSocket(port)
    let start =
      Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0] + [
        0, 0, 90, 1, 5, 0, 0, 0, 1, 0x83,
      ]
    _ = send(descriptor, start, start.count, 0)
    await expectBreach(running, .frame)
    close(descriptor)
  }

  @Test func aPeerThatReadsNothing() async throws {
    let (running, port) = try running { $0.limits.writeProgress = .milliseconds(300) }
    let descriptor = connectedSocket(port)
    var start = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    // SETTINGS_INITIAL_WINDOW_SIZE and a window update of a gigabyte, and GET /bytes/900000000.
    start += [
      0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0x3f, 0xff, 0xff, 0xff, 0, 0, 4, 8, 0, 0, 0, 0, 0, 0x3f, 0xff, 0, 0,
    ]
    let path = Array("/bytes/900000000".utf8)
    let block: [UInt8] = [0x82, 0x86, 0x04, UInt8(path.count)] + path + [0x01, 1, 0x68]
    start += [0, 0, UInt8(block.count), 1, 5, 0, 0, 0, 1] + block
    _ = send(descriptor, start, start.count, 0)
    await expectBreach(running, .writeProgress)
    close(descriptor)
  }

  @Test func aReaderThatGivesNoWindow() async throws {
    let (running, _) = try running { $0.limits.readerProgress = .milliseconds(300) }
    let connection = try await HTTP2Client().connect(to: running.address)
    let ended = Log<Reply>()
    let stream = connection.request(.request(authority: "h", path: "/bytes/50000000")) { stream in
      TestCall(stream, keepsBody: false, consumes: false) { ended.add($0) }
    }
    stream.finish()
    await eventually("the stream is reset") { ended.all.count == 1 }
    #expect(running.server.metrics.breaches == [.readerProgress: 1])
    // Only the stream: the connection goes on.
    #expect(await connection.call("/hello").error == nil)
    connection.close()
  }

  @Test func aWriterThatStops() async throws {
    let (running, _) = try running { $0.limits.bodyProgress = .milliseconds(300) }
    let connection = try await HTTP2Client().connect(to: running.address)
    let ended = Log<Reply>()
    let stream = connection.request(.request(authority: "h", path: "/upload")) { stream in
      TestCall(stream) { ended.add($0) }
    }
    stream.send(testChunk)
    await eventually("the stream is reset") { ended.all.count == 1 }
    #expect(running.server.metrics.breaches == [.bodyProgress: 1])
    #expect(running.service.errors.all.first?.kind == .limit(.bodyProgress))
    connection.close()
  }

  @Test func connections() async throws {
    let (running, _) = try running { $0.connections = 3 }
    let client = try HTTP2Client()
    var open: [HTTP2Connection] = []
    for _ in 0..<3 { open.append(try await client.connect(to: running.address)) }
    await #expect(throws: HTTP2Error.self) { try await client.connect(to: running.address) }
    #expect(running.server.metrics.breaches == [.connections: 1])
    for connection in open { connection.close() }
    await eventually("there is room") { running.server.metrics.connectionsOpen == 0 }
    let again = try await client.connect(to: running.address)
    #expect(await again.call("/hello").error == nil)
    again.close()
  }

  @Test func streams() async throws {
    let (running, _) = try running { $0.limits.streams = 4 }
    let connection = try await HTTP2Client().connect(to: running.address)
    // Our client waits for its turn, so none is refused.
    await withTaskGroup(of: Reply.self) { group in
      for _ in 0..<50 { group.addTask { await connection.call("/bytes/20000") } }
      for await reply in group { #expect(reply.error == nil && reply.count == 20_000) }
    }
    #expect(running.server.metrics.breaches.isEmpty)
    connection.close()
  }

  @Test func keepAliveFindsAPeerThatIsGone() async throws {
    var options = ClientOptions()
    options.keepAlive = KeepAliveOptions(interval: .milliseconds(100))
    options.keepAlive.timeout = .milliseconds(200)
    let (running, _) = try running { _ in }
    let client = try HTTP2Client(options: options)
    let connection = try await client.connect(to: running.address)
    // A server that lives answers …
    async let never = connection.call("/never")
    try await Task.sleep(for: .milliseconds(700))
    #expect(connection.error == nil)
    connection.close()
    _ = await never
    // … one that has stopped does not.
    let listening = try SilentServer()
    let dead = try await client.connect(to: .tcp(host: "127.0.0.1", port: listening.port))
    let reply = await dead.call("/hello")
    #expect(reply.error?.kind == .limit(.keepAlive))
  }

  @Test func connectingTakesNoLongerThanAllowed() async throws {
    var options = ClientOptions()
    options.connectTimeout = .milliseconds(200)
    let listening = try SilentServer(sendsSettings: false)
    do {
      _ = try await HTTP2Client(options: options).connect(to: .tcp(host: "127.0.0.1", port: listening.port))
      Issue.record("connected to nobody")
    } catch {
      #expect(error.kind == .timedOut)
    }
  }

  @Test func manyConnectionsLeaveNothingBehind() async throws {
    let (running, port) = try running { _ in }
    for _ in 0..<20 {
      var open: [Int32] = []
      for _ in 0..<100 { open.append(connectedSocket(port)) }
      for descriptor in open { close(descriptor) }
    }
    await eventually("all are gone") {
      let metrics = running.server.metrics
      return metrics.connectionsTotal == 2000 && metrics.connectionsOpen == 0
    }
  }
}

/// Accepts and says hello, then nothing ever again.
final class SilentServer: Sendable {
  private let descriptor: Int32
  let port: Int

  init(sendsSettings: Bool = true) throws {
    descriptor = socket(AF_INET, 1, 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listening = descriptor
    _ = withUnsafeMutableBytes(of: &address) { bytes in
      let pointer = bytes.assumingMemoryBound(to: sockaddr.self).baseAddress!
      bind(listening, pointer, length)
      return getsockname(listening, pointer, &length)
    }
    listen(descriptor, 5)
    port = Int(UInt16(bigEndian: address.sin_port))
    guard sendsSettings else { return }
    startTestThread {
      let peer = accept(listening, nil, nil)
      let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
      _ = send(peer, settings, 9, 0x4000)
    }
  }

  deinit { close(descriptor) }
}
