// A Flight service and a Flight client, over a Unix socket: exchanges, defaults, and errors in mid-stream.

import Arrow
import GRPC
import Glibc
import HTTP2
import Memory
import Samples
import Testing

@testable import Flight

/// Sends every batch back with its application metadata; a DoGet fails after its second batch.
private struct EchoService: FlightService {
  func exchange(_ input: FlightInput, _ output: FlightOutput, _ context: CallContext) throws {
    guard input.descriptor == .command([1]), let schema = try input.schema() else {
      throw GRPCStatus(.invalidArgument, "no command, or no schema")
    }
    try output.start(schema)
    while let item = try input.next() {
      if let batch = item.batch {
        try output.write(batch, appMetadata: item.appMetadata.array)
      } else {
        try output.write(appMetadata: item.appMetadata.array)
      }
    }
  }

  func get(_ ticket: Ticket, _ output: FlightOutput, _ context: CallContext) throws {
    var people = People(seed: 1)
    try output.start(people.schema)
    for _ in 0..<2 { try output.write(try people.batch(rows: 10)) }
    throw DataError(.limit, "the third batch is one too many")
  }
}

@Suite struct FlightServiceTests {
  private let server = GRPCServer(
    methods: flightMethods(EchoService()), options: GRPCServerOptions(), interceptors: [])
  private let client: FlightClient

  init() throws {
    let path = "/tmp/fletch-flight-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock"
    client = try FlightClient(to: FlightLocation(try server.listen(on: .unix(path: path), tls: nil)))
  }

  private func stop() {
    client.close()
    server.close()
  }

  @Test func anExchangeGoesBothWaysAtOnce() throws {
    defer { stop() }
    var table = AllTypes(seed: 9)
    let exchange = try client.exchange(.command([1]))
    try exchange.output.start(table.schema)
    for size in [5, 0, 40] {
      let batch = try table.batch(rows: size)
      try exchange.output.write(batch, appMetadata: [UInt8(size)])
      let item = try #require(try exchange.input.next())
      let echo = try #require(item.batch)
      #expect(item.appMetadata.array == [UInt8(size)] && echo.count == size)
      for (left, right) in zip(batch.columns, echo.columns) { #expect(left.hasEqualValues(to: right)) }
    }
    try exchange.output.write(appMetadata: [1, 2, 3])
    #expect(try exchange.input.next()?.appMetadata.array == [1, 2, 3])
    exchange.finishWriting()
    #expect(try exchange.input.next() == nil)
    #expect(try exchange.input.schema() == table.schema)
  }

  @Test func metadataBeforeTheSchemaIsKept() throws {
    defer { stop() }
    var people = People(seed: 1)
    let exchange = try client.exchange(.command([1]))
    for i: UInt8 in 0..<3 { try exchange.output.write(appMetadata: [i]) }
    try exchange.output.start(people.schema, appMetadata: [3])
    try exchange.output.write(try people.batch(rows: 1), appMetadata: [4])
    exchange.finishWriting()
    var metadata: [[UInt8]] = []
    while let item = try exchange.input.next() { metadata.append(item.appMetadata.array) }
    #expect(metadata == [[0], [1], [2], [3], [4]])
  }

  @Test func anErrorInMidStreamIsNoEnd() throws {
    defer { stop() }
    let download = try client.get(Ticket("any"))
    #expect(try download.schema() == People.schema)
    var rows = 0
    let error = #expect(throws: GRPCStatus.self) {
      while let item = try download.next() { rows += item.batch?.count ?? 0 }
    }
    #expect(
      rows == 20 && error?.code == .resourceExhausted && error?.message.contains("one too many") == true)
  }

  @Test func whatAServiceDoesNotDoIsUnimplemented() throws {
    defer { stop() }
    let attempts: [() throws -> Void] = [
      { _ = try client.listFlights() }, { _ = try client.flightInfo(.path(["x"])) },
      { _ = try client.pollFlightInfo(.path(["x"])) }, { _ = try client.schema(.path(["x"])) },
      { _ = try client.put(.path(["x"]), People.schema).finish() },
      { _ = try client.action(Action("dance")) },
      { _ = try client.handshake(HandshakeMessage()) },
    ]
    for attempt in attempts {
      let error = #expect(throws: GRPCStatus.self) { try attempt() }
      #expect(error?.code == .unimplemented && error?.message.isEmpty == false)
    }
    #expect(try client.actionTypes().isEmpty)
    let error = #expect(throws: GRPCStatus.self) {
      let exchange = try client.exchange(.path(["x"]))
      try exchange.output.start(People.schema)
      exchange.finishWriting()
      _ = try exchange.input.next()
    }
    #expect(error?.code == .invalidArgument)
  }
}
