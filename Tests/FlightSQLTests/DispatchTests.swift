// What bytes are taken for: commands, text, JSON, or nothing.

import Flight
import GRPC
import Memory
import Testing

@testable import FlightSQL

@Suite struct DispatchTests {
  private func query(_ text: String) throws -> QueryRequest? {
    guard case .query(let query) = try FlightSQLCommand(Array(text.utf8)) else { return nil }
    return query
  }

  @Test func plainBytesAreTextOrJSON() throws {
    #expect(try query("SELECT 1") == .text("SELECT 1"))
    #expect(try query("\n\tSELECT 1;\r\n") == .text("\n\tSELECT 1;\r\n"))
    #expect(try query("type.googleapis.com/x") == .text("type.googleapis.com/x"))
    #expect(try query(#"{"query":"SELECT 1"}"#) == .json(query: "SELECT 1"))
    #expect(
      try query(#" { "a" : [ 1e5, {"query": "no"} , null, [] ] , "query" : "x\n\"\\\/é😀" } "#)
        == .json(query: "x\n\"\\/é😀"))
    #expect(try query(#"{"query":"\u00e9\ud83d\ude00\u0041"}"#) == .json(query: "é😀A"))
    #expect(try query(#"{"query":"first","query":"last"}"#) == .json(query: "last"))
  }

  @Test func brokenJSONIsAnInvalidArgument() {
    let broken = [
      "{", "{}", "{]", #"{"query"}"#, #"{"query":}"#, #"{"query":1}"#, #"{"query":"x"} x"#,
      #"{"query":"x",}"#,
      #"{"query":"\x"}"#, #"{"query":"\u12"}"#, #"{"query":"\u+123"}"#, #"{"query":"\ud800"}"#,
      #"{"query":"\ud800\u0041"}"#, #"{"query":"x"#, #"{"a":tru,"query":"x"}"#, #"{query:"x"}"#,
      #"{"a":"# + String(repeating: "[", count: 100_000),
      String(repeating: #"{"a":"#, count: 100_000),
    ]
    for text in broken {
      let error = #expect(throws: GRPCStatus.self, "\(text.prefix(40))") {
        _ = try FlightSQLCommand(Array(text.utf8))
      }
      #expect(error?.code == .invalidArgument)
    }
  }

  @Test func bytesThatAreNothingAreAnInvalidArgument() {
    for bytes: [UInt8] in [
      [], [0], [0xFF, 0xFE], [0x53, 0x00], [0x0A, 0x08, 0x53], Array("DEL\u{7F}".utf8),
    ] {
      let error = #expect(throws: GRPCStatus.self) { _ = try FlightSQLCommand(bytes) }
      #expect(error?.code == .invalidArgument)
    }
  }

  @Test func aPollHandleComesBack() throws {
    let bytes = FlightSQLCommand.pollBytes([0, 1, 255])
    guard case .poll(let handle) = try FlightSQLCommand(bytes) else {
      Issue.record("no poll")
      return
    }
    #expect(handle == [0, 1, 255])
  }

  /// Whatever comes, it is a command or a status of the caller's fault.
  @Test func changedBytesNeverTrap() throws {
    var random = SystemRandomNumberGenerator()
    let seeds =
      everyMessage.map { $0.wrapped() } + [
        Array("SELECT 1".utf8), Array(#"{"a": [1, {"b": "\u0041"}], "query": "SELECT 1"}"#.utf8),
        FlightSQLCommand.pollBytes([1]),
      ]
    var refused = 0
    for _ in 0..<20_000 {
      var bytes = seeds.randomElement(using: &random)!
      for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[place] = .random(in: 0...255, using: &random)
        case 1: bytes.removeLast(bytes.count - place)
        default: bytes.insert(.random(in: 0...255, using: &random), at: place)
        }
      }
      do throws(GRPCStatus) { _ = try FlightSQLCommand(bytes) } catch {
        #expect(error.code == .invalidArgument || error.code == .unimplemented)
        refused += 1
      }
    }
    #expect(refused > 0)
  }
}
