// Makes the arrays of a `RangeIndex`, with all threads: each of them has some of the keys, or some of the rows and counts of its own.

import Kernels
import Memory

struct RangeIndexBuilder: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): all threads read the keys, and each writes to places of its own.
  private let keys: JoinKeys
  private let low: Int64
  private let span: Int
  /// nil where keys are numbered by their distance to the lowest.
  private let present: KeyBitmap?
  private let morsels: Morsels
  private let checkpoint: Checkpoint
  /// Parts of the keys' range or of the rows, one for each thread.
  private let parts: Int

  init(_ keys: JoinKeys, _ low: Int64, _ span: Int, _ present: KeyBitmap?, _ morsels: Morsels) {
    self.keys = keys
    self.low = low
    self.span = span
    self.present = present
    self.morsels = morsels
    checkpoint = morsels.checkpoint
    // Each has an array of counts, so that more of them do not make it faster.
    parts = keys.count < 1 << 15 ? 1 : max(1, min(morsels.options.threads, 8))
  }

  /// How many numbers there are.
  private var numberCount: Int { present?.count ?? span }

  @inline(__always)
  private func number(_ key: Int) -> Int { present.map { Int($0.rank(key)) } ?? key }

  private func forEachPart(
    of size: Int, _ body: @Sendable (Range<Int>, Int) throws(QueryError) -> Void
  ) throws(QueryError) {
    _ = try morsels.run(parts) {
      ()
    } _: { _, number throws(QueryError) in
      try body(size * number / parts..<size * (number + 1) / parts, number)
    }
  }

  /// Calls `body` with each of some rows that has a key, and the key, until it says no.
  /// - Returns: whether it never did.
  @inline(__always)
  private func forEachRow(_ rows: Range<Int>, _ body: (Int, Int) -> Bool) throws(QueryError) -> Bool {
    let (low, words) = (UInt64(bitPattern: low), keys.words)
    for start in stride(from: rows.lowerBound, to: rows.upperBound, by: 1 << 14) {
      try checkpoint.check()
      let end = min(start + 1 << 14, rows.upperBound)
      if keys.hasNulls {
        for row in start..<end where keys.valid[row] != 0 {
          if !body(row, Int(truncatingIfNeeded: words[row] &- low)) { return false }
        }
      } else {
        for row in start..<end where !body(row, Int(truncatingIfNeeded: words[row] &- low)) { return false }
      }
    }
    return true
  }

  private func fill<T>(_ target: UnsafeMutablePointer<T>, _ count: Int, _ value: T) throws(QueryError) {
    for start in stride(from: 0, to: count, by: 1 << 20) {
      try checkpoint.check()
      (target + start).initialize(repeating: value, count: min(1 << 20, count - start))
    }
  }

  /// Which rows may have some keys.
  private func rows(_ keys: Range<Int>) -> Range<Int> {
    guard self.keys.isAscending else { return 0..<self.keys.count }
    func row(_ key: Int) -> Int {
      key == span ? self.keys.count : self.keys.firstRow(notBelow: low &+ Int64(key))
    }
    return row(keys.lowerBound)..<row(keys.upperBound)
  }

  /// Enters all keys into the bitmap.
  /// - Returns: whether two rows have the same.
  func enter() throws(QueryError) -> Bool {
    let present = present!
    let hasRepeats = Guarded(false)
    try forEachPart(of: present.wordCount) { part, _ throws(QueryError) in
      let words = present.words
      try fill(words + part.lowerBound, part.count, 0)
      let (first, size) = (UInt64(part.lowerBound), UInt64(part.count))
      var repeats: UInt64 = 0
      _ = try forEachRow(rows(part.lowerBound * 64..<min(part.upperBound * 64, span))) { _, key in
        if UInt64(key &>> 6) &- first < size {
          let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: key & 63)
          repeats |= words[key &>> 6] & bit
          words[key &>> 6] |= bit
        }
        return true
      }
      if repeats != 0 { hasRepeats.withLock { $0 = true } }
    }
    try present.finish(checkpoint)
    return hasRepeats.withLock { $0 }
  }

  /// The row of each number, where no two rows have the same; nil where it is the number itself.
  func rowOfNumber() throws(QueryError) -> UnsafeMutablePointer<UInt32>? {
    if keys.isAscending { return nil }
    // SAFETY: each row has a place of its own; the index frees it, or what follows here does.
    nonisolated(unsafe) let rows = allocated(UInt32.self, numberCount)
    do {
      try forEachPart(of: keys.count) { part, _ throws(QueryError) in
        _ = try forEachRow(part) { row, key in
          rows[number(key)] = UInt32(truncatingIfNeeded: row)
          return true
        }
      }
    } catch {
      rows.deallocate()
      throw error
    }
    return rows
  }

  /// The row of each key, `.max` for those that are not there; nil when two rows have the same.
  func rowOfKey() throws(QueryError) -> UnsafeMutablePointer<UInt32>? {
    // SAFETY: each part writes to its own keys; the index frees it, or what follows here does.
    nonisolated(unsafe) let places = allocated(UInt32.self, span)
    let hasRepeats = Guarded(false)
    do {
      try forEachPart(of: span) { part, _ throws(QueryError) in
        try fill(places + part.lowerBound, part.count, .max)
        let (first, size) = (UInt64(part.lowerBound), UInt64(part.count))
        let isUnique = try forEachRow(rows(part)) { row, key in
          if UInt64(key) &- first < size {
            if places[key] != .max { return false }
            places[key] = UInt32(truncatingIfNeeded: row)
          }
          return true
        }
        if !isUnique { hasRepeats.withLock { $0 = true } }
      }
    } catch {
      places.deallocate()
      throw error
    }
    guard hasRepeats.withLock({ $0 }) else { return places }
    places.deallocate()
    return nil
  }

  /// Where the rows of each number begin, and the rows in the order of their numbers; nil where they are in it already.
  func rowsByKey() throws(QueryError) -> (UnsafeMutablePointer<UInt32>, UnsafeMutablePointer<UInt32>?) {
    let count = numberCount
    // SAFETY: a thread has counts of its own, and a row a place of its own; the index frees both arrays, or what follows here does.
    nonisolated(unsafe) let starts = allocated(UInt32.self, count + 1)
    if keys.isAscending {
      do { try findStarts(starts) } catch {
        starts.deallocate()
        throw error
      }
      return (starts, nil)
    }
    nonisolated(unsafe) let rows = allocated(UInt32.self, keys.count)
    nonisolated(unsafe) let counts = allocated(UInt32.self, count * parts)
    defer { counts.deallocate() }
    do {
      try forEachPart(of: keys.count) { part, thread throws(QueryError) in
        let counts = counts + count * thread
        try fill(counts, count, 0)
        _ = try forEachRow(part) { _, key in
          counts[number(key)] &+= 1
          return true
        }
      }
      var next: UInt32 = 0
      for number in 0..<count {
        try checkpoint.check(number)
        starts[number] = next
        for thread in 0..<parts {
          let rows = counts[count &* thread &+ number]
          counts[count &* thread &+ number] = next
          next &+= rows
        }
      }
      starts[count] = next
      try forEachPart(of: keys.count) { part, thread throws(QueryError) in
        let next = counts + count * thread
        _ = try forEachRow(part) { row, key in
          let number = number(key)
          rows[Int(next[number])] = UInt32(truncatingIfNeeded: row)
          next[number] &+= 1
          return true
        }
      }
    } catch {
      starts.deallocate()
      rows.deallocate()
      throw error
    }
    return (starts, rows)
  }

  /// Where the rows of each number begin, of rows that are in the order of their keys.
  private func findStarts(_ starts: UnsafeMutablePointer<UInt32>) throws(QueryError) {
    // SAFETY: a number is that of the rows of one part.
    nonisolated(unsafe) let starts = starts
    let (keys, count) = (keys, numberCount)
    try forEachPart(of: keys.count) { part, _ throws(QueryError) in
      // Numbers up to that of the row before are those of other parts.
      func numberOfRow(_ row: Int) -> Int { number(Int(keys.integer(row) &- low)) }
      var next = part.lowerBound == 0 ? 0 : numberOfRow(part.lowerBound - 1) + 1
      for row in part where row == 0 || keys.words[row] != keys.words[row &- 1] {
        try checkpoint.check(row)
        let number = numberOfRow(row)
        while next <= number {
          starts[next] = UInt32(truncatingIfNeeded: row)
          next &+= 1
        }
      }
    }
    starts[count] = UInt32(truncatingIfNeeded: keys.count)
  }
}

/// Room for some values, in huge pages where they are many.
func allocated<T: BitwiseCopyable>(_: T.Type, _ count: Int) -> UnsafeMutablePointer<T> {
  let values = UnsafeMutablePointer<T>.allocate(capacity: max(count, 1))
  HugePages.advise(values, count * MemoryLayout<T>.stride)
  return values
}
