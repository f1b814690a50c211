// Rows by integer keys of a small range.

import Kernels
import Memory
import SQL

/// Keys are numbered by their distance to the lowest where a good part of the range is there, else by how many there are before them: a
/// bitmap of the range, with a count for each of its words, is a twentieth of an array, and stays in the cache.
final class RangeIndex: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): written by `init` only, by each thread for keys or rows of its own; probing does not change it.
  private let low: Int64
  private let span: Int
  /// Whether no key has two rows: what is found are rows then, else keys' numbers.
  let isUnique: Bool
  /// Which keys there are, where they are numbered by it.
  private let present: KeyBitmap?
  // SAFETY: room for where the rows of each number begin, and for where the last ones end; nothing where keys are unique.
  private let starts: UnsafeMutablePointer<UInt32>?
  // SAFETY: rows in the order of their keys' numbers; nil where they are in it already, so that a place is a row. Where keys are unique
  // and there is no bitmap, those that are not there have `.max`.
  private let rows: UnsafeMutablePointer<UInt32>?

  deinit {
    starts?.deallocate()
    rows?.deallocate()
  }

  /// nil when the keys' range is too wide for its size to pay, or where two rows have the same key and that is not wanted.
  init?(_ keys: JoinKeys, onlyUnique: Bool, _ morsels: Morsels) throws(QueryError) {
    guard keys.width == 1 else { return nil }
    let bounds = keys.bounds ?? 0...0
    let width = UInt64(bitPattern: bounds.upperBound &- bounds.lowerBound)
    guard width < 1 << 32, width < 1 << 23 || width / 256 <= keys.count else { return nil }
    if onlyUnique, keys.isAscending, !keys.isStrictlyAscending { return nil }
    low = bounds.lowerBound
    span = Int(width) + 1
    let builder: RangeIndexBuilder
    if width / 4 <= keys.count {
      present = nil
      builder = RangeIndexBuilder(keys, low, span, nil, morsels)
      if !keys.isAscending || keys.isStrictlyAscending, let unique = try builder.rowOfKey() {
        (isUnique, starts, rows) = (true, nil, unique)
        return
      }
      isUnique = false
    } else {
      let bitmap = KeyBitmap(span)
      present = bitmap
      builder = RangeIndexBuilder(keys, low, span, bitmap, morsels)
      isUnique = !(try builder.enter())
      if isUnique {
        (starts, rows) = (nil, try builder.rowOfNumber())
        return
      }
    }
    if onlyUnique { return nil }
    (starts, rows) = try builder.rowsByKey()
  }

  /// The row or number of each value; `.max` where there is none.
  func probe(_ values: UnsafePointer<Int64>, _ n: Int, _ found: UnsafeMutablePointer<UInt32>) {
    let (low, span) = (low, UInt64(span))
    if let present {
      for i in 0..<n {
        let place = UInt64(bitPattern: values[i] &- low)
        let key = Int(truncatingIfNeeded: place < span ? place : 0)
        found[i] = place < span && present.has(key) ? present.rank(key) : .max
      }
      if isUnique, let rows { for i in 0..<n where found[i] != .max { found[i] = rows[Int(found[i])] } }
    } else if isUnique {
      let rows = rows!
      for i in 0..<n {
        let place = UInt64(bitPattern: values[i] &- low)
        found[i] = place < span ? rows[Int(truncatingIfNeeded: place)] : .max
      }
    } else {
      let starts = starts!
      for i in 0..<n {
        let place = UInt64(bitPattern: values[i] &- low)
        guard place < span else {
          found[i] = .max
          continue
        }
        let key = Int(truncatingIfNeeded: place)
        found[i] = starts[key] == starts[key &+ 1] ? .max : UInt32(truncatingIfNeeded: key)
      }
    }
  }

  /// Calls `body` with the rows of what `probe` found, where keys are not unique.
  @inline(__always)
  func forEachRow(_ number: UInt32, _ body: (UInt32) throws(QueryError) -> Void) throws(QueryError) {
    let range = starts![Int(number)]..<starts![Int(number) &+ 1]
    if let rows {
      for place in range { try body(rows[Int(place)]) }
    } else {
      for place in range { try body(place) }
    }
  }
}

/// Which keys there are, by their distance to the lowest.
final class KeyBitmap: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): written while an index is made, each word by one thread.
  let span: Int
  let wordCount: Int
  // SAFETY: a bit for each key of the range, and for each word how many there are in those before it.
  let words: UnsafeMutablePointer<UInt64>
  private let before: UnsafeMutablePointer<UInt32>
  private(set) var count = 0

  init(_ span: Int) {
    self.span = span
    wordCount = (span + 63) / 64
    words = allocated(UInt64.self, wordCount)
    before = allocated(UInt32.self, wordCount)
  }

  deinit {
    words.deallocate()
    before.deallocate()
  }

  /// To be called once all bits are there.
  func finish(_ checkpoint: Checkpoint) throws(QueryError) {
    var count: UInt32 = 0
    for word in 0..<wordCount {
      try checkpoint.check(word)
      before[word] = count
      count &+= UInt32(truncatingIfNeeded: words[word].nonzeroBitCount)
    }
    self.count = Int(count)
  }

  @inline(__always)
  func has(_ key: Int) -> Bool { words[key &>> 6] &>> UInt64(truncatingIfNeeded: key & 63) & 1 != 0 }

  /// How many keys there are below one.
  @inline(__always)
  func rank(_ key: Int) -> UInt32 {
    let below = words[key &>> 6] & ((1 &<< UInt64(truncatingIfNeeded: key & 63)) &- 1)
    return before[key &>> 6] &+ UInt32(truncatingIfNeeded: below.nonzeroBitCount)
  }
}
