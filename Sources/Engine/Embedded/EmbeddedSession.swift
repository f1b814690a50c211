// One client's session: its transactions, its options, and the statements that it prepares.

import Arrow
import SQL
import SQLite
import Synchronization
import Tables

/// Sessions hold transactions and options; connections are borrowed for as long as a statement or a transaction needs one.
public final class EmbeddedSession: EngineSession {
  let engine: EmbeddedEngine
  private struct State {
    var transactions: [TransactionID: OpenTransaction] = [:]
    /// The one that BEGIN as a statement began.
    var current: TransactionID?
    var options: [String: String] = [:]
    var next: UInt64 = 0
    /// The connection that has the session's temporary tables.
    var own: SharedConnection?
    var isClosed = false
  }

  private let state = Mutex(State())

  init(_ engine: EmbeddedEngine) { self.engine = engine }

  deinit { close() }

  // MARK: Statements

  public func prepare(
    _ sql: String, in transaction: TransactionID?, willRun: Bool, _ control: StatementControl
  ) throws(EngineError) -> any EngineStatement {
    if sql.utf8.contains(0) { throw EngineError(.invalidArgument, "the statement holds a NUL character") }
    var parsed: SQL.Statement?
    do throws(SQLError) {
      parsed = try SQL.Statement(sql)
      if parsed == nil { throw SQLError(.misuse, "there is no statement in the text", at: 0) }
    } catch {
      if error.code == .misuse { throw EngineError(.invalidArgument, error.message, offset: error.offset) }
      // Otherwise SQLite has the last word on what is SQL, and its message is the one that users know.
    }
    if let parsed, parsed.isTransactionControl, parsed.explain == .none {
      return ControlStatement(sql, parsed.kind, self, transaction)
    }
    if let parsed { try Confinement.check(parsed) }
    if let parsed, parsed.makesTemporary, parsed.explain == .none {
      try keepConnection(transaction, control)
    }
    return try EmbeddedStatement(sql, self, transaction, willRun: willRun, control)
  }

  // MARK: Borrowing connections

  /// The transaction that a statement is in: the one that it names, or the session's own.
  func transaction(_ id: TransactionID?) throws(EngineError) -> OpenTransaction? {
    let (found, isClosed) = state.withLock { state -> (OpenTransaction?, Bool) in
      ((id ?? state.current).flatMap { state.transactions[$0] }, state.isClosed)
    }
    if isClosed { throw EngineError(.failedPrecondition, "the session is closed") }
    if id != nil, found == nil {
      throw EngineError(.notFound, "there is no such transaction; it may have ended")
    }
    return found
  }

  /// Lends a connection for one statement: the transaction's, the session's own unless a transaction has it, or one of the pool.
  /// - Parameter reads: false for what only looks at the schema.
  func borrow(
    _ id: TransactionID?, writes: Bool, reads: Bool = true, _ control: StatementControl
  ) throws(EngineError) -> Borrowed {
    if writes { engine.noteChange() }
    if let transaction = try transaction(id) {
      try transaction.beginUse(control, writes: writes, reads: reads)
      return Borrowed(
        transaction.connection, engine, transaction: transaction, shared: transaction.shared,
        isWriter: false, control)
    }
    if let own = state.withLock({ $0.own }), let borrowed = try borrow(own, writes: writes, control) {
      return borrowed
    }
    let connection = try writes ? engine.takeToWrite(control) : engine.pool.take(control)
    return Borrowed(connection, engine, transaction: nil, shared: nil, isWriter: writes, control)
  }

  private func borrow(
    _ own: SharedConnection, writes: Bool, _ control: StatementControl
  ) throws(EngineError) -> Borrowed? {
    try own.enter(control)
    if own.connection.connection.isInTransaction {
      own.leave()
      return nil
    }
    do throws(EngineError) { if writes { try engine.writers.enter(control) } } catch {
      own.leave()
      throw error
    }
    return Borrowed(own.connection, engine, transaction: nil, shared: own, isWriter: writes, control)
  }

  /// Makes sure that the session has a connection of its own, which temporary tables need, and that the transaction is on it.
  func keepConnection(_ id: TransactionID?, _ control: StatementControl) throws(EngineError) {
    let transaction = try transaction(id)
    let own = state.withLock { $0.own }
    if let transaction {
      if own === transaction.shared { return }
      guard own == nil else {
        throw EngineError(
          .failedPrecondition, "the session's temporary tables are in another transaction; end that first")
      }
      try transaction.beginUse(control, writes: false)
      defer { transaction.endUse() }
      transaction.leaveConnectionToSession()
      return keep(transaction.shared)
    }
    if own != nil { return }
    keep(SharedConnection(try engine.pool.take(control)))
  }

  var hasOwnConnection: Bool { state.withLock { $0.own != nil } }

  private func keep(_ shared: SharedConnection) {
    shared.connection.mayHaveTemporaryTables.value = true
    // What waits for a client is no place to run.
    engine.pool.letGo(shared.connection)
    let isKept = state.withLock { state in
      guard state.own == nil, !state.isClosed else { return false }
      state.own = shared
      return true
    }
    if !isKept { try? release(shared) }
  }

  private func release(_ own: SharedConnection) throws(EngineError) {
    try own.enter(StatementControl(timeout: 60))
    own.end()
    own.leave()
  }

  // MARK: Transactions

  public func begin() throws(EngineError) -> TransactionID {
    let own = state.withLock { state in
      state.own.flatMap { own in state.transactions.values.contains { $0.shared === own } ? nil : own }
    }
    let transaction = try OpenTransaction(
      engine, on: own, StatementControl(timeout: engine.options.statementTimeout))
    let id = state.withLock { state -> TransactionID? in
      if state.isClosed { return nil }
      state.next += 1
      let id = TransactionID(state.next)
      state.transactions[id] = transaction
      return id
    }
    guard let id else {
      try? transaction.end(commits: false, StatementControl())
      throw EngineError(.failedPrecondition, "the session is closed")
    }
    return id
  }

  public func commit(_ id: TransactionID, _ control: StatementControl) throws(EngineError) {
    try end(id, commits: true, control)
  }

  public func rollback(_ id: TransactionID) throws(EngineError) {
    try end(id, commits: false, StatementControl())
  }

  private func end(_ id: TransactionID, commits: Bool, _ control: StatementControl) throws(EngineError) {
    guard let transaction = try transaction(id) else { return }
    defer { if transaction.isOver { forget(id) } }
    try transaction.end(commits: commits, control)
  }

  private func forget(_ id: TransactionID) {
    state.withLock { state in
      state.transactions[id] = nil
      if state.current == id { state.current = nil }
    }
  }

  public func savepoint(_ name: String, in id: TransactionID) throws(EngineError) -> SavepointID {
    guard let transaction = try transaction(id) else {
      throw EngineError(.notFound, "there is no such transaction")
    }
    return SavepointID(transaction: id, try transaction.savepoint(StatementControl()))
  }

  public func release(_ savepoint: SavepointID) throws(EngineError) {
    try transaction(savepoint.transaction)?.endSavepoint(savepoint.value, releases: true, StatementControl())
  }

  public func rollback(to savepoint: SavepointID) throws(EngineError) {
    try transaction(savepoint.transaction)?.endSavepoint(savepoint.value, releases: false, StatementControl())
  }

  public var isInTransaction: Bool { state.withLock { !$0.transactions.isEmpty } }

  public func rollBackAll() {
    let transactions = state.withLock { state -> [OpenTransaction] in
      defer {
        state.transactions = [:]
        state.current = nil
      }
      return Array(state.transactions.values)
    }
    for transaction in transactions { try? transaction.end(commits: false, StatementControl(timeout: 5)) }
  }

  func rollBackIdleTransactions() {
    let transactions = state.withLock { $0.transactions }
    for (id, transaction) in transactions
    where transaction.rollBack(ifIdleFor: engine.options.transactionIdleTimeout) {
      forget(id)
    }
  }

  /// BEGIN, COMMIT, ROLLBACK, SAVEPOINT and RELEASE as statements: for clients that know no other way.
  func run(_ kind: SQL.Statement.Kind, _ id: TransactionID?, _ control: StatementControl) throws(EngineError)
  {
    let current = id ?? state.withLock { $0.current }
    switch kind {
    case .begin:
      guard current == nil else {
        throw EngineError(.failedPrecondition, "cannot start a transaction within a transaction")
      }
      let begun = try begin()
      state.withLock { $0.current = begun }
    case .commit, .rollback(to: nil):
      guard let current else { throw EngineError(.failedPrecondition, "no transaction is active") }
      if case .commit = kind { try commit(current, control) } else { try rollback(current) }
    case .rollback(to: let name?): try runSavepoint("ROLLBACK TO \(quoted(name.text))", current, control)
    case .savepoint(let name):
      var transaction = current
      if transaction == nil {
        let begun = try begin()
        state.withLock { $0.current = begun }
        transaction = begun
      }
      try runSavepoint("SAVEPOINT \(quoted(name.text))", transaction, control)
    case .release(let name): try runSavepoint("RELEASE \(quoted(name.text))", current, control)
    default: preconditionFailure("no statement of transaction control")
    }
  }

  private func runSavepoint(_ sql: String, _ id: TransactionID?, _ control: StatementControl)
    throws(EngineError)
  {
    guard let transaction = try transaction(id) else {
      throw EngineError(.failedPrecondition, "no transaction is active")
    }
    try transaction.beginUse(control, writes: false)
    defer {
      engine.noteChange()
      transaction.endUse()
    }
    try transaction.connection.control(sql)
  }

  // MARK: Options

  public func option(_ name: String) -> String? {
    state.withLock { $0.options[name] } ?? SessionOptions.defaults[name]
  }

  public func options() -> [String: String] {
    SessionOptions.defaults.merging(state.withLock { $0.options }) { $1 }
  }

  public func setOption(_ name: String, to value: String?) throws(EngineError) {
    guard SessionOptions.defaults[name] != nil else {
      throw EngineError(.notFound, "there is no session option '\(name)'")
    }
    try SessionOptions.check(name, value)
    state.withLock { $0.options[name] = value }
  }

  public func close() {
    let (transactions, own) = state.withLock { state -> ([OpenTransaction], SharedConnection?) in
      state.isClosed = true
      defer {
        state.transactions = [:]
        state.own = nil
      }
      return (Array(state.transactions.values), state.own)
    }
    for transaction in transactions { try? transaction.end(commits: false, StatementControl(timeout: 5)) }
    if let own { try? release(own) }
  }
}

/// What a session can be told.
enum SessionOptions {
  static let defaults = [
    "catalog": "", "schema": "main", "fletch_engine": "auto", "fletch_timeout": "", "fletch_partitions": "1",
  ]

  static func check(_ name: String, _ value: String?) throws(EngineError) {
    guard let value else { return }
    let isRight =
      switch name {
      case "catalog": value.isEmpty
      case "schema": value == "main"
      case "fletch_engine": ["auto", "columns", "sqlite"].contains(value)
      case "fletch_partitions": Int(value).map { (1...256).contains($0) } == true
      case "fletch_timeout": value.isEmpty || Double(value).map { $0 > 0 } == true
      default: true
      }
    guard isRight else {
      throw EngineError(.invalidArgument, "session option '\(name)' cannot be '\(value)'")
    }
  }
}
