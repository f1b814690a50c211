// The methods that tests and measurements call: bytes in, bytes out, without a message format.

import GRPC
import Glibc
import Memory
import Synchronization

/// `fletch.test.Echo`. Used by the tests of the real clients, and by the benchmark.
final class EchoService: Sendable {
  private let cancelled = Atomic<Int>(0)
  private let chunk = Buffer(copying: [UInt8]((0..<(4 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31) }))

  struct Fault: Error {}

  var methods: [GRPCMethod] {
    let prefix = "/fletch.test.Echo/"
    return [
      GRPCMethod(prefix + "Unary", kind: .immediate) { call in try EchoService.echo(call) },
      GRPCMethod(prefix + "Blocking", kind: .blocking) { call in try EchoService.echo(call) },
      GRPCMethod(prefix + "Chat", kind: .blocking) { call in
        try call.flushMetadata()
        while let message = try call.receive() { try call.send([message]) }
      },
      GRPCMethod(prefix + "Collect", kind: .blocking) { call in
        var (count, bytes) = (0, 0)
        while let message = try call.receive() {
          count += 1
          bytes += message.count
        }
        try call.send([EchoService.text("\(count) \(bytes)")])
      },
      // "count size [seconds between]"
      GRPCMethod(prefix + "Expand", kind: .blocking) { [chunk] call in
        let words = try EchoService.words(call)
        let (count, size) = (Int(words.first ?? "") ?? 0, Int(words.dropFirst().first ?? "") ?? 0)
        for _ in 0..<count {
          var message: [Buffer] = []
          var left = size
          while left > 0 {
            message.append(chunk.slice(0..<min(left, chunk.count)))
            left -= min(left, chunk.count)
          }
          try call.send(message)
          if words.count > 2 { usleep(UInt32((Double(words[2]) ?? 0) * 1e6)) }
        }
      },
      // "code message…"
      GRPCMethod(prefix + "Fail", kind: .blocking) { call in
        let words = try EchoService.words(call)
        let code = GRPCStatus.Code(rawValue: Int(words.first ?? "") ?? 2) ?? .unknown
        throw GRPCStatus(code, words.dropFirst().joined(separator: " "), details: [1, 2, 0, 255])
      },
      GRPCMethod(prefix + "Throw", kind: .immediate) { call in
        switch try EchoService.words(call).first {
        case "malformed": throw DataError(.malformed, "bad bytes", offset: 7)
        case "limit": throw DataError(.limit, "too many")
        case "unsupported": throw DataError(.unsupported, "not that")
        default: throw Fault()
        }
      },
      // Ends only when it is cancelled.
      GRPCMethod(prefix + "Wait", kind: .blocking) { [self] call in
        call.onCancel { _ in self.cancelled.wrappingAdd(1, ordering: .relaxed) }
        while !call.isCancelled { usleep(5000) }
      },
      GRPCMethod(prefix + "Cancelled", kind: .immediate) { [self] call in
        _ = try call.receive()
        try call.send([EchoService.text("\(cancelled.load(ordering: .relaxed))")])
      },
    ]
  }

  private static func text(_ text: String) -> Buffer { Buffer(copying: Array(text.utf8)) }

  private static func words(_ call: ServerCall) throws -> [String] {
    let message = try call.receive() ?? .empty
    return String(decoding: message.array, as: UTF8.self).split(separator: " ").map(String.init)
  }

  /// Echoes the message, and metadata under `x-initial-…` and `x-trailing-…`.
  private static func echo(_ call: ServerCall) throws {
    var initial = CallMetadata()
    var trailers = CallMetadata()
    if call.metadata["x-echo"] != nil {
      for (key, _) in call.metadata.all {
        for value in call.metadata.allBytes(key) where key.hasSuffix("-bin") {
          if key.hasPrefix("x-initial") { initial.add(key, bytes: value) }
          if key.hasPrefix("x-trailing") { trailers.add(key, bytes: value) }
        }
        if key.hasSuffix("-bin") { continue }
        if key.hasPrefix("x-initial") { initial.add(key, call.metadata[key] ?? "") }
        if key.hasPrefix("x-trailing") { trailers.add(key, call.metadata[key] ?? "") }
      }
      call.sendMetadata(initial)
      call.setTrailers(trailers)
    }
    if let message = try call.receive() { try call.send([message]) }
  }
}
