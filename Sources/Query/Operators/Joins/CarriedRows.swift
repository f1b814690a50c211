// A row of each group, by which columns are found that its keys decide.

import Arrow
import Kernels
import Memory
import SQL

/// For each part of joined frames that has such columns, the row of the first one that came: all rows of a group have the same values.
final class CarriedRows: Accumulator {
  private let keys: [CarriedKey]
  /// The part of each key.
  private var partOfKey: [Int] = []
  private var parts: [Part] = []
  private var groupCount = 0

  private final class Part {
    let number: Int
    /// The rows' block, where all are of one: those of the driver are of many, and have its number in the upper half.
    let block: Block?
    @exclusivity(unchecked) var rows = States<UInt64>(.max)

    init(_ number: Int, _ block: Block?) {
      self.number = number
      self.block = block
    }
  }

  init(_ keys: [CarriedKey]) {
    self.keys = keys
    super.init(filter: nil)
  }

  override func reserve(_ count: Int) {
    groupCount = max(groupCount, count)
    for part in parts { part.rows.grow(to: groupCount) }
  }

  override var byteCount: Int { parts.count * groupCount * 8 }

  private func partNumber(_ place: Int, _ frame: Frame) -> Int {
    frame.parts.isEmpty ? 0 : frame.partNumber(place)
  }

  override func add(_ frame: Frame, _ groups: UnsafePointer<UInt32>?) throws(QueryError) {
    if partOfKey.isEmpty {
      for key in keys {
        let number = partNumber(key.place, frame)
        if !parts.contains(where: { $0.number == number }) {
          parts.append(Part(number, number == 0 ? nil : frame.part(key.place).block))
        }
        partOfKey.append(parts.firstIndex { $0.number == number }!)
      }
      reserve(groupCount)
    }
    let n = frame.count
    for (index, part) in parts.enumerated() {
      let source = frame.part(keys[partOfKey.firstIndex(of: index)!].place)
      let upper = part.block == nil ? position << 32 : 0
      let target = part.rows.base
      for i in 0..<n {
        let group = groups.map { Int($0[i]) } ?? 0
        if target[group] == .max { target[group] = upper | UInt64(source.row(i)) }
      }
    }
  }

  override func merge(_ other: Accumulator, _ map: [UInt32]) {
    let other = other as! CarriedRows
    if other.partOfKey.isEmpty { return }
    if partOfKey.isEmpty {
      partOfKey = other.partOfKey
      parts = other.parts.map { Part($0.number, $0.block) }
      reserve(groupCount)
    }
    for (mine, theirs) in zip(parts, other.parts) {
      for (i, group) in map.enumerated() where mine.rows.base[Int(group)] == .max {
        mine.rows.base[Int(group)] = theirs.rows.base[i]
      }
    }
  }

  /// The keys of some groups.
  /// - Parameter driver: the blocks that rows of the driver are told by.
  func columns(
    _ groups: [UInt32], driver: [Block], _ shape: InputShape, _ execution: Execution
  ) throws(QueryError) -> [Column] {
    var columns: [Column] = []
    for (number, key) in keys.enumerated() {
      let type = shape.types[key.place]
      guard !groups.isEmpty else {
        columns.append(type.makeBuilder().finish())
        continue
      }
      let part = parts[partOfKey[number]]
      guard let block = part.block else {
        columns.append(
          try execution.values(
            of: key.expression, type: type, at: groups.map { part.rows.base[Int($0)] }, driver, shape,
            execution.givens.ofNoInput))
        continue
      }
      let column = try block.column(key.place)
      let batch = try data { () throws(DataError) in
        try RecordBatch(schema: Schema([Field("", type)]), columns: [column], count: column.count)
      }
      let rows = groups.map { UInt32(truncatingIfNeeded: part.rows.base[Int($0)]) }
      columns.append(try batch.taking(rows, execution.morsels.checkpoint).columns[0])
    }
    return columns
  }
}

extension Execution {
  /// A grouping by fewer keys, where some decide the others: texts beside a key of their table need not be hashed.
  func reduced(
    _ grouping: GroupingPlan, _ pipeline: JoinPipeline, _ shape: InputShape
  ) throws(QueryError) -> GroupingPlan {
    guard !grouping.needsRows, grouping.keys.count > 1,
      pipeline.rows >= Double(options.learningRows) / 4
    else { return grouping }
    let places = grouping.keys.map { key in key.expression.flatMap { shape.place($0.node) } }
    var decided = try pipeline.dependencies.decided(
      of: places, rows: pipeline.rows, shape, morsels.checkpoint)
    // What is not stored as the result is would have to be computed.
    decided.removeAll { shape.types[places[$0]!] != grouping.shape.types[$0] }
    var reduced = grouping
    for number in decided.reversed() {
      let key = reduced.keys.remove(at: number)
      reduced.carried.insert(
        CarriedKey(number: number, place: places[number]!, expression: key.expression!), at: 0)
      reduced.collations.remove(at: number)
      reduced.shape.types.remove(at: number)
    }
    return reduced
  }
}
