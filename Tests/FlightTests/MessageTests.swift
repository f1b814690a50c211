// Flight's messages: what is written is read again.

import Arrow
import HTTP2
import Memory
import Protobuf
import Testing

@testable import Flight

@Suite struct MessageTests {
  private func reader(_ write: (inout ProtobufWriter) -> Void) -> ProtobufReader {
    var writer = ProtobufWriter()
    write(&writer)
    return ProtobufReader(Buffer(copying: writer.bytes))
  }

  @Test(
    arguments: [
      .path(["a", "", "ü"]), .path([]), .command([]), .command([0, 255, 1]), .unknown,
    ] as [FlightDescriptor])
  func descriptors(descriptor: FlightDescriptor) throws {
    #expect(try FlightDescriptor(reader { descriptor.write(to: &$0) }) == descriptor)
  }

  @Test func infos() throws {
    let schema = Schema([Field("x", .list(Field("item", .utf8)))], metadata: ["k": "v"])
    let info = FlightInfo(
      schema: try SchemaMessage.encode(schema), descriptor: .command([1]),
      endpoints: [
        FlightEndpoint(ticket: Ticket("a")),
        FlightEndpoint(
          ticket: Ticket([]), locations: ["grpc://h:1", ""],
          expiration: FlightTimestamp(seconds: -5, nanoseconds: 7), appMetadata: [9]),
      ], totalRecords: -1, totalBytes: 1 << 40, isOrdered: true, appMetadata: [1, 2])
    #expect(try FlightInfo(reader { info.write(to: &$0) }) == info)
    #expect(try SchemaMessage.decode(info.schema) == schema)
    for progress in [nil, 0, 0.25, 1] {
      let poll = PollInfo(
        info: info, descriptor: .path(["next"]), progress: progress, expiration: FlightTimestamp(seconds: 1))
      #expect(try PollInfo(reader { poll.write(to: &$0) }) == poll)
    }
  }

  @Test func smallMessages() throws {
    let action = Action("do", body: [1, 0])
    #expect(try Action(reader { action.write(to: &$0) }) == action)
    let type = ActionType("do", "does it")
    #expect(try ActionType(reader { type.write(to: &$0) }) == type)
    let handshake = HandshakeMessage(protocolVersion: .max, payload: [3])
    #expect(try HandshakeMessage(reader { handshake.write(to: &$0) }) == handshake)
    let basic = BasicAuthentication(user: "ü", password: "")
    #expect(try BasicAuthentication(basic.payload) == basic)
    #expect(try Criteria(reader { Criteria([5]).write(to: &$0) }).expression == [5])
  }

  @Test(arguments: [
    ("localhost:1", "grpc://localhost:1"), ("grpc://h", "grpc://h:8815"),
    ("grpc+tls://h:2/", "grpc+tls://h:2"),
    ("grpc+tcp://[::1]:3", "grpc://[::1]:3"), ("[::1]", "grpc://[::1]:8815"),
    ("grpc+unix:///a/b", "grpc+unix:///a/b"), ("unix:/a", "grpc+unix:///a"),
  ])
  func locations(text: String, shown: String) throws {
    #expect(try FlightLocation(uri: text).description == shown)
  }

  @Test(arguments: ["http://h", "h:x", "grpc://", "h:70000", ":1"])
  func wrongLocations(text: String) { #expect(throws: DataError.self) { try FlightLocation(uri: text) } }
}
