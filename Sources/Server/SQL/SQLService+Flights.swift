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
  /// The only part that was asked for; nil for all.
  let part: Int?
  let stored: StoredTable

  var schema: Schema { stored.schema }

  /// A ticket for each part: `NAME_ticket`, or `NAME_ticket/K` where there are several.
  var tickets: [String] {
    let ticket = name + SQLService.ticketEnding
    return stored.parts == 1 ? [ticket] : (0..<stored.parts).map { "\(ticket)/\($0)" }
  }
}

extension SQLService {
  static let ticketEnding = "_ticket"

  /// The table of a name, or of a ticket that was made of it; nil for what may be SQL.
  /// - Throws: NOT_FOUND for what can only be a name or a ticket.
  func table(named text: String, _ context: CallContext) throws -> FlightTable? {
    guard !text.isEmpty, text.utf8.count < 1024, !SQLService.isPlainlySQL(text) else { return nil }
    let session = try sessions.session(context)
    func find(_ name: String, part: Int? = nil) throws -> FlightTable? {
      let found = try grpc { () throws(EngineError) in try session.engine.stored(TableName(table: name)) }
      return found.map { FlightTable(name: name, part: part, stored: $0) }
    }
    if let table = try find(text) { return table }
    var name = Substring(text)
    var part: Int?
    if let slash = name.lastIndex(of: "/"), let number = Int(name[name.index(after: slash)...]) {
      part = number
      name = name[..<slash]
    }
    guard name.hasSuffix(SQLService.ticketEnding) else {
      // One word is no SQL, but for a few.
      if text.contains(where: \.isWhitespace) || SQLWords.statements.contains(text.uppercased()) {
        return nil
      }
      throw GRPCStatus(
        .notFound, "there is no flight, and no ticket '\(text)'; ListFlights tells which there are")
    }
    guard let table = try find(String(name.dropLast(SQLService.ticketEnding.count)), part: part) else {
      throw GRPCStatus(.notFound, "no flight has the ticket '\(text)'")
    }
    if let part, part >= table.stored.parts || part < 0 {
      throw GRPCStatus(.notFound, "table '\(table.name)' has no file \(part)")
    }
    return table
  }

  /// Whether a text is a statement and surely no ticket: then no table needs to be looked for. A table of such a name is had by its
  /// path and its ticket.
  private static func isPlainlySQL(_ text: String) -> Bool {
    guard let end = text.utf8.firstIndex(where: { $0 == 0x20 || $0 == 0x0A || $0 == 0x09 || $0 == 0x0D }),
      end != text.startIndex, SQLWords.beginnings.contains(text[..<end].uppercased())
    else { return false }
    let tail = text.utf8.lastIndex(of: UInt8(ascii: "/")).map { text[..<$0] } ?? text[...]
    return !text.hasSuffix(ticketEnding) && !tail.hasSuffix(ticketEnding)
  }

  /// The table of a path.
  func flight(_ name: String, _ context: CallContext) throws -> FlightTable {
    let session = try sessions.session(context)
    guard
      let stored = try grpc({ () throws(EngineError) in try session.engine.stored(TableName(table: name)) })
    else {
      throw GRPCStatus(.notFound, "there is no flight '\(name)'; ListFlights tells which there are")
    }
    return FlightTable(name: name, part: nil, stored: stored)
  }

  func info(_ table: FlightTable, _ context: CallContext) throws -> QueryInfo {
    QueryInfo(
      schema: table.schema, endpoints: table.tickets.map { QueryEndpoint(ticket: .text($0)) },
      totalRecords: Int64(table.stored.rows), totalBytes: Int64(table.stored.bytes), isOrdered: true)
  }

  func send(
    _ table: FlightTable, _ session: ClientSession, _ output: FlightOutput, _ context: CallContext
  ) throws {
    let control = control(context, session)
    let stream = try grpc { () throws(EngineError) in
      try session.engine.scan(TableName(table: table.name), part: table.part, control)
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
    for found in names where found.kind == .table {
      let name = options.aliases.first { $0.value == found.name }?.key ?? found.name
      guard wanted.isEmpty || name.contains(wanted),
        let stored = try grpc({ () throws(EngineError) in
          try session.engine.stored(TableName(table: found.name))
        })
      else { continue }
      let table = FlightTable(name: name, part: nil, stored: stored)
      try yield(
        FlightInfo(
          schema: try SchemaMessage.encode(table.schema), descriptor: .path([name]),
          endpoints: table.tickets.map { FlightEndpoint(ticket: Ticket($0)) },
          totalRecords: Int64(stored.rows),
          totalBytes: Int64(stored.bytes), isOrdered: true))
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
