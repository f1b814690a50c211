// The rows of a join's built side by their keys.

import Arrow
import Kernels
import Memory
import SQL

/// What rows are looked up in.
final class JoinIndex: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): written by `init` only; probing does not change it.
  private enum Form {
    /// Without keys every row is a partner of every other.
    case all
    /// Integers of a small range.
    case range(RangeIndex)
    case hashed(GroupTable)
  }

  private let form: Form
  let rowCount: Int
  /// Whether no key has two rows: what is found are rows then, else groups.
  private(set) var isUnique: Bool
  /// Which of the keys it is by; the others are to be compared.
  let used: Range<Int>
  /// The rows of group `g` are `rows[starts[g] ..< starts[g + 1]]`.
  private var starts: [UInt32] = []
  private var rows: [UInt32] = []

  /// - Parameter keys: of the block's rows, the first `rowCount` of which are indexed. Any of them may be used by itself.
  init(
    _ block: Block, _ rowCount: Int, _ keys: [BoundExpression], _ shape: InputShape, _ givens: Givens,
    _ morsels: Morsels
  ) throws(QueryError) {
    self.rowCount = rowCount
    guard !keys.isEmpty else {
      form = .all
      isUnique = false
      used = 0..<0
      return
    }
    let compiler = Compiler(shape, givens)
    let nodes = try compiling { () throws(NotMine) in
      var nodes: [Node] = []
      for key in keys { nodes.append(try compiler.node(key)) }
      return nodes
    }
    for (number, node) in nodes.enumerated() where node.kind.isInteger {
      let values = try JoinKeys(block, rowCount, [keys[number]], shape, givens, morsels)
      guard let index = try RangeIndex(values, onlyUnique: nodes.count > 1, morsels) else { continue }
      form = .range(index)
      used = number..<number + 1
      isUnique = index.isUnique
      return
    }
    used = 0..<nodes.count
    let table = GroupTable(nodes)
    let checkpoint = morsels.checkpoint
    table.checkpoint = checkpoint
    form = .hashed(table)
    var groups = [UInt32](capacity: rowCount)
    let frame = Frame()
    frame.enter(block)
    for start in stride(from: 0, to: rowCount, by: vectorSize) {
      if start & 0x3FFF == 0 { try checkpoint.check() }
      frame.select(start..<min(start + vectorSize, rowCount))
      let assigned = try table.assign(frame, position: 0)
      groups.append(contentsOf: UnsafeBufferPointer(start: assigned, count: frame.count))
    }
    isUnique = table.count == rowCount
    if !isUnique { (starts, rows) = try JoinIndex.grouped(groups, table.count, checkpoint) }
  }

  private static func grouped(
    _ groups: [UInt32], _ count: Int, _ checkpoint: Checkpoint
  ) throws(QueryError) -> ([UInt32], [UInt32]) {
    var counts = try [UInt32](count + 2, checkpoint) { _ in 0 }
    for (turn, group) in groups.enumerated() {
      try checkpoint.check(turn)
      counts[Int(group) + 2] += 1
    }
    for group in 0..<count {
      try checkpoint.check(group)
      counts[group + 2] += counts[group + 1]
    }
    // Places move on while they are taken, and are the ends of their groups then: the starts of the next ones.
    var rows = try [UInt32](groups.count, checkpoint) { _ in 0 }
    for (row, group) in groups.enumerated() {
      try checkpoint.check(row)
      rows[Int(counts[Int(group) + 1])] = UInt32(row)
      counts[Int(group) + 1] += 1
    }
    return (counts, rows)
  }

  /// The row or group of each of the frame's rows; `.max` where there is none, or a NULL in the key.
  func probe(_ nodes: [Node], _ frame: Frame, _ found: UnsafeMutablePointer<UInt32>) throws(QueryError) {
    let n = frame.count
    switch form {
    case .all: found.update(repeating: rowCount == 0 ? .max : 0, count: n)
    case .hashed(let table): try table.probe(nodes, frame, found)
    case .range(let index):
      let vector = try nodes[0].evaluate(frame)
      index.probe(vector.integers, n, found)
      if let valid = vector.valid {
        for i in 0..<n where valid[i] == 0 { found[i] = .max }
      }
    }
  }

  /// Calls `body` with the rows of what `probe` found.
  @inline(__always)
  func forEachRow(_ found: UInt32, _ body: (UInt32) throws(QueryError) -> Void) throws(QueryError) {
    if found == .max { return }
    if case .all = form {
      for row in 0..<UInt32(rowCount) { try body(row) }
    } else if isUnique {
      try body(found)
    } else if case .range(let index) = form {
      try index.forEachRow(found, body)
    } else {
      for place in starts[Int(found)]..<starts[Int(found) + 1] { try body(rows[Int(place)]) }
    }
  }
}

extension GroupTable {
  /// The group of each row's key; `.max` where there is none, or a NULL in the key.
  func probe(_ nodes: [Node], _ frame: Frame, _ found: UnsafeMutablePointer<UInt32>) throws(QueryError) {
    let n = frame.count
    var words = [UInt64](repeating: 0, count: nodes.count * n)
    var misses = [UInt8](repeating: 0, count: n)
    for (column, node) in nodes.enumerated() {
      let vector = try node.evaluate(frame)
      for i in 0..<n {
        guard vector.isValid(i) else {
          misses[i] = 1
          continue
        }
        let word: UInt64
        switch node.kind {
        case .real: word = (vector.reals[i] + 0).bitPattern
        case .text, .blob:
          guard let number = texts[column]!.find(vector.slices[i]) else {
            misses[i] = 1
            continue
          }
          word = UInt64(number)
        default: word = UInt64(bitPattern: vector.integers[i])
        }
        words[i &* nodes.count &+ column] = word
      }
    }
    words.withUnsafeBufferPointer { words in
      for i in 0..<n { found[i] = misses[i] != 0 ? .max : lookUp(words.baseAddress! + i &* nodes.count) }
    }
  }
}
