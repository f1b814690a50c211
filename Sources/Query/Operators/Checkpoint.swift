// What long loops ask so that a cancelled query ends at once, wherever it is.

import Memory

/// Asks now and then whether the query was cancelled. A class, because loops that capture it would copy a closure in each turn.
final class Checkpoint: Sendable {
  /// Never cancelled: for what is short.
  static let none = Checkpoint { false }

  private let isCancelled: @Sendable () -> Bool

  init(_ isCancelled: @escaping @Sendable () -> Bool) { self.isCancelled = isCancelled }

  /// Whether the loop is to end, asked in each of its turns and found out in one of many.
  @inline(__always)
  func isReached(_ turn: Int) -> Bool { turn & 0x3FFF == 0x3FFF && isCancelled() }

  var isReached: Bool { isCancelled() }

  func check() throws(QueryError) {
    if isCancelled() { throw QueryError(.cancelled, "the query was cancelled") }
  }

  /// To be called in each turn of a loop.
  @inline(__always)
  func check(_ turn: Int) throws(QueryError) { if turn & 0x3FFF == 0x3FFF { try check() } }
}

extension Array {
  /// A value for each number below `count`, made a part at a time so that it stops when the query is cancelled.
  init(_ count: Int, _ checkpoint: Checkpoint, _ value: (Int) -> Element) throws(QueryError) {
    var isStopped = false
    self.init(unsafeUninitializedCapacity: count) { buffer, filled in
      HugePages.advise(buffer.baseAddress, count * MemoryLayout<Element>.stride)
      while filled < count {
        if count > 1 << 16, checkpoint.isReached {
          isStopped = true
          return
        }
        // SAFETY: within the capacity, and each place is initialised once.
        let end = Swift.min(filled + 1 << 16, count)
        for i in filled..<end { (buffer.baseAddress! + i).initialize(to: value(i)) }
        filled = end
      }
    }
    if isStopped { try checkpoint.check() }
  }

  /// An empty array with room for so many, in huge pages where these are many.
  init(capacity: Int) {
    self.init(unsafeUninitializedCapacity: capacity) { buffer, _ in
      HugePages.advise(buffer.baseAddress, capacity * MemoryLayout<Element>.stride)
    }
  }

  /// All elements of several arrays.
  init(joining parts: [[Element]], _ checkpoint: Checkpoint) throws(QueryError) {
    if parts.count == 1 {
      self = parts[0]
      return
    }
    self.init(capacity: parts.reduce(0) { $0 + $1.count })
    for part in parts {
      for start in stride(from: 0, to: part.count, by: 1 << 18) {
        try checkpoint.check()
        append(contentsOf: part[start..<Swift.min(start + 1 << 18, part.count)])
      }
    }
  }

  /// Sorts, and stops when the query is cancelled.
  mutating func sort(
    _ checkpoint: Checkpoint, by isBefore: (Element, Element) -> Bool
  ) throws(QueryError) {
    // What is short is done before anybody can cancel it.
    if count < 1 << 14 { return sort(by: isBefore) }
    var turn = 0
    do {
      try sort { a, b throws in
        turn &+= 1
        try checkpoint.check(turn)
        return isBefore(a, b)
      }
    } catch let error as QueryError { throw error } catch { preconditionFailure("nothing else is thrown") }
  }
}
