// What a Flight SQL server answers: typed questions in, schemas, rows and counts out; nothing of the wire.

import Arrow
import Flight
import GRPC

/// A Flight SQL server's side of every command. `flightService()` makes it a Flight service.
///
/// Methods are called from many threads at once, and may block: each call has a thread. What they throw becomes the call's
/// status: a `GRPCStatus` as it is, a `DataError` by its code. The context tells who asks (`metadata`, `peer`), whether they
/// still wait (`isCancelled`, `call.onCancel`) and until when (`call.deadline`); `call.sendMetadata` adds headers to the
/// answer, such as cookies.
///
/// What is not implemented answers UNIMPLEMENTED and names the command.
public protocol FlightSQLService: Sendable {
  // MARK: Queries

  /// Answers GetFlightInfo. Whether the query runs now or in DoGet is the service's affair, but it has one effect: drivers
  /// send statements that write this way, too.
  func execute(_ query: QueryRequest, _ context: CallContext) throws -> QueryInfo
  func execute(_ plan: CommandStatementSubstraitPlan, _ context: CallContext) throws -> QueryInfo

  /// Answers the first PollFlightInfo of a query; by default with the whole of `execute`.
  func poll(_ query: QueryRequest, _ context: CallContext) throws -> QueryProgress
  /// Answers the next one, asked with what `QueryProgress.next` was.
  func poll(next handle: [UInt8], _ context: CallContext) throws -> QueryProgress

  /// Answers GetSchema: what the result will have, without running anything.
  func schema(_ query: QueryRequest, _ context: CallContext) throws -> Schema
  func schema(_ plan: CommandStatementSubstraitPlan, _ context: CallContext) throws -> Schema

  /// Sends the rows of a ticket: `start` with the schema that `execute` told, then `write`. An error after that reaches the
  /// client as an error, not as an end.
  func get(_ ticket: TicketRequest, _ output: FlightOutput, _ context: CallContext) throws

  /// Stops what a client does not want any more.
  func cancel(_ request: CancelRequest, _ context: CallContext) throws -> CancelStatus
  /// Gives a ticket more time.
  func renew(_ endpoint: QueryEndpoint, _ context: CallContext) throws -> QueryEndpoint

  // MARK: Updates. Counts are -1 where they are not known.

  func update(_ statement: CommandStatementUpdate, _ context: CallContext) throws -> Int64
  func update(_ plan: CommandStatementSubstraitPlan, _ context: CallContext) throws -> Int64
  /// Loads rows into a table. The policies are both set; the transaction, if any, is to keep nothing when this fails.
  func ingest(_ command: CommandStatementIngest, _ rows: IngestRows, _ context: CallContext) throws -> Int64

  // MARK: Prepared statements

  func prepare(_ request: ActionCreatePreparedStatementRequest, _ context: CallContext) throws
    -> PreparedStatement
  func prepare(_ request: ActionCreatePreparedSubstraitPlanRequest, _ context: CallContext) throws
    -> PreparedStatement
  /// Runs a prepared update: once without parameters, or once for each row of them, all in one transaction.
  func update(prepared handle: [UInt8], _ parameters: BoundParameters, _ context: CallContext) throws -> Int64
  /// Binds parameters for the `execute` that follows.
  /// - Returns: the handle that the client is to go on with, if it is another one.
  func bind(prepared handle: [UInt8], _ parameters: BoundParameters, _ context: CallContext) throws
    -> [UInt8]?
  func close(prepared handle: [UInt8], _ context: CallContext) throws

  // MARK: Transactions

  func beginTransaction(_ context: CallContext) throws -> [UInt8]
  func endTransaction(_ request: ActionEndTransactionRequest, _ context: CallContext) throws
  func beginSavepoint(_ request: ActionBeginSavepointRequest, _ context: CallContext) throws -> [UInt8]
  func endSavepoint(_ request: ActionEndSavepointRequest, _ context: CallContext) throws

  // MARK: Sessions

  /// Sets options, or unsets those without a value.
  /// - Returns: why some were not.
  func setSessionOptions(_ options: [String: SessionOptionValue], _ context: CallContext) throws
    -> [String: SessionOptionError]
  func sessionOptions(_ context: CallContext) throws -> [String: SessionOptionValue]
  func closeSession(_ context: CallContext) throws -> CloseSessionResult.Status

  // MARK: Metadata. Rows come in any order, and may be more than the filters let through: both is seen to.

  func catalogs(_ context: CallContext) throws -> [CatalogRow]
  func dbSchemas(_ command: CommandGetDbSchemas, _ context: CallContext) throws -> [DbSchemaRow]
  func tables(_ command: CommandGetTables, _ context: CallContext) throws -> [TableRow]
  func tableTypes(_ context: CallContext) throws -> [TableTypeRow]
  func primaryKeys(_ table: TableReference, _ context: CallContext) throws -> [PrimaryKeyRow]
  /// The keys that refer to the table.
  func exportedKeys(_ table: TableReference, _ context: CallContext) throws -> [ForeignKeyRow]
  /// The keys by which the table refers to others.
  func importedKeys(_ table: TableReference, _ context: CallContext) throws -> [ForeignKeyRow]
  func crossReference(_ command: CommandGetCrossReference, _ context: CallContext) throws -> [ForeignKeyRow]
  func typeInfo(_ context: CallContext) throws -> [XdbcTypeInfo]
  func sqlInfo(_ context: CallContext) throws -> SqlInfo

  // MARK: Flight besides SQL

  /// How GetFlightInfo, GetSchema and PollFlightInfo are called; `.blocking` where they may run SQL.
  var lookupKind: MethodKind { get }
  func handshake(_ exchange: HandshakeExchange, _ context: CallContext) throws
  func listFlights(_ criteria: Criteria, _ context: CallContext, _ yield: (FlightInfo) throws -> Void) throws
  /// A DoPut whose descriptor is no Flight SQL command.
  func put(
    _ target: QueryRequest, _ input: FlightInput, _ context: CallContext,
    _ acknowledge: ([UInt8]) throws -> Void
  ) throws
  func exchange(_ input: FlightInput, _ output: FlightOutput, _ context: CallContext) throws
  /// An action that is none of Flight SQL's.
  func action(_ action: Action, _ context: CallContext, _ yield: ([UInt8]) throws -> Void) throws
  /// What ListActions tells; by default all of Flight SQL's.
  func actionTypes(_ context: CallContext) throws -> [ActionType]
}
