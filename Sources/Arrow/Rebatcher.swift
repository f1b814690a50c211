// Batches cut and merged to another size.

import Memory

/// Turns batches of any size into batches of exactly `rows` rows, the last one excepted. Batches that are larger are sliced
/// without a copy; only what has to be merged is copied.
public struct Rebatcher {
  public let rows: Int
  private var waiting: [RecordBatch] = []
  private var waitingRows = 0

  public init(rows: Int) {
    precondition(rows > 0)
    self.rows = rows
  }

  /// Takes a batch.
  /// - Returns: the batches that are full now.
  public mutating func add(_ batch: RecordBatch) throws(DataError) -> [RecordBatch] {
    var full: [RecordBatch] = []
    var place = 0
    while batch.count - place >= rows - waitingRows {
      let end = place + rows - waitingRows
      waiting.append(batch.slice(place..<end))
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
