// Results of the embedded engine: rows as SQLite steps through them, and rows that were kept.

import Arrow
import SQLite
import Synchronization
import Tables

/// A query under way. Rows become batches as they are asked for; nothing runs in between.
final class RowStream: ResultStream, @unchecked Sendable {
  // SAFETY (@unchecked Sendable): one thread at a time pulls; `close` may come from another, and waits for it.
  var schema: Schema
  let updateCount: Int? = nil
  let sql: String
  let statement: SQLite.Statement
  let borrowed: Borrowed
  private var parameters: [[SQLValue]]
  private var run = 0
  private var control: StatementControl
  private let options: EngineOptions
  private var reader: RowReader?
  /// Rows of earlier runs and those that were looked at, for the numbers of rows in errors.
  private var rowsBefore = 0
  /// Rows that were looked at to know their types.
  private var peeked: [[SQLValue]] = []
  private var hasMoreBehindPeeked = true
  private let turn = Mutex(false)

  init(
    _ sql: String, _ statement: SQLite.Statement, _ borrowed: Borrowed, _ settled: SettledStatement,
    _ parameters: [[SQLValue]], _ control: StatementControl, _ options: EngineOptions
  ) {
    self.sql = sql
    self.statement = statement
    self.borrowed = borrowed
    self.parameters = parameters
    self.control = control
    self.options = options
    schema = settled.result ?? Schema([])
  }

  /// Another control from now on: the one of the call that reads.
  func obey(_ control: StatementControl) { self.control = control }

  /// The first rows, which stay to be read: as many as tell the types of columns, within bounds. After an error the run is over, and
  /// statement and connection are with whoever lent them.
  func peek() throws(EngineError) -> [[SQLValue]] {
    do throws(EngineError) { return try look() } catch {
      abandon()
      throw error
    }
  }

  private func look() throws(EngineError) -> [[SQLValue]] {
    try bindNext()
    let columns = statement.columnCount
    var bytes = 0
    while peeked.count < 256, bytes < options.batchBytes {
      guard try engine(control, { () throws(SQLiteError) in try statement.step() }) else {
        hasMoreBehindPeeked = false
        break
      }
      let row = (0..<columns).map { statement.value($0) }
      for value in row { bytes += value.byteCount }
      peeked.append(row)
    }
    return peeked
  }

  /// Ends a run that only served to see types; statement and connection stay with whoever lent them.
  func abandon() {
    peeked = []
    turn.withLock { $0 = true }
  }

  /// Lets other statements of the same transaction run until a batch is asked for.
  func pause() { borrowed.pause(statement, sql) }

  private func bindNext() throws(EngineError) {
    guard run < parameters.count else { return }
    try engine(control) { () throws(SQLiteError) in try statement.bind(parameters[run]) }
  }

  func next() throws(EngineError) -> RecordBatch? {
    try turn.withLock { isOver throws(EngineError) in
      if isOver { return nil }
      do throws(EngineError) { try borrowed.resume(control) } catch {
        isOver = true
        borrowed.end(statement, sql, hasTurn: false)
        throw error
      }
      do throws(EngineError) {
        while true {
          try control.check()
          if let batch = try nextOfRun() {
            borrowed.rest()
            return batch
          }
          run += 1
          guard run < parameters.count else { break }
          reader = nil
        }
      } catch {
        isOver = true
        borrowed.end(statement, sql, hasTurn: true)
        throw error
      }
      isOver = true
      borrowed.end(statement, sql, hasTurn: true)
      return nil
    }
  }

  private func nextOfRun() throws(EngineError) -> RecordBatch? {
    if reader == nil {
      if peeked.isEmpty, hasMoreBehindPeeked { try bindNext() }
      reader = RowReader(statement, schema: schema, rowsBefore: rowsBefore + peeked.count)
    }
    if !peeked.isEmpty {
      let rows = peeked
      peeked = []
      rowsBefore += rows.count
      return try engineTables { () throws(TableError) in try RowReader.batch(of: rows, schema: schema) }
    }
    guard hasMoreBehindPeeked else {
      hasMoreBehindPeeked = true
      return nil
    }
    do throws(TableError) {
      let batch = try reader!.next(rowLimit: options.batchRows, byteLimit: options.batchBytes)
      // Files that are used where they are may have been written to meanwhile.
      try borrowed.connection.tables.checkSources()
      rowsBefore += batch?.count ?? 0
      return batch
    } catch {
      throw EngineError(error, control)
    }
  }

  func close() {
    turn.withLock { isOver in
      if !isOver { borrowed.end(statement, sql, hasTurn: false) }
      isOver = true
    }
  }

  deinit { close() }
}

/// Rows that are there already.
public final class KeptResult: ResultStream {
  public let schema: Schema
  public let updateCount: Int?
  private let batches: Mutex<[RecordBatch]>

  public init(schema: Schema, batches: [RecordBatch], updateCount: Int?) {
    self.schema = schema
    self.updateCount = updateCount
    self.batches = Mutex(batches.reversed())
  }

  public func next() throws(EngineError) -> RecordBatch? { batches.withLock { $0.popLast() } }
  public func close() { batches.withLock { $0 = [] } }
}

/// A statement that writes, once for each row of parameters; its rows are kept.
struct WritingExecution: ~Copyable {
  private let statement: SQLite.Statement
  private let options: EngineOptions
  private let settled: SettledStatement
  private var rows: [[SQLValue]] = []
  private var bytes = 0
  private var count: Int?

  init(_ statement: SQLite.Statement, _ settled: SettledStatement, _ options: EngineOptions) {
    self.statement = statement
    self.settled = settled
    self.options = options
  }

  mutating func run(_ parameters: [SQLValue], _ connection: Connection, _ control: StatementControl)
    throws(EngineError)
  {
    do throws(SQLiteError) {
      try statement.bind(parameters)
      while try statement.step() {
        let row = (0..<statement.columnCount).map { statement.value($0) }
        for value in row { bytes += value.byteCount }
        rows.append(row)
        if bytes > options.memoryLimit {
          throw SQLiteError(
            .outOfMemory, "the rows that the statement returns take more than \(options.memoryLimit) bytes")
        }
      }
    } catch {
      throw EngineError(error, control)
    }
    // After DDL SQLite still tells the changes of an earlier statement.
    if settled.countsChanges { count = (count ?? 0) + connection.changes }
  }

  /// The rows in the schema that was told before: open columns are text.
  consuming func finish() throws(EngineError) -> KeptResult {
    guard let schema = settled.result else {
      return KeptResult(schema: Schema([]), batches: [], updateCount: count)
    }
    let rows = rows
    let batch = try engineTables { () throws(TableError) in try RowReader.batch(of: rows, schema: schema) }
    return KeptResult(schema: schema, batches: batch.count > 0 ? [batch] : [], updateCount: count)
  }
}

extension SettledStatement {
  /// Whether SQLite's count of changes is this statement's.
  var countsChanges: Bool {
    switch kind {
    case .insert, .update, .delete: true
    default: false
    }
  }
}

extension SQLValue {
  /// About how much memory the value takes.
  var byteCount: Int {
    switch self {
    case .null, .integer, .real: 16
    case .text(let text): 32 + text.utf8.count
    case .blob(let bytes): 32 + bytes.count
    }
  }
}
