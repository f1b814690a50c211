// A run of rows that one worker takes at once, wherever it comes from.

import Arrow
import Kernels
import Memory
import SQLite
import Tables

/// Up to 65,536 rows of a segment's batch, of a delta, or of what another operator made.
struct Block: Sendable {
  enum Origin: Sendable {
    case segment(Segment, block: Int, batch: Int)
    case batch(RecordBatch)
    /// One column of the input, by its number.
    case column(Int, Column)
  }

  let origin: Origin
  /// The rows within the columns that are asked for.
  private(set) var rows: Range<Int>
  /// All rows of the block, which statistics, tombstones and codes are of.
  let whole: Range<Int>
  /// A bit for each row that is gone; the first bit is that of the first of all rows.
  let tombstones: [UInt64]?
  /// The number of its first column among all of the operator's input.
  var firstColumn = 0
  /// What the columns are among those of the origin, where a subquery has others than its table.
  var columnMap: [Int]?

  init(origin: Origin, rows: Range<Int>, tombstones: [UInt64]?) {
    self.origin = origin
    self.rows = rows
    whole = rows
    self.tombstones = tombstones
  }

  /// The same block, of which only these rows are looked at.
  func narrowed(to rows: Range<Int>) -> Block {
    var block = self
    block.rows = rows
    return block
  }

  /// The number of a column within the origin.
  func place(_ column: Int) -> Int { columnMap?[column - firstColumn] ?? column - firstColumn }

  /// The same block under other columns.
  func mapped(_ columns: [Int]) -> Block {
    var block = self
    block.columnMap = columns
    return block
  }

  /// The same block, as a part of a wider input.
  func placed(at column: Int) -> Block {
    var block = self
    block.firstColumn = column
    return block
  }

  static let rowLimit = SegmentBlock.rowLimit

  func column(_ index: Int) throws(QueryError) -> Column {
    let index = place(index)
    switch origin {
    case .segment(let segment, _, let batch):
      return try data { () throws(DataError) in try segment.column(index, ofBatch: batch) }
    case .batch(let batch): return batch.columns[index]
    case .column(let number, let column):
      precondition(number == index, "a column that is not there")
      return column
    }
  }

  /// What is known of a column's values; finds it out for segments, which keep it.
  func statistics(_ index: Int) throws(QueryError) -> BlockStatistics? {
    guard case .segment(let segment, let block, _) = origin else { return nil }
    return try data { () throws(DataError) in try segment.statistics(place(index))[block] }
  }

  /// The same, without finding it out.
  func knownStatistics(_ index: Int) -> BlockStatistics? {
    guard case .segment(let segment, let block, _) = origin else { return nil }
    return segment.knownStatistics(place(index))?[block]
  }

  /// Asks whether what was read is what was published.
  func checkUnchanged() throws(QueryError) {
    guard case .segment(let segment, _, _) = origin else { return }
    try data { () throws(DataError) in try segment.checkUnchanged() }
  }

  static func blocks(of batch: RecordBatch) -> [Block] {
    stride(from: 0, to: batch.count, by: rowLimit).map {
      Block(origin: .batch(batch), rows: $0..<min($0 + rowLimit, batch.count), tombstones: nil)
    }
  }
}

/// A table as a query reads it: a snapshot and the rows in motion, both of one read transaction.
public struct TableInput: Sendable {
  public let snapshot: TableSnapshot
  public let delta: RecordBatch?

  public init(snapshot: TableSnapshot, delta: RecordBatch?) {
    self.snapshot = snapshot
    self.delta = delta
  }

  /// Reads tables as the session's connection sees them now. Without an open transaction they are read in one.
  ///
  /// The mapped segments stay readable for as long as the snapshots are held.
  public static func read(_ names: [String], on session: TableSession) throws(TableError) -> [TableInput] {
    let opensTransaction = !session.connection.isInTransaction && !names.isEmpty
    func wrapping<R>(_ body: () throws(SQLiteError) -> R) throws(TableError) -> R {
      do throws(SQLiteError) { return try body() } catch { throw .database(error) }
    }
    if opensTransaction {
      try wrapping { () throws(SQLiteError) in
        try session.connection.unauthorized { () throws(SQLiteError) in
          try session.connection.execute("BEGIN")
        }
      }
    }
    defer {
      if opensTransaction {
        _ = try? session.connection.unauthorized { () throws(SQLiteError) in
          try session.connection.execute("COMMIT")
        }
      }
    }
    var inputs: [TableInput] = []
    for name in names {
      let snapshot = try wrapping { () throws(SQLiteError) in try session.snapshot(of: name) }
      guard let snapshot else { throw .missing("there is no published table '\(name)'") }
      inputs.append(TableInput(snapshot: snapshot, delta: try session.delta(of: snapshot)))
    }
    return inputs
  }

  func blocks() -> [Block] {
    var blocks: [Block] = []
    for (number, placed) in snapshot.segments.enumerated() {
      for (index, block) in placed.segment.blocks.enumerated() {
        blocks.append(
          Block(
            origin: .segment(placed.segment, block: index, batch: block.batch), rows: block.rows,
            tombstones: snapshot.tombstones.bits(segment: number, block: index)))
      }
    }
    if let delta { blocks += Block.blocks(of: delta) }
    return blocks
  }
}
