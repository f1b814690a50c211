// A segment: immutable record batches in a mapped Feather file, with what is known of their values.

import Arrow
import ArrowIPC
import Kernels
import Memory
import Synchronization

/// A run of rows of one batch that is scanned at once, and that statistics are kept for.
public struct SegmentBlock: Sendable {
  /// The batch of the segment.
  public let batch: Int
  /// The rows within the batch.
  public let rows: Range<Int>
  /// The first row's number within the segment.
  public let firstRow: Int

  /// The most rows of a block.
  public static let rowLimit = 65_536

  public var count: Int { rows.count }
}

/// A mapped, uncompressed Feather file as part of a table. Everything in it is looked at when it is first used, and only once.
public final class Segment: Sendable {
  public let path: String
  public let schema: Schema
  public let rowCount: Int
  public let byteCount: Int
  public let batches: [RecordBatch]
  public let blocks: [SegmentBlock]
  private let file: MappedFile
  /// What is known of each column. Read at every block of every query by all threads at once, so without a lock.
  private let known: [KnownColumn]
  private let samples = Mutex<[Int: (count: Int, isKey: Bool)]>([:])

  /// The most rows of a batch.
  static let batchLimit = 1 << 31

  /// Maps a file. Costs as much as its footer and the headers of its batches.
  /// - Throws: also when the file is compressed: what is compressed cannot be read in place.
  /// - Parameter isOwn: whether the file is the database's, so that nobody else writes to it.
  public init(path: String, isOwn: Bool = false) throws(DataError) {
    self.path = path
    file = try MappedFile(path: path, isWatched: !isOwn)
    byteCount = file.count
    do throws(DataError) {
      let reader = try FileReader(file.contents)
      schema = reader.schema
      var batches: [RecordBatch] = []
      var blocks: [SegmentBlock] = []
      var rows = 0
      batches.reserveCapacity(reader.batchCount)
      for i in 0..<reader.batchCount {
        guard try reader.info(i).codec == nil else {
          throw DataError(.invalid, "the file is compressed")
        }
        let batch = try reader.batch(i)
        // Columns of nulls take no bytes: a small file can claim any number of rows.
        guard batch.count <= Segment.batchLimit else {
          throw DataError(.limit, "batch \(i) has \(batch.count) rows; \(Segment.batchLimit) is the most")
        }
        for start in stride(from: 0, to: batch.count, by: SegmentBlock.rowLimit) {
          let end = min(start + SegmentBlock.rowLimit, batch.count)
          blocks.append(SegmentBlock(batch: i, rows: start..<end, firstRow: rows + start))
        }
        batches.append(batch)
        rows += batch.count
      }
      self.batches = batches
      self.blocks = blocks
      known = schema.fields.map { _ in KnownColumn() }
      rowCount = rows
    } catch {
      throw error.within("'\(path)'")
    }
  }

  /// A column of a batch, whose values may be looked at.
  public func column(_ column: Int, ofBatch batch: Int) throws(DataError) -> Column {
    let result = batches[batch].columns[column]
    do throws(DataError) { try result.check(.full) } catch {
      throw error.within("'\(path)', batch \(batch), column '\(schema.fields[column].name)'")
    }
    return result
  }

  func isUnchanged() -> Bool { file.isUnchanged() }

  /// Throws when the file is not what it was when it was mapped. To be asked after reading, before what was read is believed.
  public func checkUnchanged() throws(DataError) {
    guard file.isUnchanged() else {
      throw DataError(.malformed, "'\(path)' was changed while it is published; publish it again")
    }
  }

  /// Throws when a column has nulls that may not have any by the table's schema.
  func checkNulls(as schema: Schema) throws(DataError) {
    for (i, field) in schema.fields.enumerated() where !field.isNullable {
      for batch in batches where batch.columns[i].nullCount > 0 {
        throw DataError(.invalid, "'\(path)', column '\(field.name)': it has nulls, and may have none")
      }
    }
  }

  /// What a look at a few values says of how many there are, found once.
  func sample(_ column: Int, _ find: () -> (count: Int, isKey: Bool)) -> (count: Int, isKey: Bool) {
    if let known = samples.withLock({ $0[column] }) { return known }
    let found = find()
    samples.withLock { $0[column] = found }
    return found
  }

  /// What is known of a column's values, block by block. Costs a pass over the column the first time.
  public func statistics(_ column: Int) throws(DataError) -> [BlockStatistics] {
    if let known = knownStatistics(column) { return known }
    var statistics: [BlockStatistics] = []
    statistics.reserveCapacity(blocks.count)
    var entries = EntryStatistics()
    for block in blocks {
      statistics.append(try self.column(column, ofBatch: block.batch).statistics(block.rows, &entries))
    }
    return known[column].statistics.storeIfNil(BlocksStatistics(statistics)).blocks
  }

  /// What is known of a column without looking: nil while nobody has asked.
  public func knownStatistics(_ column: Int) -> [BlockStatistics]? { known[column].statistics.load()?.blocks }

  /// The block that a row is in.
  public func block(ofRow row: Int) -> Int {
    var low = 0
    var high = blocks.count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if blocks[middle].firstRow <= row { low = middle } else { high = middle - 1 }
    }
    return low
  }
}

/// What was found out of a column's values when somebody first asked.
private final class KnownColumn: Sendable {
  let statistics = AtomicLazyReference<BlocksStatistics>()
}

/// A value for each block of a segment.
private final class BlocksStatistics: Sendable {
  let blocks: [BlockStatistics]

  init(_ blocks: [BlockStatistics]) { self.blocks = blocks }
}
