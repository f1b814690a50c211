// Tables as flights, for clients that know Flight and no SQL: listed, got and put by name.

import Arrow
import Engine
import Flight
import FlightSQL
import GRPC

/// A table as a flight.
struct FlightTable {
  /// The name that it was asked for by.
  let name: String
  let schema: Schema
  let rows: Int
  let bytes: Int
}

extension SQLService {
  static let ticketEnding = "_ticket"

  /// The table of a name, or of a ticket that was made of it.
  func table(named text: String, _ context: CallContext) throws -> FlightTable? {
    guard !text.isEmpty, text.utf8.count < 1024 else { return nil }
    let session = try sessions.session(context)
    func find(_ name: String) throws -> FlightTable? {
      let found = try grpc { () throws(EngineError) in try session.engine.stored(TableName(table: name)) }
      return found.map { FlightTable(name: name, schema: $0.schema, rows: $0.rows, bytes: $0.bytes) }
    }
    if let table = try find(text) { return table }
    guard text.hasSuffix(SQLService.ticketEnding) else { return nil }
    return try find(String(text.dropLast(SQLService.ticketEnding.count)))
  }

  func info(_ table: FlightTable, _ context: CallContext) throws -> QueryInfo {
    QueryInfo(
      schema: table.schema, endpoints: [QueryEndpoint(ticket: .text(table.name + SQLService.ticketEnding))],
      totalRecords: Int64(table.rows), totalBytes: Int64(table.bytes), isOrdered: true)
  }

  func send(
    _ table: FlightTable, _ session: ClientSession, _ output: FlightOutput, _ context: CallContext
  ) throws {
    let control = control(context, session)
    let stream = try grpc { () throws(EngineError) in
      try session.engine.scan(TableName(table: table.name), control)
    }
    defer { stream.close() }
    try output.start(stream.schema)
    while let batch = try grpc({ () throws(EngineError) in try stream.next() }) { try output.write(batch) }
  }

  public func listFlights(
    _ criteria: Criteria, _ context: CallContext, _ yield: (FlightInfo) throws -> Void
  ) throws {
    let session = try sessions.session(context)
    let wanted = String(decoding: criteria.expression, as: UTF8.self)
    let names = try grpc { () throws(EngineError) in try session.engine.tables(withColumns: false) }
    for name in names.map(\.name) where wanted.isEmpty || name.contains(wanted) {
      guard let table = try table(named: name, context) else { continue }
      try yield(
        FlightInfo(
          schema: try SchemaMessage.encode(table.schema), descriptor: .path([name]),
          endpoints: [FlightEndpoint(ticket: Ticket(name + SQLService.ticketEnding))],
          totalRecords: Int64(table.rows),
          totalBytes: Int64(table.bytes), isOrdered: true))
    }
  }

  /// An upload by name takes the place of what has the name.
  public func put(
    _ target: QueryRequest, _ input: FlightInput, _ context: CallContext,
    _ acknowledge: ([UInt8]) throws -> Void
  ) throws {
    let name: String
    switch target {
    case .path(let parts) where !parts.isEmpty: name = parts.joined(separator: "/")
    case .text(let text): name = text
    default: throw GRPCStatus(.invalidArgument, "\(target.name) names no table to put into")
    }
    let session = try sessions.session(context)
    guard let schema = try input.schema() else {
      throw GRPCStatus(.invalidArgument, "an upload begins with a schema; this has none")
    }
    let request = IngestRequest(
      table: TableName(table: name), schema: schema, ifExists: .replace, ifMissing: .create)
    do {
      let rows = try session.engine.ingest(request, in: nil, control(context, session)) {
        while let item = try input.next() { if let batch = item.batch { return batch } }
        return nil
      }
      try acknowledge(Array("{\"rows\":\(rows)}".utf8))
    } catch let error as EngineError {
      throw GRPCStatus(error)
    }
  }
}
