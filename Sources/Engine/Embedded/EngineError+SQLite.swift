// SQLite's result codes as codes that a client can act on. docs/sql.md has the table.

import Glibc
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
        ? .notFound
        : error.message.hasSuffix(" already exists")
          ? .alreadyExists
          // A function that the authorizer refuses comes with the code of a mistake.
          : error.message.hasPrefix("not authorized") ? .permissionDenied : .invalidArgument
    case .constraint: code = EngineError.code(ofConstraint: error.code)
    case .readOnly: code = .failedPrecondition
    case .authorization, .permission: code = .permissionDenied
    case .busy: code = error.code == .busySnapshot ? .aborted : .unavailable
    case .locked: code = .unavailable
    case .abort: code = .aborted
    case .outOfMemory, .full, .tooBig: code = .resourceExhausted
    case .mismatch, .range: code = .invalidArgument
    case .corrupt, .notADatabase: code = .dataLoss
    case .schema: code = .aborted
    default: code = .internal
    }
    self.init(code, error.message + EngineError.advice(error), offset: error.offset)
  }

  /// https://sqlite.org/rescode.html#constraint_check and those after it.
  private static func code(ofConstraint code: ResultCode) -> Code {
    switch code {
    case .uniqueConstraint, .primaryKeyConstraint, .rowidConstraint: .alreadyExists
    case .notNullConstraint, .checkConstraint, .typeConstraint: .invalidArgument
    default: .failedPrecondition
    }
  }

  /// What to do where SQLite's words leave that open.
  private static func advice(_ error: SQLiteError) -> String {
    switch error.code.primary {
    case .busy where error.code == .busySnapshot:
      return ": another transaction has changed the database since this one first read it; begin again"
    case .authorization where error.message == "not authorized":
      return
        ": statements may not reach outside of the database, change settings of the server or touch its own tables"
    case .error:
      let ofPublished = [
        "virtual tables may not be indexed", "cannot create triggers on virtual tables",
        "UPSERT not implemented for virtual table", "virtual tables may not be altered",
        "cannot drop column from virtual table", "cannot rename columns of virtual table",
      ]
      guard ofPublished.contains(where: error.message.hasPrefix) else { return "" }
      return
        "; a published table is one of columns. Publish it with --rows to have indexes, keys, triggers and UPSERT"
    default: return ""
    }
  }

  init(_ error: TableError, _ control: StatementControl? = nil) {
    switch error {
    // What asks between two blocks of rows ends as an interrupted call of the system's would.
    case .data(let error) where error.code == .system(EINTR) && control?.reason != nil:
      self = control!.reason!
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
