// Calls of every kind between Fletch's client and server, and how they end.

import GRPC
import Glibc
import HTTP2
import Memory
import Testing

@Suite struct CallTests {
  @Test(arguments: ["tcp", "unix"]) func everyKind(_ kind: String) throws {
    let address: SocketAddress =
      kind == "tcp" ? .tcp(host: "127.0.0.1", port: 0) : .unix(path: "/tmp/fletch-grpc-\(getpid()).sock")
    let running = try TestServer(on: address)
    let client = running.client()
    for path in ["/t/echo", "/t/slow"] {
      for size in [0, 1, 507, 508, 600, 70_000, 5_000_000] {
        let sent = Buffer(copying: [UInt8](repeating: 3, count: size))
        #expect(try client.unary(path, sent).0.hasEqualBytes(to: sent))
      }
    }
    let count = try client.call("/t/count")
    for i in 0..<1000 { try count.send([bytes("x"), Buffer(copying: [UInt8](repeating: 1, count: i))]) }
    count.finishSending()
    #expect(text(try count.receive()) == "1000 \(1000 + 999 * 500)")
    #expect(try count.receive() == nil)
    let many = try client.call("/t/many")
    try many.send([bytes("30")])
    many.finishSending()
    var sizes: [Int] = []
    while let message = try many.receive() {
      #expect(message.isAligned(to: 64))
      sizes.append(message.count)
    }
    #expect(sizes == Array(repeating: 1_000_000, count: 30))
    let chat = try client.call("/t/chat")
    #expect(chat.initialMetadata.all.isEmpty)
    for i in 0..<100 {
      try chat.send([bytes("\(i)")])
      #expect(text(try chat.receive()) == "\(i)")
    }
    chat.finishSending()
    #expect(try chat.receive() == nil && chat.status == .ok)
    running.server.close()
  }

  /// A server may answer before it has the request, and without reading it.
  @Test func anAnswerBeforeTheRequestIsNoFault() throws {
    let running = try TestServer()
    let call = try running.client().call("/t/early")
    #expect(eventually { call.status != nil })
    try call.sendOnly([bytes("what?")])
    #expect(text(try call.receive()) == "unasked")
    #expect(try call.receive() == nil)
    running.server.close()
  }

  @Test func statusesAndLimits() throws {
    let running = try TestServer()
    let client = running.client { $0.maxReceivedMessage = 100_000 }
    let failed = status { () throws(GRPCStatus) in _ = try client.unary("/t/fail", .empty) }
    #expect(failed == GRPCStatus(.aborted, "nö: 100%", details: [9]))
    #expect(
      status { () throws(GRPCStatus) in _ = try client.unary("/t/none", .empty) }?.code == .unimplemented)
    let large = Buffer(copying: [UInt8](repeating: 0, count: 200_000))
    let tooLarge = status { () throws(GRPCStatus) in _ = try client.unary("/t/echo", large) }
    #expect(tooLarge?.code == .resourceExhausted && tooLarge?.message.contains("100000") == true)
    let huge = Buffer(copying: [UInt8](repeating: 0, count: (64 << 20) + 1))
    let tooHuge = status { () throws(GRPCStatus) in _ = try client.unary("/t/slow", huge) }
    #expect(tooHuge?.code == .resourceExhausted && tooHuge?.message.contains("67108864") == true)
    var bad = CallMetadata()
    bad.add("a", "ü")
    #expect(status { () throws(GRPCStatus) in _ = try client.unary("/t/echo", .empty, metadata: bad) } != nil)
    #expect(text(try client.unary("/t/echo", bytes("still")).0) == "still")
    running.server.close()
  }

  @Test func deadlines() throws {
    let running = try TestServer()
    let client = running.client()
    let start = MonotonicTime.now
    let late = status { () throws(GRPCStatus) in _ = try client.unary("/t/wait", .empty, timeout: 0.1) }
    #expect(late?.code == .deadlineExceeded && MonotonicTime.now - start < .milliseconds(600))
    // Whose clock is first, the server's or that of the client, which resets the stream then, is open.
    #expect(eventually { [.deadlineExceeded, .cancelled].contains(running.cancels.all.first?.code) })
    #expect(MonotonicTime.now - start < .milliseconds(700))
    // The client's own watch: nobody answers there.
    let silent = GRPCClient(to: .tcp(host: "127.0.0.1", port: 1))
    #expect(
      status { () throws(GRPCStatus) in _ = try silent.unary("/x/y", .empty, timeout: 1) }?.code
        == .unavailable)
    #expect(
      status { () throws(GRPCStatus) in _ = try client.unary("/t/echo", .empty, timeout: -1) }?.code
        == .deadlineExceeded)
    #expect(eventually { running.server.metrics.callsRunning == 0 })
    running.server.close()
  }

  @Test func cancels() throws {
    let running = try TestServer()
    let client = running.client()
    let call = try client.call("/t/wait")
    try call.send([bytes("x")])
    usleep(50_000)
    call.cancel()
    #expect(status { () throws(GRPCStatus) in _ = try call.receive() }?.code == .cancelled)
    #expect(status { () throws(GRPCStatus) in try call.send([.empty]) }?.code == .cancelled)
    #expect(eventually { running.cancels.all.first?.code == .cancelled })
    // Letting go of a call cancels it.
    var dropped: ClientCall? = try client.call("/t/wait")
    try dropped?.send([bytes("y")])
    usleep(50_000)
    dropped = nil
    #expect(eventually { running.cancels.all.count == 2 })
    // A thread that waits is woken.
    let waiting = try client.call("/t/wait")
    onThreads(2) { i in
      if i == 0 {
        #expect(status { () throws(GRPCStatus) in _ = try waiting.receive() }?.code == .cancelled)
      } else {
        usleep(50_000)
        waiting.cancel()
      }
    }
    #expect(eventually { running.server.metrics.callsRunning == 0 })
    #expect(running.server.metrics.unreadBytes == 0)
    running.server.close()
  }

  @Test func aReaderThatStopsBoundsTheWriter() throws {
    let running = try TestServer()
    let client = running.client()
    let call = try client.call("/t/many")
    try call.send([bytes("1000")])
    call.finishSending()
    _ = try call.receive()
    usleep(300_000)
    // The stream's window, its queue, the socket's buffers, and what is being sent.
    #expect(running.produced.value < 40)
    call.cancel()
    #expect(eventually { running.server.metrics.callsRunning == 0 })
    // The other way: a handler that does not receive.
    let wait = try client.call("/t/wait", timeout: 0.5)
    var sent = 0
    let chunk = Buffer(copying: [UInt8](repeating: 1, count: 1_000_000))
    let end = status { () throws(GRPCStatus) in
      while true {
        try wait.send([chunk])
        sent += 1
      }
    }
    #expect(end?.code == .deadlineExceeded && sent < 60)
    #expect(
      eventually { running.server.metrics.callsRunning == 0 && running.server.metrics.unreadBytes == 0 })
    running.server.close()
  }

  @Test func twoHundredStreamsAtOnce() throws {
    let running = try TestServer()
    let client = running.client()
    let good = Counter()
    onThreads(200) { i in
      do throws(GRPCStatus) {
        let call = try client.call("/t/chat")
        for k in 0..<20 {
          let message = Buffer(copying: [UInt8](repeating: UInt8(i), count: 1000 * k))
          try call.send([message])
          guard let back = try call.receive(), back.hasEqualBytes(to: message) else { return }
        }
        call.finishSending()
        if try call.receive() == nil { good.add() }
      } catch {
        Issue.record(error)
      }
    }
    #expect(good.value == 200)
    running.server.close()
  }

  @Test func moreCallsThanThreads() throws {
    var options = GRPCServerOptions()
    options.workerThreads = 2
    options.waitingCalls = 1
    let running = try TestServer(options: options)
    let client = running.client()
    var calls: [ClientCall] = []
    for _ in 0..<2 { calls.append(try client.call("/t/wait")) }
    #expect(eventually { running.server.metrics.workerThreads == 2 })
    calls.append(try client.call("/t/wait"))
    usleep(50_000)
    #expect(status { () throws(GRPCStatus) in _ = try client.unary("/t/slow", .empty) }?.code == .unavailable)
    #expect(text(try client.unary("/t/echo", bytes("x")).0) == "x")
    for call in calls { call.cancel() }
    #expect(eventually { running.server.metrics.callsRunning == 0 })
    #expect(text(try client.unary("/t/slow", bytes("y")).0) == "y")
    running.server.close()
  }
}
