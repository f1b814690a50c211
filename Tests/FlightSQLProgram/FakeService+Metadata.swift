// The fake server's sessions, metadata, and what it does as a plain Flight server.

import Arrow
import Flight
import FlightSQL
import GRPC

extension FakeService {
  // MARK: Sessions

  func setSessionOptions(
    _ options: [String: SessionOptionValue], _ context: CallContext
  ) throws -> [String: SessionOptionError] {
    var metadata = CallMetadata()
    metadata.add("set-cookie", "arrow_flight_session_id=fake; Path=/; HttpOnly")
    context.call.sendMetadata(metadata)
    var errors: [String: SessionOptionError] = [:]
    state.withLock { state in
      for (name, value) in options {
        if name.hasPrefix("no-") {
          errors[name] = .invalidName
        } else if value == .none {
          state.options[name] = nil
        } else {
          state.options[name] = value
        }
      }
    }
    return errors
  }

  func sessionOptions(_ context: CallContext) throws -> [String: SessionOptionValue] {
    note("cookie \(context.metadata["cookie"] ?? "none")")
    return state.withLock { $0.options }
  }

  func closeSession(_ context: CallContext) throws -> CloseSessionResult.Status {
    state.withLock { state in
      state.options = [:]
      state.calls.append("close session")
      // This is how the ADBC driver leaves a transaction: it does not end it first.
      let mine = state.transactions.filter { $0.value.owner == context.peer }
      if let before = mine.values.first { state.database = before.before }
      for id in mine.keys { state.transactions[id] = nil }
    }
    return .closed
  }

  // MARK: Metadata

  func catalogs(_ context: CallContext) throws -> [CatalogRow] {
    [CatalogRow("main"), CatalogRow("attached")]
  }

  func dbSchemas(_ command: CommandGetDbSchemas, _ context: CallContext) throws -> [DbSchemaRow] {
    [DbSchemaRow(catalog: "main", dbSchema: "public"), DbSchemaRow(catalog: "main", dbSchema: "private")]
  }

  func tables(_ command: CommandGetTables, _ context: CallContext) throws -> [TableRow] {
    let tables = state.withLock { $0.database.tables }
    var rows = tables.map { name, table in
      TableRow(
        catalog: "main", dbSchema: "public", table: name, type: table.isTemporary ? "TEMPORARY" : "TABLE",
        tableSchema: columns(name, table))
    }
    rows.append(
      TableRow(
        catalog: "main", dbSchema: "private", table: "secrets", type: "VIEW", tableSchema: FakeRows.schema))
    return rows
  }

  private func columns(_ name: String, _ table: FakeTable) -> Schema {
    Schema(
      table.schema.fields.enumerated().map { i, field in
        var field = field
        field.flightSQL.tableName = name
        field.flightSQL.typeName = field.type == .int64 ? "INTEGER" : "TEXT"
        field.flightSQL.isAutoIncrement = i == 0
        if name == "people", i == 0 { field.isNullable = false }
        return field
      })
  }

  func tableTypes(_ context: CallContext) throws -> [TableTypeRow] {
    ["VIEW", "TABLE", "TEMPORARY"].map(TableTypeRow.init)
  }

  func primaryKeys(_ table: TableReference, _ context: CallContext) throws -> [PrimaryKeyRow] {
    guard table.table == "people" else { return [] }
    return [
      PrimaryKeyRow(
        catalog: "main", dbSchema: "public", table: "people", column: "id", keyName: "pk", keySequence: 1)
    ]
  }

  private var friends: ForeignKeyRow {
    ForeignKeyRow(
      primary: .init(catalog: "main", dbSchema: "public", table: "people", column: "id"),
      foreign: .init(catalog: "main", dbSchema: "public", table: "friends", column: "person"), keySequence: 1,
      foreignKeyName: "fk", primaryKeyName: nil, updateRule: .cascade, deleteRule: .setNull)
  }

  func exportedKeys(_ table: TableReference, _ context: CallContext) throws -> [ForeignKeyRow] {
    table.table == "people" ? [friends] : []
  }

  func importedKeys(_ table: TableReference, _ context: CallContext) throws -> [ForeignKeyRow] {
    table.table == "friends" ? [friends] : []
  }

  func crossReference(_ command: CommandGetCrossReference, _ context: CallContext) throws -> [ForeignKeyRow] {
    command.parent.table == "people" && command.foreign.table == "friends" ? [friends] : []
  }

  func typeInfo(_ context: CallContext) throws -> [XdbcTypeInfo] { XdbcTypeInfo.sqlite }

  func sqlInfo(_ context: CallContext) throws -> SqlInfo {
    var info = SqlInfo()
    info[.serverName] = "fake"
    info[.serverVersion] = "1.2.3"
    info[.serverArrowVersion] = "1.3"
    info[.serverReadOnly] = false
    info[.serverSql] = true
    info[.serverSubstrait] = false
    info[.serverTransaction] = .savepoint
    info[.serverCancel] = true
    info[.serverBulkIngestion] = true
    info[.serverIngestTransactionsSupported] = true
    info[.serverStatementTimeout] = 0
    info[.identifierCase] = .caseInsensitive
    info[.keywords] = ["SELECT", "SLEEP"]
    info[.maxStatementLength] = 1_000_000
    info[.supportedUnions] = [.union, .unionAll]
    info[.supportsConvert] = SqlSupportsConvert([.integer: [.varchar, .real]])
    return info
  }

  // MARK: Flight besides SQL

  func listFlights(
    _ criteria: Criteria, _ context: CallContext, _ yield: (FlightInfo) throws -> Void
  ) throws {
    try yield(
      FlightInfo(
        schema: [], descriptor: .path(["people"]), endpoints: [FlightEndpoint(ticket: Ticket("people"))])
    )
  }

  /// `Calls` tells what was asked for since the last time.
  func action(_ action: Action, _ context: CallContext, _ yield: ([UInt8]) throws -> Void) throws {
    guard action.type == "Calls" else {
      throw GRPCStatus(.unimplemented, "this server has no action '\(action.type)'")
    }
    let calls = state.withLock { state in
      defer { state.calls = [] }
      return state.calls
    }
    for call in calls { try yield(Array(call.utf8)) }
  }

  func put(
    _ target: QueryRequest, _ input: FlightInput, _ context: CallContext,
    _ acknowledge: ([UInt8]) throws -> Void
  ) throws {
    var rows = 0
    while let item = try input.next() { rows += item.batch?.count ?? 0 }
    note("put \(rows) rows to \(target.name)")
    try acknowledge(Array("\(rows)".utf8))
  }
}
