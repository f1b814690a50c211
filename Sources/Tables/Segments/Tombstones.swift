// Which rows of the segments are gone: bitmaps, one for each block that has lost rows.

/// Rows of segments that were deleted or replaced. A value: copies share the bitmaps, and a change copies at most one of 8 KiB.
public struct Tombstones: Sendable {
  /// By segment, by block: a bit for each row of the block, 1 when it is gone.
  private var segments: [[[UInt64]?]]
  public private(set) var count = 0

  public init(blockCounts: [Int]) { segments = blockCounts.map { Array(repeating: nil, count: $0) } }

  /// The bits of a block; nil when all of its rows are there.
  public func bits(segment: Int, block: Int) -> [UInt64]? { segments[segment][block] }

  public func contains(segment: Int, block: Int, row: Int) -> Bool {
    guard let bits = segments[segment][block] else { return false }
    return bits[row >> 6] >> UInt64(row & 63) & 1 == 1
  }

  /// How many rows of a block are gone.
  public func count(segment: Int, block: Int) -> Int {
    segments[segment][block]?.reduce(0) { $0 + $1.nonzeroBitCount } ?? 0
  }

  /// How many rows of a segment are gone.
  public func count(segment: Int) -> Int {
    segments[segment].reduce(0) { sum, bits in bits.map { $0.reduce(sum) { $0 + $1.nonzeroBitCount } } ?? sum
    }
  }

  /// - Parameters:
  ///   - row: the row within the block.
  ///   - rows: how many the block has.
  mutating func insert(segment: Int, block: Int, row: Int, of rows: Int) {
    if segments[segment][block] == nil {
      segments[segment][block] = Array(repeating: 0, count: (rows + 63) / 64)
    }
    let bit: UInt64 = 1 << UInt64(row & 63)
    if segments[segment][block]![row >> 6] & bit == 0 {
      segments[segment][block]![row >> 6] |= bit
      count += 1
    }
  }
}
