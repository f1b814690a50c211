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
  /// Whether the rebatcher holds rows.
  private var isCollecting = false
  /// Batches from that many rows on are written as they are; smaller ones are collected.
  private static let smallest = 8192
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

  /// Takes a batch of any size.
  func write(_ batch: RecordBatch) throws(DataError) {
    try batch.check(.full)
    rowCount += batch.count
    if batch.count >= SegmentWriter.smallest {
      try writeCollected()
      return try writer.write(batch)
    }
    isCollecting = true
    for full in try rebatcher.add(batch) { try writer.write(full) }
  }

  private func writeCollected() throws(DataError) {
    guard isCollecting else { return }
    if let rest = try rebatcher.finish(), rest.count > 0 { try writer.write(rest) }
    isCollecting = false
  }

  /// Puts the file in place.
  /// - Parameter durable: whether it must survive a loss of power from here on.
  func finish(durable: Bool) throws(DataError) {
    try writeCollected()
    try writer.finish()
    try file.commit(durable: durable)
  }
}
