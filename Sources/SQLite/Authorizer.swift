// Who may do what: asked while a statement is compiled (https://sqlite.org/c3ref/set_authorizer.html).

import CSQLite

/// What a statement is about to do.
public struct AuthorizedAction: Sendable {
  /// SQLite's number of the action (`SQLITE_READ`, `SQLITE_ATTACH` …).
  public let code: Int32
  /// What the action is about; which is what depends on the code.
  public let first: String?
  public let second: String?
  /// The schema (`main`, `temp`).
  public let schema: String?
  /// The trigger or view that does it, where it is not the statement itself.
  public let source: String?

  public static let read = SQLITE_READ
  public static let attach = SQLITE_ATTACH
  public static let detach = SQLITE_DETACH
  public static let pragma = SQLITE_PRAGMA
  public static let function = SQLITE_FUNCTION
  public static let transaction = SQLITE_TRANSACTION
  public static let savepoint = SQLITE_SAVEPOINT
  public static let insert = SQLITE_INSERT
  public static let update = SQLITE_UPDATE
  public static let delete = SQLITE_DELETE
  public static let createVirtualTable = SQLITE_CREATE_VTABLE
  public static let dropVirtualTable = SQLITE_DROP_VTABLE
  public static let createTable = SQLITE_CREATE_TABLE
  public static let dropTable = SQLITE_DROP_TABLE
  public static let dropIndex = SQLITE_DROP_INDEX
  public static let alterTable = SQLITE_ALTER_TABLE
  public static let createIndex = SQLITE_CREATE_INDEX
  public static let createTrigger = SQLITE_CREATE_TRIGGER
  public static let createTemporaryTrigger = SQLITE_CREATE_TEMP_TRIGGER
  public static let createTemporaryTable = SQLITE_CREATE_TEMP_TABLE
  public static let createTemporaryView = SQLITE_CREATE_TEMP_VIEW
  public static let createTemporaryIndex = SQLITE_CREATE_TEMP_INDEX
  /// What makes something that only its connection sees.
  public static let temporaryObjects: Set<Int32> = [
    createTemporaryTable, createTemporaryView, createTemporaryIndex, createTemporaryTrigger,
  ]
  public static let createView = SQLITE_CREATE_VIEW
  public static let analyze = SQLITE_ANALYZE
}

/// True allows, false fails the statement with `.authorization`.
public typealias Authorizer = (AuthorizedAction) -> Bool

extension Connection {
  /// Asks `body` from now on, nobody when it is nil.
  public func setAuthorizer(_ body: Authorizer?) {
    authorizer = body
    guard body != nil else {
      sqlite3_set_authorizer(handle, nil, nil)
      return
    }
    // SAFETY: the connection outlives its own handler.
    let context = Unmanaged.passUnretained(self).toOpaque()
    sqlite3_set_authorizer(
      handle,
      { context, code, first, second, schema, source in
        let connection = Unmanaged<Connection>.fromOpaque(context!).takeUnretainedValue()
        let action = AuthorizedAction(
          code: code, first: first.map { String(cString: $0) }, second: second.map { String(cString: $0) },
          schema: schema.map { String(cString: $0) }, source: source.map { String(cString: $0) })
        return connection.authorizer?(action) == false ? SQLITE_DENY : SQLITE_OK
      }, context)
  }

  /// Runs `body` without asking: for statements of our own.
  public func unauthorized<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
    let kept = authorizer
    authorizer = nil
    defer { authorizer = kept }
    return try body()
  }
}
