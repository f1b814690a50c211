// Stored tables as they are: batches of segments handed on without a copy.

import Arrow
import Memory
import SQLite
import Synchronization
import Tables

extension EmbeddedSession {
  public func stored(_ table: TableName) throws(EngineError) -> StoredTable? {
    guard let snapshot = try snapshot(table, StatementControl(timeout: 60))?.0 else { return nil }
    return StoredTable(
      schema: snapshot.schema, rows: snapshot.rowCount,
      bytes: snapshot.segments.reduce(0) { $0 + $1.segment.byteCount }, parts: max(1, snapshot.segments.count)
    )
  }

  public func scan(
    _ table: TableName, part: Int?, _ control: StatementControl
  ) throws(EngineError) -> any ResultStream {
    guard let (snapshot, delta) = try snapshot(table, control) else {
      throw EngineError(.notFound, "no such table: \(table.table)")
    }
    let count = snapshot.segments.count
    if let part, part < 0 || part >= max(1, count) {
      throw EngineError(.notFound, "table '\(table.table)' has no part \(part)")
    }
    let segments = part.map { $0..<min($0 + 1, count) } ?? 0..<count
    return TableScan(
      snapshot, segments, delta: segments.upperBound == count ? delta : nil, engine.database.beginReading(),
      engine.database, control)
  }

  /// A table's state and its rows in motion, of one moment.
  private func snapshot(
    _ table: TableName, _ control: StatementControl
  ) throws(EngineError) -> (TableSnapshot, RecordBatch?)? {
    let borrowed = try borrow(nil, writes: false, control)
    defer { borrowed.giveBack() }
    let connection = borrowed.connection
    let name = engine.options.aliases.first { $0.name == table.table }?.table ?? table.table
    return try connection.reading { () throws(EngineError) in
      let found = try engine(control) { () throws(SQLiteError) in
        try connection.tables.snapshot(of: name)
      }
      guard let snapshot = found else { return nil }
      return (
        snapshot,
        try engineTables(control) { () throws(TableError) in try connection.tables.delta(of: snapshot) }
      )
    }
  }
}

extension PooledConnection {
  /// Runs `body` in a transaction that only reads, so that all it sees is of one moment.
  func reading<R>(_ body: () throws(EngineError) -> R) throws(EngineError) -> R {
    if connection.isInTransaction { return try body() }
    try control("BEGIN")
    defer { try? control("COMMIT") }
    return try body()
  }
}

/// A table's batches, one after the other.
final class TableScan: ResultStream, @unchecked Sendable {
  // SAFETY (@unchecked Sendable): what varies is touched by whoever pulls, one at a time.
  let schema: Schema
  let updateCount: Int? = nil
  private let snapshot: TableSnapshot
  private var delta: RecordBatch?
  private let database: Database
  private let mark: UInt64
  private let control: StatementControl
  private var segment: Int
  private let end: Int
  private var block = 0
  private let isClosed = Mutex(false)

  init(
    _ snapshot: TableSnapshot, _ segments: Range<Int>, delta: RecordBatch?, _ mark: UInt64,
    _ database: Database,
    _ control: StatementControl
  ) {
    self.snapshot = snapshot
    self.delta = delta
    self.mark = mark
    self.database = database
    self.control = control
    segment = segments.lowerBound
    end = segments.upperBound
    schema = snapshot.schema
  }

  func next() throws(EngineError) -> RecordBatch? {
    try control.check()
    do throws(DataError) {
      while segment < end {
        let current = snapshot.segments[segment].segment
        guard block < current.blocks.count else {
          try current.checkUnchanged()
          segment += 1
          block = 0
          continue
        }
        let number = block
        block += 1
        if let batch = try rows(current, number), batch.count > 0 { return batch }
      }
    } catch {
      throw EngineError(error)
    }
    defer { delta = nil }
    return delta
  }

  /// The rows of a block that are there: slices of the file's own bytes, unless some were deleted.
  private func rows(_ current: Segment, _ number: Int) throws(DataError) -> RecordBatch? {
    let block = current.blocks[number]
    var columns: [Column] = []
    for i in schema.fields.indices {
      columns.append(try current.column(i, ofBatch: block.batch).slice(block.rows))
    }
    let batch = try RecordBatch(schema: schema, columns: columns, count: block.count)
    guard snapshot.tombstones.count(segment: segment, block: number) > 0 else { return batch }
    var rebatcher = Rebatcher(rows: block.count)
    var start = 0
    for row in 0...block.count
    where row == block.count || snapshot.tombstones.contains(segment: segment, block: number, row: row) {
      if row > start { _ = try rebatcher.add(batch.slice(start..<row)) }
      start = row + 1
    }
    return try rebatcher.finish()
  }

  func close() {
    guard
      !isClosed.withLock({ closed in
        defer { closed = true }
        return closed
      })
    else { return }
    database.endReading(mark)
  }

  deinit { close() }
}
