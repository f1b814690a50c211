// A table at one moment: its segments, which of their rows are gone, and how many rows are in motion.

import Arrow
import Memory
import Synchronization

/// A segment and the row id of its first row.
public struct PlacedSegment: Sendable {
  /// The catalog's number of the segment.
  let number: Int64
  public let firstRow: Int64
  public let segment: Segment

  /// - Throws: when the row ids would go beyond what there is: a damaged catalog, or a table whose row ids are used up.
  init(number: Int64, firstRow: Int64, checked segment: Segment) throws(DataError) {
    guard !firstRow.addingReportingOverflow(Int64(segment.rowCount)).overflow else {
      throw DataError(
        .limit, "\(segment.rowCount) rows from row id \(firstRow) on are more than there can be")
    }
    self.number = number
    self.firstRow = firstRow
    self.segment = segment
  }

  public var rows: Range<Int64> { firstRow..<firstRow + Int64(segment.rowCount) }
}

/// What of a table does not change under a reader. The rows of the delta are in the database, and read from there.
public struct TableSnapshot: Sendable {
  /// What all snapshots of the same segments share: copying a snapshot is then two references.
  private final class Fixed: Sendable {
    let table: Int64
    let schema: Schema
    let segments: [PlacedSegment]
    /// How many rows are in the segments before each, and in all at the end.
    let starts: [Int]
    let serial: Int

    init(_ table: Int64, _ schema: Schema, _ segments: [PlacedSegment], serial: Int) {
      self.table = table
      self.schema = schema
      self.segments = segments
      self.serial = serial
      var starts = [0]
      for placed in segments { starts.append(starts.last! + placed.segment.rowCount) }
      self.starts = starts
    }
  }

  private let fixed: Fixed

  /// The catalog's number of the table.
  public var table: Int64 { fixed.table }
  /// Differs after every transaction that changed the table.
  public internal(set) var version: Int64
  public var schema: Schema { fixed.schema }
  /// By ascending row ids.
  public var segments: [PlacedSegment] { fixed.segments }
  public internal(set) var tombstones: Tombstones
  public internal(set) var deltaCount: Int
  /// Differs from that of any snapshot with other segments.
  var serial: Int { fixed.serial }

  private static let lastSerial = Atomic(0)

  init(table: Int64, version: Int64, schema: Schema, segments: [PlacedSegment], deltaCount: Int) {
    let serial = TableSnapshot.lastSerial.wrappingAdd(1, ordering: .relaxed).newValue
    fixed = Fixed(table, schema, segments, serial: serial)
    self.version = version
    self.deltaCount = deltaCount
    tombstones = Tombstones(blockCounts: segments.map { $0.segment.blocks.count })
  }

  /// How many rows are visible.
  public var rowCount: Int { segmentRows - tombstones.count + deltaCount }
  public var segmentRows: Int { fixed.starts.last! }
  func rowsBefore(_ segment: Int) -> Int { fixed.starts[segment] }

  /// The first row id that no segment has.
  var endOfSegments: Int64 { segments.last?.rows.upperBound ?? 1 }

  /// Where a row id is among the segments; nil for rows that are in no segment.
  func place(of row: Int64) -> (segment: Int, block: Int, row: Int)? {
    var low = 0
    var high = segments.count - 1
    while low <= high {
      let middle = (low + high) / 2
      let placed = segments[middle]
      if row < placed.firstRow {
        high = middle - 1
      } else if row >= placed.rows.upperBound {
        low = middle + 1
      } else {
        let inSegment = Int(row - placed.firstRow)
        let block = placed.segment.block(ofRow: inSegment)
        return (middle, block, inSegment - placed.segment.blocks[block].firstRow)
      }
    }
    return nil
  }

  /// Whether a row id is that of a segment's row which is still there.
  func isVisible(_ row: Int64) -> Bool {
    guard let place = place(of: row) else { return false }
    return !tombstones.contains(segment: place.segment, block: place.block, row: place.row)
  }

  /// Takes a row of a segment away.
  mutating func bury(_ row: Int64) {
    guard let place = place(of: row) else { return }
    let block = segments[place.segment].segment.blocks[place.block]
    tombstones.insert(segment: place.segment, block: place.block, row: place.row, of: block.count)
  }
}
