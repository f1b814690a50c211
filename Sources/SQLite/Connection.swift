// A connection to a database file.

import CSQLite

/// A connection. It belongs to one thread at a time: it is opened without SQLite's mutex ("multi-thread" mode,
/// https://sqlite.org/threadsafe.html), and whoever holds it may hand it on. Only `interrupt()` may come from elsewhere.
public final class Connection: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): see above; a pool or a session makes sure that one thread at a time has it.
  let handle: OpaquePointer
  /// What virtual tables and functions of this connection keep alive.
  var registrations: [AnyObject] = []
  /// Asked before each step of a statement's compilation, where somebody wants to be asked.
  @exclusivity(unchecked) var authorizer: Authorizer?
  @exclusivity(unchecked) var progress: (() -> Bool)?

  public enum Access: Sendable {
    case readWrite
    case readOnly
  }

  /// Opens a file, which is made when it is not there and may be written.
  public init(path: String, access: Access = .readWrite) throws(SQLiteError) {
    var opened: OpaquePointer?
    let mode = access == .readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
    let code = sqlite3_open_v2(path, &opened, mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
    guard code == SQLITE_OK, let opened else {
      let error = SQLiteError(code, of: opened)
      sqlite3_close_v2(opened)
      throw error.within("cannot open '\(path)'")
    }
    handle = opened
    // Statements of strangers run here: no writing to the schema by hand, no extension from a file.
    _ = fletch_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1)
    _ = fletch_db_config(handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0)
  }

  deinit { sqlite3_close_v2(handle) }

  func check(_ code: Int32) throws(SQLiteError) {
    if code != SQLITE_OK { throw SQLiteError(code, of: handle) }
  }

  /// The version of the SQLite library in use, such as "3.40.1".
  public static var libraryVersion: String { String(cString: sqlite3_libversion()) }

  // MARK: Statements

  /// Runs statements that return nothing of interest.
  public func execute(_ sql: String) throws(SQLiteError) {
    try check(sqlite3_exec(handle, sql, nil, nil, nil))
  }

  /// Compiles one statement.
  /// - Parameter persistent: whether it will be kept and run often.
  public func prepare(_ sql: String, persistent: Bool = false) throws(SQLiteError) -> Statement {
    guard let statement = try Statement(self, sql, persistent: persistent) else {
      throw SQLiteError(.misuse, "there is no statement in the text")
    }
    return statement
  }

  /// Runs a statement with parameters to its end.
  public func run(_ sql: String, _ parameters: SQLValue...) throws(SQLiteError) {
    let statement = try prepare(sql)
    try statement.bind(parameters)
    while try statement.step() {}
  }

  /// The first column of a statement's first row; nil without a row.
  public func value(_ sql: String, _ parameters: SQLValue...) throws(SQLiteError) -> SQLValue? {
    let statement = try prepare(sql)
    try statement.bind(parameters)
    return try statement.step() ? statement.value(0) : nil
  }

  // MARK: State

  /// Whether a transaction is open that was begun by a statement.
  public var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

  /// Whether the connection holds a read or write transaction of any kind right now.
  public var isReading: Bool { sqlite3_txn_state(handle, nil) != SQLITE_TXN_NONE }
  public var isWriting: Bool { sqlite3_txn_state(handle, nil) == SQLITE_TXN_WRITE }

  /// Rows changed since the connection was opened, those of triggers and foreign keys included. The difference of two is
  /// what statements did in between; `sqlite3_changes` keeps an older statement's number after DDL.
  public var totalChanges: Int { Int(sqlite3_total_changes64(handle)) }

  /// Rows that the last INSERT, UPDATE or DELETE changed, without those of triggers.
  public var changes: Int { Int(sqlite3_changes64(handle)) }

  public var lastInsertedRow: Int64 {
    get { sqlite3_last_insert_rowid(handle) }
    set { sqlite3_set_last_insert_rowid(handle, newValue) }
  }

  /// A number that differs after every change of the database, by whomever, that this connection sees.
  public var dataVersion: UInt32 {
    var version: UInt32 = 0
    sqlite3_file_control(handle, "main", SQLITE_FCNTL_DATA_VERSION, &version)
    return version
  }

  public var isReadOnly: Bool { sqlite3_db_readonly(handle, "main") == 1 }

  /// Whether a statement is under way.
  public var hasRunningStatement: Bool {
    var statement = sqlite3_next_stmt(handle, nil)
    while let current = statement {
      if sqlite3_stmt_busy(current) != 0 { return true }
      statement = sqlite3_next_stmt(handle, current)
    }
    return false
  }

  // MARK: Control

  /// Ends what runs now with `.interrupt`. From any thread, as long as the connection lives.
  public func interrupt() { sqlite3_interrupt(handle) }

  /// How long a statement waits for another connection's lock before it fails with `.busy`.
  public func setBusyTimeout(milliseconds: Int) {
    sqlite3_busy_timeout(handle, Int32(clamping: milliseconds))
  }

  /// Whether what runs on the connection is to end, as the progress handler says: for work between two steps of SQLite's machine.
  public var isToStop: Bool { progress?() ?? false }

  /// Calls `body` after about every `steps` steps of SQLite's machine; true ends the statement with `.interrupt`.
  public func setProgress(every steps: Int, _ body: (() -> Bool)?) {
    progress = body
    guard body != nil else {
      sqlite3_progress_handler(handle, 0, nil, nil)
      return
    }
    // SAFETY: the connection outlives its own handler.
    let context = Unmanaged.passUnretained(self).toOpaque()
    sqlite3_progress_handler(
      handle, Int32(clamping: steps),
      { context in
        let connection = Unmanaged<Connection>.fromOpaque(context!).takeUnretainedValue()
        return connection.progress?() == true ? 1 : 0
      }, context)
  }

  public enum Limit: Sendable {
    case valueBytes, sqlBytes, columns, expressionDepth, compoundSelects, machineSteps, functionArguments
    case attachedDatabases, patternBytes, parameters, triggerDepth, threads

    var code: Int32 {
      switch self {
      case .valueBytes: SQLITE_LIMIT_LENGTH
      case .sqlBytes: SQLITE_LIMIT_SQL_LENGTH
      case .columns: SQLITE_LIMIT_COLUMN
      case .expressionDepth: SQLITE_LIMIT_EXPR_DEPTH
      case .compoundSelects: SQLITE_LIMIT_COMPOUND_SELECT
      case .machineSteps: SQLITE_LIMIT_VDBE_OP
      case .functionArguments: SQLITE_LIMIT_FUNCTION_ARG
      case .attachedDatabases: SQLITE_LIMIT_ATTACHED
      case .patternBytes: SQLITE_LIMIT_LIKE_PATTERN_LENGTH
      case .parameters: SQLITE_LIMIT_VARIABLE_NUMBER
      case .triggerDepth: SQLITE_LIMIT_TRIGGER_DEPTH
      case .threads: SQLITE_LIMIT_WORKER_THREADS
      }
    }
  }

  /// Sets a limit of this connection; SQLite's compiled limits stand above it.
  /// - Returns: what it was before.
  @discardableResult
  public func setLimit(_ limit: Limit, to value: Int) -> Int {
    Int(sqlite3_limit(handle, limit.code, Int32(clamping: value)))
  }

  /// Gives back as much of the page cache as can be done without.
  public func releaseMemory() { sqlite3_db_release_memory(handle) }
}

/// `name` as SQL: quoted, whatever it holds.
public func quoted(_ name: String) -> String {
  var result: [UInt8] = [UInt8(ascii: "\"")]
  for byte in name.utf8 {
    if byte == UInt8(ascii: "\"") { result.append(byte) }
    result.append(byte)
  }
  result.append(UInt8(ascii: "\""))
  return String(decoding: result, as: UTF8.self)
}
