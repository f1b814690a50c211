// How much of a table a condition may leave: guesses for the planner, from what is known already or quick to see.

import Arrow
import Kernels

extension TableSnapshot {
  /// How many different values a column may have, from a sample of the first block.
  func estimatedDistinct(_ column: Int) -> Int {
    guard let first = segments.first(where: { $0.segment.rowCount > 0 })?.segment else {
      return max(1, deltaCount / 10)
    }
    let distinct = first.sampledDistinct(column)
    // A sample without repetition is taken for a key, one of few values for all that there are.
    return distinct.isKey ? max(1, rowCount) : distinct.count
  }

  /// The share of rows in blocks that may have a match, if statistics are known; else the planner's usual third.
  func estimatedShare(_ column: Int, _ predicate: RangePredicate) -> Double {
    var (seen, matching) = (0.0, 0.0)
    for placed in segments {
      guard let statistics = placed.segment.knownStatistics(column) else { continue }
      for (block, known) in zip(placed.segment.blocks, statistics) {
        seen += Double(block.count)
        matching += Double(block.count) * known.share(predicate)
      }
    }
    let share = matching / seen
    // Infinite bounds make a share of infinite parts.
    return share.isFinite ? min(1, max(share, 0.000_1)) : 0.33
  }
}

extension Segment {
  /// How many different values a sample of the first block has, and whether each came once.
  func sampledDistinct(_ column: Int) -> (count: Int, isKey: Bool) {
    sample(column) { findDistinct(column) }
  }

  private func findDistinct(_ column: Int) -> (count: Int, isKey: Bool) {
    guard let block = blocks.first, let values = try? self.column(column, ofBatch: block.batch) else {
      return (10, false)
    }
    if case .dictionary(_, let entries) = values.layout { return (max(1, entries.count), false) }
    let step = max(1, block.count / 1024)
    var hashes: Set<UInt64> = []
    var sampled = 0
    for row in stride(from: block.rows.lowerBound, to: block.rows.upperBound, by: step) {
      values.forEachHash(row..<row + 1, descending: false) { _, hash in
        hashes.insert(hash)
        sampled += 1
      }
    }
    return (max(1, hashes.count), sampled > 1 && hashes.count >= sampled - sampled / 20)
  }
}

extension BlockStatistics {
  /// The share of values that a condition leaves, if they were spread evenly between the least and the greatest.
  fileprivate func share(_ predicate: RangePredicate) -> Double {
    func overlap(_ low: Double, _ high: Double, _ from: Double, _ to: Double) -> Double {
      if to < low || from > high { return 0 }
      guard high > low else { return 1 }
      return (min(to, high) - max(from, low)) / (high - low)
    }
    switch (predicate, bounds) {
    case (.integers(let range), .integers(let low, let high)):
      return overlap(Double(low), Double(high), Double(range.lowerBound), Double(range.upperBound))
    case (.reals(let range), .reals(let low, let high)):
      return overlap(low, high, range.lowerBound, range.upperBound)
    default: return mayMatch(predicate, count: 1 + nullCount) ? 0.33 : 0
    }
  }
}
