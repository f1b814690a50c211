// The open segments of a database, and the files that are waiting to be deleted.

import Glibc
import Memory

/// Opens each segment once for all connections, and deletes files of segments that no table has any more – once nobody can still
/// be reading an older snapshot that has them.
final class SegmentStore: Sendable {
  private struct State {
    var open: [Int64: Segment] = [:]
    /// Counts up with every deletion that is asked for.
    var epoch: UInt64 = 0
    /// How many readers began in an epoch and have not ended.
    var readers: [UInt64: Int] = [:]
    var retired: [(id: Int64, path: String, isOwn: Bool, epoch: UInt64)] = []
  }

  private let state = Guarded(State())
  private let indexes: IndexCache

  init(_ indexes: IndexCache) { self.indexes = indexes }

  /// The segment; mapped now when it was not before.
  func segment(_ id: Int64, path: String, isOwn: Bool) throws(DataError) -> Segment {
    if let segment = state.withLock({ $0.open[id] }), segment.path == path { return segment }
    let segment = try Segment(path: path, isOwn: isOwn)
    return state.withLock { state in
      if let other = state.open[id], other.path == path { return other }
      state.open[id] = segment
      return segment
    }
  }

  /// Takes over a segment that was just added under a number. A transaction that was rolled back may have used the number before.
  func adopt(_ segment: Segment, as id: Int64) { state.withLock { $0.open[id] = segment } }

  // MARK: Readers

  /// Somebody begins to read. What is retired from now on stays until `leave`.
  func enter() -> UInt64 {
    state.withLock { state in
      state.readers[state.epoch, default: 0] += 1
      return state.epoch
    }
  }

  func leave(_ epoch: UInt64) {
    let hasRetired = state.withLock { state in
      state.readers[epoch, default: 1] -= 1
      if state.readers[epoch] == 0 { state.readers[epoch] = nil }
      return !state.retired.isEmpty
    }
    if hasRetired { sweep() }
  }

  /// A segment that no committed table has.
  func retire(_ id: Int64, path: String, isOwn: Bool) {
    state.withLock { state in
      state.retired.append((id, path, isOwn, state.epoch))
      state.epoch += 1
    }
    sweep()
  }

  /// Deletes what no reader can need.
  private func sweep() {
    let gone = state.withLock { state -> [(path: String, isOwn: Bool)] in
      guard !state.retired.isEmpty else { return [] }
      let oldest = state.readers.keys.min() ?? .max
      let gone = state.retired.filter { $0.epoch < oldest }
      state.retired.removeAll { $0.epoch < oldest }
      for segment in gone where state.open[segment.id]?.path == segment.path { state.open[segment.id] = nil }
      return gone.map { ($0.path, $0.isOwn) }
    }
    for segment in gone {
      indexes.remove(segment.path)
      if segment.isOwn { unlink(segment.path) }
    }
  }
}
