// Which rows of a run of rows are selected.

/// Row numbers in ascending order, below a capacity that is fixed. While nothing was filtered out, it is only a range.
public struct Selection: ~Copyable {
  private let places: UnsafeMutablePointer<UInt32>
  public let capacity: Int
  /// How many rows are selected.
  public private(set) var count = 0
  /// The rows are `start ..< start + count`, and none is written down.
  public private(set) var isRange = true
  public private(set) var start = 0

  public init(capacity: Int) {
    self.capacity = capacity
    places = .allocate(capacity: max(capacity, 1))
  }

  deinit { places.deallocate() }

  /// Selects all of `rows`.
  public mutating func reset(to rows: Range<Int>) {
    precondition(rows.count <= capacity && rows.lowerBound >= 0 && rows.upperBound <= UInt32.max)
    start = rows.lowerBound
    count = rows.count
    isRange = true
  }

  public mutating func removeAll() {
    count = 0
    isRange = true
  }

  @inline(__always)
  public subscript(_ index: Int) -> Int {
    isRange ? start &+ index : Int(places[index])
  }

  /// The rows, unless they are a range.
  public var list: UnsafePointer<UInt32> { UnsafePointer(places) }

  /// Selects one row more, behind those that are selected.
  public mutating func append(_ row: Int) {
    precondition(count < capacity && row >= 0 && row <= UInt32.max)
    if isRange {
      for i in 0..<count { places[i] = UInt32(truncatingIfNeeded: start + i) }
      isRange = false
    }
    places[count] = UInt32(truncatingIfNeeded: row)
    count += 1
  }

  /// Keeps the rows for which `keeps` is true. Without a branch on the answer, so that it costs the same whatever is selected.
  @inline(__always)
  mutating func filter(_ keeps: (Int) -> Bool) {
    var kept = 0
    let total = count
    if isRange {
      let first = start
      for i in 0..<total {
        let row = first &+ i
        places[kept] = UInt32(truncatingIfNeeded: row)
        kept &+= keeps(row) ? 1 : 0
      }
      isRange = kept == total
    } else {
      for i in 0..<total {
        let row = places[i]
        places[kept] = row
        kept &+= keeps(Int(row)) ? 1 : 0
      }
    }
    count = kept
  }

  /// Drops rows that a bitmap of words names; bit 0 stands for row `base`.
  public mutating func remove(_ words: UnsafePointer<UInt64>, base: Int) {
    filter { row in
      let bit = row &- base
      return words[bit &>> 6] &>> UInt64(truncatingIfNeeded: bit & 63) & 1 == 0
    }
  }

  /// Drops the first `n` rows that are selected.
  public mutating func removeFirst(_ n: Int) {
    let n = min(n, count)
    if isRange {
      start += n
    } else if n > 0 {
      (places).update(from: places + n, count: count - n)
    }
    count -= n
  }

  /// Drops all but the first `n` rows that are selected.
  public mutating func keepFirst(_ n: Int) { count = min(n, count) }
}
