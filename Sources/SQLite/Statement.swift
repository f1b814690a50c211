// A compiled statement: its parameters, its columns, and its rows one by one.

import CSQLite

/// A compiled statement. It belongs to its connection's thread, and keeps the connection open, unless it belongs to what the
/// connection itself keeps.
public final class Statement {
  // SAFETY (unowned(unsafe)): `keeper` keeps it, or whoever made the statement is kept by the connection.
  public unowned(unsafe) let connection: Connection
  private let keeper: Connection?
  let handle: OpaquePointer
  @exclusivity(unchecked) private var isClosed = false
  /// What stands behind the statement in the text.
  public let rest: String
  /// How many bytes of the text the statement is.
  public let length: Int

  /// - Returns: nil when the text holds nothing but white space and comments.
  /// - Parameters:
  ///   - persistent: whether the statement will be kept and run often.
  ///   - keepsConnection: false for statements of virtual tables, which go when their connection closes.
  public init?(
    _ connection: Connection, _ sql: String, persistent: Bool = false, keepsConnection: Bool = true
  ) throws(SQLiteError) {
    var compiled: OpaquePointer?
    var sql = sql
    let (code, used, total) = sql.withUTF8 { text -> (Int32, Int, Int) in
      guard let base = text.baseAddress, text.count > 0 else { return (SQLITE_OK, 0, 0) }
      guard text.count <= Int32.max else { return (SQLITE_TOOBIG, 0, text.count) }
      return text.withMemoryRebound(to: CChar.self) { text in
        var tail: UnsafePointer<CChar>?
        let code = sqlite3_prepare_v3(
          connection.handle, text.baseAddress, Int32(text.count),
          persistent ? UInt32(SQLITE_PREPARE_PERSISTENT) : 0, &compiled, &tail)
        _ = base
        return (code, tail.map { $0 - text.baseAddress! } ?? text.count, text.count)
      }
    }
    try connection.check(code)
    guard let compiled else { return nil }
    self.connection = connection
    keeper = keepsConnection ? connection : nil
    handle = compiled
    length = used
    rest = used < total ? String(decoding: Array(sql.utf8)[used...], as: UTF8.self) : ""
  }

  deinit { close() }

  /// Frees the statement before its last owner goes: because the connection is about to pass to another thread. Nothing may be
  /// asked of it any more.
  public func close() {
    if isClosed { return }
    isClosed = true
    sqlite3_finalize(handle)
  }

  // MARK: What it is

  /// Whether it leaves the database as it is. ATTACH and BEGIN count as such, too.
  public var isReadOnly: Bool { sqlite3_stmt_readonly(handle) != 0 }
  /// 1 for EXPLAIN, 2 for EXPLAIN QUERY PLAN.
  public var explainLevel: Int { Int(sqlite3_stmt_isexplain(handle)) }
  /// How many columns its rows have; 0 for a statement that returns none.
  public var columnCount: Int { Int(sqlite3_column_count(handle)) }
  public var isRunning: Bool { sqlite3_stmt_busy(handle) != 0 }
  public var text: String { sqlite3_sql(handle).map { String(cString: $0) } ?? "" }

  public func columnName(_ column: Int) -> String {
    sqlite3_column_name(handle, Int32(column)).map { String(cString: $0) } ?? ""
  }

  /// The declared type of the table's column that a result column is; nil for expressions.
  public func declaredType(_ column: Int) -> String? {
    sqlite3_column_decltype(handle, Int32(column)).map { String(cString: $0) }
  }

  /// Where a result column comes from, through views and subqueries; nil for expressions.
  public func origin(_ column: Int) -> (schema: String, table: String, column: String)? {
    let column = Int32(column)
    guard let schema = sqlite3_column_database_name(handle, column),
      let table = sqlite3_column_table_name(handle, column),
      let name = sqlite3_column_origin_name(handle, column)
    else { return nil }
    return (String(cString: schema), String(cString: table), String(cString: name))
  }

  /// The highest number of a parameter.
  public var parameterCount: Int { Int(sqlite3_bind_parameter_count(handle)) }

  /// The name of a parameter with its prefix (`:a`, `?12`); nil for a plain `?`. Parameters count from 1.
  public func parameterName(_ parameter: Int) -> String? {
    sqlite3_bind_parameter_name(handle, Int32(parameter)).map { String(cString: $0) }
  }

  // MARK: Parameters

  /// Binds values to parameters 1, 2, …; more values than parameters are an error.
  public func bind(_ values: [SQLValue]) throws(SQLiteError) {
    for (i, value) in values.enumerated() { try bind(value, to: i + 1) }
  }

  public func bind(_ value: SQLValue, to parameter: Int) throws(SQLiteError) {
    switch value {
    case .null: try bindNull(to: parameter)
    case .integer(let integer): try bind(integer, to: parameter)
    case .real(let real): try bind(real, to: parameter)
    case .text(var text):
      let code = text.withUTF8 { bytes in
        Statement.bindBytes(handle, parameter, UnsafeRawBufferPointer(bytes), isText: true)
      }
      try connection.check(code)
    case .blob(let bytes):
      try connection.check(
        bytes.withUnsafeBytes { Statement.bindBytes(handle, parameter, $0, isText: false) })
    }
  }

  public func bindNull(to parameter: Int) throws(SQLiteError) {
    try connection.check(sqlite3_bind_null(handle, Int32(parameter)))
  }

  public func bind(_ value: Int64, to parameter: Int) throws(SQLiteError) {
    try connection.check(sqlite3_bind_int64(handle, Int32(parameter), value))
  }

  public func bind(_ value: Double, to parameter: Int) throws(SQLiteError) {
    try connection.check(sqlite3_bind_double(handle, Int32(parameter), value))
  }

  /// Binds bytes, which are copied.
  public func bind(copying bytes: UnsafeRawBufferPointer, isText: Bool, to parameter: Int) throws(SQLiteError)
  {
    try connection.check(Statement.bindBytes(handle, parameter, bytes, isText: isText))
  }

  /// Binds bytes that stay as they are until the parameter is bound again, or the statement is not run any more.
  public func bind(lending bytes: UnsafeRawBufferPointer, isText: Bool, to parameter: Int) throws(SQLiteError)
  {
    let base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 8)!
    let parameter = Int32(truncatingIfNeeded: parameter)
    let code =
      isText
      ? fletch_bind_text_static(
        handle, parameter, base.assumingMemoryBound(to: CChar.self), UInt64(bytes.count))
      : fletch_bind_blob_static(handle, parameter, base, UInt64(bytes.count))
    if code != SQLITE_OK { try connection.check(code) }
  }

  /// Binds a value that SQLite lent.
  public func bind(_ value: BorrowedValue, to parameter: Int) throws(SQLiteError) {
    try connection.check(sqlite3_bind_value(handle, Int32(parameter), value.pointer))
  }

  private static func bindBytes(
    _ handle: OpaquePointer, _ parameter: Int, _ bytes: UnsafeRawBufferPointer, isText: Bool
  ) -> Int32 {
    // Without an address SQLite takes NULL for what is an empty text or blob.
    let base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 8)!
    return isText
      ? fletch_bind_text_copied(
        handle, Int32(parameter), base.assumingMemoryBound(to: CChar.self), UInt64(bytes.count))
      : fletch_bind_blob_copied(handle, Int32(parameter), base, UInt64(bytes.count))
  }

  public func clearBindings() { sqlite3_clear_bindings(handle) }

  // MARK: Rows

  /// Goes on to the next row.
  /// - Returns: false behind the last one; the statement is reset then, and another call begins anew.
  /// - Throws: what SQLite says; the statement is reset then too, so that nothing stays locked.
  public func step() throws(SQLiteError) -> Bool {
    let code = sqlite3_step(handle)
    if code == SQLITE_ROW { return true }
    if code == SQLITE_DONE {
      sqlite3_reset(handle)
      return false
    }
    let error = SQLiteError(code, of: connection.handle)
    sqlite3_reset(handle)
    throw error
  }

  /// How often the statement has gone on to a next row within a scan of a whole table of SQLite's own, since it was compiled.
  public var fullScanSteps: Int {
    Int(sqlite3_stmt_status(handle, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0))
  }

  public func reset() { sqlite3_reset(handle) }

  @inline(__always)
  public func storage(_ column: Int) -> StorageClass {
    StorageClass(rawValue: sqlite3_column_type(handle, Int32(truncatingIfNeeded: column)))!
  }

  @inline(__always)
  public func integer(_ column: Int) -> Int64 {
    sqlite3_column_int64(handle, Int32(truncatingIfNeeded: column))
  }

  @inline(__always)
  public func real(_ column: Int) -> Double {
    sqlite3_column_double(handle, Int32(truncatingIfNeeded: column))
  }

  /// The bytes of a text or blob of the current row, until the next step. Other values are turned into text.
  @inline(__always)
  public func withBytes<R, E: Error>(
    _ column: Int, _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    let column = Int32(truncatingIfNeeded: column)
    // The pointer first, then the count: SQLite may convert in between.
    let isBlob = sqlite3_column_type(handle, column) == SQLITE_BLOB
    let start =
      isBlob
      ? sqlite3_column_blob(handle, column) : sqlite3_column_text(handle, column).map { UnsafeRawPointer($0) }
    let count = Int(sqlite3_column_bytes(handle, column))
    return try body(UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
  }

  /// How long a text or blob of the current row is, in bytes; after it was read.
  @inline(__always)
  public func byteCount(_ column: Int) -> Int {
    Int(sqlite3_column_bytes(handle, Int32(truncatingIfNeeded: column)))
  }

  public func text(_ column: Int) -> String { withBytes(column) { String(decoding: $0, as: UTF8.self) } }
  public func blob(_ column: Int) -> [UInt8] { withBytes(column) { Array($0) } }
  public func isNull(_ column: Int) -> Bool { storage(column) == .null }

  /// A value of the current row, copied.
  public func value(_ column: Int) -> SQLValue {
    switch storage(column) {
    case .null: .null
    case .integer: .integer(integer(column))
    case .real: .real(real(column))
    case .text: .text(text(column))
    case .blob: .blob(blob(column))
    }
  }

  /// A value of the current row as SQLite lends it, until the next step; for binding and for results only
  /// ("unprotected", https://sqlite.org/c3ref/value.html).
  public func borrowedValue(_ column: Int) -> BorrowedValue {
    BorrowedValue(sqlite3_column_value(handle, Int32(truncatingIfNeeded: column)))
  }
}
