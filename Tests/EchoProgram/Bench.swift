// How fast calls and bytes go between Fletch's own client and server.

import GRPC
import Glibc
import HTTP2
import Memory
import Synchronization

func bench(_ address: SocketAddress) throws {
  for threads in [1, 8, 64] { try benchCalls(address, threads: threads, "Unary") }
  try benchCalls(address, threads: 8, "Blocking")
  for _ in 0..<3 {
    try benchDown(address)
    try benchUp(address)
  }
}

private func seconds(_ body: () throws -> Void) rethrows -> Double {
  let start = MonotonicTime.now
  try body()
  return Double((MonotonicTime.now - start).components.attoseconds) / 1e18
    + Double((MonotonicTime.now - start).components.seconds)
}

private func benchCalls(_ address: SocketAddress, threads: Int, _ method: String) throws {
  let client = GRPCClient(to: address)
  let message = Buffer(copying: Array("0123456789".utf8))
  _ = try client.unary("/fletch.test.Echo/Unary", message)
  let each = 60_000 / threads
  let left = Atomic<Int>(threads)
  let failures = Atomic<Int>(0)
  let time = seconds {
    for _ in 0..<threads {
      startTestThread {
        for _ in 0..<each {
          if (try? client.unary("/fletch.test.Echo/" + method, message)) == nil {
            failures.wrappingAdd(1, ordering: .relaxed)
          }
        }
        left.wrappingSubtract(1, ordering: .releasing)
      }
    }
    while left.load(ordering: .acquiring) > 0 { usleep(500) }
  }
  print(
    "\(method), \(threads) threads: \(Int(Double(each * threads) / time)) calls/s, \(failures.load(ordering: .relaxed)) failed"
  )
}

private func benchDown(_ address: SocketAddress) throws {
  let client = GRPCClient(to: address)
  _ = try client.unary("/fletch.test.Echo/Unary", .empty)
  let time = try seconds {
    let call = try client.call("/fletch.test.Echo/Expand")
    try call.send([Buffer(copying: Array("256 4194304".utf8))])
    call.finishSending()
    var bytes = 0
    while let message = try call.receive() { bytes += message.count }
    precondition(bytes == 1 << 30)
  }
  print("1 GiB down in 4 MiB messages: \(1.073741824 / time) GB/s")
}

private func benchUp(_ address: SocketAddress) throws {
  let client = GRPCClient(to: address)
  _ = try client.unary("/fletch.test.Echo/Unary", .empty)
  let chunk = Buffer(copying: [UInt8](repeating: 7, count: 4 << 20))
  let time = try seconds {
    let call = try client.call("/fletch.test.Echo/Collect")
    for _ in 0..<256 { try call.send([chunk]) }
    call.finishSending()
    let answer = try call.receive() ?? .empty
    precondition(String(decoding: answer.array, as: UTF8.self) == "256 \(1 << 30)")
  }
  print("1 GiB up in 4 MiB messages: \(1.073741824 / time) GB/s")
}

private final class ThreadBody {
  let body: @Sendable () -> Void
  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

private func startTestThread(_ body: @escaping @Sendable () -> Void) {
  var thread = pthread_t()
  pthread_create(
    &thread, nil,
    { argument in
      Unmanaged<ThreadBody>.fromOpaque(argument!).takeRetainedValue().body()
      return nil
    }, Unmanaged.passRetained(ThreadBody(body)).toOpaque())
  pthread_detach(thread)
}
