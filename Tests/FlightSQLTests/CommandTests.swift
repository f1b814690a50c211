// Messages in and out of their envelopes, and what is none of them.

import Flight
import Memory
import Protobuf
import Testing

@testable import FlightSQL

/// A message of every kind, with every field set to something.
let everyMessage: [any FlightSQLMessage] = [
  CommandStatementQuery(query: "SELECT 1", transactionID: [1, 2]),
  CommandStatementUpdate(query: "DELETE FROM t", transactionID: nil),
  CommandStatementSubstraitPlan(plan: SubstraitPlan(plan: [7], version: "0.1"), transactionID: [3]),
  TicketStatementQuery(handle: [9, 9]), CommandPreparedStatementQuery(handle: [1]),
  CommandPreparedStatementUpdate(handle: [2]),
  CommandStatementIngest(
    table: "t", dbSchema: "", catalog: "c", ifNotExist: .create, ifExists: .replace, isTemporary: true,
    transactionID: [5], options: ["a": "b", "": ""]),
  ActionCreatePreparedStatementRequest(query: "SELECT ?", transactionID: [1]),
  ActionCreatePreparedSubstraitPlanRequest(plan: SubstraitPlan(plan: [1], version: "2"), transactionID: nil),
  ActionCreatePreparedStatementResult(handle: [1], datasetSchema: [2], parameterSchema: [3], isUpdate: false),
  ActionClosePreparedStatementRequest(handle: [4]), DoPutUpdateResult(recordCount: -1),
  DoPutPreparedStatementResult(handle: []), ActionBeginTransactionRequest(),
  ActionBeginTransactionResult(transactionID: [1]),
  ActionBeginSavepointRequest(transactionID: [1], savepoint: "s"),
  ActionBeginSavepointResult(savepointID: [6]),
  ActionEndTransactionRequest(transactionID: [1], action: .rollback),
  ActionEndSavepointRequest(savepointID: [1], action: .release), CommandGetCatalogs(), CommandGetTableTypes(),
  CommandGetDbSchemas(catalog: "", dbSchemaPattern: "m%"),
  CommandGetTables(
    catalog: "main", dbSchemaPattern: nil, tablePattern: "t\\_%", tableTypes: ["TABLE", ""],
    includeSchema: true),
  CommandGetPrimaryKeys(TableReference(table: "t")),
  CommandGetExportedKeys(TableReference(catalog: "", dbSchema: "s", table: "t")),
  CommandGetImportedKeys(TableReference(catalog: "c", table: "t")),
  CommandGetCrossReference(
    parent: TableReference(catalog: "c", dbSchema: "s", table: "t"),
    foreign: TableReference(catalog: "d", dbSchema: "", table: "u")),
  CommandGetXdbcTypeInfo(dataType: -7), CommandGetSqlInfo(info: [0, 500, 4_000_000_000]),
  ActionCancelQueryRequest(
    info: FlightInfo(schema: [1], descriptor: .command([2]), endpoints: [FlightEndpoint(ticket: Ticket("t"))])
  ),
  ActionCancelQueryResult(result: .cancelling),
]

let everyAction: [any FlightActionMessage] = [
  CancelFlightInfoRequest(info: FlightInfo(schema: [], descriptor: nil, endpoints: [])),
  CancelFlightInfoResult(status: .notCancellable),
  RenewFlightEndpointRequest(endpoint: FlightEndpoint(ticket: Ticket("t"), locations: ["grpc://x:1"])),
  SetSessionOptionsRequest(options: [
    "s": .string(""), "b": .bool(false), "i": .int64(.min), "d": .double(-0.0), "l": .strings(["", "x"]),
    "n": SessionOptionValue.none, "e": .strings([]),
  ]), SetSessionOptionsResult(errors: ["a": .invalidName, "b": .unspecified]), GetSessionOptionsRequest(),
  GetSessionOptionsResult(options: ["x": .int64(1)]), CloseSessionRequest(),
  CloseSessionResult(status: .closing),
]

extension FlightSQLMessage {
  /// The message after a journey in its envelope, and one without.
  func again() throws(DataError) -> (Self, Self) {
    (try Self(wrapped: wrapped()), try Self(ProtobufReader(Buffer(copying: bare()))))
  }
}

@Suite struct CommandTests {
  private func check<M: FlightSQLMessage>(_ message: M) throws {
    let (wrapped, bare) = try message.again()
    #expect(wrapped == message && bare == message)
  }

  private func check<M: FlightActionMessage>(_ message: M) throws {
    #expect(try M(bytes: message.bytes) == message)
    let name = "type.googleapis.com/arrow.flight.protocol." + M.name
    #expect(
      try M(bytes: AnyMessage(typeURL: name, value: Buffer(copying: message.bytes)).bytes) == message)
  }

  @Test func everyMessageComesBackAsItWas() throws {
    for message in everyMessage { try check(message) }
    for message in everyAction { try check(message) }
    #expect(Set(everyMessage.map { type(of: $0).name }).count == everyMessage.count)
  }

  @Test func anEnvelopeOfAnotherMessageIsRefusedByName() {
    let error = #expect(throws: DataError.self) {
      _ = try CommandStatementQuery(wrapped: CommandGetCatalogs().wrapped())
    }
    #expect(error?.code == .malformed && error?.message.contains("CommandGetCatalogs") == true)
    #expect(throws: DataError.self) { _ = try CommandGetCatalogs(wrapped: []) }
    #expect(throws: DataError.self) { _ = try CommandGetCatalogs(wrapped: Array("SELECT 1".utf8)) }
  }

  @Test func whatNoClientMayLeaveOpenIsRefused() {
    func refuse<M: FlightSQLMessage>(_ type: M.Type, _ write: (inout ProtobufWriter) -> Void) {
      var writer = ProtobufWriter()
      write(&writer)
      let error = #expect(throws: DataError.self) {
        _ = try M(ProtobufReader(Buffer(copying: writer.bytes)))
      }
      #expect(error?.code == .malformed)
    }
    refuse(ActionEndTransactionRequest.self) { $0.bytes(1, [1]) }
    refuse(ActionEndTransactionRequest.self) { $0.integer(2, 3) }
    refuse(ActionEndSavepointRequest.self) { $0.integer(2, 0, isPresent: true) }
    refuse(CommandStatementIngest.self) { $0.string(2, "t") }
    refuse(CommandStatementIngest.self) { $0.message(1) { $0.integer(1, 1) } }
    refuse(CommandStatementIngest.self) { writer in
      writer.string(2, "t")
      writer.message(1) { $0.integer(1, 1) }
    }
    refuse(CommandStatementIngest.self) { writer in
      writer.string(2, "t")
      writer.message(1) { policies in
        policies.integer(1, 1)
        policies.integer(2, 4)
      }
    }
    refuse(CommandGetPrimaryKeys.self) { $0.string(1, "main") }
    refuse(ActionCancelQueryResult.self) { $0.integer(1, 4) }
  }

  @Test func anEmptyTransactionIsNone() throws {
    var writer = ProtobufWriter()
    writer.string(1, "SELECT 1")
    writer.bytes(2, [UInt8](), isPresent: true)
    let query = try CommandStatementQuery(ProtobufReader(Buffer(copying: writer.bytes)))
    #expect(query.transactionID == nil)
  }

  @Test func numbersMayComePackedOrOneByOne() throws {
    var writer = ProtobufWriter()
    writer.integer(1, 8)
    writer.integers(1, [500, 501])
    writer.integer(1, 0, isPresent: true)
    let command = try CommandGetSqlInfo(ProtobufReader(Buffer(copying: writer.bytes)))
    #expect(command.info == [8, 500, 501, 0])
  }

  /// Whatever bytes come, there is a message or an error.
  @Test func changedBytesNeverTrap() throws {
    var random = SystemRandomNumberGenerator()
    let seeds =
      everyMessage.map { $0.wrapped() } + everyMessage.map { $0.bare() } + everyAction.map { $0.bytes }
    var outcomes = (fine: 0, refused: 0)
    for _ in 0..<20_000 {
      var bytes = seeds.randomElement(using: &random)!
      for _ in 0..<Int.random(in: 0...4, using: &random) where !bytes.isEmpty {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[place] = .random(in: 0...255, using: &random)
        case 1: bytes.removeLast(bytes.count - place)
        case 2: bytes.insert(.random(in: 0...255, using: &random), at: place)
        default: bytes[place] ^= 1 << Int.random(in: 0..<8, using: &random)
        }
      }
      let isWrapped = AnyMessage(bytes) != nil
      for message in [everyMessage.randomElement(using: &random)!] {
        do {
          if isWrapped {
            _ = try type(of: message).init(wrapped: bytes)
          } else {
            _ = try type(of: message).init(ProtobufReader(Buffer(copying: bytes)))
          }
          outcomes.fine += 1
        } catch { outcomes.refused += 1 }
      }
      do {
        _ = try type(of: everyAction.randomElement(using: &random)!).init(bytes: bytes)
        outcomes.fine += 1
      } catch { outcomes.refused += 1 }
    }
    #expect(outcomes.fine > 0 && outcomes.refused > 0)
  }
}
