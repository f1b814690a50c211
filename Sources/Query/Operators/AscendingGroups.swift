// Groups of a key that ascends through the table: a group ends where the key changes, and nothing is looked up.

import Arrow
import Memory

/// Numbers groups of integers that ascend within every block, no block reaching into another by more than its ends.
final class AscendingGroups: Grouper {
  private let node: ColumnNode
  // SAFETY: room for `vectorSize` groups.
  private let groups = UnsafeMutablePointer<UInt32>.allocate(capacity: vectorSize)
  @exclusivity(unchecked) private var keys = States<Int64>(0)
  @exclusivity(unchecked) private var used = 0
  /// The first groups of runs of ascending keys.
  private var runs: [UInt32] = []
  /// The groups of keys that other blocks may have, too: the first and the last of each.
  private var borders: [Int64: UInt32] = [:]
  /// Numbers that were other groups' already.
  private var holes: Set<UInt32> = []
  private var position: UInt64 = .max
  private var (firstKey, lastKey): (Int64, Int64) = (0, 0)
  private var key: Int64 = 0
  private var group: UInt32 = .max

  init(_ node: ColumnNode) { self.node = node }

  deinit { groups.deallocate() }

  override var count: Int { used }
  override var byteCount: Int { used * 8 }

  override func assign(_ frame: Frame, position: UInt64) throws(QueryError) -> UnsafePointer<UInt32> {
    if position != self.position { try enter(frame, position) }
    let vector = try node.evaluate(frame)
    let (integers, target) = (vector.integers, groups)
    var (key, group) = (key, group)
    for i in 0..<frame.count {
      let next = integers[i]
      if next != key || group == .max {
        // The statistics are of the same bytes, unless somebody writes to the file.
        if group != .max, next < key { throw QueryError(.data(.malformed), "values are not in their order") }
        key = next
        group = number(next)
      }
      target[i] = group
    }
    (self.key, self.group) = (key, group)
    return UnsafePointer(target)
  }

  private func enter(_ frame: Frame, _ position: UInt64) throws(QueryError) {
    self.position = position
    group = .max
    let block = frame.block!
    let saved = Frame()
    saved.enter(block)
    let ends = ColumnNode(node.index, node.type)
    saved.select(block.rows.lowerBound..<block.rows.lowerBound + 1)
    firstKey = try ends.evaluate(saved).integers[0]
    saved.select(block.rows.upperBound - 1..<block.rows.upperBound)
    lastKey = try ends.evaluate(saved).integers[0]
    runs.append(UInt32(used))
  }

  @inline(__always)
  private func number(_ key: Int64) -> UInt32 {
    if key == firstKey || key == lastKey { return border(key) }
    return make(key)
  }

  private func border(_ key: Int64) -> UInt32 {
    if let known = borders[key] { return known }
    let group = make(key)
    borders[key] = group
    return group
  }

  private func make(_ key: Int64) -> UInt32 {
    keys.grow(to: used + 1)
    keys.base[used] = key
    used += 1
    return UInt32(used - 1)
  }

  override func merge(_ other: Grouper, first: [UInt32]?) -> [UInt32] {
    let other = other as! AscendingGroups
    let base = UInt32(used)
    keys.grow(to: used + other.used)
    for group in 0..<other.used { keys.base[used + group] = other.keys.base[group] }
    used += other.used
    runs += other.runs.map { $0 + base }
    var map = (0..<UInt32(other.used)).map { base + $0 }
    for (key, group) in other.borders {
      if let mine = borders[key] {
        map[Int(group)] = mine
        holes.insert(base + group)
      } else {
        borders[key] = base + group
      }
    }
    for hole in other.holes { holes.insert(base + hole) }
    return map
  }

  override func sortedGroups() -> [UInt32] {
    var ranges = runs.indices.map { i in
      runs[i]..<(i + 1 < runs.count ? runs[i + 1] : UInt32(used))
    }
    ranges.removeAll(where: \.isEmpty)
    ranges.sort { keys.base[Int($0.lowerBound)] < keys.base[Int($1.lowerBound)] }
    var groups: [UInt32] = []
    groups.reserveCapacity(used)
    for range in ranges { groups.append(contentsOf: range) }
    return holes.isEmpty ? groups : groups.filter { !holes.contains($0) }
  }

  /// Rows come in the order of their keys.
  override func groupsByAppearance() -> [UInt32] { sortedGroups() }

  override func word(_ group: Int, _ column: Int) -> UInt64? { UInt64(bitPattern: keys.base[group]) }

  override func column(_ column: Int, _ groups: [UInt32], type: DataType) throws(QueryError) -> Column {
    try Query.column(type, groups.count) { i in keys.base[Int(groups[i])] }
  }
}

extension [Block] {
  /// Whether a column's integers ascend within every block, and no block reaches into another by more than its ends.
  func isAscending(_ column: Int) throws(QueryError) -> Bool {
    var ranges: [(low: Int64, high: Int64)] = []
    for block in self {
      guard let known = try block.statistics(column), known.isAscending, known.nullCount == 0,
        case .integers(let low, let high) = known.bounds
      else { return false }
      ranges.append((low, high))
    }
    ranges.sort { $0.low != $1.low ? $0.low < $1.low : $0.high < $1.high }
    return zip(ranges, ranges.dropFirst()).allSatisfy { $0.high <= $1.low }
  }
}
