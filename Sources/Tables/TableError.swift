// What can go wrong with tables: the data's fault, or SQLite's refusal.

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
      case .system: .inputOutput
      }
    self.init(code, error.description)
  }
}
