// Which row of a group the columns are of that are neither grouped nor aggregated.

import Arrow
import Kernels
import Memory
import SQL

/// The first row; or the row of the least or greatest value, of equal ones the first, and where all are NULL the last row.
///
/// That is what SQLite 3.40 does: it loads those columns whenever min() or max() has a value that is better than all before, or none yet.
final class ChosenRows: Accumulator {
  private enum Value: Sendable {
    case word(UInt64)
    case bytes([UInt8])
  }
  private struct Best: Sendable {
    var row: UInt64?
    var value: Value?
  }
  /// What is compared; nil for the first row.
  private let key: Node?
  private let isLeast: Bool
  @exclusivity(unchecked) private var bests: [Best] = []

  init(_ key: Node?, isLeast: Bool) {
    self.key = key
    self.isLeast = isLeast
    super.init(filter: nil)
  }

  override func reserve(_ count: Int) {
    if count > bests.count { bests += [Best](repeating: Best(), count: count - bests.count) }
  }

  override var byteCount: Int { bests.count * MemoryLayout<Best>.stride }

  func row(_ group: Int) -> UInt64? { bests[group].row }

  override func add(_ frame: Frame, _ groups: UnsafePointer<UInt32>?) throws(QueryError) {
    let vector = try key?.evaluate(frame)
    for i in 0..<frame.count {
      let group = groups.map { Int($0[i]) } ?? 0
      let row = position << 32 | UInt64(frame.row(i))
      guard let key, let vector else {
        if bests[group].row.map({ row < $0 }) ?? true { bests[group].row = row }
        continue
      }
      guard vector.isValid(i) else {
        if bests[group].value == nil, bests[group].row.map({ row > $0 }) ?? true { bests[group].row = row }
        continue
      }
      let value: Value =
        switch key.kind {
        case .real: .word(orderedBits(vector.reals[i]))
        case .text, .blob: .bytes(Array(vector.slices[i]))
        default: .word(UInt64(bitPattern: vector.integers[i]) ^ 1 << 63)
        }
      offer(Best(row: row, value: value), group)
    }
  }

  private func offer(_ other: Best, _ group: Int) {
    let best = bests[group]
    let order: Int
    switch (other.value, best.value) {
    case (nil, nil):
      // Both have seen nothing but NULL, or the first row is wanted.
      guard let row = other.row else { return }
      if best.row.map({ key == nil ? row < $0 : row > $0 }) ?? true { bests[group].row = row }
      return
    case (nil, _): return
    case (_, nil): order = isLeast ? -1 : 1
    case (.word(let a)?, .word(let b)?): order = a < b ? -1 : a > b ? 1 : 0
    case (.bytes(let a)?, .bytes(let b)?):
      order = a.withUnsafeBytes { a in b.withUnsafeBytes { compareBytes(a, $0) } }
    default: preconditionFailure("values of one kind")
    }
    let wins = order == 0 ? other.row! < best.row! : (order < 0) == isLeast
    if wins { bests[group] = other }
  }

  override func merge(_ other: Accumulator, _ map: [UInt32]) {
    let other = other as! ChosenRows
    for (i, group) in map.enumerated() { offer(other.bests[i], Int(group)) }
  }
}

extension Compiler {
  func chosenRows(_ aggregate: BoundAggregate?) throws(NotMine) -> ChosenRows {
    guard let aggregate else { return ChosenRows(nil, isLeast: true) }
    let node = try value(aggregate.arguments[0])
    let key = try collated(node, aggregate.collation)
    // Times are compared by their ticks where those are in the order of their text.
    if case .ticks = key.kind {
      return ChosenRows(OrderedTicksNode(key), isLeast: aggregate.function == "min")
    }
    return ChosenRows(key, isLeast: aggregate.function == "min")
  }
}
