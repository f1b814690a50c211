// A Flight SQL client: queries, updates, ingest, transactions, sessions.

import Arrow
import Flight
import GRPC
import Memory

/// Speaks Flight SQL over a Flight client. It may be used from many threads; calls block their own.
///
/// A token, Basic authentication and cookies are the Flight client's session's (`FlightClientSession`).
public final class FlightSQLClient: Sendable {
  public let flight: FlightClient
  private let connect: @Sendable (FlightLocation) throws -> FlightClient

  /// - Parameter connect: makes the clients for endpoints that are elsewhere; by default plain ones of the same session.
  public init(_ flight: FlightClient, connect: (@Sendable (FlightLocation) throws -> FlightClient)? = nil) {
    self.flight = flight
    let session = flight.session
    self.connect = connect ?? { location in try FlightClient(to: location, session: session) }
  }

  public convenience init(to location: FlightLocation, session: FlightClientSession = FlightClientSession())
    throws
  {
    self.init(try FlightClient(to: location, session: session))
  }

  public func close() { flight.close() }

  // MARK: Queries

  /// Asks for a query's result; its rows come when they are read.
  public func execute(_ query: String, in transaction: FlightSQLTransaction? = nil) throws -> FlightSQLResult
  {
    try result(CommandStatementQuery(query: query, transactionID: transaction?.id).wrapped())
  }

  /// As `execute`, polling until the query is complete.
  /// - Parameter onProgress: hears of each poll, of 0 to 1 where the server knows; false cancels the query.
  public func execute(
    _ query: String, in transaction: FlightSQLTransaction? = nil, onProgress: (Double?) throws -> Bool
  ) throws -> FlightSQLResult {
    try poll(CommandStatementQuery(query: query, transactionID: transaction?.id).wrapped(), onProgress)
  }

  func poll(_ command: [UInt8], _ onProgress: (Double?) throws -> Bool) throws -> FlightSQLResult {
    var poll: PollInfo
    do { poll = try flight.pollFlightInfo(.command(command)) } catch let status as GRPCStatus
      where status.code == .unimplemented
    {
      return try result(command)
    }
    do {
      while let next = poll.descriptor {
        guard try onProgress(poll.progress) else {
          throw GRPCStatus(.cancelled, "the query was cancelled while it was polled")
        }
        poll = try flight.pollFlightInfo(next)
      }
    } catch {
      // The query goes on for a while without being asked for.
      if let info = poll.info {
        if let left = flight.session.secondsLeft, left < 1 { flight.session.setDeadline(in: 1) }
        _ = try? cancel(info)
      }
      throw error
    }
    guard let info = poll.info else {
      throw GRPCStatus(
        .internalError, "the server says that the query is complete, but not where its rows are")
    }
    return FlightSQLResult(self, info)
  }

  /// The schema that a query would have; nothing is run.
  public func schema(of query: String, in transaction: FlightSQLTransaction? = nil) throws -> Schema {
    try flight.schema(
      .command(CommandStatementQuery(query: query, transactionID: transaction?.id).wrapped()))
  }

  /// The result of any command, such as a Substrait plan, or of SQL as plain text.
  public func result(_ command: [UInt8]) throws -> FlightSQLResult {
    FlightSQLResult(self, try flight.flightInfo(.command(command)))
  }

  /// Asks the server to stop a query.
  public func cancel(_ info: FlightInfo) throws -> CancelStatus {
    do {
      let body = CancelFlightInfoRequest(info: info).bytes
      let answer = try flight.action(Action("CancelFlightInfo", body: body))
      return try CancelFlightInfoResult(bytes: answer.first ?? []).status
    } catch let status as GRPCStatus where status.code == .unimplemented {
      // Servers of before Arrow 13 have only the other one.
      return try answer(Action("CancelQuery", body: ActionCancelQueryRequest(info: info).wrapped()))
        .map { bytes throws(DataError) in try ActionCancelQueryResult(wrapped: bytes).result } ?? .unspecified
    }
  }

  /// Asks for more time for a ticket; answers the endpoint that is to be used then.
  public func renew(_ endpoint: FlightEndpoint) throws -> FlightEndpoint {
    let body = RenewFlightEndpointRequest(endpoint: endpoint).bytes
    let answers = try flight.action(Action("RenewFlightEndpoint", body: body))
    return try RenewFlightEndpointRequest.answer(answers.first ?? [])
  }

  // MARK: Updates

  /// Runs a statement that writes; returns how many rows it changed, -1 when the server does not know.
  @discardableResult
  public func executeUpdate(_ query: String, in transaction: FlightSQLTransaction? = nil) throws -> Int64 {
    try update(CommandStatementUpdate(query: query, transactionID: transaction?.id).wrapped(), [])
  }

  /// A DoPut that is answered with a count.
  func update(_ command: [UInt8], _ parameters: [RecordBatch]) throws -> Int64 {
    let upload = try flight.put(.command(command), parameters.first?.schema ?? Schema([]))
    for batch in parameters { try upload.write(batch) }
    return try FlightSQLClient.count(try upload.finish())
  }

  static func count(_ results: [[UInt8]]) throws -> Int64 {
    guard let result = results.first else {
      throw GRPCStatus(.internalError, "the server did not say how many rows it changed")
    }
    return try DoPutUpdateResult(body: Buffer(copying: result)).recordCount
  }

  /// Starts loading rows into a table.
  public func ingest(_ command: CommandStatementIngest, _ schema: Schema) throws -> FlightSQLIngest {
    FlightSQLIngest(try flight.put(.command(command.wrapped()), schema))
  }

  // MARK: Prepared statements

  public func prepare(_ query: String, in transaction: FlightSQLTransaction? = nil) throws
    -> FlightSQLStatement
  {
    let request = ActionCreatePreparedStatementRequest(query: query, transactionID: transaction?.id)
    return try prepare("CreatePreparedStatement", request.wrapped())
  }

  public func prepare(_ plan: SubstraitPlan, in transaction: FlightSQLTransaction? = nil) throws
    -> FlightSQLStatement
  {
    let request = ActionCreatePreparedSubstraitPlanRequest(plan: plan, transactionID: transaction?.id)
    return try prepare("CreatePreparedSubstraitPlan", request.wrapped())
  }

  private func prepare(_ type: String, _ body: [UInt8]) throws -> FlightSQLStatement {
    guard let answer = try answer(Action(type, body: body)) else {
      throw GRPCStatus(.internalError, "the server answered nothing to \(type)")
    }
    return try FlightSQLStatement(self, try ActionCreatePreparedStatementResult(wrapped: answer))
  }

  // MARK: Transactions and sessions

  public func beginTransaction() throws -> FlightSQLTransaction {
    let action = Action("BeginTransaction", body: ActionBeginTransactionRequest().wrapped())
    guard let answer = try answer(action) else {
      throw GRPCStatus(.internalError, "the server answered nothing to BeginTransaction")
    }
    return FlightSQLTransaction(self, try ActionBeginTransactionResult(wrapped: answer).transactionID)
  }

  /// Sets options of the session, or unsets those without a value; returns those that could not be.
  public func setSessionOptions(_ options: [String: SessionOptionValue]) throws -> [String:
    SessionOptionError]
  {
    let body = SetSessionOptionsRequest(options: options).bytes
    return try SetSessionOptionsResult(bytes: try answer(Action("SetSessionOptions", body: body)) ?? [])
      .errors
  }

  public func sessionOptions() throws -> [String: SessionOptionValue] {
    try GetSessionOptionsResult(bytes: try answer(Action("GetSessionOptions")) ?? []).options
  }

  public func closeSession() throws -> CloseSessionResult.Status {
    try CloseSessionResult(bytes: try answer(Action("CloseSession")) ?? []).status
  }

  // MARK: Calls

  /// The one result of an action; nil when it has none.
  func answer(_ action: Action) throws -> [UInt8]? { try flight.action(action).first }

  /// The client for an endpoint: this one, where the endpoint does not name another.
  func download(_ endpoint: FlightEndpoint) throws -> FlightDownload {
    let elsewhere = endpoint.locations.filter { !$0.hasPrefix("arrow-flight-reuse-connection:") }
    guard elsewhere.count == endpoint.locations.count, !elsewhere.isEmpty else {
      return try flight.get(endpoint.ticket)
    }
    var failure: any Error = GRPCStatus(.unavailable, "the endpoint has no location")
    for uri in elsewhere {
      do {
        let client = try connect(try FlightLocation(uri: uri))
        let download = try client.get(endpoint.ticket)
        // Whether somebody is there shows with the first answer.
        _ = try download.schema()
        return download
      } catch let error as GRPCStatus where error.code != .unavailable {
        throw error
      } catch { failure = error }
    }
    throw failure
  }
}
