// SQLite's result codes as codes that a client can act on. docs/sql.md has the table.

import Memory
import SQLite
import Tables

extension EngineError {
  /// What SQLite says; of a statement under a control, an interruption is what the control says.
  init(_ error: SQLiteError, _ control: StatementControl? = nil) {
    let code: Code
    switch error.code.primary {
    case .interrupt:
      self = control?.reason ?? EngineError(.cancelled, "the statement was cancelled")
      return
    case .error:
      code =
        error.message.hasPrefix("no such ")
        ? .notFound : error.message.hasSuffix(" already exists") ? .alreadyExists : .invalidArgument
    case .constraint, .readOnly: code = .failedPrecondition
    case .authorization, .permission: code = .permissionDenied
    // SQLITE_BUSY_SNAPSHOT: what was read is no longer the newest, and waiting does not help.
    case .busy: code = error.code.rawValue == ResultCode.busy.rawValue | 2 << 8 ? .aborted : .unavailable
    case .locked: code = .unavailable
    case .abort: code = .aborted
    case .outOfMemory, .full, .tooBig: code = .resourceExhausted
    case .mismatch, .range: code = .invalidArgument
    case .corrupt, .notADatabase: code = .dataLoss
    case .schema: code = .aborted
    default: code = .internal
    }
    self.init(code, error.message, offset: error.offset)
  }

  init(_ error: TableError, _ control: StatementControl? = nil) {
    switch error {
    case .data(let error): self.init(error)
    case .database(let error): self.init(error, control)
    case .exists(let message): self.init(.alreadyExists, message)
    case .missing(let message): self.init(.notFound, message)
    }
  }
}

/// Runs what throws SQLite's errors.
func engine<R>(_ control: StatementControl? = nil, _ body: () throws(SQLiteError) -> R) throws(EngineError)
  -> R
{
  do throws(SQLiteError) { return try body() } catch { throw EngineError(error, control) }
}

func engineTables<R>(_ control: StatementControl? = nil, _ body: () throws(TableError) -> R)
  throws(EngineError) -> R
{
  do throws(TableError) { return try body() } catch { throw EngineError(error, control) }
}

func engineData<R>(_ body: () throws(DataError) -> R) throws(EngineError) -> R {
  do throws(DataError) { return try body() } catch { throw EngineError(error) }
}
