// What can go wrong with tables: the data's fault, or SQLite's refusal.

import Glibc
import Memory
import SQLite

/// A fault with a table.
public enum TableError: Error, Sendable, CustomStringConvertible {
  case data(DataError)
  case database(SQLiteError)
  /// There is such a table already, or none.
  case exists(String)
  case missing(String)

  public var description: String {
    switch self {
    case .data(let error): error.description
    case .database(let error): error.description
    case .exists(let message), .missing(let message): message
    }
  }
}

extension TableError {
  /// The same error, told from further out.
  public func within(_ context: String) -> TableError {
    switch self {
    case .data(let error): .data(error.within(context))
    case .database(let error): .database(error.within(context))
    case .exists(let message): .exists("\(context): \(message)")
    case .missing(let message): .missing("\(context): \(message)")
    }
  }
}

func wrap<R>(_ body: () throws(DataError) -> R) throws(TableError) -> R {
  do throws(DataError) { return try body() } catch { throw .data(error) }
}

func wrapping<R>(_ body: () throws(SQLiteError) -> R) throws(TableError) -> R {
  do throws(SQLiteError) { return try body() } catch { throw .database(error) }
}

extension SQLiteError {
  /// What a fault of the data is to SQLite.
  public init(_ error: DataError) {
    let code: ResultCode =
      switch error.code {
      case .malformed: .corrupt
      case .unsupported: .error
      case .limit: .outOfMemory
      case .invalid: .error
      case .system(EINTR): .interrupt
      case .system: .inputOutput
      }
    self.init(code, error.description)
  }
}

extension SQLiteError {
  /// The same refusal with what to do about it, where SQLite refuses a virtual table what its own tables have. For whoever shows errors
  /// to users: SQLite makes these messages itself, before a virtual table is asked.
  public var aboutPublishedTables: SQLiteError {
    let beginnings = [
      "virtual tables may not be indexed", "cannot create triggers on virtual tables",
      "UPSERT not implemented for virtual table", "virtual tables may not be altered",
      "cannot drop column from virtual table", "cannot rename columns of virtual table",
      "Cannot add a column to a virtual table", "RETURNING is not available on virtual tables",
      "UPDATE ... FROM",
    ]
    guard beginnings.contains(where: { message.hasPrefix($0) }) else { return self }
    return SQLiteError(
      code, "\(message); a published table is one: publish the file with --rows to have an ordinary table",
      offset: offset)
  }
}

extension DataError {
  /// The statement that asked is to end; SQLite says that it was interrupted, then.
  static var stopped: DataError { DataError(.system(EINTR), "the statement was stopped") }
}
