// Batches cut and merged to another size.

import Memory

/// Turns batches of any size into batches of exactly `rows` rows, the last one excepted. Batches that are larger are sliced
/// without a copy; only what has to be merged is copied.
public struct Rebatcher {
  public let rows: Int
  /// The most bytes that one merged batch may have.
  public let memoryLimit: Int
  private var waiting: [RecordBatch] = []
  private var waitingRows = 0

  public init(rows: Int, memoryLimit: Int = .max) {
    precondition(rows > 0)
    self.rows = rows
    self.memoryLimit = memoryLimit
  }

  /// Takes a batch.
  /// - Returns: the batches that are full now.
  public mutating func add(_ batch: RecordBatch) throws(DataError) -> [RecordBatch] {
    var full: [RecordBatch] = []
    var place = 0
    while batch.count - place >= rows - waitingRows {
      let end = place + rows - waitingRows
      waiting.append(batch.slice(place..<end))
      waitingRows = rows
      place = end
      if let merged = try finish() { full.append(merged) }
    }
    if place < batch.count {
      waiting.append(batch.slice(place..<batch.count))
      waitingRows += batch.count - place
    }
    return full
  }

  /// The rows that were left, as the last batch.
  public mutating func finish() throws(DataError) -> RecordBatch? {
    defer {
      waiting = []
      waitingRows = 0
    }
    guard let first = waiting.first else { return nil }
    if waiting.count == 1 { return first }
    let size = waiting.reduce(0) { sum, batch in batch.columns.reduce(sum) { $0 + $1.byteCount } }
    guard size <= memoryLimit else {
      throw DataError(
        .limit, "a batch of \(waitingRows) rows would take \(size) bytes; the memory limit is \(memoryLimit)")
    }
    var columns: [Column] = []
    for (i, field) in first.schema.fields.enumerated() {
      do throws(DataError) { columns.append(try Column.concatenating(waiting.map { $0.columns[i] })) } catch {
        throw error.within("column '\(field.name)'")
      }
    }
    var merged = try RecordBatch(
      schema: first.schema, columns: columns, count: waiting.reduce(0) { $0 + $1.count })
    merged.metadata = first.metadata
    return merged
  }
}
