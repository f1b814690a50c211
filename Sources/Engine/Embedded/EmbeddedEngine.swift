// The engine in this process: SQLite over published tables.

import Arrow
import CLinux
import SQL
import SQLite
import Synchronization
import Tables

/// Runs SQL on a database of this process. Readers run beside each other and beside one writer; nobody waits to read.
public final class EmbeddedEngine: QueryEngine {
  public let options: EngineOptions
  public let database: Database
  let pool: ConnectionPool
  /// SQLite has one writer at a time: who wants to write waits here, in turn and interruptibly, rather than in SQLite.
  let writers = Turnstile(places: 1, queueLimit: 100_000, name: "another transaction's end")
  private let settled = Mutex<[SettledKey: SettledStatement]>([:])
  private let open = Mutex<[ObjectIdentifier: WeakSession]>([:])
  let maintenance = Maintenance()

  private let changeCount = Atomic<UInt64>(0)
  /// The newest version of the schema that a connection has read which was not writing itself.
  private let committedVersion = Atomic<Int64>(0)
  /// How long the write-ahead log was when it could not be begun anew.
  let triedLogLength = Atomic<Int>(0)
  /// Runs that settled a schema and wait for who wants their rows.
  let begun = BegunRuns()

  private struct SettledKey: Hashable {
    let sql: String
    let schemaVersion: Int64
  }

  private struct WeakSession {
    weak var session: EmbeddedSession?
  }

  public init(_ options: EngineOptions = EngineOptions()) throws(EngineError) {
    self.options = options
    let database = try engineTables { () throws(TableError) in try Database(path: options.databasePath) }
    self.database = database
    pool = ConnectionPool(database, options, begun)
    try engine { () throws(SQLiteError) in
      let session = try database.makeSession()
      for alias in options.aliases {
        try session.connection.execute(
          "CREATE VIEW IF NOT EXISTS main.\(quoted(alias.name)) AS SELECT * FROM main.\(quoted(alias.table))")
      }
      if let sql = options.initialSQL { try session.connection.execute(sql) }
    }
    if let interval = options.maintenanceInterval { maintenance.start(self, every: interval) }
  }

  public var information: EngineInformation {
    EngineInformation(
      name: "Fletch", version: "0.1.0", dialectVersion: Connection.libraryVersion,
      isReadOnly: options.isReadOnly)
  }

  public func makeSession() throws(EngineError) -> any EngineSession { makeEmbeddedSession() }

  public func makeEmbeddedSession() -> EmbeddedSession {
    let session = EmbeddedSession(self)
    open.withLock { sessions in
      sessions = sessions.filter { $0.value.session != nil }
      sessions[ObjectIdentifier(session)] = WeakSession(session: session)
    }
    return session
  }

  deinit { maintenance.stop() }

  public func shutDown() {
    maintenance.stop()
    let sessions = open.withLock { sessions in
      defer { sessions.removeAll() }
      return sessions.values.compactMap(\.session)
    }
    for session in sessions { session.close() }
    pool.closeIdle()
    database.removeIfTemporary()
  }

  /// Rolls back transactions that nobody uses any more, and closes connections that a load has left. To be called now and then.
  public func tidyUp() {
    for session in open.withLock({ $0.values.compactMap(\.session) }) { session.rollBackIdleTransactions() }
    begun.drop(olderThan: BegunRuns.patience)
    // What the connections held is in the heaps of many threads, which keep it for themselves unless they are asked.
    if pool.closeIdle(forSeconds: 30) > 0 { malloc_trim(0) }
    shortenLog(beyond: EmbeddedEngine.longLog)
  }

  /// A connection, and the place of the one writer.
  func takeToWrite(_ control: StatementControl) throws(EngineError) -> PooledConnection {
    // Waiting to write takes no connection from those who read. But whoever has the writer's place must not wait for a connection: all of
    // them may be those of transactions that wait for that place.
    try writers.enter(control)
    do throws(EngineError) { if let connection = try pool.takeIfFree() { return connection } } catch {
      writers.leave()
      throw error
    }
    writers.leave()
    let connection = try pool.take(control)
    do throws(EngineError) { try writers.enter(control) } catch {
      pool.giveBack(connection)
      throw error
    }
    return connection
  }

  /// Counts changes of any data, begun ones too, so that rows read before one are not taken for what there is after it.
  func noteChange() { changeCount.wrappingAdd(1, ordering: .sequentiallyConsistent) }
  var changes: UInt64 { changeCount.load(ordering: .sequentiallyConsistent) }

  /// What is known of a statement; found out once for each state of the schema.
  func settled(
    _ sql: String, _ statement: SQLite.Statement, on connection: PooledConnection
  ) throws(EngineError) -> SettledStatement {
    let version = try engine { () throws(SQLiteError) in try connection.tables.schemaVersion() }
    let key = SettledKey(sql: sql, schemaVersion: version)
    let isShared = isShared(version, on: connection)
    if isShared, let known = settled.withLock({ $0[key] }) { return known }
    let parsed = try? SQL.Statement(sql)
    let made = SettledStatement(
      sql, parsed: parsed, statement, connection.tables, schemaVersion: version)
    if isShared, sql.utf8.count < 65_536 {
      settled.withLock { settled in
        if settled.count > 1000 { settled.removeAll() }
        settled[key] = made
      }
    }
    return made
  }

  /// Whether other connections that see this version of the schema see the same tables.
  ///
  /// In a transaction they do until it changes the schema: versions only grow, and nobody else commits a change meanwhile, so its own
  /// ones have numbers that no reader has seen yet. A client that never commits automatically would otherwise have a tree of its own for
  /// each statement, ten kilobytes that stay for as long as the ticket.
  private func isShared(_ version: Int64, on connection: PooledConnection) -> Bool {
    if connection.mayHaveTemporaryTables.value || options.allowsAttach { return false }
    if connection.connection.isWriting { return version <= committedVersion.load(ordering: .acquiring) }
    committedVersion.max(version, ordering: .acquiringAndReleasing)
    return true
  }
}
