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
    /// Integers of a small range by their distance to the lowest.
    case direct(low: Int64, span: Int)
    case hashed(GroupTable)
  }

  private let form: Form
  let rowCount: Int
  /// Whether no key has two rows: what is found are rows then, else groups.
  private(set) var isUnique: Bool
  /// Which of the keys it is by; the others are to be compared.
  let used: Range<Int>
  // SAFETY: room for a row of each key in the range when it is direct and unique.
  private let byKey: UnsafeMutablePointer<UInt32>
  /// The rows of group `g` are `rows[starts[g] ..< starts[g + 1]]`.
  private var starts: [UInt32] = []
  private var rows: [UInt32] = []

  deinit { byKey.deallocate() }

  /// - Parameter keys: of the block's rows, the first `rowCount` of which are indexed. Any of them may be used by itself.
  init(_ block: Block, _ rowCount: Int, _ keys: [BoundExpression], _ shape: InputShape, _ givens: Givens)
    throws(QueryError)
  {
    self.rowCount = rowCount
    guard !keys.isEmpty else {
      form = .all
      isUnique = false
      used = 0..<0
      byKey = .allocate(capacity: 1)
      return
    }
    let compiler = Compiler(shape, givens)
    let nodes = try compiling { () throws(NotMine) in
      var nodes: [Node] = []
      for key in keys { nodes.append(try compiler.node(key)) }
      return nodes
    }
    for (number, node) in nodes.enumerated() where node.kind.isInteger {
      guard let values = try IntegerKeys(node, block, rowCount, givens.checkpoint) else { continue }
      let unique = try values.rowsByKey(givens.checkpoint)
      if unique == nil, nodes.count > 1 { continue }
      form = .direct(low: values.low, span: values.span)
      used = number..<number + 1
      isUnique = unique != nil
      byKey = unique ?? .allocate(capacity: 1)
      if unique == nil { (starts, rows) = try values.groups(givens.checkpoint) }
      return
    }
    used = 0..<nodes.count
    byKey = .allocate(capacity: 1)
    let table = GroupTable(nodes)
    let checkpoint = givens.checkpoint
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

  fileprivate static func grouped(
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
    case .direct(let low, let span):
      let vector = try nodes[0].evaluate(frame)
      let integers = vector.integers
      if isUnique {
        let byKey = byKey
        for i in 0..<n {
          let place = UInt64(bitPattern: integers[i] &- low)
          found[i] = place < UInt64(span) ? byKey[Int(truncatingIfNeeded: place)] : .max
        }
      } else {
        starts.withUnsafeBufferPointer { starts in
          for i in 0..<n {
            let place = UInt64(bitPattern: integers[i] &- low)
            guard place < UInt64(span) else {
              found[i] = .max
              continue
            }
            let group = Int(truncatingIfNeeded: place)
            found[i] = starts[group] == starts[group + 1] ? .max : UInt32(truncatingIfNeeded: group)
          }
        }
      }
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
    } else {
      for place in starts[Int(found)]..<starts[Int(found) + 1] { try body(rows[Int(place)]) }
    }
  }
}

/// Keys that are integers of a small range.
private struct IntegerKeys {
  private var values: [Int64] = []
  /// By row; nil where none is NULL.
  private var valid: [UInt8]?
  private(set) var low = Int64.max
  private(set) var span = 0

  /// nil when their range is too wide for its size to pay.
  init?(_ node: Node, _ block: Block, _ rowCount: Int, _ checkpoint: Checkpoint) throws(QueryError) {
    let frame = Frame()
    frame.enter(block)
    values = Array(capacity: rowCount)
    var high = Int64.min
    for start in stride(from: 0, to: rowCount, by: vectorSize) {
      if start & 0x3FFF == 0 { try checkpoint.check() }
      frame.select(start..<min(start + vectorSize, rowCount))
      let vector = try node.evaluate(frame)
      let integers = UnsafeBufferPointer(start: vector.integers, count: frame.count)
      if let bytes = vector.valid {
        if valid == nil {
          valid = [UInt8](repeating: 1, count: start)
          valid!.reserveCapacity(rowCount)
        }
        valid!.append(contentsOf: UnsafeBufferPointer(start: bytes, count: frame.count))
        for i in 0..<frame.count where bytes[i] != 0 {
          low = min(low, integers[i])
          high = max(high, integers[i])
        }
      } else {
        valid?.append(contentsOf: repeatElement(1, count: frame.count))
        for value in integers {
          low = min(low, value)
          high = max(high, value)
        }
      }
      values.append(contentsOf: integers)
    }
    guard low <= high else {
      low = 0
      return
    }
    let width = UInt64(bitPattern: high &- low)
    guard width < 1 << 31, width < 1 << 23 || width / 16 <= rowCount else { return nil }
    span = Int(width) + 1
  }

  /// The row of each key; nil when two have the same.
  func rowsByKey(_ checkpoint: Checkpoint) throws(QueryError) -> UnsafeMutablePointer<UInt32>? {
    let table = UnsafeMutablePointer<UInt32>.allocate(capacity: max(span, 1))
    HugePages.advise(table, span * MemoryLayout<UInt32>.stride)
    for start in stride(from: 0, to: max(span, 1), by: 1 << 20) {
      if checkpoint.isReached { break }
      (table + start).initialize(repeating: .max, count: min(1 << 20, max(span, 1) - start))
    }
    for row in values.indices {
      if row & 0x3FFF == 0, checkpoint.isReached {
        table.deallocate()
        try checkpoint.check()
      }
      guard valid.map({ $0[row] != 0 }) ?? true else { continue }
      let place = Int(values[row] &- low)
      if table[place] != .max {
        table.deallocate()
        return nil
      }
      table[place] = UInt32(row)
    }
    return table
  }

  /// The rows by their keys' distance to the lowest.
  func groups(_ checkpoint: Checkpoint) throws(QueryError) -> ([UInt32], [UInt32]) {
    // NULLs make a group behind the others, which nobody asks for.
    let groups = try Array(values.count, checkpoint) { row in
      (valid.map { $0[row] != 0 } ?? true) ? UInt32(values[row] &- low) : UInt32(span)
    }
    return try JoinIndex.grouped(groups, span + 1, checkpoint)
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
