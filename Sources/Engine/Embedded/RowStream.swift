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
  private let sql: String
  private let statement: SQLite.Statement
  private let borrowed: Borrowed
  private var parameters: [[SQLValue]]
  private var run = 0
  private var control: StatementControl
  private let options: EngineOptions
  private var reader: RowReader?
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
  func obey(_ control: StatementControl) {
    self.control = control
    borrowed.connection.obey(control)
  }

  /// The first rows, which stay to be read: as many as it takes for every column to have a value, within bounds.
  func peek() throws(EngineError) -> [[SQLValue]] {
    try bindNext()
    let columns = statement.columnCount
    var seen = [Bool](repeating: false, count: columns)
    while peeked.count < 256, seen.contains(false) {
      guard try engine(control, { () throws(SQLiteError) in try statement.step() }) else {
        hasMoreBehindPeeked = false
        break
      }
      let row = (0..<columns).map { statement.value($0) }
      for (i, value) in row.enumerated() where value != .null { seen[i] = true }
      peeked.append(row)
    }
    return peeked
  }

  /// Ends a run that only served to see types; the connection stays with whoever lent it.
  func abandon() {
    statement.reset()
    peeked = []
    turn.withLock { $0 = true }
  }

  private func bindNext() throws(EngineError) {
    guard run < parameters.count else { return }
    try engine(control) { () throws(SQLiteError) in try statement.bind(parameters[run]) }
  }

  func next() throws(EngineError) -> RecordBatch? {
    try turn.withLock { isOver throws(EngineError) in
      if isOver { return nil }
      do throws(EngineError) {
        while true {
          try control.check()
          if let batch = try nextOfRun() { return batch }
          run += 1
          guard run < parameters.count else { break }
          reader = nil
        }
      } catch {
        end()
        isOver = true
        throw error
      }
      end()
      isOver = true
      return nil
    }
  }

  private func nextOfRun() throws(EngineError) -> RecordBatch? {
    if reader == nil {
      if peeked.isEmpty, hasMoreBehindPeeked { try bindNext() }
      reader = RowReader(statement, schema: schema)
    }
    if !peeked.isEmpty {
      let rows = peeked
      peeked = []
      return try engineTables { () throws(TableError) in try RowReader.batch(of: rows, schema: schema) }
    }
    guard hasMoreBehindPeeked else {
      hasMoreBehindPeeked = true
      return nil
    }
    do throws(TableError) {
      return try reader!.next(rowLimit: options.batchRows, byteLimit: options.batchBytes)
    } catch {
      throw EngineError(error, control)
    }
  }

  func close() {
    turn.withLock { isOver in
      if !isOver { end() }
      isOver = true
    }
  }

  private func end() {
    borrowed.connection.keep(statement, sql)
    borrowed.giveBack()
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
  private var settled: SettledStatement
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

  consuming func finish() throws(EngineError) -> KeptResult {
    if !settled.open.isEmpty { settled.settle(by: rows) }
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
