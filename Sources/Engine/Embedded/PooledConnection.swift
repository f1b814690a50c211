// Connections that statements borrow, with the statements that they have compiled.

import Memory
import SQL
import SQLite
import Tables

/// A connection with what is worth keeping with it. One statement or transaction has it at a time.
final class PooledConnection: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): handed from one owner to the next by the pool or by a transaction's lock.
  let tables: TableSession
  var connection: Connection { tables.connection }
  private var compiled: [String: SQLite.Statement] = [:]
  private var order: [String] = []
  private static let compiledLimit = 64
  /// The state of the schema that `compiled` is of.
  private var compiledVersion: Int64 = -1
  /// When it was given back last, by the monotonic clock.
  fileprivate var lastUse: Int64 = 0
  /// Set for the connection of one session; what is temporary in another would be seen by whoever borrows it next.
  let mayHaveTemporaryTables = Permission()

  /// Called now and then while a statement runs, for as long as somebody wants to know how far it is.
  @exclusivity(unchecked) var onProgress: (() -> Void)?

  final class Permission {
    @exclusivity(unchecked) var value = false
  }

  init(_ database: Database, _ options: EngineOptions) throws(SQLiteError) {
    tables = try database.makeSession(access: options.isReadOnly ? .readOnly : .readWrite)
    Confinement.apply(to: connection, options, mayHaveTemporaryTables)
  }

  /// Drops compiled statements: SQLite compiles them again by itself when the schema has changed, but only once they run, and
  /// until then they tell the columns of before.
  func forgetCompiled() {
    compiled = [:]
    order = []
  }

  /// A compiled statement of that text, to be given back with `keep`.
  func take(_ sql: String) throws(SQLiteError) -> SQLite.Statement {
    let version = try tables.schemaVersion()
    if version != compiledVersion {
      forgetCompiled()
      compiledVersion = version
    }
    if let statement = compiled.removeValue(forKey: sql) {
      order.removeAll { $0 == sql }
      return statement
    }
    guard let statement = try SQLite.Statement(connection, sql, persistent: true, keepsConnection: false)
    else {
      throw SQLiteError(.error, "there is no statement in the text")
    }
    if !statement.rest.isEmpty, try SQLite.Statement(connection, statement.rest) != nil {
      throw SQLiteError(.error, "the text has more than one statement", offset: statement.length)
    }
    return statement
  }

  /// Takes a statement back, for the next one with that text. Whoever had it may not use it any more: it may be closed here, since
  /// the connection is about to be another's.
  func keep(_ statement: SQLite.Statement, _ sql: String) {
    precondition(compiled[sql] !== statement, "a statement is given back once")
    statement.reset()
    statement.clearBindings()
    guard sql.utf8.count < 4096, compiled[sql] == nil else { return statement.close() }
    if order.count >= PooledConnection.compiledLimit { compiled[order.removeFirst()] = nil }
    compiled[sql] = statement
    order.append(sql)
  }

  /// Makes running statements end when the control says so.
  func obey(_ control: StatementControl?) {
    guard let control else { return connection.setProgress(every: 0, nil) }
    // A thousand steps of SQLite's machine take about 50 µs.
    connection.setProgress(every: 1000) { [unowned self] in
      onProgress?()
      return control.reason != nil
    }
  }
}

/// The connections of an engine.
final class ConnectionPool: Sendable {
  private let database: Database
  private let options: EngineOptions
  private let idle = Guarded<[PooledConnection]>([])
  private let turnstile: Turnstile
  private let begun: BegunRuns

  init(_ database: Database, _ options: EngineOptions, _ begun: BegunRuns) {
    self.database = database
    self.options = options
    self.begun = begun
    turnstile = Turnstile(places: options.concurrency, queueLimit: options.queueLimit, name: "a place to run")
  }

  /// How many connections are lent.
  var inUse: Int { options.concurrency - turnstile.freePlaces }

  /// Borrows a connection; waits until one is free.
  func take(_ control: StatementControl) throws(EngineError) -> PooledConnection {
    // Whoever has come gets the place of a run that nobody may ever come back for.
    if !turnstile.tryEnter() {
      begun.dropOldest()
      try turnstile.enter(control)
    }
    return try open()
  }

  /// Borrows a connection without waiting for one; nil where all are lent.
  func takeIfFree() throws(EngineError) -> PooledConnection? {
    if !turnstile.tryEnter() {
      begun.dropOldest()
      guard turnstile.tryEnter() else { return nil }
    }
    return try open()
  }

  /// A connection for whoever has a place.
  private func open() throws(EngineError) -> PooledConnection {
    if let connection = idle.withLock({ $0.popLast() }) { return connection }
    do throws(SQLiteError) { return try PooledConnection(database, options) } catch {
      turnstile.leave()
      throw EngineError(error)
    }
  }

  func giveBack(_ connection: PooledConnection) {
    connection.obey(nil)
    connection.lastUse = StatementControl.now
    idle.withLock { $0.append(connection) }
    turnstile.leave()
  }

  /// One that never comes back, because something of its session is left in it.
  func letGo(_ connection: PooledConnection) { turnstile.leave() }

  func closeIdle() { idle.withLock { $0.removeAll() } }

  /// Closes connections that nobody has needed for a while: each holds SQLite's cache of pages, two megabytes, and compiled statements.
  /// - Returns: how many.
  @discardableResult
  func closeIdle(forSeconds seconds: Double) -> Int {
    let limit = StatementControl.now - Int64(seconds * 1e9)
    // The one that was used last is taken first, so those that are not needed come to stand at the front.
    let old = idle.withLock { idle -> [PooledConnection] in
      let old = idle.dropLast(ConnectionPool.kept).prefix { $0.lastUse <= limit }
      idle.removeFirst(old.count)
      return Array(old)
    }
    return old.count
  }

  /// How many idle connections always stay.
  private static let kept = 2
}
