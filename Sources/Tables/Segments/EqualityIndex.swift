// Where the values of a segment's column are: what SQLite's automatic indexes are for its own tables.

import Arrow
import Kernels
import Memory

/// A hash table from the values of one column to rows. It names rows that may have the value; whoever asks compares.
///
/// Rows are chained by the hash of their value:
///
///     heads[hash & mask] → row + 1 → next[row] → … → 0
final class EqualityIndex: Sendable {
  private let heads: [UInt32]
  private let next: [UInt32]
  private let mask: UInt64

  let byteCount: Int

  /// What an index of so many rows takes: 8 to 12 bytes for each. Row numbers have 32 bits.
  static func byteCount(rows: Int) -> Int { rows < Int(UInt32.max) ? 4 * (rows + capacity(rows)) : .max }

  private static func capacity(_ rows: Int) -> Int {
    var capacity = 16
    while capacity < rows { capacity *= 2 }
    return capacity
  }

  /// - Parameter isToStop: asked between blocks; true throws.
  init(_ segment: Segment, column: Int, isToStop: () -> Bool) throws(DataError) {
    precondition(segment.rowCount < UInt32.max)
    let capacity = EqualityIndex.capacity(segment.rowCount)
    byteCount = EqualityIndex.byteCount(rows: segment.rowCount)
    var heads = [UInt32](repeating: 0, count: capacity)
    var next = [UInt32](repeating: 0, count: segment.rowCount)
    let mask = UInt64(capacity - 1)
    // Backwards, so that each chain has its rows in ascending order.
    for block in segment.blocks.reversed() {
      if isToStop() { throw .stopped }
      let values = try segment.column(column, ofBatch: block.batch)
      values.forEachHash(block.rows, descending: true) { row, hash in
        let place = Int(truncatingIfNeeded: hash & mask)
        let number = block.firstRow + row - block.rows.lowerBound
        next[number] = heads[place]
        heads[place] = UInt32(number + 1)
      }
    }
    self.heads = heads
    self.next = next
    self.mask = mask
  }

  /// The first row that may have a value of that hash.
  func first(_ hash: UInt64) -> Int? { row(heads[Int(truncatingIfNeeded: hash & mask)]) }
  func following(_ row: Int) -> Int? { self.row(next[row]) }
  private func row(_ number: UInt32) -> Int? { number == 0 ? nil : Int(number) - 1 }
}
