// Statements run by a Flight SQL server: what `query`, `shell` and `consume` have in common.

import Arrow
import Engine
import Flight
import FlightSQL
import GRPC
import Glibc
import Memory

/// A connection on which statements run one after the other.
final class RemoteSession {
  let client: FlightSQLClient
  let interruption: Interruption
  private let timeout: Double?
  /// Hears how far a query is that runs at the server, where somebody watches: it is polled then.
  var onProgress: ((Double?) -> Void)?

  static let timeout = Option(
    "timeout", "SECONDS", "End a statement that takes longer (default: no limit).")
  static let session = Option(
    "session", "OPTION=VALUE",
    "Set an option of the session, as often as needed; Fletch has\nfletch_engine, fletch_timeout, fletch_partitions."
  )

  init(_ uri: String, _ arguments: Arguments, cleanUp: @escaping @Sendable () -> Void = {}) throws {
    timeout = try arguments.seconds("timeout")
    // Threads inherit the mask of signals, so this comes before the client's.
    interruption = Interruption(cleanUp: cleanUp)
    client = FlightSQLClient(try ConnectionOptions.client(uri, arguments))
    try setOptions(arguments.strings("session"))
  }

  func close() { client.close() }

  private func setOptions(_ words: [String]) throws {
    var options: [String: SessionOptionValue] = [:]
    for word in words {
      guard let equals = word.firstIndex(of: "="), equals != word.startIndex else {
        throw UsageError("option '--session' takes OPTION=VALUE, not '\(word)'")
      }
      options[String(word[..<equals])] = .string(String(word[word.index(after: equals)...]))
    }
    guard !options.isEmpty else { return }
    if let (name, error) = try client.setSessionOptions(options).min(by: { $0.key < $1.key }) {
      let fault = error == .invalidName ? "knows no session option" : "does not take that value for"
      throw DataError(.invalid, "the server \(fault) '\(name)'")
    }
  }

  /// What a statement gave.
  enum Answer {
    case rows(RemoteRows)
    /// -1 where the server does not know.
    case changed(Int64)
  }

  /// Runs one statement, and hands its answer to `body`. Ctrl-C stops it at the server.
  func run<R>(_ sql: String, _ values: [ParameterValue] = [], _ body: (Answer) throws -> R) throws -> R {
    let control = interruption.control()
    let session = client.flight.session
    session.setDeadline(in: timeout)
    let hook = control.onCancel { session.cancelCalls() }
    defer {
      control.remove(hook)
      session.setDeadline(in: nil)
    }
    do {
      return try runPrepared(sql, values, body)
    } catch let error as EngineError {
      throw GRPCStatus(.invalidArgument, error.message)
    }
  }

  private func runPrepared<R>(_ sql: String, _ values: [ParameterValue], _ body: (Answer) throws -> R) throws
    -> R
  {
    let statement: FlightSQLStatement
    do { statement = try client.prepare(sql) } catch let status as GRPCStatus
      where status.code == .unimplemented && values.isEmpty
    {
      // Some servers have no prepared statements; only they tell rows from changes before they run it.
      return try read(try client.execute(sql), body)
    }
    defer { try? statement.close() }
    if let parameters = try ParameterValue.batch(values, for: statement.parameterSchema ?? Schema([])) {
      statement.bind([parameters])
    } else if !values.isEmpty {
      throw EngineError(.invalidArgument, "the statement has no parameters")
    }
    // Servers of before Arrow 18 do not say what it is; then a schema without columns tells.
    let isUpdate = statement.isUpdate ?? (statement.resultSchema?.fields.isEmpty ?? false)
    if isUpdate { return try body(.changed(try statement.executeUpdate())) }
    guard let onProgress else { return try read(try statement.execute(), body) }
    let result = try statement.execute { share in
      onProgress(share)
      return true
    }
    return try read(result, body)
  }

  private func read<R>(_ result: FlightSQLResult, _ body: (Answer) throws -> R) throws -> R {
    let rows = try RemoteRows(result)
    do { return try body(.rows(rows)) } catch {
      // The call is over; the query may be kept for its ticket, and other endpoints may still work.
      if !rows.isAtEnd { _ = try? client.cancel(result.info) }
      throw rows.failure ?? error
    }
  }
}

/// The rows of all endpoints of a result, in the form that results of engines have.
final class RemoteRows: ResultStream {
  let schema: Schema
  let updateCount: Int? = nil
  // SAFETY: the command that reads the rows has one thread for it.
  nonisolated(unsafe) private let result: FlightSQLResult
  nonisolated(unsafe) private(set) var failure: (any Error)?
  nonisolated(unsafe) private(set) var isAtEnd = false
  /// Hears of rows that have come.
  nonisolated(unsafe) var onRows: ((Int) -> Void)?

  init(_ result: FlightSQLResult) throws {
    self.result = result
    schema = try result.schema()
  }

  /// The rows to come; nil when the server does not know.
  var total: Int? { result.info.totalRecords < 0 ? nil : Int(result.info.totalRecords) }

  func next() throws(EngineError) -> RecordBatch? {
    do {
      let batch = try result.next()
      if let batch { onRows?(batch.count) } else { isAtEnd = true }
      return batch
    } catch {
      failure = error
      throw EngineError(.internal, "\(error)")
    }
  }

  func close() {}
}

extension RemoteSession {
  /// Runs a command on a server, and says it in the program's words when it was interrupted.
  static func run(_ uri: String, _ arguments: Arguments, _ body: (RemoteSession) throws -> Void) throws {
    let session = try RemoteSession(uri, arguments)
    defer { session.close() }
    do { try body(session) } catch {
      if let error = error as? DataError, error.code == .system(EPIPE) { throw ReaderGone() }
      if let signal = session.interruption.received {
        throw ReportedError("interrupted", code: 128 + signal)
      }
      throw error
    }
  }
}
