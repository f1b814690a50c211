// What a Flight SQL service answers where it implements nothing: UNIMPLEMENTED, by the command's name.

import Arrow
import Flight
import GRPC

private func unimplemented(_ name: String) -> GRPCStatus {
  GRPCStatus(.unimplemented, "this server does not serve \(name)")
}

/// Plans are a language of their own.
private func noSubstrait(_ name: String) -> GRPCStatus {
  GRPCStatus(.unimplemented, "this server takes no Substrait plans (\(name)); send SQL")
}

extension FlightSQLService {
  public func execute(_ query: QueryRequest, _ context: CallContext) throws -> QueryInfo {
    throw unimplemented(query.name)
  }

  public func execute(_ plan: CommandStatementSubstraitPlan, _ context: CallContext) throws -> QueryInfo {
    throw noSubstrait(CommandStatementSubstraitPlan.name)
  }

  public func poll(_ query: QueryRequest, _ context: CallContext) throws -> QueryProgress {
    .complete(try execute(query, context))
  }

  public func poll(next handle: [UInt8], _ context: CallContext) throws -> QueryProgress {
    throw GRPCStatus(.notFound, "no query is known by what was polled with")
  }

  public func schema(_ query: QueryRequest, _ context: CallContext) throws -> Schema {
    throw unimplemented("GetSchema for \(query.name)")
  }

  public func schema(_ plan: CommandStatementSubstraitPlan, _ context: CallContext) throws -> Schema {
    throw noSubstrait(CommandStatementSubstraitPlan.name)
  }

  public func get(_ ticket: TicketRequest, _ output: FlightOutput, _ context: CallContext) throws {
    switch ticket {
    case .result: throw unimplemented(TicketStatementQuery.name)
    case .query(let query): throw unimplemented("\(query.name) as a ticket")
    }
  }

  public func cancel(_ request: CancelRequest, _ context: CallContext) throws -> CancelStatus {
    throw unimplemented("CancelFlightInfo and CancelQuery")
  }

  public func renew(_ endpoint: QueryEndpoint, _ context: CallContext) throws -> QueryEndpoint {
    throw unimplemented("RenewFlightEndpoint")
  }

  public func update(_ statement: CommandStatementUpdate, _ context: CallContext) throws -> Int64 {
    throw unimplemented(CommandStatementUpdate.name)
  }

  public func update(_ plan: CommandStatementSubstraitPlan, _ context: CallContext) throws -> Int64 {
    throw noSubstrait(CommandStatementSubstraitPlan.name)
  }

  public func ingest(
    _ command: CommandStatementIngest, _ rows: IngestRows, _ context: CallContext
  ) throws -> Int64 {
    throw unimplemented(CommandStatementIngest.name)
  }

  public func prepare(
    _ request: ActionCreatePreparedStatementRequest, _ context: CallContext
  ) throws -> PreparedStatement {
    throw unimplemented("CreatePreparedStatement")
  }

  public func prepare(
    _ request: ActionCreatePreparedSubstraitPlanRequest, _ context: CallContext
  ) throws -> PreparedStatement {
    throw noSubstrait("CreatePreparedSubstraitPlan")
  }

  public func update(
    prepared handle: [UInt8], _ parameters: BoundParameters, _ context: CallContext
  ) throws -> Int64 {
    throw unimplemented(CommandPreparedStatementUpdate.name)
  }

  public func bind(
    prepared handle: [UInt8], _ parameters: BoundParameters, _ context: CallContext
  ) throws -> [UInt8]? {
    throw unimplemented("parameters of \(CommandPreparedStatementQuery.name)")
  }

  public func close(prepared handle: [UInt8], _ context: CallContext) throws {
    throw unimplemented("ClosePreparedStatement")
  }

  public func beginTransaction(_ context: CallContext) throws -> [UInt8] {
    throw unimplemented("BeginTransaction")
  }

  public func endTransaction(_ request: ActionEndTransactionRequest, _ context: CallContext) throws {
    throw unimplemented("EndTransaction")
  }

  public func beginSavepoint(_ request: ActionBeginSavepointRequest, _ context: CallContext) throws -> [UInt8]
  {
    throw unimplemented("BeginSavepoint")
  }

  public func endSavepoint(_ request: ActionEndSavepointRequest, _ context: CallContext) throws {
    throw unimplemented("EndSavepoint")
  }

  public func setSessionOptions(
    _ options: [String: SessionOptionValue], _ context: CallContext
  ) throws -> [String: SessionOptionError] {
    throw unimplemented("SetSessionOptions")
  }

  public func sessionOptions(_ context: CallContext) throws -> [String: SessionOptionValue] {
    throw unimplemented("GetSessionOptions")
  }

  public func closeSession(_ context: CallContext) throws -> CloseSessionResult.Status {
    throw unimplemented("CloseSession")
  }

  public func catalogs(_ context: CallContext) throws -> [CatalogRow] {
    throw unimplemented(CommandGetCatalogs.name)
  }

  public func dbSchemas(_ command: CommandGetDbSchemas, _ context: CallContext) throws -> [DbSchemaRow] {
    throw unimplemented(CommandGetDbSchemas.name)
  }

  public func tables(_ command: CommandGetTables, _ context: CallContext) throws -> [TableRow] {
    throw unimplemented(CommandGetTables.name)
  }

  public func tableTypes(_ context: CallContext) throws -> [TableTypeRow] {
    throw unimplemented(CommandGetTableTypes.name)
  }

  public func primaryKeys(_ table: TableReference, _ context: CallContext) throws -> [PrimaryKeyRow] {
    throw unimplemented(CommandGetPrimaryKeys.name)
  }

  public func exportedKeys(_ table: TableReference, _ context: CallContext) throws -> [ForeignKeyRow] {
    throw unimplemented(CommandGetExportedKeys.name)
  }

  public func importedKeys(_ table: TableReference, _ context: CallContext) throws -> [ForeignKeyRow] {
    throw unimplemented(CommandGetImportedKeys.name)
  }

  public func crossReference(
    _ command: CommandGetCrossReference, _ context: CallContext
  ) throws -> [ForeignKeyRow] {
    throw unimplemented(CommandGetCrossReference.name)
  }

  public func typeInfo(_ context: CallContext) throws -> [XdbcTypeInfo] {
    throw unimplemented(CommandGetXdbcTypeInfo.name)
  }

  public func sqlInfo(_ context: CallContext) throws -> SqlInfo {
    throw unimplemented(CommandGetSqlInfo.name)
  }

  public var lookupKind: MethodKind { .blocking }

  public func handshake(_ exchange: HandshakeExchange, _ context: CallContext) throws {
    throw GRPCStatus(.unimplemented, "this server has no handshake: it asks for no authentication")
  }

  public func listFlights(
    _ criteria: Criteria, _ context: CallContext, _ yield: (FlightInfo) throws -> Void
  ) throws {
    throw GRPCStatus(
      .unimplemented, "this server does not list its flights; ask for tables by CommandGetTables")
  }

  public func put(
    _ target: QueryRequest, _ input: FlightInput, _ context: CallContext,
    _ acknowledge: ([UInt8]) throws -> Void
  ) throws {
    throw unimplemented("DoPut of \(target.name)")
  }

  public func exchange(_ input: FlightInput, _ output: FlightOutput, _ context: CallContext) throws {
    throw unimplemented("DoExchange")
  }

  public func action(_ action: Action, _ context: CallContext, _ yield: ([UInt8]) throws -> Void) throws {
    throw GRPCStatus(.unimplemented, "this server has no action '\(action.type)'")
  }

  public func actionTypes(_ context: CallContext) throws -> [ActionType] { FlightSQLAction.types }
}
