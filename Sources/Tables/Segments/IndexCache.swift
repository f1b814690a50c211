// The indexes that scans have made, up to so many bytes.

import Memory
import Synchronization

/// Keeps the indexes of segments' columns that were used last. A scan that still uses one that is dropped keeps it until it ends.
final class IndexCache: Sendable {
  private struct Key: Hashable {
    let segment: ObjectIdentifier
    let column: Int
  }

  private struct Entry {
    // Kept, so that its identity is not that of another.
    let segment: Segment
    let index: EqualityIndex
    var used: UInt64
  }

  private struct State {
    var entries: [Key: Entry] = [:]
    var byteCount = 0
    var clock: UInt64 = 0
  }

  /// The most bytes that indexes take together.
  let limit: Int
  private let state = Mutex(State())

  init(limit: Int = 1 << 30) { self.limit = limit }

  var byteCount: Int { state.withLock { $0.byteCount } }

  /// The index of a column: made now if there is none, which costs a pass over the column. Nil when it would be too large.
  func index(
    _ segment: Segment, column: Int, isToStop: () -> Bool = { false }
  ) throws(DataError) -> EqualityIndex? {
    let key = Key(segment: ObjectIdentifier(segment), column: column)
    let known = state.withLock { state -> EqualityIndex? in
      state.clock += 1
      state.entries[key]?.used = state.clock
      return state.entries[key]?.index
    }
    if let known { return known }
    guard EqualityIndex.byteCount(rows: segment.rowCount) <= limit else { return nil }
    let index = try EqualityIndex(segment, column: column, isToStop: isToStop)
    state.withLock { state in
      guard state.entries[key] == nil else { return }
      state.entries[key] = Entry(segment: segment, index: index, used: state.clock)
      state.byteCount += index.byteCount
      while state.byteCount > limit,
        let oldest = state.entries.min(by: { $0.value.used < $1.value.used })
      {
        state.entries[oldest.key] = nil
        state.byteCount -= oldest.value.index.byteCount
      }
    }
    return index
  }

  /// Lets go of the indexes of a segment that no table has any more.
  func remove(_ path: String) {
    state.withLock { state in
      for (key, entry) in state.entries where entry.segment.path == path {
        state.entries[key] = nil
        state.byteCount -= entry.index.byteCount
      }
    }
  }
}
