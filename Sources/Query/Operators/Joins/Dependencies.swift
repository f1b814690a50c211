// Which columns of joined rows decide which others, so that rows need not be grouped by all of them.

import Arrow
import Kernels
import SQL

/// Rows that have the same values in some columns have the same in others.
struct Dependencies: Sendable {
  private struct Rule: Sendable {
    var deciding: Set<Int>
    var decided: Set<Int>
  }

  private var rules: [Rule] = []
  /// Inputs of inner joins, whose columns a key of theirs decides.
  private var inputs: [(columns: Range<Int>, blocks: [Block])] = []

  mutating func add(_ deciding: Set<Int>, decide decided: Set<Int>) {
    rules.append(Rule(deciding: deciding, decided: decided))
  }

  /// Columns that are equal in all rows, where the condition says so.
  mutating func add(_ equality: Equality, _ shape: InputShape) {
    guard let left = shape.place(equality.left.node), let right = shape.place(equality.right.node),
      shape.isExact(left), shape.isExact(right)
    else { return }
    add([left], decide: [right])
    add([right], decide: [left])
  }

  mutating func add(input columns: Range<Int>, _ blocks: [Block]) { inputs.append((columns, blocks)) }

  /// All columns that some decide, themselves among them.
  private func closure(of places: Set<Int>) -> Set<Int> {
    var closure = places
    var rest = rules
    while true {
      let count = rest.count
      rest.removeAll { rule in
        guard rule.deciding.isSubset(of: closure) else { return false }
        closure.formUnion(rule.decided)
        return true
      }
      if rest.count == count { return closure }
    }
  }

  /// The keys that those before them decide, by their numbers: without them groups are the same, and in the same order.
  /// - Parameter rows: about how many rows there are to group.
  func decided(
    of keys: [Int?], rows: Double, _ shape: InputShape, _ checkpoint: Checkpoint
  ) throws(QueryError) -> [Int] {
    var known = self
    var kept: Set<Int> = []
    var asked: Set<Int> = []
    var decided: [Int] = []
    for (number, key) in keys.enumerated() {
      guard let key else { continue }
      if known.closure(of: kept).contains(key) {
        decided.append(number)
        continue
      }
      guard shape.isExact(key) else { continue }
      kept.insert(key)
      // What the rows of inputs say is looked at where it may help.
      for place in known.closure(of: kept).sorted() where asked.insert(place).inserted {
        guard let input = inputs.first(where: { $0.columns.contains(place) }),
          keys[(number + 1)...].contains(where: { $0.map(input.columns.contains) ?? false })
        else { continue }
        let count = input.blocks.reduce(0) { $0 + $1.rows.count }
        if Double(count) <= rows * 16, try input.blocks.areUnique(place, shape, checkpoint) {
          known.add([place], decide: Set(input.columns))
        }
      }
    }
    return decided
  }
}

extension InputShape {
  /// Whether values of a column that compare equal are the same.
  func isExact(_ place: Int) -> Bool {
    guard let kind = types[place].vectorKind else { return false }
    return (kind.isInteger || kind == .text) && !mixed.contains(place)
  }
}

extension [Block] {
  /// Whether a column of integers has no value twice, and no NULL; false where that would take long to find out.
  fileprivate func areUnique(
    _ place: Int, _ shape: InputShape, _ checkpoint: Checkpoint
  ) throws(QueryError) -> Bool {
    guard shape.types[place].vectorKind?.isInteger == true, shape.isExact(place),
      let range = try range(place)
    else { return false }
    let count = reduce(0) { $0 + $1.rows.count }
    let width = UInt64(bitPattern: range.upperBound &- range.lowerBound)
    guard width < 1 << 32, width / 64 <= count else { return false }
    let node = try compiling { () throws(NotMine) in try Compiler(shape, Givens()).column(place) }
    var seen = [UInt64](repeating: 0, count: Int(width / 64) + 1)
    let frame = Frame()
    for block in self {
      try checkpoint.check()
      frame.enter(block)
      for start in stride(from: block.rows.lowerBound, to: block.rows.upperBound, by: vectorSize) {
        frame.select(start..<Swift.min(start + vectorSize, block.rows.upperBound))
        let vector = try node.evaluate(frame)
        for i in 0..<frame.count {
          let distance = UInt64(bitPattern: vector.integers[i] &- range.lowerBound)
          guard vector.isValid(i), distance <= width else { return false }
          let bit: UInt64 = 1 &<< (distance & 63)
          if seen[Int(distance &>> 6)] & bit != 0 { return false }
          seen[Int(distance &>> 6)] |= bit
        }
      }
    }
    return true
  }
}
