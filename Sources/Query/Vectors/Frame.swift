// The rows that a worker is working on: a run of a block, or some of its rows.

import Memory

/// Which rows of which block the nodes of one worker are asked about.
final class Frame {
  private(set) var block: Block?
  /// Differs for every block.
  private(set) var blockNumber = 0
  /// Differs for every selection, so that nodes can keep what they have loaded.
  private(set) var generation = 0
  /// Differs for every choice of rows that is not a part of the one before.
  private(set) var selection = 0
  /// The first row, when the rows are a run.
  private(set) var first = 0
  private(set) var count = 0
  private(set) var isRun = true
  // SAFETY: room for `vectorSize` rows, which no selection passes, and eight that `keep` writes behind them.
  private let rowStorage = UnsafeMutablePointer<UInt32>.allocate(capacity: vectorSize + 8)

  deinit { rowStorage.deallocate() }

  /// Row numbers in the block's columns, when the rows are no run.
  @inline(__always) var rows: UnsafePointer<UInt32> { UnsafePointer(rowStorage) }

  @inline(__always) func row(_ index: Int) -> Int { isRun ? first &+ index : Int(rowStorage[index]) }

  // MARK: Rows of a join

  /// Where each part's columns have their rows; empty for the rows of one block. As many rows are selected in each.
  private(set) var parts: [Frame] = []
  /// The part of each column.
  private var partOfColumn: [Int] = []

  /// The frame that has the rows of a column.
  @inline(__always) func part(_ column: Int) -> Frame {
    parts.isEmpty ? self : parts[partOfColumn[column]]
  }

  /// Makes this the frame of joined rows.
  func join(_ parts: [Frame], partOfColumn: [Int]) {
    self.parts = parts
    self.partOfColumn = partOfColumn
    first = 0
    count = 0
    isRun = true
  }

  /// The number of a column's part.
  func partNumber(_ column: Int) -> Int { partOfColumn[column] }

  /// Begins with the next block of the rows that are joined with others.
  func enterJoined() {
    guard !parts.isEmpty else { return }
    generation &+= 1
    first = 0
    count = 0
  }

  /// Says that all parts have `n` new rows.
  func selectJoined(_ n: Int) {
    generation &+= 1
    first &+= count
    count = n
  }

  /// The rows that another frame has at some positions.
  func select(of other: Frame, at positions: UnsafePointer<UInt32>, count n: Int) {
    generation &+= 1
    selection &+= 1
    let target = rowStorage
    if other.isRun {
      let first = UInt32(truncatingIfNeeded: other.first)
      for i in 0..<n { target[i] = first &+ positions[i] }
    } else {
      let rows = other.rows
      for i in 0..<n { target[i] = rows[Int(positions[i])] }
    }
    count = n
    isRun = false
  }

  /// The same rows that another frame has.
  func select(as other: Frame) {
    generation &+= 1
    selection &+= 1
    first = other.first
    count = other.count
    isRun = other.isRun
    if !isRun { rowStorage.update(from: other.rows, count: count) }
  }

  func enter(_ block: Block) {
    self.block = block
    blockNumber &+= 1
    generation &+= 1
    selection &+= 1
    count = 0
  }

  /// Selects a run, without the rows that are buried.
  func select(_ range: Range<Int>) {
    generation &+= 1
    selection &+= 1
    first = range.lowerBound
    count = range.count
    isRun = true
    guard let block, let tombstones = block.tombstones else { return }
    let base = block.whole.lowerBound
    var kept = 0
    for row in range {
      rowStorage[kept] = UInt32(truncatingIfNeeded: row)
      let bit = row &- base
      kept &+= tombstones[bit &>> 6] &>> UInt64(truncatingIfNeeded: bit & 63) & 1 == 0 ? 1 : 0
    }
    isRun = kept == count
    count = kept
  }

  func select(_ rows: UnsafePointer<UInt32>, count: Int) {
    generation &+= 1
    selection &+= 1
    rowStorage.update(from: rows, count: count)
    self.count = count
    isRun = false
  }

  func keepFirst(_ n: Int) {
    guard n < count else { return }
    generation &+= 1
    count = n
  }

  func removeFirst(_ n: Int) {
    guard n > 0 else { return }
    generation &+= 1
    let n = min(n, count)
    if isRun { first += n } else { rowStorage.update(from: rowStorage + n, count: count - n) }
    count -= n
  }

  /// Keeps the rows of which a condition is true.
  func keep(_ truth: UnsafePointer<UInt8>) {
    var kept = 0
    let total = count
    if !parts.isEmpty {
      for i in 0..<total { kept &+= Int(truth[i] &>> 1) }
      if kept == total { return }
      for part in parts { part.keep(truth) }
      generation &+= 1
      count = kept
      return
    }
    if isRun {
      // Eight rows of which none is kept are worth a branch where that is so mostly, else it is mispredicted as often as not.
      kept =
        isSparse ? placesOfTrue(truth, total, skipsNone: true) : placesOfTrue(truth, total, skipsNone: false)
      isSparse = kept &* 32 < total
    } else {
      for i in 0..<total {
        rowStorage[kept] = rowStorage[i]
        kept &+= Int(truth[i] &>> 1)
      }
    }
    if kept == total { return }
    generation &+= 1
    isRun = false
    count = kept
  }

  /// Whether the last condition on a run kept few rows.
  private var isSparse = false

  /// Eight answers at a time become eight bits, which say where the rows that are kept stand among them.
  @inline(__always)
  private func placesOfTrue(_ truth: UnsafePointer<UInt8>, _ total: Int, skipsNone: Bool) -> Int {
    let base = first
    let places = KeptPlaces.shared
    let rowStorage = rowStorage
    var kept = 0
    var i = 0
    while i &+ 8 <= total {
      let word = UnsafeRawPointer(truth + i).loadUnaligned(as: UInt64.self) & 0x0202_0202_0202_0202
      if skipsNone, word == 0 {
        i &+= 8
        continue
      }
      // The products of the multiplication do not meet, so that its highest byte has a bit for each answer.
      let bits = Int(truncatingIfNeeded: ((word &>> 1) &* 0x0102_0408_1020_4080) &>> 56)
      let rows = places.offsets[bits] &+ SIMD8<UInt32>(repeating: UInt32(truncatingIfNeeded: base &+ i))
      // SAFETY: storage has room for eight rows behind `vectorSize`.
      UnsafeMutableRawPointer(rowStorage + kept).storeBytes(of: rows, as: SIMD8<UInt32>.self)
      kept &+= Int(places.counts[bits])
      i &+= 8
    }
    while i < total {
      rowStorage[kept] = UInt32(truncatingIfNeeded: base &+ i)
      kept &+= Int(truth[i] &>> 1)
      i &+= 1
    }
    return kept
  }

  /// Keeps the rows, which are no run, of which the bit is set.
  func keep(_ bits: Bitmap) {
    var kept = 0
    let rowStorage = rowStorage
    for i in 0..<count {
      let row = rowStorage[i]
      rowStorage[kept] = row
      kept &+= bits[unchecked: Int(row)] ? 1 : 0
    }
    if kept == count { return }
    generation &+= 1
    count = kept
  }
}

/// How many answers are true.
func countTrue(_ truth: UnsafePointer<UInt8>, _ n: Int) -> Int {
  var count = 0
  var i = 0
  // Eight counts side by side, which 255 additions of one do not fill.
  while i &+ 8 <= n {
    var counts: UInt64 = 0
    let end = min(n &- 8, i &+ 254 &* 8)
    while i <= end {
      counts &+= (UnsafeRawPointer(truth + i).loadUnaligned(as: UInt64.self) &>> 1) & 0x0101_0101_0101_0101
      i &+= 8
    }
    let pairs = (counts & 0x00FF_00FF_00FF_00FF) &+ ((counts &>> 8) & 0x00FF_00FF_00FF_00FF)
    count &+= Int(truncatingIfNeeded: (pairs &* 0x0001_0001_0001_0001) &>> 48)
  }
  while i < n {
    count &+= Int(truth[i] &>> 1)
    i &+= 1
  }
  return count
}

/// For every eight bits, the places of those that are set, and how many they are.
private final class KeptPlaces: Sendable {
  static let shared = KeptPlaces()
  // SAFETY: written here only, and never freed.
  nonisolated(unsafe) let offsets: UnsafePointer<SIMD8<UInt32>>
  nonisolated(unsafe) let counts: UnsafePointer<UInt8>

  private init() {
    let offsets = UnsafeMutablePointer<SIMD8<UInt32>>.allocate(capacity: 256)
    let counts = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
    for bits in 0..<256 {
      var places = SIMD8<UInt32>(repeating: 0)
      var count = 0
      for bit in 0..<8 where bits >> bit & 1 == 1 {
        places[count] = UInt32(bit)
        count += 1
      }
      offsets.advanced(by: bits).initialize(to: places)
      counts.advanced(by: bits).initialize(to: UInt8(count))
    }
    self.offsets = UnsafePointer(offsets)
    self.counts = UnsafePointer(counts)
  }
}
