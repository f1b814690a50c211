// DISTINCT within an aggregate: each value of a group counts once.

import Arrow
import Memory

/// count, sum, total and avg of the distinct values.
final class DistinctAccumulator: Accumulator {
  enum Result { case count, sum, total, average }

  /// The groups of the frame's rows, as a column of the pairs of group and value.
  private final class GroupsNode: Node {
    var groups: UnsafePointer<UInt32>?
    private let scratch = Scratch()

    init() { super.init(.integer) }

    override func evaluate(_ frame: Frame) -> Vector {
      guard let groups else {
        scratch.integers.update(repeating: 0, count: frame.count)
        return scratch.vector()
      }
      for i in 0..<frame.count { scratch.integers[i] = Int64(groups[i]) }
      return scratch.vector()
    }
  }

  private let result: Result
  private let kind: ValueKind
  private let groupsNode = GroupsNode()
  private let pairs: Grouper
  /// Which of the pairs' columns has the values.
  private let place: Int

  /// - Parameter direct: numbers the values themselves, where there is only one group and they are known to be few.
  init(_ node: Node, _ result: Result, filter: Predicate?, direct: DirectGroups? = nil) {
    self.result = result
    kind = node.kind
    // What the filter drops is NULL, which does not count.
    let value = filter.map { ChoiceNode(node.kind, [(condition: $0, result: node)], otherwise: nil) } ?? node
    pairs = filter == nil && direct != nil ? direct! : GroupTable([groupsNode, value])
    place = pairs is DirectGroups ? 0 : 1
    super.init(filter: nil)
  }

  override func reserve(_ count: Int) {}

  override var byteCount: Int { pairs.byteCount }

  override func add(_ frame: Frame, _ groups: UnsafePointer<UInt32>?) throws(QueryError) {
    groupsNode.groups = groups
    _ = try pairs.assign(frame, position: 0)
  }

  /// Where what takes long asks whether it is to end.
  var checkpoint: Checkpoint {
    get { pairs.checkpoint }
    set { pairs.checkpoint = newValue }
  }

  override func merge(_ other: Accumulator, _ map: [UInt32]) throws(QueryError) {
    try pairs.merge((other as! DistinctAccumulator).pairs, first: map)
  }

  override func finish(_ groups: [UInt32], type: DataType) throws(QueryError) -> Column {
    let size = Int(groups.max() ?? 0) + 1
    var counts = [Int64](repeating: 0, count: size)
    var sums = [Int64](repeating: 0, count: size)
    var reals = [Double](repeating: 0, count: size)
    var magnitudes: UInt64 = 0
    var greatest = 0.0
    let all: [UInt32]
    if let table = pairs as? GroupTable {
      all = try table.allGroups()
    } else {
      all = try pairs.sortedGroups()
    }
    let checkpoint = checkpoint
    for (turn, pair) in all.enumerated() {
      try checkpoint.check(turn)
      guard let word = pairs.word(Int(pair), place) else { continue }
      let group = place == 0 ? 0 : Int(pairs.word(Int(pair), 0)!)
      counts[group] += 1
      if kind == .integer {
        let value = Int64(bitPattern: word)
        sums[group] &+= value
        magnitudes |= UInt64(bitPattern: value ^ (value >> 63))
      } else if kind == .real {
        reals[group] += Double(bitPattern: word)
        greatest = max(greatest, Double(bitPattern: word).magnitude)
      }
    }
    if result != .count, greatest * Double(pairs.count) >= 1e308 {
      throw QueryError(.leftToSQLite, "a sum of reals may be infinite on the way")
    }
    if result == .count {
      return try column(.int64, groups.count) { i in counts[Int(groups[i])] }
    }
    if kind == .integer {
      let (bound, overflow) = (magnitudes + 1).multipliedReportingOverflow(by: UInt64(pairs.count + 1))
      if overflow || bound > UInt64(Int64.max) {
        throw QueryError(.leftToSQLite, "a sum of integers may overflow")
      }
      for group in 0..<size { reals[group] = Double(sums[group]) }
      if result == .sum {
        return try column(.int64, groups.count) { i in
          counts[Int(groups[i])] > 0 ? sums[Int(groups[i])] : nil
        }
      }
    }
    return try column(.float64, groups.count) { i in
      let group = Int(groups[i])
      let value = result == .average ? reals[group] / Double(counts[group]) : reals[group]
      return (counts[group] > 0 || result == .total) && value == value ? value : nil
    }
  }
}
