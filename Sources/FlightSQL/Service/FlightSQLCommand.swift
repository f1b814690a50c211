// Which command some bytes are: the envelope's type URL decides.

import GRPC
import Memory

/// A Flight SQL command, or what stands in its place.
enum FlightSQLCommand {
  case query(QueryRequest)
  case substrait(CommandStatementSubstraitPlan)
  case metadata(MetadataCommand)
  case update(CommandStatementUpdate)
  case preparedUpdate(CommandPreparedStatementUpdate)
  case ingest(CommandStatementIngest)
  case ticket(TicketStatementQuery)
  /// What a PollInfo told to ask with next. Not of the specification: no client looks into it.
  case poll([UInt8])

  private static let pollURL = "type.googleapis.com/fletch.sql.PollHandle"

  /// - Throws: INVALID_ARGUMENT for bytes that are nothing of all this, UNIMPLEMENTED for a command that is not known.
  init(_ bytes: [UInt8]) throws(GRPCStatus) {
    guard let envelope = AnyMessage(bytes) else {
      self = .query(try QueryRequest(plain: bytes))
      return
    }
    guard let name = envelope.flightSQLName else {
      guard envelope.typeURL == FlightSQLCommand.pollURL else {
        throw GRPCStatus(.invalidArgument, "'\(envelope.typeURL)' is no Flight SQL command")
      }
      self = .poll(envelope.value.array)
      return
    }
    do throws(DataError) {
      guard let command = try FlightSQLCommand(name: name, envelope.value) else {
        throw DataError(.unsupported, "this server does not know the Flight SQL command '\(name)'")
      }
      self = command
    } catch { throw GRPCStatus(error) }
  }

  private init?(name: Substring, _ body: Buffer) throws(DataError) {
    switch String(name) {
    case CommandStatementQuery.name: self = .query(.statement(try CommandStatementQuery(body: body)))
    case CommandPreparedStatementQuery.name:
      self = .query(.prepared(try CommandPreparedStatementQuery(body: body)))
    case CommandStatementSubstraitPlan.name: self = .substrait(try CommandStatementSubstraitPlan(body: body))
    case CommandStatementUpdate.name: self = .update(try CommandStatementUpdate(body: body))
    case CommandPreparedStatementUpdate.name:
      self = .preparedUpdate(try CommandPreparedStatementUpdate(body: body))
    case CommandStatementIngest.name: self = .ingest(try CommandStatementIngest(body: body))
    case TicketStatementQuery.name: self = .ticket(try TicketStatementQuery(body: body))
    default:
      guard let command = try MetadataCommand(name: name, body) else { return nil }
      self = .metadata(command)
    }
  }

  /// The descriptor's bytes for asking on.
  static func pollBytes(_ handle: [UInt8]) -> [UInt8] {
    AnyMessage(typeURL: pollURL, value: Buffer(copying: handle)).bytes
  }

  var name: String {
    switch self {
    case .query(let query): query.name
    case .substrait: CommandStatementSubstraitPlan.name
    case .metadata(let command): command.name
    case .update: CommandStatementUpdate.name
    case .preparedUpdate: CommandPreparedStatementUpdate.name
    case .ingest: CommandStatementIngest.name
    case .ticket: TicketStatementQuery.name
    case .poll: "a poll's descriptor"
    }
  }
}

/// A question whose answer has a schema of the specification's.
enum MetadataCommand {
  case catalogs
  case dbSchemas(CommandGetDbSchemas)
  case tables(CommandGetTables)
  case tableTypes
  case primaryKeys(CommandGetPrimaryKeys)
  case exportedKeys(CommandGetExportedKeys)
  case importedKeys(CommandGetImportedKeys)
  case crossReference(CommandGetCrossReference)
  case typeInfo(CommandGetXdbcTypeInfo)
  case sqlInfo(CommandGetSqlInfo)

  init?(name: Substring, _ body: Buffer) throws(DataError) {
    switch String(name) {
    case CommandGetCatalogs.name:
      _ = try CommandGetCatalogs(body: body)
      self = .catalogs
    case CommandGetTableTypes.name:
      _ = try CommandGetTableTypes(body: body)
      self = .tableTypes
    case CommandGetDbSchemas.name: self = .dbSchemas(try CommandGetDbSchemas(body: body))
    case CommandGetTables.name: self = .tables(try CommandGetTables(body: body))
    case CommandGetPrimaryKeys.name: self = .primaryKeys(try CommandGetPrimaryKeys(body: body))
    case CommandGetExportedKeys.name: self = .exportedKeys(try CommandGetExportedKeys(body: body))
    case CommandGetImportedKeys.name: self = .importedKeys(try CommandGetImportedKeys(body: body))
    case CommandGetCrossReference.name: self = .crossReference(try CommandGetCrossReference(body: body))
    case CommandGetXdbcTypeInfo.name: self = .typeInfo(try CommandGetXdbcTypeInfo(body: body))
    case CommandGetSqlInfo.name: self = .sqlInfo(try CommandGetSqlInfo(body: body))
    default: return nil
    }
  }

  var name: String {
    switch self {
    case .catalogs: CommandGetCatalogs.name
    case .dbSchemas: CommandGetDbSchemas.name
    case .tables: CommandGetTables.name
    case .tableTypes: CommandGetTableTypes.name
    case .primaryKeys: CommandGetPrimaryKeys.name
    case .exportedKeys: CommandGetExportedKeys.name
    case .importedKeys: CommandGetImportedKeys.name
    case .crossReference: CommandGetCrossReference.name
    case .typeInfo: CommandGetXdbcTypeInfo.name
    case .sqlInfo: CommandGetSqlInfo.name
    }
  }
}
