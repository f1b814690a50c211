// Queries: told of by GetFlightInfo, run when their ticket is brought, or at once where they write.

import Arrow
import Engine
import Flight
import FlightSQL
import GRPC
import Glibc
import Memory

extension SQLService {
  public var lookupKind: MethodKind { .blocking }

  // MARK: Telling

  public func execute(_ query: QueryRequest, _ context: CallContext) throws -> QueryInfo {
    switch query {
    case .statement(let command):
      let (session, transaction) = try place(command.transactionID, context)
      return try execute(command.query, session, transaction, context)
    case .text(let text):
      if let table = try table(named: text, context) { return try info(table, context) }
      return try execute(text, try sessions.session(context), nil, context)
    case .json(let sql): return try execute(sql, try sessions.session(context), nil, context)
    case .path(let parts):
      let name = parts.joined(separator: "/")
      return try info(try flight(name, context), context)
    case .prepared(let command):
      let session = try sessions.session(context)
      let entry = try prepared.find(command.handle, owner: session.user)
      let statement = try entry.statement(control(context, entry.session))
      return try info(statement, entry.parameters, entry.session, context)
    }
  }

  private func execute(
    _ sql: String, _ session: ClientSession, _ transaction: TransactionID?, _ context: CallContext
  ) throws -> QueryInfo {
    let control = control(context, session)
    let statement = try grpc { () throws(EngineError) in
      try session.engine.prepare(sql, in: transaction, control)
    }
    return try info(statement, nil, session, context)
  }

  /// A query's info. What writes runs here, so that it takes effect once, whatever becomes of the ticket.
  private func info(
    _ statement: any EngineStatement, _ parameters: RecordBatch?, _ session: ClientSession,
    _ context: CallContext
  ) throws -> QueryInfo {
    let parts = try parts(context, session)
    let control = control(context, session)
    if statement.changesData || parts > 1 {
      let limit = statement.changesData ? Int.max : options.keptLimit
      let (schema, batches) = try collect(statement, parameters, limit: limit, control)
      return try info(schema, batches, parts: parts, session)
    }
    let schema =
      try grpc { () throws(EngineError) in try statement.resultSchema(for: parameters, control) }
      ?? Schema([])
    return try info(PendingResult(.query(statement, parameters), schema: schema), session)
  }

  func info(_ result: PendingResult, _ session: ClientSession) throws -> QueryInfo {
    let handle = try results.add(result, owner: session.user)
    let endpoint = QueryEndpoint(ticket: .handle(handle), expiration: expiration(in: options.handleLifetime))
    return QueryInfo(schema: described(result.schema), endpoints: [endpoint], isOrdered: true)
  }

  func expiration(in seconds: Double) -> FlightTimestamp {
    FlightTimestamp(seconds: Int64(time(nil)) + Int64(seconds))
  }

  public func schema(_ query: QueryRequest, _ context: CallContext) throws -> Schema {
    func settle(_ sql: String, _ transactionHandle: [UInt8]?) throws -> Schema {
      let (session, transaction) = try place(transactionHandle, context)
      let control = control(context, session)
      let statement = try grpc { () throws(EngineError) in
        try session.engine.prepare(sql, in: transaction, control)
      }
      defer { statement.close() }
      return described(statement.resultSchema ?? Schema([]))
    }
    switch query {
    case .statement(let command): return try settle(command.query, command.transactionID)
    case .text(let text):
      if let table = try table(named: text, context) { return table.schema }
      return try settle(text, nil)
    case .json(let sql): return try settle(sql, nil)
    case .path: return try execute(query, context).schema
    case .prepared(let command):
      let session = try sessions.session(context)
      let entry = try prepared.find(command.handle, owner: session.user)
      return described(entry.prepared.resultSchema ?? Schema([]))
    }
  }

  // MARK: Rows

  public func get(_ ticket: TicketRequest, _ output: FlightOutput, _ context: CallContext) throws {
    let session = try sessions.session(context)
    switch ticket {
    case .result(let handle):
      let result = try results.find(handle, owner: session.user)
      let control = control(context, session)
      let stream = try result.open(control)
      defer {
        stream.close()
        result.close(control)
      }
      try send(stream, output, control)
    case .query(let query):
      switch query {
      case .text(let text):
        if let table = try table(named: text, context) { return try send(table, session, output, context) }
        try run(text, nil, output, context)
      case .json(let sql): try run(sql, nil, output, context)
      case .statement(let command): try run(command.query, command.transactionID, output, context)
      case .path(let parts):
        try send(try flight(parts.joined(separator: "/"), context), session, output, context)
      case .prepared(let command):
        let entry = try prepared.find(command.handle, owner: session.user)
        let control = control(context, session)
        let statement = try entry.statement(control)
        let stream = try grpc { () throws(EngineError) in try statement.query(entry.parameters, control) }
        defer { stream.close() }
        try send(stream, output, control)
      }
    }
  }

  private func run(
    _ sql: String, _ transactionHandle: [UInt8]?, _ output: FlightOutput, _ context: CallContext
  ) throws {
    let (session, transaction) = try place(transactionHandle, context)
    let control = control(context, session)
    let statement = try grpc { () throws(EngineError) in
      try session.engine.prepare(sql, in: transaction, willRun: true, control)
    }
    defer { statement.close() }
    let stream = try grpc { () throws(EngineError) in try statement.query(nil, control) }
    defer { stream.close() }
    try send(stream, output, control)
  }

  /// A small result goes out as a whole: the schema waits for the first rows, unless they take a while, and the last rows for the
  /// stream's end.
  func send(_ stream: any ResultStream, _ output: FlightOutput, _ control: StatementControl) throws {
    let schema = described(stream.schema)
    try output.start(schema, isHeld: true)
    control.onDelay(SQLService.schemaPatience, output.flusher)
    while let batch = try grpc({ () throws(EngineError) in try stream.next() }) {
      try output.write(
        try RecordBatch(schema: schema, columns: batch.columns, count: batch.count), isLast: stream.isAtEnd)
    }
  }

  /// How long a schema waits for the first rows, in nanoseconds.
  private static let schemaPatience: Int64 = 5_000_000

  // MARK: Stopping

  public func cancel(_ request: CancelRequest, _ context: CallContext) throws -> CancelStatus {
    let session = try sessions.session(context)
    var isFound = false
    if let handle = request.poll {
      try polls.find(handle, owner: session.user).run.cancel()
      polls.remove(handle, owner: session.user)
      isFound = true
    }
    for case .result(let handle) in request.tickets {
      let result = try results.find(handle, owner: session.user)
      result.cancel()
      isFound = true
    }
    guard isFound else { return .notCancellable }
    return .cancelled
  }

  public func renew(_ endpoint: QueryEndpoint, _ context: CallContext) throws -> QueryEndpoint {
    guard case .handle(let handle) = endpoint.ticket else { return endpoint }
    let session = try sessions.session(context)
    _ = try results.find(handle, owner: session.user)
    var endpoint = endpoint
    endpoint.expiration = expiration(in: options.handleLifetime)
    return endpoint
  }

  // MARK: Schemas

  /// A result's schema as clients see it: with the names of SQL's types, which some want to see.
  func described(_ schema: Schema) -> Schema {
    Schema(
      schema.fields.map { field in
        var field = field
        if field.flightSQL.typeName == nil { field.flightSQL.typeName = field.type.sqlTypeName }
        return field
      }, metadata: schema.metadata)
  }
}
