// Batches written down as a segment.

import Arrow
import ArrowIPC
import Memory

/// Writes a segment's file. Nobody sees it before the catalog names it; nothing is left of one that is given up.
final class SegmentWriter {
  /// The file's name within the folder of segments.
  let name: String
  private let file: AtomicFile
  private let writer: FileWriter
  private var rebatcher = Rebatcher(rows: SegmentBlock.rowLimit)
  private(set) var rowCount = 0

  init(folder: String, schema: Schema) throws(DataError) {
    name = SegmentWriter.makeName()
    file = try AtomicFile(path: "\(folder)/\(name)")
    writer = try FileWriter(file.sink, schema: schema)
  }

  static func makeName() -> String {
    let digits = String(UInt64.random(in: 0 ... .max), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits + ".feather"
  }

  /// Takes a batch of any size; blocks of one size are written, so that a block is a batch.
  func write(_ batch: RecordBatch) throws(DataError) {
    try batch.check(.full)
    rowCount += batch.count
    for full in try rebatcher.add(batch) { try writer.write(full) }
  }

  /// Puts the file in place.
  /// - Parameter durable: whether it must survive a loss of power from here on.
  func finish(durable: Bool) throws(DataError) {
    if let rest = try rebatcher.finish(), rest.count > 0 { try writer.write(rest) }
    try writer.finish()
    try file.commit(durable: durable)
  }
}
