// What statements of clients may not do: reach outside of the database, or into what is Fletch's own.

import SQL
import SQLite

enum Confinement {
  /// PRAGMAs that only tell. Any other changes the connection for whoever borrows it next, or the file.
  private static let tellingPragmas: Set<String> = [
    "application_id", "collation_list", "compile_options", "data_version", "database_list", "encoding",
    "foreign_key_check",
    "foreign_key_list", "freelist_count", "function_list", "index_info", "index_list", "index_xinfo",
    "integrity_check",
    "module_list", "page_count", "page_size", "pragma_list", "quick_check", "schema_version", "table_info",
    "table_list",
    "table_xinfo", "user_version",
  ]
  /// Those that may be asked with an argument that is not a value to set.
  private static let pragmasWithArguments: Set<String> = [
    "foreign_key_check", "foreign_key_list", "index_info", "index_list", "index_xinfo", "integrity_check",
    "quick_check",
    "table_info", "table_list", "table_xinfo",
  ]
  private static let forbiddenFunctions: Set<String> = ["load_extension", "fts3_tokenizer"]

  /// - Parameter temporary: whether the connection belongs to a session, which may have temporary tables.
  static func apply(
    to connection: Connection, _ options: EngineOptions, _ temporary: PooledConnection.Permission
  ) {
    connection.setLimit(.attachedDatabases, to: options.allowsAttach ? 10 : 0)
    connection.setLimit(.threads, to: 2)
    let allowsAttach = options.allowsAttach
    connection.setAuthorizer { action in
      if AuthorizedAction.temporaryObjects.contains(action.code), !temporary.value { return false }
      return allows(action, allowsAttach: allowsAttach)
    }
  }

  private static func allows(_ action: AuthorizedAction, allowsAttach: Bool) -> Bool {
    switch action.code {
    case AuthorizedAction.attach, AuthorizedAction.detach: return allowsAttach
    case AuthorizedAction.function: return !forbiddenFunctions.contains(action.second?.lowercased() ?? "")
    case AuthorizedAction.pragma:
      guard let name = action.first?.lowercased(), tellingPragmas.contains(name) else { return false }
      return action.second == nil || pragmasWithArguments.contains(name)
    // Transactions are the session's to begin and to end.
    case AuthorizedAction.transaction, AuthorizedAction.savepoint: return false
    case AuthorizedAction.insert, AuthorizedAction.update, AuthorizedAction.delete,
      AuthorizedAction.dropTable, AuthorizedAction.dropIndex, AuthorizedAction.createTable,
      AuthorizedAction.createTemporaryTable,
      AuthorizedAction.createVirtualTable, AuthorizedAction.createView, AuthorizedAction.createTemporaryView,
      AuthorizedAction.createTrigger, AuthorizedAction.createTemporaryTrigger, AuthorizedAction.alterTable,
      AuthorizedAction.createIndex, AuthorizedAction.createTemporaryIndex:
      return !isOwn(action.first) && !isOwn(action.second)
    default: return true
    }
  }

  /// Whether a name is that of one of Fletch's own tables.
  static func isOwn(_ name: String?) -> Bool { name?.lowercased().hasPrefix("fletch_") ?? false }

  /// What the authorizer is not told, or is told of SQLite's own work as well.
  static func check(_ statement: SQL.Statement) throws(EngineError) {
    let target: String
    switch statement.kind {
    case .alter(_, .renameTable(let name)): target = name.text
    // The counters of AUTOINCREMENT are those of Fletch's tables, too.
    case .insert(let insert): target = insert.table.name.name.text
    case .update(let update): target = update.table.name.name.text
    case .delete(let delete): target = delete.table.name.name.text
    default: return
    }
    if isOwn(target) || target.lowercased() == "sqlite_sequence" {
      throw EngineError(.permissionDenied, "'\(target)' is a name of Fletch's or SQLite's own")
    }
  }
}
