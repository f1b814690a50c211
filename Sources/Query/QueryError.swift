// What ends a query on columns.

import Memory
import Tables

public struct QueryError: Error, Sendable, Equatable {
  public enum Code: Sendable, Equatable {
    /// A value left what was planned for: an integer that overflowed to a real, a year beyond 9999. SQLite has the answer; run the
    /// statement there. Thrown before the first batch unless the statement streams (`ColumnarQuery.isStreaming`).
    case leftToSQLite
    /// The cancel check said so.
    case cancelled
    /// The memory limit would be passed.
    case memory
    /// The tables are no longer those that the query was planned for; plan it again.
    case schemaChanged
    /// A published file is damaged or was changed.
    case data(DataError.Code)
  }

  public var code: Code
  public var message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  init(_ error: DataError) {
    self.init(error.code == .limit ? .memory : .data(error.code), error.description)
  }

  static func overflow() -> QueryError { QueryError(.leftToSQLite, "an integer overflowed") }
}

extension QueryError: CustomStringConvertible {
  public var description: String { message }
}

/// Runs what throws the data floors' error.
@inline(__always)
func data<R>(_ body: () throws(DataError) -> R) throws(QueryError) -> R {
  do throws(DataError) { return try body() } catch { throw QueryError(error) }
}

/// Why a statement, or a part of it, does not run on columns.
public struct NotMine: Error, Sendable, Hashable, CustomStringConvertible {
  public var reason: String

  public init(_ reason: String) { self.reason = reason }

  public var description: String { reason }
}
