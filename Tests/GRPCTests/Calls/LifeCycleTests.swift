// Draining, reconnecting, interceptors.

import GRPC
import Glibc
import HTTP2
import Memory
import Testing

@Suite struct LifeCycleTests {
  @Test func drainLetsCallsFinish() throws {
    let running = try TestServer()
    let client = running.client()
    let call = try client.call("/t/chat")
    try call.send([bytes("a")])
    #expect(text(try call.receive()) == "a")
    let done = Counter()
    onThreads(2) { i in
      if i == 0 {
        #expect(running.server.shutdown(within: 10))
        done.add()
      } else {
        usleep(100_000)
        #expect(done.value == 0)
        #expect(running.server.health.status(of: "") == .notServing)
        do throws(GRPCStatus) {
          try call.send([bytes("b")])
          #expect(text(try call.receive()) == "b")
          call.finishSending()
          #expect(try call.receive() == nil)
        } catch {
          Issue.record(error)
        }
      }
    }
    #expect(done.value == 1)
    #expect(status { () throws(GRPCStatus) in _ = try client.unary("/t/echo", .empty) }?.code == .unavailable)
  }

  @Test func drainCancelsAtItsLimit() throws {
    let running = try TestServer()
    let call = try running.client().call("/t/wait")
    try call.send([bytes("a")])
    usleep(50_000)
    let start = MonotonicTime.now
    #expect(running.server.shutdown(within: 0.2))
    #expect(MonotonicTime.now - start < .seconds(2))
    #expect(status { () throws(GRPCStatus) in _ = try call.receive() }?.code == .unavailable)
    #expect(running.cancels.all.first?.code == .unavailable)
  }

  @Test func comesBackToANewServer() throws {
    let path = "/tmp/fletch-grpc-again-\(getpid()).sock"
    let first = try TestServer(on: .unix(path: path))
    let client = first.client { $0.firstBackOff = .milliseconds(20) }
    #expect(text(try client.unary("/t/echo", bytes("1")).0) == "1")
    first.server.shutdown(within: 1)
    #expect(status { () throws(GRPCStatus) in _ = try client.unary("/t/echo", .empty) }?.code == .unavailable)
    let second = try TestServer(on: .unix(path: path))
    #expect(eventually { (try? client.unary("/t/echo", bytes("2")).0).map { text($0) } == "2" })
    client.close()
    #expect(status { () throws(GRPCStatus) in _ = try client.unary("/t/echo", .empty) }?.code == .unavailable)
    second.server.close()
  }

  /// Connections that end all the time: no call is lost to it.
  @Test func connectionAgeLosesNoCall() throws {
    var options = GRPCServerOptions()
    options.http2.limits.age = .milliseconds(40)
    let running = try TestServer(options: options)
    let client = running.client()
    let failures = Log<GRPCStatus>()
    onThreads(4) { _ in
      for _ in 0..<1500 {
        do throws(GRPCStatus) { _ = try client.unary("/t/slow", bytes("x")) } catch { failures.add(error) }
      }
    }
    #expect(failures.all == [])
    #expect(running.server.metrics.wire?.connectionsTotal ?? 0 > 1)
    running.server.close()
  }

  struct Guard: ServerInterceptor {
    func callStarted(_ call: ServerCall) throws(GRPCStatus) {
      guard call.metadata["authorization"] == "Bearer me" else { throw GRPCStatus(.unauthenticated, "who?") }
      call.attachment = "me"
      var answer = CallMetadata()
      answer.add("session", "7")
      call.sendMetadata(answer)
    }
  }

  struct Notes: ServerInterceptor {
    let log: Log<CallSummary>
    func callEnded(_ call: CallSummary) { log.add(call) }
  }

  @Test func interceptorsRefuseAndNote() throws {
    let log = Log<CallSummary>()
    let metrics = CallMetrics()
    let running = try TestServer(interceptors: [Notes(log: log), Guard(), metrics])
    let client = running.client()
    #expect(
      status { () throws(GRPCStatus) in _ = try client.unary("/t/echo", .empty) }
        == GRPCStatus(.unauthenticated, "who?"))
    #expect(
      status { () throws(GRPCStatus) in _ = try client.unary("/t/who", .empty) }?.code == .unauthenticated)
    var metadata = CallMetadata()
    metadata.add("authorization", "Bearer me")
    let (answer, initial, _) = try client.unary("/t/who", .empty, metadata: metadata)
    #expect(text(answer) == "me" && initial["session"] == "7")
    _ = try client.unary("/t/echo", bytes("four"), metadata: metadata)
    #expect(eventually { log.all.count == 4 })
    #expect(Set(log.all.map(\.status.code)) == [.unauthenticated, .ok])
    #expect(log.all.last?.bytesIn == 4 && log.all.last?.messagesOut == 1)
    #expect(metrics.snapshot["/t/who"]?.calls[.unauthenticated] == 1)
    running.server.close()
  }
}
