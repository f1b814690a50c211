// Fletch's Flight SQL client against the fake server, over a Unix socket.

import Arrow
import Flight
import GRPC
import Glibc
import HTTP2
import Memory
import Testing

@testable import FlightSQL
@testable import fletch_flightsql_fake

@Suite struct ClientTests {
  private let server: GRPCServer
  private let client: FlightSQLClient

  init() throws {
    server = GRPCServer(methods: flightMethods(try FakeService().flightService()))
    let path = "/tmp/fletch-flightsql-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock"
    client = try FlightSQLClient(to: FlightLocation(try server.listen(on: .unix(path: path))))
  }

  private func stop() {
    client.close()
    server.close()
  }

  private func names(_ result: FlightSQLResult) throws -> [String?] {
    try result.batches().flatMap { batch in
      (0..<batch.count).map { batch.columns[1].isNull($0) ? nil : batch.columns[1].string(at: $0) }
    }
  }

  private func people() throws -> [String?] { try names(try client.execute("SELECT * FROM people")) }

  private func status(_ body: () throws -> Void) -> GRPCStatus? {
    #expect(throws: GRPCStatus.self) { try body() }
  }

  @Test func queries() throws {
    defer { stop() }
    #expect(try people() == ["Ada", nil, "Grace"])
    let parts = try client.execute("PARTS 3")
    #expect(parts.info.endpoints.count == 3 && parts.info.isOrdered)
    #expect(try parts.schema() == FakeRows.schema)
    #expect(try parts.batches().map { $0.columns[0].integer(at: 0) } == [0, 1, 2])
    #expect(try client.schema(of: "SELECT * FROM a_b").fields.map(\.name) == ["x"])
    #expect(try names(try client.result(Array("SELECT * FROM people".utf8))).count == 3)
    let error = status { _ = try client.execute("FAIL 5 no such thing") }
    #expect(error?.code == .notFound && error?.message == "no such thing")
    let late = try client.execute("FAIL LATE")
    #expect(try late.next()?.count == 1)
    #expect(status { _ = try late.next() }?.code == .dataLoss)
  }

  @Test func polling() throws {
    defer { stop() }
    var seen: [Double?] = []
    let result = try client.execute("POLL 4") { progress in
      seen.append(progress)
      return true
    }
    #expect(seen == [0, 0.25, 0.5, 0.75])
    #expect(try names(result).count == 3)
    #expect(status { _ = try client.execute("POLL 2") { _ in false } }?.code == .cancelled)
    #expect(try client.execute("SELECT * FROM people") { _ in true }.batches().count == 1)
  }

  @Test func updatesAndTransactions() throws {
    defer { stop() }
    let transaction = try client.beginTransaction()
    #expect(try client.executeUpdate("INSERT INTO people VALUES (4, 'Kay')", in: transaction) == 1)
    let savepoint = try transaction.beginSavepoint("s")
    #expect(try client.executeUpdate("DELETE FROM people", in: transaction) == 4)
    #expect(try people() == [])
    try transaction.rollback(to: savepoint)
    #expect(try people() == ["Ada", nil, "Grace", "Kay"])
    try transaction.release(savepoint)
    #expect(status { try transaction.release(savepoint) }?.code == .notFound)
    try transaction.rollback()
    #expect(try people().count == 3)
    #expect(status { try client.executeUpdate("DELETE FROM people", in: transaction) }?.code == .notFound)
    let second = try client.beginTransaction()
    try client.executeUpdate("DELETE FROM people", in: second)
    try second.commit()
    #expect(try people() == [])
  }

  @Test func preparedStatements() throws {
    defer { stop() }
    let query = try client.prepare("SELECT * FROM people WHERE id = ?")
    #expect(query.isUpdate == false && query.resultSchema == FakeRows.schema)
    #expect(query.parameterSchema?.fields.map(\.type) == [.int64])
    query.bind([try FakeRows.batch([(3, nil)]), try FakeRows.batch([(1, nil), (9, nil)])])
    #expect(try names(try query.execute()) == ["Grace", "Ada"])
    let insert = try client.prepare("INSERT INTO people VALUES (?, ?)")
    #expect(insert.isUpdate == true && insert.resultSchema == nil)
    insert.bind([try FakeRows.batch([(7, "x"), (8, "y")])])
    #expect(try insert.executeUpdate() == 2)
    #expect(try people().suffix(2) == ["x", "y"])
    try insert.close()
    #expect(status { try insert.close() }?.code == .notFound)
    #expect(status { _ = try client.prepare(SubstraitPlan()) }?.code == .unimplemented)
  }

  @Test func ingest() throws {
    defer { stop() }
    let create = CommandStatementIngest(table: "new", ifNotExist: .create, ifExists: .fail)
    let upload = try client.ingest(create, FakeRows.schema)
    for i in 0..<20 { try upload.write(try FakeRows.batch([(Int64(i), "n")])) }
    #expect(try upload.finish() == 20)
    #expect(try names(try client.execute("SELECT * FROM new")).count == 20)
    let again = try client.ingest(create, FakeRows.schema)
    #expect(status { try again.finish() }?.code == .alreadyExists)
  }

  @Test func cancelling() throws {
    defer { stop() }
    let result = try client.execute("SLEEP")
    #expect(try result.next()?.count == 1)
    #expect(try client.cancel(result.info) == .cancelled)
    #expect(status { while try result.next() != nil {} }?.code == .cancelled)
    let endpoint = try client.renew(result.info.endpoints[0])
    #expect(
      endpoint.ticket == result.info.endpoints[0].ticket && endpoint.expiration?.seconds == 5_000_000_000)
  }

  @Test func sessions() throws {
    defer { stop() }
    #expect(
      try client.setSessionOptions(["a": .strings(["x"]), "no-b": .bool(true)]) == ["no-b": .invalidName])
    #expect(client.flight.session.cookies == ["arrow_flight_session_id": "fake"])
    #expect(try client.sessionOptions() == ["a": .strings(["x"])])
    let calls = try client.flight.action(Action("Calls")).map { String(decoding: $0, as: UTF8.self) }
    #expect(calls.contains("cookie arrow_flight_session_id=fake"))
    #expect(try client.setSessionOptions(["a": SessionOptionValue.none]) == [:])
    #expect(try client.sessionOptions() == [:])
    #expect(try client.closeSession() == .closed)
  }

  @Test func metadata() throws {
    defer { stop() }
    #expect(try client.catalogs() == ["attached", "main"])
    #expect(try client.dbSchemas(CommandGetDbSchemas(dbSchemaPattern: "pr%")).map(\.dbSchema) == ["private"])
    let people = CommandGetTables(tablePattern: "p%", includeSchema: true)
    let tables = try client.tables(people)
    #expect(tables.map(\.table) == ["people"])
    #expect(tables.first?.tableSchema?.fields.first?.flightSQL.typeName == "INTEGER")
    #expect(try client.tableTypes() == ["TABLE", "TEMPORARY", "VIEW"])
    let reference = TableReference(table: "people")
    #expect(try client.primaryKeys(reference).map(\.column) == ["id"])
    #expect(try client.exportedKeys(reference).map(\.deleteRule) == [.setNull])
    #expect(try client.importedKeys(reference) == [])
    let friends = TableReference(table: "friends")
    #expect(try client.crossReference(parent: reference, foreign: friends).count == 1)
    #expect(try client.typeInfo(.bigint).map(\.typeName) == ["BIGINT"])
    let info = try client.sqlInfo()
    #expect(info[.serverName] == "fake" && info[.serverTransaction] == .savepoint)
    #expect(try client.sqlInfo([0]).values.count == 1)
  }
}

/// A service that implements nothing.
private struct Nothing: FlightSQLService {}

/// One that takes a name and a password by the handshake, in a header or in a message, and wants the token after that.
private struct Guarded: FlightSQLService {
  let byHeader: Bool

  func handshake(_ exchange: HandshakeExchange, _ context: CallContext) throws {
    if byHeader {
      // ada:secret
      guard context.metadata["authorization"] == "Basic YWRhOnNlY3JldA==" else {
        throw GRPCStatus(.unauthenticated, "wrong name or password")
      }
      var metadata = CallMetadata()
      metadata.add("authorization", "Bearer sesame")
      context.call.sendMetadata(metadata)
      try exchange.send(HandshakeMessage())
    } else {
      guard let message = try exchange.receive(),
        try BasicAuthentication(message.payload) == BasicAuthentication(user: "ada", password: "secret")
      else { throw GRPCStatus(.unauthenticated, "wrong name or password") }
      try exchange.send(HandshakeMessage(payload: Array("sesame".utf8)))
    }
  }

  func catalogs(_ context: CallContext) throws -> [CatalogRow] {
    guard context.metadata["authorization"] == "Bearer sesame" else {
      throw GRPCStatus(.unauthenticated, "no token")
    }
    return [CatalogRow("main")]
  }
}

/// Sets the cookie that it is asked for.
private struct Baker: FlightSQLService {
  private func bake(_ cookie: String, _ context: CallContext) {
    var metadata = CallMetadata()
    metadata.add("set-cookie", cookie)
    context.call.sendMetadata(metadata)
  }

  func update(_ statement: CommandStatementUpdate, _ context: CallContext) throws -> Int64 {
    bake(statement.query, context)
    return 0
  }

  func get(_ ticket: TicketRequest, _ output: FlightOutput, _ context: CallContext) throws {
    guard case .query(.text(let cookie)) = ticket else { return }
    bake(cookie, context)
    try output.start(FakeRows.schema)
  }
}

@Suite struct OtherServiceTests {
  private func serve(_ service: any FlightSQLService) throws -> (GRPCServer, FlightSQLClient) {
    let server = GRPCServer(methods: flightMethods(service.flightService()))
    let path = "/tmp/fletch-flightsql-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock"
    return (server, try FlightSQLClient(to: FlightLocation(try server.listen(on: .unix(path: path)))))
  }

  @Test func whatIsNotImplementedIsNamed() throws {
    let (server, client) = try serve(Nothing())
    defer {
      client.close()
      server.close()
    }
    let table = TableReference(table: "t")
    let ingest = CommandStatementIngest(table: "t", ifNotExist: .create, ifExists: .fail)
    let handle = ActionCreatePreparedStatementResult(handle: [1])
    let info = FlightInfo(
      schema: [], descriptor: nil, endpoints: [FlightEndpoint(ticket: Ticket("SELECT 1"))])
    let attempts: [(String, () throws -> Void)] = [
      ("CommandStatementQuery", { _ = try client.execute("SELECT 1") }),
      ("CommandStatementQuery", { _ = try client.execute("SELECT 1") { _ in true } }),
      ("CommandStatementQuery", { _ = try client.schema(of: "SELECT 1") }),
      ("SQL text", { _ = try client.result(Array("SELECT 1".utf8)) }),
      ("SQL text", { _ = try client.flight.get(Ticket("SELECT 1")).schema() }),
      ("[\"t\"]", { _ = try client.flight.flightInfo(.path(["t"])) }),
      (
        "TicketStatementQuery",
        { _ = try client.flight.get(Ticket(TicketStatementQuery(handle: []).wrapped())).schema() }
      ),
      ("CommandStatementUpdate", { try client.executeUpdate("DELETE FROM t") }),
      ("CommandStatementIngest", { try client.ingest(ingest, FakeRows.schema).finish() }),
      ("CreatePreparedStatement", { _ = try client.prepare("SELECT 1") }),
      ("CommandPreparedStatementUpdate", { try FlightSQLStatement(client, handle).executeUpdate() }),
      ("CommandPreparedStatementQuery", { _ = try FlightSQLStatement(client, handle).execute() }),
      ("ClosePreparedStatement", { try FlightSQLStatement(client, handle).close() }),
      ("BeginTransaction", { _ = try client.beginTransaction() }),
      ("EndTransaction", { try FlightSQLTransaction(client, []).commit() }),
      ("BeginSavepoint", { _ = try FlightSQLTransaction(client, []).beginSavepoint("s") }),
      ("EndSavepoint", { try FlightSQLTransaction(client, []).release(.init(id: [], name: "s")) }),
      ("Cancel", { _ = try client.cancel(info) }),
      ("RenewFlightEndpoint", { _ = try client.renew(info.endpoints[0]) }),
      ("SetSessionOptions", { _ = try client.setSessionOptions([:]) }),
      ("GetSessionOptions", { _ = try client.sessionOptions() }),
      ("CloseSession", { _ = try client.closeSession() }),
      ("CommandGetCatalogs", { _ = try client.catalogs() }),
      ("CommandGetDbSchemas", { _ = try client.dbSchemas() }),
      ("CommandGetTables", { _ = try client.tables() }),
      ("CommandGetTableTypes", { _ = try client.tableTypes() }),
      ("CommandGetPrimaryKeys", { _ = try client.primaryKeys(table) }),
      ("CommandGetExportedKeys", { _ = try client.exportedKeys(table) }),
      ("CommandGetImportedKeys", { _ = try client.importedKeys(table) }),
      ("CommandGetCrossReference", { _ = try client.crossReference(parent: table, foreign: table) }),
      ("CommandGetXdbcTypeInfo", { _ = try client.typeInfo() }),
      ("CommandGetSqlInfo", { _ = try client.sqlInfo() }),
      ("handshake", { try client.flight.authenticate(user: "a", password: "b") }),
      ("dance", { _ = try client.flight.action(Action("dance")) }),
    ]
    for (name, attempt) in attempts {
      let error = #expect(throws: GRPCStatus.self, "\(name)") { try attempt() }
      #expect(
        error?.code == .unimplemented && error?.message.contains(name) == true, "\(name): \(error as Any)")
    }
    #expect(try client.flight.actionTypes().count == 13)
  }

  @Test func cookiesComeWithAnyAnswer() throws {
    let (server, client) = try serve(Baker())
    defer {
      client.close()
      server.close()
    }
    let session = client.flight.session
    try client.executeUpdate("a=1; Path=/")
    #expect(session.cookies == ["a": "1"])
    try client.executeUpdate("b=x=y; HttpOnly")
    #expect(session.cookies == ["a": "1", "b": "x=y"])
    #expect(try client.flight.get(Ticket("a=2")).schema() == FakeRows.schema)
    #expect(session.cookies == ["a": "2", "b": "x=y"])
    try client.executeUpdate("a=gone; Max-Age=0")
    try client.executeUpdate("nonsense")
    #expect(session.cookies == ["b": "x=y"])
  }

  @Test(arguments: [true, false]) func aTokenComesByEitherHandshake(byHeader: Bool) throws {
    let (server, client) = try serve(Guarded(byHeader: byHeader))
    defer {
      client.close()
      server.close()
    }
    #expect(throws: GRPCStatus.self) { _ = try client.catalogs() }
    let error = #expect(throws: GRPCStatus.self) {
      try client.flight.authenticate(user: "ada", password: "wrong")
    }
    #expect(error?.code == .unauthenticated && client.flight.session.authorization == nil)
    try client.flight.authenticate(user: "ada", password: "secret")
    #expect(client.flight.session.authorization == "Bearer sesame")
    #expect(try client.catalogs() == ["main"])
    client.flight.session.authorization = nil
    #expect(throws: GRPCStatus.self) { _ = try client.catalogs() }
  }
}
