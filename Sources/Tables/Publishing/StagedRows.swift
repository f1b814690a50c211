// Rows on their way into a table: written down before anybody has to wait for them.

import Arrow
import Glibc
import Memory

/// Batches of a stream, brought into a table's form and written to a segment's file that no table has yet. No transaction is open
/// meanwhile, so that a client which sends slowly keeps nobody from writing. A file that no publication takes over is deleted.
public final class StagedRows {
  /// What the table's columns are.
  public let schema: Schema
  public private(set) var rowCount = 0
  private let folder: String
  private let table: String
  private let isDurable: Bool
  private var projection: BatchProjection?
  private var segment: SegmentWriter?
  private var isComplete = false
  /// Whether the file is a table's now.
  private var isAdopted = false

  init(folder: String, table: String, schema: Schema, isDurable: Bool) {
    self.folder = folder
    self.table = table
    self.schema = schema
    self.isDurable = isDurable
  }

  deinit {
    if isComplete, !isAdopted, let segment { unlink("\(folder)/\(segment.name)") }
  }

  /// Adds rows. A batch may lack columns, and have its columns in another order and in types that convert without loss.
  public func append(_ batch: RecordBatch) throws(DataError) {
    if batch.count == 0 { return }
    if projection?.source != batch.schema {
      projection = try BatchProjection(from: batch.schema, to: schema, table: table)
    }
    let converted = try projection!.apply(batch)
    let writer: SegmentWriter
    if let segment {
      writer = segment
    } else {
      writer = try SegmentWriter(folder: folder, schema: schema)
      segment = writer
    }
    try writer.write(converted)
    rowCount += batch.count
  }

  /// Puts the file in place, synced where the database is durable. Nothing is added after it.
  public func complete() throws(DataError) {
    guard !isComplete, let segment else { return }
    try segment.finish(durable: isDurable)
    isComplete = true
  }

  /// The file's name for the catalog, which has it from now on; nil when there are no rows.
  func adopt() throws(DataError) -> String? {
    try complete()
    isAdopted = true
    return segment?.name
  }
}
