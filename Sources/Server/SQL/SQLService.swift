// SQL over Flight: Flight SQL's commands, and what clients that know only Flight send, answered by an engine.

import Arrow
import Engine
import Flight
import FlightSQL
import GRPC
import Memory

/// What the service can be told.
public struct SQLServiceOptions: Sendable {
  /// How long a statement may take, in seconds; a call's own deadline may be nearer.
  public var statementTimeout: Double?
  /// How long a ticket or prepared statement that nobody uses is kept, in seconds.
  public var handleLifetime = 3600.0
  /// How long a session that nobody uses is kept, in seconds.
  public var sessionLifetime = 3600.0
  /// How long a query that is polled goes on without being asked for, in seconds.
  public var pollLifetime = 60.0
  /// The most bytes of a result that are kept, because it is polled or in several parts.
  public var keptLimit = 256 << 20
  /// The most bytes of all that are kept, with the parameters that are bound.
  public var keptTotal = 1 << 30
  /// The most bytes of parameters that a client may bind.
  public var parameterLimit = 64 << 20
  public var version = ""
  /// Other names of tables: the name by the alias. A table that has one is listed by it.
  public var aliases: [String: String] = [:]

  public init() {}
}

/// The Flight SQL service over an engine.
public final class SQLService: FlightSQLService {
  let engine: any QueryEngine
  let options: SQLServiceOptions
  let sessions: ClientSessions
  let results: HandleTable<PendingResult>
  let prepared: HandleTable<PreparedEntry>
  let transactions: HandleTable<(session: ClientSession, id: TransactionID)>
  let savepoints: HandleTable<(session: ClientSession, id: SavepointID)>
  let polls: HandleTable<PolledQuery>
  let kept: KeptMemory

  public init(_ engine: any QueryEngine, options: SQLServiceOptions = SQLServiceOptions()) {
    self.engine = engine
    self.options = options
    sessions = ClientSessions(engine, idleLimit: options.sessionLifetime)
    // Every query leaves one, and none is closed: a busy server must not run out of them.
    results = HandleTable(name: "result", lifetime: options.handleLifetime, limit: 20_000, evicts: true)
    prepared = HandleTable(name: "prepared statement", lifetime: options.handleLifetime)
    transactions = HandleTable(name: "transaction", lifetime: options.handleLifetime)
    savepoints = HandleTable(name: "savepoint", lifetime: options.handleLifetime)
    polls = HandleTable(name: "polled query", lifetime: options.pollLifetime)
    kept = KeptMemory(limit: options.keptTotal)
  }

  /// Forgets what nobody uses any more. To be called now and then.
  public func tidyUp() {
    for result in results.removeExpired() { result.cancel() }
    dropWaitingRuns()
    for query in polls.removeExpired() { query.run.cancel() }
    for entry in prepared.removeExpired() { entry.prepared.close() }
    _ = transactions.removeExpired()
    _ = savepoints.removeExpired()
    for session in sessions.endIdle() { forget(session) }
  }

  /// Ends what a user has who is none any more: sessions with their transactions, results, statements. Rows that are on their way stop.
  public func forget(user: String) {
    for query in polls.removeAll(of: user) { query.run.cancel() }
    for result in results.removeAll(of: user) { result.cancel() }
    for entry in prepared.removeAll(of: user) { entry.prepared.close() }
    _ = transactions.removeAll(of: user)
    _ = savepoints.removeAll(of: user)
    for session in sessions.end(ofUser: user) { forget(session) }
  }

  func forget(_ session: ClientSession) {
    for entry in prepared.removeExpired(andOf: session) { entry.prepared.close() }
    _ = transactions.removeExpired(andOf: session)
    _ = savepoints.removeExpired(andOf: session)
  }

  // MARK: Controls

  /// What stops a call's statement: the client that goes away, its deadline, the server's limit.
  func control(_ context: CallContext, _ session: ClientSession?) -> StatementControl {
    var seconds = timeout(session)
    if let deadline = context.call.deadline {
      let left = max(0, Double(deadline.nanoseconds - monotonicNow()) / 1e9)
      seconds = min(left, seconds ?? left)
    }
    let control = StatementControl(timeout: seconds, origin: StatementOrigin(context.call))
    context.call.onCancel { status in
      let isLate = status.code == .deadlineExceeded
      control.cancel(EngineError(isLate ? .deadlineExceeded : .cancelled, status.message))
    }
    return control
  }

  /// How long a statement may take, whatever calls say.
  func timeout(_ session: ClientSession?) -> Double? {
    guard let wish = session?.engine.option("fletch_timeout").flatMap({ Double($0) }) else {
      return options.statementTimeout
    }
    return min(wish, options.statementTimeout ?? wish)
  }

  /// The session and transaction that a statement runs in: those of its handle, or else the caller's session.
  func place(
    _ handle: [UInt8]?, _ context: CallContext
  ) throws -> (session: ClientSession, transaction: TransactionID?) {
    let session = try sessions.session(context)
    guard let handle, !handle.isEmpty else { return (session, nil) }
    let (owner, id) = try transactions.find(handle, owner: session.user)
    return (owner, id)
  }

  // MARK: Transactions

  public func beginTransaction(_ context: CallContext) throws -> [UInt8] {
    let session = try sessions.session(context)
    let id = try grpc { () throws(EngineError) in try session.engine.begin() }
    session.began(id)
    return try transactions.add((session, id), owner: session.user, session: session)
  }

  public func endTransaction(_ request: ActionEndTransactionRequest, _ context: CallContext) throws {
    let session = try sessions.session(context)
    let (owner, id) = try transactions.find(request.transactionID, owner: session.user)
    let control = control(context, session)
    try grpc { () throws(EngineError) in
      if request.action == .commit {
        try owner.engine.commit(id, control)
      } else {
        try owner.engine.rollback(id)
      }
    }
    owner.ended(id)
    transactions.remove(request.transactionID, owner: session.user)
  }

  public func beginSavepoint(_ request: ActionBeginSavepointRequest, _ context: CallContext) throws -> [UInt8]
  {
    let session = try sessions.session(context)
    let (owner, id) = try transactions.find(request.transactionID, owner: session.user)
    let savepoint = try grpc { () throws(EngineError) in try owner.engine.savepoint(request.savepoint, in: id)
    }
    return try savepoints.add((session, savepoint), owner: session.user, session: session)
  }

  public func endSavepoint(_ request: ActionEndSavepointRequest, _ context: CallContext) throws {
    let session = try sessions.session(context)
    let (owner, id) = try savepoints.find(request.savepointID, owner: session.user)
    try grpc { () throws(EngineError) in
      if request.action == .release {
        try owner.engine.release(id)
      } else {
        try owner.engine.rollback(to: id)
      }
    }
    savepoints.remove(request.savepointID, owner: session.user)
  }

  // MARK: Sessions

  public func setSessionOptions(
    _ options: [String: SessionOptionValue], _ context: CallContext
  ) throws -> [String: SessionOptionError] {
    let session = try sessions.session(context)
    sessions.giveCookie(session, context)
    var errors: [String: SessionOptionError] = [:]
    for (name, value) in options {
      do throws(EngineError) { try session.engine.setOption(name, to: value.text) } catch {
        errors[name] = error.code == .notFound ? .invalidName : .invalidValue
      }
    }
    return errors
  }

  public func sessionOptions(_ context: CallContext) throws -> [String: SessionOptionValue] {
    try sessions.session(context).engine.options().mapValues { .string($0) }
  }

  public func closeSession(_ context: CallContext) throws -> CloseSessionResult.Status {
    if let session = sessions.end(context) { forget(session) }
    return .closed
  }
}

extension SessionOptionValue {
  /// The value as text; nil for one that is to be unset.
  fileprivate var text: String? {
    switch self {
    case .none: nil
    case .string(let text): text
    case .bool(let truth): truth ? "true" : "false"
    case .int64(let number): String(number)
    case .double(let number): String(number)
    case .strings(let texts): texts.joined(separator: ",")
    }
  }
}
