// PollFlightInfo: a query that runs while its client asks how far it is.

import Arrow
import Engine
import Flight
import FlightSQL
import GRPC
import Glibc

/// A query that is polled.
struct PolledQuery: Sendable {
  let run: BackgroundRun
  let statement: any EngineStatement
  let parameters: KeptParameters?
  let schema: Schema
  let session: ClientSession
  /// What the query was asked in parts for.
  let parts: Int
}

extension SQLService {
  /// How long a poll waits for the end before it says that there is none yet, in seconds. Short first: who polls wants an answer.
  private static let (firstWait, nextWait) = (0.02, 1.0)

  public func poll(_ query: QueryRequest, _ context: CallContext) throws -> QueryProgress {
    guard let (statement, parameters, session) = try pollable(query, context) else {
      return .complete(try execute(query, context))
    }
    let control = control(context, session)
    let schema =
      try grpc { () throws(EngineError) in try statement.resultSchema(for: parameters?.rows, control) }
      ?? Schema([])
    // It outlives this call, so it stops by its own time limit, or when it is cancelled.
    let own = StatementControl(
      timeout: timeout(session), origin: StatementOrigin(context.call), progress: StatementProgress())
    let run = BackgroundRun(own, kept, limit: options.keptLimit) { [weak self] bytes in
      self?.makeRoom(for: bytes)
    }
    run.start { () throws(EngineError) in try statement.query(parameters?.rows, own) }
    let polled = PolledQuery(
      run: run, statement: statement, parameters: parameters, schema: schema, session: session,
      parts: try parts(context, session))
    let handle = try polls.add(polled, owner: session.user)
    return try progress(polled, handle, waiting: SQLService.firstWait, context)
  }

  public func poll(next handle: [UInt8], _ context: CallContext) throws -> QueryProgress {
    let session = try sessions.session(context)
    let polled = try polls.find(handle, owner: session.user)
    return try progress(polled, handle, waiting: SQLService.nextWait, context)
  }

  private func progress(
    _ polled: PolledQuery, _ handle: [UInt8], waiting seconds: Double, _ context: CallContext
  ) throws -> QueryProgress {
    let left = context.call.deadline.map { Double($0.nanoseconds - monotonicNow()) / 2e9 } ?? seconds
    switch polled.run.wait(until: monotonicNow() + Int64(max(0, min(left, seconds)) * 1e9)) {
    case .running(let rows):
      let info = QueryInfo(
        schema: described(polled.schema), endpoints: [], totalRecords: Int64(rows), isOrdered: true)
      return QueryProgress(
        info: info, next: handle, progress: polled.run.share, expiration: expiration(in: options.pollLifetime)
      )
    case .failed(let error):
      polls.remove(handle, owner: polled.session.user)
      throw GRPCStatus(error)
    case .full:
      polls.remove(handle, owner: polled.session.user)
      let result = PendingResult(
        .running(polled.run, polled.statement, polled.parameters), schema: polled.schema)
      return .complete(try info(result, polled.session))
    case .done(let rows):
      polls.remove(handle, owner: polled.session.user)
      return .complete(try info(polled.schema, rows, parts: polled.parts, polled.session))
    }
  }

  /// What a question runs, if that is a query that only reads; nil for what is better answered at once.
  private func pollable(
    _ query: QueryRequest, _ context: CallContext
  ) throws -> (any EngineStatement, KeptParameters?, ClientSession)? {
    let statement: any EngineStatement
    let session: ClientSession
    var parameters: KeptParameters?
    switch query {
    case .statement(let command):
      let (owner, transaction) = try place(command.transactionID, context)
      // A transaction runs one statement at a time, and the next one would wait for this.
      if transaction != nil { return nil }
      session = owner
      statement = try prepare(command.query, session, context)
    case .json(let sql):
      session = try sessions.session(context)
      statement = try prepare(sql, session, context)
    case .text(let text):
      if try table(named: text, context) != nil { return nil }
      session = try sessions.session(context)
      statement = try prepare(text, session, context)
    case .prepared(let command):
      let caller = try sessions.session(context)
      let entry = try prepared.find(command.handle, owner: caller.user)
      session = entry.session
      statement = try entry.statement(control(context, session))
      parameters = entry.parameters
    case .path: return nil
    }
    if statement.changesData || session.engine.isInTransaction { return nil }
    return (statement, parameters, session)
  }

  private func prepare(
    _ sql: String, _ session: ClientSession, _ context: CallContext
  ) throws -> any EngineStatement {
    let control = control(context, session)
    return try grpc { () throws(EngineError) in try session.engine.prepare(sql, in: nil, control) }
  }
}
