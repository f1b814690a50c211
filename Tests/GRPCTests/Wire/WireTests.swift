// Framing, time-outs, percent-encoding, base64, status: values without I/O.

import HTTP2
import Memory
import Testing

@testable import GRPC

@Suite struct DeframerTests {
  private func frame(_ body: [UInt8], flag: UInt8 = 0) -> [UInt8] {
    let n = UInt32(body.count)
    return [flag, UInt8(n >> 24), UInt8(n >> 16 & 255), UInt8(n >> 8 & 255), UInt8(n & 255)] + body
  }

  private func deframe(_ bytes: [UInt8], by step: Int, limit: Int = 1000) throws -> [[UInt8]] {
    var deframer = MessageDeframer(limit: limit)
    var messages: [[UInt8]] = []
    for start in stride(from: 0, to: bytes.count, by: step) {
      let piece = Array(bytes[start..<min(bytes.count, start + step)])
      try piece.withUnsafeBytes { raw in
        var rest = raw
        while rest.count > 0 { if let message = try deframer.next(&rest) { messages.append(message.array) } }
      }
    }
    #expect(!deframer.isMidMessage)
    return messages
  }

  @Test func anyCutGivesTheSameMessages() throws {
    let bodies: [[UInt8]] = [[], [1], Array(repeating: 7, count: 300), [], [2, 3]]
    let bytes = bodies.flatMap { frame($0) }
    for step in 1...bytes.count { #expect(try deframe(bytes, by: step) == bodies) }
  }

  @Test func refusesCompressedLargeAndUnknown() {
    let code = { (bytes: [UInt8]) -> GRPCStatus.Code? in
      do { _ = try deframe(bytes, by: 1000) } catch { return (error as? GRPCStatus)?.code }
      return nil
    }
    #expect(code(frame([1], flag: 1)) == .internalError)
    #expect(code(frame([1], flag: 2)) == .internalError)
    #expect(code([0, 0, 0, 4, 0]) == .resourceExhausted)
    #expect(code([0, 0xFF, 0xFF, 0xFF, 0xFF]) == .resourceExhausted)
  }

  @Test func bytesLandInTheirPlace() throws {
    var deframer = MessageDeframer(limit: 1 << 20)
    let head: [UInt8] = [0, 0, 1, 0, 0, 9]
    let first = try head.withUnsafeBytes { raw throws(GRPCStatus) in
      var rest = raw
      return try deframer.next(&rest)
    }
    #expect(first == nil)
    let place = try #require(deframer.destination)
    #expect(place.count == 65535)
    for i in 0..<place.count { place[i] = UInt8(truncatingIfNeeded: i) }
    var rest = UnsafeRawBufferPointer(place)
    let next = try deframer.next(&rest, isInPlace: true)
    let message = try #require(next)
    #expect(message.count == 65536 && message.isAligned(to: 64))
    #expect(message.load(at: 0, as: UInt8.self) == 9 && message.load(at: 256, as: UInt8.self) == 255)
  }

  @Test func aLargeMessageIsCountedBeforeItsFirstByte() throws {
    var deframer = MessageDeframer(limit: 64 << 20)
    let head: [UInt8] = [0, 1, 0, 0, 0, 9, 8]
    var counts: [Int] = []
    try head.withUnsafeBytes { raw in
      var rest = raw
      while rest.count > 0 {
        let message = try deframer.next(&rest)
        counts += [rest.count, deframer.memoryAhead, message?.count ?? 0]
      }
    }
    // A huge page of sixteen mebibytes, before the two bytes and after.
    #expect(counts == [2, 2 << 20, 0, 0, (2 << 20) - 2, 0])
  }

  @Test func framesByReference() throws {
    let large = Buffer(copying: [UInt8](repeating: 5, count: 4000))
    let (buffers, count) = try MessageFraming.frame([large, large], limit: 10_000)
    #expect(count == 8000 && buffers.count == 3 && buffers[1].isSame(as: large))
    #expect(buffers[0].array == [0, 0, 0, 31, 64])
    let (small, _) = try MessageFraming.frame([bytes("a"), bytes("bc")], limit: 3)
    #expect(small.map(\.array) == [[0, 0, 0, 0, 3, 97, 98, 99]])
    #expect(throws: GRPCStatus.self) { try MessageFraming.frame([large], limit: 3999) }
  }
}

@Suite struct TextTests {
  @Test func timeouts() {
    let parse = { (text: String) in GRPCTimeout.parse(Array(text.utf8)[...]) }
    #expect(parse("1H") == .seconds(3600))
    #expect(parse("2M") == .seconds(120))
    #expect(parse("3S") == .seconds(3))
    #expect(parse("4m") == .milliseconds(4))
    #expect(parse("5u") == .microseconds(5))
    #expect(parse("99999999n") == .nanoseconds(99_999_999))
    #expect(parse("99999999H") != nil)
    for bad in ["", "5", "S", "123456789S", "-1S", "1s", "1.5S", " 1S", "1 S"] { #expect(parse(bad) == nil) }
    #expect(GRPCTimeout.format(.milliseconds(50)) == "50000000n")
    #expect(GRPCTimeout.format(.seconds(1)) == "1000000u")
    #expect(GRPCTimeout.format(.nanoseconds(100_000_001)) == "100001u")
    #expect(GRPCTimeout.format(.seconds(-5)) == "0n")
    #expect(GRPCTimeout.format(.seconds(Int64.max)) == "2562048H")
    for nanoseconds: Int64 in [0, 1, 99_999_999, 123_456_789_012, 5_000_000_000_000_000] {
      let back = parse(GRPCTimeout.format(.nanoseconds(nanoseconds)))
      #expect(back.map { $0 >= .nanoseconds(nanoseconds) } == true)
    }
    #expect(GRPCTimeout.duration(seconds: .nan) == .zero)
    #expect(GRPCTimeout.duration(seconds: .infinity) > .seconds(1_000_000))
  }

  @Test func percent() {
    for text in ["", "plain", " ends ", "100%", "Größe\n\t\u{0}", "🎯 %41", "%", "%4"] {
      let coded = PercentCoding.encode(text)
      #expect(coded.allSatisfy { (0x20...0x7E).contains($0) })
      #expect(coded.first != 0x20 && coded.last != 0x20)
      #expect(PercentCoding.decode(coded[...]) == text)
    }
    #expect(PercentCoding.decode(Array("a%zz%4%".utf8)[...]) == "a%zz%4%")
    #expect(PercentCoding.decode(Array("%ff".utf8)[...]) == "\u{FFFD}")
  }

  @Test func base64() {
    for n in 0..<70 {
      let bytes = (0..<n).map { UInt8(truncatingIfNeeded: $0 &* 37) }
      let text = Base64.encode(bytes)
      #expect(Base64.decode(Array(text.utf8)[...]) == bytes)
      let padded = text + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
      #expect(Base64.decode(Array(padded.utf8)[...]) == bytes)
    }
    for bad in ["a", "a===", "ab=", "a b=", "é", "====", "ab==c"] {
      #expect(Base64.decode(Array(bad.utf8)[...]) == nil, "\(bad)")
    }
  }

  @Test func metadata() {
    var metadata = CallMetadata()
    metadata.add("Key", "a")
    metadata.add("key", "b")
    metadata.add("b-bin", bytes: [0, 255])
    #expect(metadata["KEY"] == "a" && metadata.values("key") == ["a", "b"])
    #expect(metadata.bytes("b-bin") == [0, 255] && metadata.bytes("c-bin") == nil && metadata["none"] == nil)
    #expect(metadata.fault == nil)
    let received = HeaderList([
      (":path", "/x"), ("te", "trailers"), ("grpc-timeout", "1S"), ("b-bin", "AP8=,AQ"), ("k", "v"),
    ])
    let other = CallMetadata(received: received)
    #expect(other.allBytes("b-bin") == [[0, 255], [1]] && other.all.map(\.key) == ["b-bin", "k"])
    #expect(other["te"] == nil && other[":path"] == nil && CallMetadata.fault(ofReceived: received) == nil)
    #expect(CallMetadata.fault(ofReceived: HeaderList([("a-bin", "AP8=,!")])) != nil)
    for (key, value) in [
      ("", "x"), (":x", "x"), ("a b", "x"), ("grpc-x", "x"), ("k", "é"), ("k", " x"), ("k", "\n"),
    ] {
      var bad = CallMetadata()
      bad.add(key, value)
      #expect(bad.fault != nil, "\(key): \(value)")
    }
  }

  @Test func statuses() {
    let list = StatusTrailers.trailers(GRPCStatus(.notFound, "ö", details: [1]), CallMetadata())
    #expect(StatusTrailers.status(in: list) == GRPCStatus(.notFound, "ö", details: [1]))
    #expect(StatusTrailers.status(in: HeaderList([("grpc-status", "99")]))?.code == .unknown)
    #expect(StatusTrailers.status(in: HeaderList([("x", "0")])) == nil)
    #expect(GRPCStatus.Code(rawValue: 17) == nil && GRPCStatus.Code.internalError.description == "INTERNAL")
    #expect(GRPCStatus(HTTP2Error(.reset(.refusedStream), "")).code == .unavailable)
    #expect(GRPCStatus(HTTP2Error(.reset(.cancel), "")).code == .cancelled)
    #expect(GRPCStatus(HTTP2Error(.reset(.enhanceYourCalm), "")).code == .resourceExhausted)
    #expect(GRPCStatus.code(ofHTTPStatus: 503) == .unavailable)
    let long = StatusTrailers.trailers(
      GRPCStatus(.aborted, String(repeating: "é", count: 9000)), CallMetadata())
    #expect(long.size < 8192 && StatusTrailers.status(in: long)?.message.contains("\u{FFFD}") == false)
  }

  @Test func logLines() {
    var call = CallSummary(
      path: "/a/\"b\"", peer: "p", status: GRPCStatus(.aborted, "x\ny\u{1}"),
      started: MonotonicTime(nanoseconds: 0), duration: .microseconds(1500))
    call.bytesIn = 7
    let line = JSONCallLog.line(call, at: JSONCallLog.WallTime(seconds: 1_700_000_000, milliseconds: 5))
    #expect(
      line == #"{"time":"2023-11-14T22:13:20.005Z","method":"/a/\"b\"","peer":"p","status":"ABORTED","#
        + #""message":"x\ny\u0001","ms":1.5,"messages_in":0,"messages_out":0,"bytes_in":7,"bytes_out":0}"#)
  }
}
