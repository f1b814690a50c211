// The rows that a worker is working on: a run of a block, or some of its rows.

/// Which rows of which block the nodes of one worker are asked about.
final class Frame {
  private(set) var block: Block?
  /// Differs for every block.
  private(set) var blockNumber = 0
  /// Differs for every selection, so that nodes can keep what they have loaded.
  private(set) var generation = 0
  /// The first row, when the rows are a run.
  private(set) var first = 0
  private(set) var count = 0
  private(set) var isRun = true
  // SAFETY: room for `vectorSize` rows, which no selection passes.
  private var rowStorage = UnsafeMutablePointer<UInt32>.allocate(capacity: vectorSize)
  private let saved = UnsafeMutablePointer<UInt32>.allocate(capacity: vectorSize)

  deinit {
    rowStorage.deallocate()
    saved.deallocate()
  }

  /// Row numbers in the block's columns, when the rows are no run.
  @inline(__always) var rows: UnsafePointer<UInt32> { UnsafePointer(rowStorage) }

  @inline(__always) func row(_ index: Int) -> Int { isRun ? first &+ index : Int(rowStorage[index]) }

  func enter(_ block: Block) {
    self.block = block
    blockNumber &+= 1
    generation &+= 1
    count = 0
  }

  /// Selects a run, without the rows that are buried.
  func select(_ range: Range<Int>) {
    generation &+= 1
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
    if isRun {
      // Eight answers at a time: where few rows are kept, most of them are nothing.
      let base = first
      var i = 0
      while i &+ 8 <= total {
        let word = UnsafeRawPointer(truth + i).loadUnaligned(as: UInt64.self) & 0x0202_0202_0202_0202
        if word == 0 {
          i &+= 8
          continue
        }
        for j in i..<i &+ 8 {
          rowStorage[kept] = UInt32(truncatingIfNeeded: base &+ j)
          kept &+= Int(truth[j] &>> 1)
        }
        i &+= 8
      }
      while i < total {
        rowStorage[kept] = UInt32(truncatingIfNeeded: base &+ i)
        kept &+= Int(truth[i] &>> 1)
        i &+= 1
      }
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
}
