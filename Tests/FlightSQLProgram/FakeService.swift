// The fake server: queries, updates, prepared statements, transactions and sessions over `FakeDatabase`.

import Arrow
import Flight
import FlightSQL
import GRPC
import Glibc
import Memory
import Synchronization

/// A result that waits for its DoGet.
struct FakeResult: Sendable {
  var sql: String
  var transaction: [UInt8]?
  var parameters: [RecordBatch] = []
  var part = 0
}

struct FakePrepared: Sendable {
  var sql: String
  var transaction: [UInt8]?
  var parameters: [RecordBatch] = []
}

struct FakeState: Sendable {
  var database: FakeDatabase
  var prepared: [[UInt8]: FakePrepared] = [:]
  var results: [[UInt8]: FakeResult] = [:]
  /// What a rollback goes back to, and whose transaction it is: a session here is a connection.
  var transactions: [[UInt8]: (before: FakeDatabase, owner: String)] = [:]
  var savepoints: [[UInt8]: FakeDatabase] = [:]
  var options: [String: SessionOptionValue] = [:]
  var cancelled: Set<[UInt8]> = []
  var calls: [String] = []
  private var nextHandle = 0

  init(_ database: FakeDatabase) { self.database = database }

  mutating func handle(_ kind: String) -> [UInt8] {
    nextHandle += 1
    return Array("\(kind)-\(nextHandle)".utf8) + [0, 0xFF]
  }

  func check(_ transaction: [UInt8]?) throws {
    if let transaction, transactions[transaction] == nil {
      throw GRPCStatus(.notFound, "no such transaction")
    }
  }
}

final class FakeService: FlightSQLService {
  let state: Mutex<FakeState>

  init() throws { state = Mutex(FakeState(try FakeDatabase())) }

  func note(_ call: String) { state.withLock { $0.calls.append(call) } }

  // MARK: Queries

  private func sql(_ query: QueryRequest) throws -> FakeResult {
    switch query {
    case .statement(let statement):
      return FakeResult(sql: statement.query, transaction: statement.transactionID)
    case .prepared(let command):
      let prepared = try prepared(command.handle)
      return FakeResult(
        sql: prepared.sql, transaction: prepared.transaction, parameters: prepared.parameters)
    case .text(let text): return FakeResult(sql: text)
    case .json(let text): return FakeResult(sql: text)
    case .path(let parts): return FakeResult(sql: "SELECT * FROM \(parts.joined(separator: "."))")
    }
  }

  func execute(_ query: QueryRequest, _ context: CallContext) throws -> QueryInfo {
    note("execute \(query.name)")
    let result = try sql(query)
    let statement = try FakeStatement(result.sql)
    return try state.withLock { state in
      try state.check(result.transaction)
      let schema = try state.database.schema(statement)
      // What writes takes effect here, once; its DoGet has nothing to send.
      if statement.isUpdate { _ = try state.database.update(statement, result.parameters) }
      let count = if case .parts(let count) = statement { count } else { 1 }
      var endpoints: [QueryEndpoint] = []
      for part in 0..<count {
        let handle = state.handle("result")
        state.results[handle] = FakeResult(
          sql: result.sql, transaction: result.transaction, parameters: result.parameters, part: part)
        endpoints.append(
          QueryEndpoint(
            ticket: .handle(handle), expiration: FlightTimestamp(seconds: 4_000_000_000, nanoseconds: 5)))
      }
      // Clients that know only Flight write the ticket themselves.
      if case .text(let text) = query { endpoints = [QueryEndpoint(ticket: .text(text))] }
      return QueryInfo(schema: schema, endpoints: endpoints, isOrdered: true, appMetadata: [7])
    }
  }

  func schema(_ query: QueryRequest, _ context: CallContext) throws -> Schema {
    let statement = try FakeStatement(try sql(query).sql)
    return try state.withLock { try $0.database.schema(statement) }
  }

  func poll(_ query: QueryRequest, _ context: CallContext) throws -> QueryProgress {
    guard case .poll(let steps) = try FakeStatement(try sql(query).sql) else {
      return .complete(try execute(query, context))
    }
    return try progress(left: steps, of: steps)
  }

  func poll(next handle: [UInt8], _ context: CallContext) throws -> QueryProgress {
    let numbers = String(decoding: handle, as: UTF8.self).split(separator: "/").compactMap { Int($0) }
    guard numbers.count == 2 else { throw GRPCStatus(.notFound, "no query is known by what was polled with") }
    return try progress(left: numbers[0], of: numbers[1])
  }

  private func progress(left: Int, of steps: Int) throws -> QueryProgress {
    let handle = state.withLock { state in
      let handle = state.handle("result")
      state.results[handle] = FakeResult(sql: "SELECT * FROM people")
      return handle
    }
    let info = QueryInfo(schema: FakeRows.schema, handle: handle)
    if left == 0 { return .complete(info) }
    var some = info
    some.endpoints = []
    return QueryProgress(
      info: some, next: Array("\(left - 1)/\(steps)".utf8), progress: 1 - Double(left) / Double(steps),
      expiration: FlightTimestamp(seconds: 4_000_000_000))
  }

  func get(_ ticket: TicketRequest, _ output: FlightOutput, _ context: CallContext) throws {
    let result: FakeResult
    switch ticket {
    case .result(let handle):
      guard let known = state.withLock({ $0.results[handle] }) else {
        throw GRPCStatus(.notFound, "no result has this ticket")
      }
      result = known
      if try FakeStatement(known.sql) == .sleep { return try sleep(handle, output, context) }
    case .query(let query): result = try sql(query)
    }
    let statement = try FakeStatement(result.sql)
    let (schema, batches) = try state.withLock { state in
      (try state.database.schema(statement), try state.database.rows(statement, result.parameters))
    }
    try output.start(schema)
    switch statement {
    case .parts: try output.write(try FakeRows.batch([(Int64(result.part), "part")]))
    case .failLate:
      try output.write(try FakeRows.batch([(1, "good")]))
      throw GRPCStatus(.dataLoss, "row 2 of column 'name' is bad")
    default: for batch in batches { try output.write(batch) }
    }
  }

  /// Sends a row now and then until somebody cancels.
  private func sleep(_ handle: [UInt8], _ output: FlightOutput, _ context: CallContext) throws {
    try output.start(FakeRows.schema)
    let row = try FakeRows.batch([(0, "zzz")])
    defer { note("sleep ended") }
    while true {
      try context.checkCancelled()
      if state.withLock({ $0.cancelled.contains(handle) }) {
        throw GRPCStatus(.cancelled, "the query was cancelled")
      }
      try output.write(row)
      usleep(10_000)
    }
  }

  func cancel(_ request: CancelRequest, _ context: CallContext) throws -> CancelStatus {
    try state.withLock { state in
      for case .result(let handle) in request.tickets {
        guard state.results[handle] != nil else { throw GRPCStatus(.notFound, "no such query") }
        state.cancelled.insert(handle)
      }
      if let poll = request.poll { state.calls.append("cancel \(String(decoding: poll, as: UTF8.self))") }
    }
    return .cancelled
  }

  func renew(_ endpoint: QueryEndpoint, _ context: CallContext) throws -> QueryEndpoint {
    var endpoint = endpoint
    endpoint.expiration = FlightTimestamp(seconds: 5_000_000_000)
    return endpoint
  }

  // MARK: Updates

  func update(_ statement: CommandStatementUpdate, _ context: CallContext) throws -> Int64 {
    note("update")
    let parsed = try FakeStatement(statement.query)
    return try state.withLock { state in
      try state.check(statement.transactionID)
      return try state.database.update(parsed)
    }
  }

  func ingest(_ command: CommandStatementIngest, _ rows: IngestRows, _ context: CallContext) throws -> Int64 {
    note(
      "ingest \(command.ifNotExist) \(command.ifExists) \(command.options.sorted(by: <).map { "\($0)=\($1)" })"
    )
    if let catalog = command.catalog, catalog != "main" {
      throw GRPCStatus(.notFound, "no such catalog: \(catalog)")
    }
    var batches: [RecordBatch] = []
    while let batch = try rows.next() { batches.append(batch) }
    let count = batches.reduce(0) { $0 + $1.count }
    return try state.withLock { [batches] state in
      try state.check(command.transactionID)
      switch (state.database.tables[command.table], command.ifNotExist, command.ifExists) {
      case (nil, .fail, _): throw GRPCStatus(.notFound, "no such table: \(command.table)")
      case (.some, _, .fail): throw GRPCStatus(.alreadyExists, "table \(command.table) already exists")
      case (let table?, _, .append):
        guard table.schema.fields.map(\.type) == rows.schema.fields.map(\.type) else {
          throw GRPCStatus(.invalidArgument, "the columns differ from those of \(command.table)")
        }
        state.database.tables[command.table]!.batches += batches
      case (nil, .create, _), (.some, _, .replace):
        state.database.tables[command.table] = FakeTable(
          schema: rows.schema, batches: batches, isTemporary: command.isTemporary)
      }
      return Int64(count)
    }
  }

  // MARK: Prepared statements

  private func prepared(_ handle: [UInt8]) throws -> FakePrepared {
    guard let prepared = state.withLock({ $0.prepared[handle] }) else {
      throw GRPCStatus(.notFound, "no such prepared statement")
    }
    return prepared
  }

  func prepare(_ request: ActionCreatePreparedStatementRequest, _ context: CallContext) throws
    -> PreparedStatement
  {
    note("prepare")
    let statement = try FakeStatement(request.query)
    return try state.withLock { state in
      try state.check(request.transactionID)
      let handle = state.handle("prepared")
      state.prepared[handle] = FakePrepared(sql: request.query, transaction: request.transactionID)
      let parameters: [Field] =
        switch statement {
        case .lookUp: [Field("1", .int64)]
        // Types that are not known.
        case .insertBound: [Field("1", .null), Field("2", .null)]
        default: []
        }
      return PreparedStatement(
        handle: handle, resultSchema: statement.isUpdate ? nil : try state.database.schema(statement),
        parameterSchema: Schema(parameters), isUpdate: statement.isUpdate)
    }
  }

  private func batches(_ parameters: BoundParameters) throws -> [RecordBatch] {
    var batches: [RecordBatch] = []
    while let batch = try parameters.next() { batches.append(batch) }
    return batches
  }

  func update(prepared handle: [UInt8], _ parameters: BoundParameters, _ context: CallContext) throws -> Int64
  {
    let prepared = try prepared(handle)
    let batches = try batches(parameters)
    note(
      "update prepared, \(parameters.schema == nil ? "nothing" : "\(batches.reduce(0) { $0 + $1.count }) rows") bound"
    )
    let statement = try FakeStatement(prepared.sql)
    return try state.withLock { state in
      try state.check(prepared.transaction)
      return try state.database.update(statement, batches)
    }
  }

  /// As a server without state does: the parameters are part of a new handle.
  func bind(prepared handle: [UInt8], _ parameters: BoundParameters, _ context: CallContext) throws
    -> [UInt8]?
  {
    var prepared = try prepared(handle)
    prepared.parameters = try batches(parameters)
    note("bind \(prepared.parameters.reduce(0) { $0 + $1.count }) rows")
    return state.withLock { [prepared] state in
      let bound = state.handle("bound")
      state.prepared[bound] = prepared
      return bound
    }
  }

  func close(prepared handle: [UInt8], _ context: CallContext) throws {
    let removed = state.withLock { $0.prepared.removeValue(forKey: handle) }
    guard removed != nil else { throw GRPCStatus(.notFound, "no such prepared statement") }
    note("close")
  }

  // MARK: Transactions

  func beginTransaction(_ context: CallContext) throws -> [UInt8] {
    state.withLock { state in
      let id = state.handle("transaction")
      state.transactions[id] = (state.database, context.peer)
      state.calls.append("begin")
      return id
    }
  }

  func endTransaction(_ request: ActionEndTransactionRequest, _ context: CallContext) throws {
    try state.withLock { state in
      guard let before = state.transactions.removeValue(forKey: request.transactionID) else {
        throw GRPCStatus(.notFound, "no such transaction")
      }
      state.calls.append("\(request.action)")
      if request.action == .rollback { state.database = before.before }
    }
  }

  func beginSavepoint(_ request: ActionBeginSavepointRequest, _ context: CallContext) throws -> [UInt8] {
    try state.withLock { state in
      try state.check(request.transactionID)
      let id = state.handle("savepoint \(request.savepoint)")
      state.savepoints[id] = state.database
      return id
    }
  }

  func endSavepoint(_ request: ActionEndSavepointRequest, _ context: CallContext) throws {
    try state.withLock { state in
      guard let before = state.savepoints[request.savepointID] else {
        throw GRPCStatus(.notFound, "no such savepoint")
      }
      switch request.action {
      case .release: state.savepoints[request.savepointID] = nil
      case .rollback: state.database = before
      }
    }
  }
}
