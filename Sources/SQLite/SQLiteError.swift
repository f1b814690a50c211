// What SQLite says when it refuses: its code, its own message, and where in the text.

import CSQLite

/// A result code of SQLite, primary or extended (https://sqlite.org/rescode.html).
public struct ResultCode: RawRepresentable, Hashable, Sendable {
  public let rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// The code without its extension, which is the lowest byte.
  public var primary: ResultCode { ResultCode(rawValue: rawValue & 0xFF) }

  public static let error = ResultCode(rawValue: SQLITE_ERROR)
  public static let `internal` = ResultCode(rawValue: SQLITE_INTERNAL)
  public static let permission = ResultCode(rawValue: SQLITE_PERM)
  public static let abort = ResultCode(rawValue: SQLITE_ABORT)
  public static let busy = ResultCode(rawValue: SQLITE_BUSY)
  public static let locked = ResultCode(rawValue: SQLITE_LOCKED)
  public static let outOfMemory = ResultCode(rawValue: SQLITE_NOMEM)
  public static let readOnly = ResultCode(rawValue: SQLITE_READONLY)
  public static let interrupt = ResultCode(rawValue: SQLITE_INTERRUPT)
  public static let inputOutput = ResultCode(rawValue: SQLITE_IOERR)
  public static let corrupt = ResultCode(rawValue: SQLITE_CORRUPT)
  public static let full = ResultCode(rawValue: SQLITE_FULL)
  public static let cannotOpen = ResultCode(rawValue: SQLITE_CANTOPEN)
  public static let schema = ResultCode(rawValue: SQLITE_SCHEMA)
  public static let tooBig = ResultCode(rawValue: SQLITE_TOOBIG)
  public static let constraint = ResultCode(rawValue: SQLITE_CONSTRAINT)
  public static let mismatch = ResultCode(rawValue: SQLITE_MISMATCH)
  public static let misuse = ResultCode(rawValue: SQLITE_MISUSE)
  public static let authorization = ResultCode(rawValue: SQLITE_AUTH)
  public static let range = ResultCode(rawValue: SQLITE_RANGE)
  public static let notADatabase = ResultCode(rawValue: SQLITE_NOTADB)

  /// What was read is no longer the newest, and waiting does not help.
  public static let busySnapshot = ResultCode(rawValue: SQLITE_BUSY | 2 << 8)
  public static let checkConstraint = ResultCode(rawValue: SQLITE_CONSTRAINT | 1 << 8)
  public static let notNullConstraint = ResultCode(rawValue: SQLITE_CONSTRAINT | 5 << 8)
  public static let primaryKeyConstraint = ResultCode(rawValue: SQLITE_CONSTRAINT | 6 << 8)
  public static let uniqueConstraint = ResultCode(rawValue: SQLITE_CONSTRAINT | 8 << 8)
  public static let rowidConstraint = ResultCode(rawValue: SQLITE_CONSTRAINT | 10 << 8)
  public static let typeConstraint = ResultCode(rawValue: SQLITE_CONSTRAINT | 12 << 8)

  /// SQLite's words for the code.
  public var text: String { String(cString: sqlite3_errstr(rawValue)) }
}

/// A refusal of SQLite, or of a virtual table behind it.
public struct SQLiteError: Error, Sendable, Equatable {
  /// The extended code; `code.primary` for the kind.
  public var code: ResultCode
  /// SQLite's own message.
  public var message: String
  /// The byte of the statement's text that the message is about, where SQLite knows it.
  public var offset: Int?

  public init(_ code: ResultCode, _ message: String, offset: Int? = nil) {
    self.code = code
    self.message = message
    self.offset = offset
  }

  /// What a connection says about the call that failed last.
  init(_ code: Int32, of database: OpaquePointer?) {
    let extended = database.map { sqlite3_extended_errcode($0) } ?? code
    // A code that the connection does not confirm is of this call only (misuse, for example).
    let isConfirmed = database != nil && extended & 0xFF == code & 0xFF
    self.code = ResultCode(rawValue: isConfirmed ? extended : code)
    message =
      isConfirmed ? String(cString: sqlite3_errmsg(database)) : String(cString: sqlite3_errstr(code))
    let offset = isConfirmed ? sqlite3_error_offset(database) : -1
    self.offset = offset >= 0 ? Int(offset) : nil
  }

  /// The same error, told from further out.
  public func within(_ context: String) -> SQLiteError {
    SQLiteError(code, "\(context): \(message)", offset: offset)
  }
}

extension SQLiteError: CustomStringConvertible {
  public var description: String { message }
}
