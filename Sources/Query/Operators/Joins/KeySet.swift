// The keys of rows that a lookup is made for: what its source need not give any others than.

import Kernels
import Memory

/// A set of integers or times: a bit for each in their range, or a hash table where the range is wide.
final class KeySet: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): written by `init` only.
  private let low: Int64
  private let span: UInt64
  private let words: UnsafeMutablePointer<UInt64>
  private let mask: Int

  /// Ranges up to so many values get a bit each.
  private static let rangeLimit = 1 << 27

  /// - Parameter checkpoint: where it is reached the set lacks keys, and whoever asks next ends.
  init(_ keys: [Int64], _ checkpoint: Checkpoint = .none) {
    let least = keys.min() ?? 0
    low = least
    let width = UInt64(bitPattern: (keys.max() ?? 0) &- least)
    if width < KeySet.rangeLimit, width < 1 << 16 || width / 256 <= keys.count {
      span = width + 1
      mask = 0
      let count = Int(width / 64) + 1
      words = .allocate(capacity: count)
      words.initialize(repeating: 0, count: count)
      for (turn, key) in keys.enumerated() {
        if checkpoint.isReached(turn) { break }
        let bit = UInt64(bitPattern: key &- least)
        words[Int(bit >> 6)] |= 1 << (bit & 63)
      }
      return
    }
    span = 0
    var size = 16
    while size < keys.count * 2 { size *= 2 }
    mask = size - 1
    // A word for each slot, and one that tells whether the marker of an empty slot is a key itself.
    words = .allocate(capacity: size + 1)
    HugePages.advise(words, size * MemoryLayout<UInt64>.stride)
    words.initialize(repeating: KeySet.empty, count: size)
    words[size] = 0
    for (turn, key) in keys.enumerated() {
      if checkpoint.isReached(turn) { break }
      let word = UInt64(bitPattern: key)
      if word == KeySet.empty {
        words[size] = 1
        continue
      }
      var place = Int(truncatingIfNeeded: ValueHash.mix(word)) & mask
      while words[place] != KeySet.empty, words[place] != word { place = (place + 1) & mask }
      words[place] = word
    }
  }

  deinit { words.deallocate() }

  private static let empty: UInt64 = 0x8000_0000_0000_0001

  /// Writes 2 for each value that is in the set and 0 for the others.
  func test(_ values: UnsafePointer<Int64>, _ count: Int, _ truth: UnsafeMutablePointer<UInt8>) {
    if span > 0 {
      let (low, span, words) = (low, span, words)
      for i in 0..<count {
        let bit = UInt64(bitPattern: values[i] &- low)
        // What is outside asks for the first word, and takes nothing of it.
        let isInside: UInt64 = bit < span ? 1 : 0
        let word = words[Int(truncatingIfNeeded: (bit &>> 6) &* isInside)]
        truth[i] = UInt8(truncatingIfNeeded: (word &>> (bit & 63)) & isInside) &<< 1
      }
      return
    }
    for i in 0..<count {
      let word = UInt64(bitPattern: values[i])
      if word == KeySet.empty {
        truth[i] = words[mask + 1] == 1 ? 2 : 0
        continue
      }
      var place = Int(truncatingIfNeeded: ValueHash.mix(word)) & mask
      while words[place] != KeySet.empty, words[place] != word { place = (place &+ 1) & mask }
      truth[i] = words[place] == word ? 2 : 0
    }
  }
}

/// Whether a row's key is in a set; NULL never is.
final class KeyPredicate: Predicate {
  private let node: Node
  private let set: KeySet

  init(_ node: Node, _ set: KeySet) {
    self.node = node
    self.set = set
  }

  override func test(_ frame: Frame) throws(QueryError) -> UnsafePointer<UInt8> {
    let vector = try node.evaluate(frame)
    set.test(vector.integers, frame.count, scratch)
    mask(scratch, vector.valid, frame.count)
    return UnsafePointer(scratch)
  }
}
