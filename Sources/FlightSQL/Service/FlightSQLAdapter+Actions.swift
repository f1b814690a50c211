// Actions: prepared statements, transactions, cancelling and sessions.

import Flight
import GRPC
import Memory

/// The actions of Flight SQL and of Flight's sessions, by their names.
enum FlightSQLAction: String, CaseIterable {
  case createPreparedStatement = "CreatePreparedStatement"
  case createPreparedSubstraitPlan = "CreatePreparedSubstraitPlan"
  case closePreparedStatement = "ClosePreparedStatement"
  case beginTransaction = "BeginTransaction"
  case endTransaction = "EndTransaction"
  case beginSavepoint = "BeginSavepoint"
  case endSavepoint = "EndSavepoint"
  case cancelQuery = "CancelQuery"
  case cancelFlightInfo = "CancelFlightInfo"
  case renewFlightEndpoint = "RenewFlightEndpoint"
  case setSessionOptions = "SetSessionOptions"
  case getSessionOptions = "GetSessionOptions"
  case closeSession = "CloseSession"

  private var description: String {
    switch self {
    case .createPreparedStatement: "Prepares SQL; answers a handle and schemas."
    case .createPreparedSubstraitPlan: "Prepares a Substrait plan; answers a handle and schemas."
    case .closePreparedStatement: "Closes a prepared statement; answers nothing."
    case .beginTransaction: "Begins a transaction; answers its handle."
    case .endTransaction: "Commits or rolls back a transaction; answers nothing."
    case .beginSavepoint: "Begins a savepoint in a transaction; answers its handle."
    case .endSavepoint: "Releases or rolls back to a savepoint; answers nothing."
    case .cancelQuery: "Cancels a query (deprecated: CancelFlightInfo)."
    case .cancelFlightInfo: "Cancels what a FlightInfo stands for; answers how far that is."
    case .renewFlightEndpoint: "Gives an endpoint more time; answers the endpoint."
    case .setSessionOptions: "Sets options of the session; answers those that could not be."
    case .getSessionOptions: "Answers the options of the session."
    case .closeSession: "Ends the session; answers how far that is."
    }
  }

  static let types = allCases.map { ActionType($0.rawValue, $0.description) }
}

extension FlightSQLAdapter {
  func action(_ action: Action, _ context: CallContext, _ yield: ([UInt8]) throws -> Void) throws {
    guard let known = FlightSQLAction(rawValue: action.type) else {
      try service.action(action, context, yield)
      return
    }
    let body = action.body
    switch known {
    case .createPreparedStatement:
      let request = try ActionCreatePreparedStatementRequest(wrapped: body)
      try yield(try FlightSQLAdapter.result(try service.prepare(request, context)).wrapped())
    case .createPreparedSubstraitPlan:
      let request = try ActionCreatePreparedSubstraitPlanRequest(wrapped: body)
      try yield(try FlightSQLAdapter.result(try service.prepare(request, context)).wrapped())
    case .closePreparedStatement:
      try service.close(prepared: try ActionClosePreparedStatementRequest(wrapped: body).handle, context)
    case .beginTransaction:
      _ = try ActionBeginTransactionRequest(wrapped: body)
      let id = try service.beginTransaction(context)
      try yield(ActionBeginTransactionResult(transactionID: id).wrapped())
    case .endTransaction:
      try service.endTransaction(try ActionEndTransactionRequest(wrapped: body), context)
    case .beginSavepoint:
      let id = try service.beginSavepoint(try ActionBeginSavepointRequest(wrapped: body), context)
      try yield(ActionBeginSavepointResult(savepointID: id).wrapped())
    case .endSavepoint: try service.endSavepoint(try ActionEndSavepointRequest(wrapped: body), context)
    case .cancelQuery:
      let status = try cancel(try ActionCancelQueryRequest(wrapped: body).info, context)
      try yield(ActionCancelQueryResult(result: status).wrapped())
    case .cancelFlightInfo:
      let status = try cancel(try CancelFlightInfoRequest(bytes: body).info, context)
      try yield(CancelFlightInfoResult(status: status).bytes)
    case .renewFlightEndpoint:
      try yield(try renew(try RenewFlightEndpointRequest(bytes: body).endpoint, context))
    case .setSessionOptions:
      let options = try SetSessionOptionsRequest(bytes: body).options
      try yield(SetSessionOptionsResult(errors: try service.setSessionOptions(options, context)).bytes)
    case .getSessionOptions:
      _ = try GetSessionOptionsRequest(bytes: body)
      try yield(GetSessionOptionsResult(options: try service.sessionOptions(context)).bytes)
    case .closeSession:
      _ = try CloseSessionRequest(bytes: body)
      try yield(CloseSessionResult(status: try service.closeSession(context)).bytes)
    }
  }

  private static func result(
    _ statement: PreparedStatement
  ) throws(DataError) -> ActionCreatePreparedStatementResult {
    var result = ActionCreatePreparedStatementResult(handle: statement.handle, isUpdate: statement.isUpdate)
    if let schema = statement.resultSchema { result.datasetSchema = try SchemaMessage.encode(schema) }
    if let schema = statement.parameterSchema { result.parameterSchema = try SchemaMessage.encode(schema) }
    return result
  }

  private func cancel(_ info: FlightInfo, _ context: CallContext) throws -> CancelStatus {
    var request = CancelRequest(tickets: [], appMetadata: info.appMetadata)
    var isMetadata = false
    for endpoint in info.endpoints {
      switch try FlightSQLCommand(endpoint.ticket.bytes) {
      case .ticket(let ticket): request.tickets.append(.result(handle: ticket.handle))
      case .query(let query): request.tickets.append(.query(query))
      case .metadata: isMetadata = true
      case let other: throw GRPCStatus(.invalidArgument, "\(other.name) is no ticket")
      }
    }
    switch try info.descriptor.map(FlightSQLAdapter.command) {
    case .query(let query): request.query = query
    case .poll(let handle): request.poll = handle
    case .metadata: isMetadata = true
    default: break
    }
    guard !request.tickets.isEmpty || request.poll != nil || request.query != nil else {
      // Nothing runs on behalf of metadata but the DoGet itself.
      if isMetadata { return .notCancellable }
      throw GRPCStatus(.invalidArgument, "the FlightInfo names nothing that could be cancelled")
    }
    return try service.cancel(request, context)
  }

  private func renew(_ endpoint: FlightEndpoint, _ context: CallContext) throws -> [UInt8] {
    let ticket: QueryEndpoint.Ticket
    switch try FlightSQLCommand(endpoint.ticket.bytes) {
    case .ticket(let known): ticket = .handle(known.handle)
    case .query(.text(let text)): ticket = .text(text)
    // Metadata never expires.
    case .metadata: return RenewFlightEndpointRequest.bytes(endpoint)
    case let other: throw GRPCStatus(.invalidArgument, "\(other.name) is no ticket that can be renewed")
    }
    let renewed = try service.renew(
      QueryEndpoint(
        ticket: ticket, locations: endpoint.locations, expiration: endpoint.expiration,
        appMetadata: endpoint.appMetadata), context)
    return RenewFlightEndpointRequest.bytes(renewed.endpoint)
  }
}
