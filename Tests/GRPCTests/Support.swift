// A server with methods of every kind, and a client on it.

import GRPC
import Glibc
import HTTP2
import Memory
import Synchronization

/// A number that any thread may change.
final class Counter: Sendable {
  private let count = Atomic<Int>(0)
  var value: Int { count.load(ordering: .acquiring) }
  func add(_ n: Int = 1) { count.wrappingAdd(n, ordering: .releasing) }
}

/// Something that threads add to.
final class Log<Value: Sendable>: Sendable {
  private let entries = Mutex<[Value]>([])
  var all: [Value] { entries.withLock { $0 } }
  func add(_ value: Value) { entries.withLock { $0.append(value) } }
}

func bytes(_ text: String) -> Buffer { Buffer(copying: Array(text.utf8)) }
func text(_ buffer: Buffer?) -> String { String(decoding: buffer?.array ?? [], as: UTF8.self) }

/// Waits until something is so, for at most five seconds.
func eventually(_ isSo: () -> Bool) -> Bool {
  for _ in 0..<1000 {
    if isSo() { return true }
    usleep(5000)
  }
  return isSo()
}

private final class Body {
  let body: @Sendable () -> Void
  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

/// Runs bodies on threads of their own and waits for all: calls block.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
  let left = Counter()
  for i in 0..<count {
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { argument in
        Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue().body()
        return nil
      },
      Unmanaged.passRetained(
        Body {
          body(i)
          left.add()
        }
      ).toOpaque())
    pthread_detach(thread)
  }
  while left.value < count { usleep(1000) }
}

/// `/t/…`: echo (immediate), slow (blocking echo), chat, count, many ("N" messages of 1 MB), wait, fail.
final class TestServer: Sendable {
  let server: GRPCServer
  let address: SocketAddress
  let cancels = Log<GRPCStatus>()
  let produced = Counter()

  init(
    on address: SocketAddress = .tcp(host: "127.0.0.1", port: 0),
    options: GRPCServerOptions = GRPCServerOptions(), interceptors: [any ServerInterceptor] = []
  ) throws {
    let (cancels, produced) = (cancels, produced)
    let chunk = Buffer(copying: [UInt8](repeating: 1, count: 1_000_000))
    server = GRPCServer(
      methods: [
        GRPCMethod("/t/early", kind: .blocking) { call in try call.send([bytes("unasked")]) },
        GRPCMethod("/t/echo", kind: .immediate) { try $0.send([try $0.receive() ?? .empty]) },
        GRPCMethod("/t/slow", kind: .blocking) { try $0.send([try $0.receive() ?? .empty]) },
        GRPCMethod("/t/chat", kind: .blocking) { call in
          try call.flushMetadata()
          while let message = try call.receive() { try call.send([message]) }
        },
        GRPCMethod("/t/count", kind: .blocking) { call in
          var (count, size) = (0, 0)
          while let message = try call.receive() {
            precondition(message.count == 0 || message.isAligned(to: 64))
            count += 1
            size += message.count
          }
          try call.send([bytes("\(count) \(size)")])
        },
        GRPCMethod("/t/many", kind: .blocking) { call in
          for _ in 0..<(Int(text(try call.receive())) ?? 0) {
            try call.send([chunk])
            produced.add()
          }
        },
        GRPCMethod("/t/wait", kind: .blocking) { call in
          call.onCancel { cancels.add($0) }
          _ = try call.receive()
          _ = try call.receive()
          while !call.isCancelled { usleep(1000) }
        },
        GRPCMethod("/t/fail", kind: .immediate) { call in
          _ = try call.receive()
          throw GRPCStatus(.aborted, "nö: 100%", details: [9])
        },
        GRPCMethod("/t/who", kind: .blocking) { call in
          try call.send([bytes(call.attachment as? String ?? "nobody")])
        },
      ], options: options, interceptors: interceptors)
    self.address = try server.listen(on: address)
  }

  func client(_ change: (inout GRPCClientOptions) -> Void = { _ in }) -> GRPCClient {
    var options = GRPCClientOptions()
    change(&options)
    return GRPCClient(to: address, options: options)
  }
}

/// The status that a body throws.
func status(of body: () throws(GRPCStatus) -> Void) -> GRPCStatus? {
  do throws(GRPCStatus) {
    try body()
    return nil
  } catch {
    return error
  }
}
