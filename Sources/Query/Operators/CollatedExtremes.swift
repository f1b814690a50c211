// min and max of texts by a collating sequence.

import Arrow
import Kernels
import Memory

/// min and max of texts by a collation: of equal ones the first.
final class CollatedExtremeAccumulator: Accumulator {
  private struct Best {
    var text: [UInt8]
    var key: [UInt8]
    var position: UInt64
  }
  private let node: Node
  private let key: Node
  private let isLeast: Bool
  @exclusivity(unchecked) private var bests: [Best?] = []

  init(_ node: Node, by key: Node, isLeast: Bool, filter: Predicate?) {
    self.node = node
    self.key = key
    self.isLeast = isLeast
    super.init(filter: filter)
  }

  override func reserve(_ count: Int) {
    if count > bests.count { bests += [Best?](repeating: nil, count: count - bests.count) }
  }

  override func add(_ frame: Frame, _ groups: UnsafePointer<UInt32>?) throws(QueryError) {
    let texts = try node.evaluate(frame)
    let keys = try key.evaluate(frame)
    let counted = try counted(texts.valid, frame)
    for i in 0..<frame.count where counted.map({ $0[i] != 0 }) ?? true {
      let group = groups.map { Int($0[i]) } ?? 0
      let position = position << 32 | UInt64(frame.row(i))
      let order = bests[group].map { best in
        best.key.withUnsafeBytes { compareBytes(keys.slices[i], $0) }
      }
      if wins(order, position, bests[group]) {
        bests[group] = Best(text: Array(texts.slices[i]), key: Array(keys.slices[i]), position: position)
      }
    }
  }

  private func wins(_ order: Int?, _ position: UInt64, _ best: Best?) -> Bool {
    guard let order, let best else { return true }
    return order == 0 ? position < best.position : (order < 0) == isLeast
  }

  override func merge(_ other: Accumulator, _ map: [UInt32]) {
    let other = other as! CollatedExtremeAccumulator
    for (i, group) in map.enumerated() {
      guard let theirs = other.bests[i] else { continue }
      let order = bests[Int(group)].map { best in
        theirs.key.withUnsafeBytes { a in best.key.withUnsafeBytes { compareBytes(a, $0) } }
      }
      if wins(order, theirs.position, bests[Int(group)]) { bests[Int(group)] = theirs }
    }
  }

  override func finish(_ groups: [UInt32], type: DataType) throws(QueryError) -> Column {
    let builder = type.makeBuilder()
    for group in groups {
      if let best = bests[Int(group)] {
        try data { () throws(DataError) in try builder.append(bytes: best.text.span.bytes) }
      } else {
        builder.appendNull()
      }
    }
    return builder.finish()
  }
}
