// A Flight SQL service as a Flight service: descriptors and tickets into typed questions.

import Arrow
import Flight
import GRPC
import Memory

extension FlightSQLService {
  /// This service for `flightMethods`.
  public func flightService() -> any FlightService { FlightSQLAdapter(service: self) }
}

/// Reads what comes in, asks the service, and writes what it answers.
struct FlightSQLAdapter: FlightService {
  let service: any FlightSQLService

  var lookupKind: MethodKind { service.lookupKind }

  func handshake(_ exchange: HandshakeExchange, _ context: CallContext) throws {
    try service.handshake(exchange, context)
  }

  func listFlights(
    _ criteria: Criteria, _ context: CallContext, _ yield: (FlightInfo) throws -> Void
  ) throws {
    try service.listFlights(criteria, context, yield)
  }

  func exchange(_ input: FlightInput, _ output: FlightOutput, _ context: CallContext) throws {
    try service.exchange(input, output, context)
  }

  func actionTypes(_ context: CallContext) throws -> [ActionType] { try service.actionTypes(context) }

  static func command(_ descriptor: FlightDescriptor) throws(GRPCStatus) -> FlightSQLCommand {
    switch descriptor {
    case .command(let bytes): return try FlightSQLCommand(bytes)
    case .path(let parts): return .query(.path(parts))
    case .unknown: throw GRPCStatus(.invalidArgument, "the descriptor is neither a command nor a path")
    }
  }

  private static func misplaced(_ command: FlightSQLCommand, _ call: String) -> GRPCStatus {
    GRPCStatus(.invalidArgument, "\(command.name) is not for \(call)")
  }

  // MARK: Looking

  func flightInfo(_ descriptor: FlightDescriptor, _ context: CallContext) throws -> FlightInfo {
    switch try FlightSQLAdapter.command(descriptor) {
    case .query(let query): return try wire(try service.execute(query, context), descriptor)
    case .substrait(let plan): return try wire(try service.execute(plan, context), descriptor)
    case .metadata(let command): return try FlightSQLAdapter.info(command, descriptor)
    case let other: throw FlightSQLAdapter.misplaced(other, "GetFlightInfo")
    }
  }

  func pollFlightInfo(_ descriptor: FlightDescriptor, _ context: CallContext) throws -> PollInfo {
    switch try FlightSQLAdapter.command(descriptor) {
    case .query(let query): return try wire(try service.poll(query, context), descriptor)
    case .poll(let handle): return try wire(try service.poll(next: handle, context), descriptor)
    case .substrait(let plan):
      return PollInfo(info: try wire(try service.execute(plan, context), descriptor), progress: 1)
    case .metadata(let command):
      return PollInfo(info: try FlightSQLAdapter.info(command, descriptor), progress: 1)
    case let other: throw FlightSQLAdapter.misplaced(other, "PollFlightInfo")
    }
  }

  func schema(_ descriptor: FlightDescriptor, _ context: CallContext) throws -> [UInt8] {
    switch try FlightSQLAdapter.command(descriptor) {
    case .query(let query): return try SchemaMessage.encode(try service.schema(query, context))
    case .substrait(let plan): return try SchemaMessage.encode(try service.schema(plan, context))
    case .metadata(let command): return try SchemaMessage.encode(command.schema)
    case let other: throw FlightSQLAdapter.misplaced(other, "GetSchema")
    }
  }

  /// The command is its own ticket: it says all, and holds nothing that is secret.
  private static func info(
    _ command: MetadataCommand, _ descriptor: FlightDescriptor
  ) throws(DataError) -> FlightInfo {
    guard case .command(let bytes) = descriptor else { preconditionFailure("commands come as bytes") }
    return FlightInfo(
      schema: try SchemaMessage.encode(command.schema), descriptor: descriptor,
      endpoints: [FlightEndpoint(ticket: Ticket(bytes))])
  }

  private func wire(_ info: QueryInfo, _ descriptor: FlightDescriptor) throws(DataError) -> FlightInfo {
    FlightInfo(
      schema: try SchemaMessage.encode(info.schema), descriptor: descriptor,
      endpoints: info.endpoints.map { $0.endpoint }, totalRecords: info.totalRecords,
      totalBytes: info.totalBytes, isOrdered: info.isOrdered, appMetadata: info.appMetadata)
  }

  /// As long as a query runs, its info names what it is polled with, so that this suffices to cancel it.
  private func wire(_ progress: QueryProgress, _ asked: FlightDescriptor) throws(DataError) -> PollInfo {
    let next = progress.next.map { FlightDescriptor.command(FlightSQLCommand.pollBytes($0)) }
    let info = try progress.info.map { info throws(DataError) in try wire(info, next ?? asked) }
    return PollInfo(
      info: info, descriptor: next, progress: progress.progress, expiration: progress.expiration)
  }

  // MARK: Data

  func get(_ ticket: Ticket, _ output: FlightOutput, _ context: CallContext) throws {
    switch try FlightSQLCommand(ticket.bytes) {
    case .ticket(let ticket): try service.get(.result(handle: ticket.handle), output, context)
    case .query(let query): try service.get(.query(query), output, context)
    case .metadata(let command):
      let batch = try command.answer(service, context)
      try output.start(batch.schema)
      if batch.count > 0 { try output.write(batch) }
    case let other: throw FlightSQLAdapter.misplaced(other, "DoGet")
    }
  }

  func put(_ input: FlightInput, _ context: CallContext, _ acknowledge: ([UInt8]) throws -> Void) throws {
    guard let descriptor = input.descriptor else {
      throw GRPCStatus(.invalidArgument, "the first message of a DoPut has no descriptor")
    }
    // Some clients read the answer before they say that they have sent all, others send a batch without columns behind the schema
    // without one: the answer comes first, and then the rest is waited for.
    func count(_ count: Int64) throws {
      try acknowledge(DoPutUpdateResult(recordCount: count).bare())
      try input.drain()
    }
    switch try FlightSQLAdapter.command(descriptor) {
    case .update(let statement): try count(try service.update(statement, context))
    case .substrait(let plan): try count(try service.update(plan, context))
    case .ingest(let command): try count(try service.ingest(command, try IngestRows(input), context))
    case .preparedUpdate(let command):
      try count(try service.update(prepared: command.handle, try BoundParameters(input), context))
    case .query(.prepared(let command)):
      // Clients of before this result was specified expect none, so there is one only where it says something.
      if let handle = try service.bind(prepared: command.handle, try BoundParameters(input), context) {
        try acknowledge(DoPutPreparedStatementResult(handle: handle).bare())
      }
      try input.drain()
    case .query(.statement), .metadata, .ticket, .poll:
      throw FlightSQLAdapter.misplaced(try FlightSQLAdapter.command(descriptor), "DoPut")
    case .query(let target): try service.put(target, input, context, acknowledge)
    }
  }
}

extension QueryEndpoint {
  var endpoint: FlightEndpoint {
    let ticket: Flight.Ticket =
      switch self.ticket {
      case .handle(let handle): Flight.Ticket(TicketStatementQuery(handle: handle).wrapped())
      case .text(let text): Flight.Ticket(text)
      }
    return FlightEndpoint(
      ticket: ticket, locations: locations, expiration: expiration, appMetadata: appMetadata)
  }
}
