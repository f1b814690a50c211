// A table at one moment: its segments, which of their rows are gone, and how many rows are in motion.

import Arrow
import Memory

/// A segment and the row id of its first row.
public struct PlacedSegment: Sendable {
  public let firstRow: Int64
  public let segment: Segment

  public var rows: Range<Int64> { firstRow..<firstRow + Int64(segment.rowCount) }
}

/// What of a table does not change under a reader. The rows of the delta are in the database, and read from there.
public struct TableSnapshot: Sendable {
  /// The catalog's number of the table.
  public let table: Int64
  /// Differs after every transaction that changed the table.
  public let version: Int64
  public let schema: Schema
  /// By ascending row ids.
  public let segments: [PlacedSegment]
  public internal(set) var tombstones: Tombstones
  public internal(set) var deltaCount: Int

  /// How many rows are visible.
  public var rowCount: Int { segmentRows - tombstones.count + deltaCount }
  public var segmentRows: Int { segments.reduce(0) { $0 + $1.segment.rowCount } }

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

  mutating func bury(_ row: Int64) {
    guard let place = place(of: row) else { return }
    let block = segments[place.segment].segment.blocks[place.block]
    tombstones.insert(segment: place.segment, block: place.block, row: place.row, of: block.count)
  }
}
