// A statement and its rows, watched.

import Arrow
import Engine
import Synchronization

final class ObservedStatement: EngineStatement {
  private let statement: any EngineStatement
  private let observer: StatementObserver

  init(_ statement: any EngineStatement, _ observer: StatementObserver) {
    self.statement = statement
    self.observer = observer
  }

  var sql: String { statement.sql }
  var resultSchema: Schema? { statement.resultSchema }
  var parameterSchema: Schema { statement.parameterSchema }
  var isUpdate: Bool { statement.isUpdate }
  var changesData: Bool { statement.changesData }

  func resultSchema(
    for parameters: RecordBatch?, _ control: StatementControl
  ) throws(EngineError) -> Schema? {
    try statement.resultSchema(for: parameters, control)
  }

  func query(_ parameters: RecordBatch?, _ control: StatementControl) throws(EngineError) -> any ResultStream
  {
    var watch = Stopwatch(sql, observer)
    let stream = try watch.measure { () throws(EngineError) in try statement.query(parameters, control) }
    return ObservedStream(stream, observer, watch)
  }

  func update(_ parameters: RecordBatch?, _ control: StatementControl) throws(EngineError) -> Int? {
    var watch = Stopwatch(sql, observer)
    let count = try watch.measure { () throws(EngineError) in try statement.update(parameters, control) }
    watch.end(rows: count ?? 0)
    return count
  }

  func explain() throws(EngineError) -> [String] { try statement.explain() }
  func close() { statement.close() }
}

/// Rows that are counted, and timed while the engine makes them.
private final class ObservedStream: ResultStream {
  private struct State {
    var watch: Stopwatch
    var rows = 0
    var bytes = 0
  }

  private let stream: any ResultStream
  private let observer: StatementObserver
  private let state: Mutex<State>

  init(_ stream: any ResultStream, _ observer: StatementObserver, _ watch: Stopwatch) {
    self.stream = stream
    self.observer = observer
    state = Mutex(State(watch: watch))
  }

  var schema: Schema { stream.schema }
  var updateCount: Int? { stream.updateCount }
  var isAtEnd: Bool { stream.isAtEnd }

  func next() throws(EngineError) -> RecordBatch? {
    // One thread at a time pulls; the lock is for `close`, and nothing is waited for under it.
    var (watch, rows, bytes) = state.withLock { ($0.watch, $0.rows, $0.bytes) }
    defer {
      state.withLock { state in
        state.watch = watch
        (state.rows, state.bytes) = (rows, bytes)
      }
    }
    let batch = try watch.measure(rows: rows) { () throws(EngineError) in
      guard let batch = try stream.next() else { return RecordBatch?.none }
      rows += batch.count
      if observer.resultByteLimit != nil { bytes += batch.columns.reduce(0) { $0 + $1.byteCount } }
      try observer.check(rows: rows, bytes: bytes)
      return batch
    }
    if batch == nil { watch.end(rows: rows) }
    return batch
  }

  func close() {
    stream.close()
    state.withLock { $0.watch.end(rows: $0.rows) }
  }
}
