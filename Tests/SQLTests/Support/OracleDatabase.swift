// SQLite itself, as far as the tests of the front end ask it.

import CSQLite

/// A database in memory.
final class OracleDatabase {
  private var handle: OpaquePointer?
  var connection: OpaquePointer? { handle }

  init(_ schema: String = "") {
    precondition(sqlite3_open(":memory:", &handle) == SQLITE_OK)
    if !schema.isEmpty { run(schema) }
  }

  deinit { sqlite3_close_v2(handle) }

  var message: String { String(cString: sqlite3_errmsg(handle)) }

  /// Runs statements that must succeed.
  func run(_ sql: String) {
    let code = sqlite3_exec(handle, sql, nil, nil, nil)
    precondition(code == SQLITE_OK, "\(message): \(sql)")
  }

  enum Verdict: Equatable {
    case prepared
    /// The text is SQL, but not for this schema.
    case refused(String)
    case syntaxError(String)
  }

  /// What SQLite says of the first statement of a text.
  func verdict(_ sql: String) -> Verdict {
    var statement: OpaquePointer?
    defer { sqlite3_finalize(statement) }
    if sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK { return .prepared }
    let message = message
    let isSyntax =
      message.hasSuffix(": syntax error") || message == "incomplete input"
      || message.hasPrefix("unrecognized token")
    return isSyntax ? .syntaxError(message) : .refused(message)
  }
}
