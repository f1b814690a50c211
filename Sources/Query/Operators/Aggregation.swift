// Grouping, and aggregates of all rows.

import Arrow
import Kernels
import Memory
import SQL

/// One thread's groups.
final class AggregationWorker: Sink, @unchecked Sendable {
  // SAFETY (@unchecked Sendable): used by one thread at a time, as `Morsels` hands it out.
  private let frame = Frame()
  private let filter: Filter
  let table: Grouper?
  let accumulators: [Accumulator]
  /// Which row of each group its bare columns are of, where an aggregate says so or there is no table that knows the first.
  let chosen: ChosenRows?
  /// Whether it only matters how many rows there are.
  private let countsOnly: Bool
  private let memoryLimit: Int
  private let checkpoint: Checkpoint
  /// The number of the block, by which it is known which group came first.
  private var number = 0

  init(
    _ conditions: [BoundExpression], _ compiler: Compiler, _ grouping: GroupingPlan, memoryLimit: Int,
    _ checkpoint: Checkpoint
  ) throws(QueryError) {
    self.memoryLimit = memoryLimit
    (filter, table, accumulators, chosen) = try compiling { () throws(NotMine) in
      var predicates = try compiler.viewPredicates()
      for condition in conditions { predicates.append(try compiler.predicate(condition)) }
      var keys: [Node] = []
      for (key, collation) in zip(grouping.keys, grouping.collations) {
        keys.append(try compiler.collated(try compiler.node(key), collation))
      }
      var accumulators: [Accumulator] = []
      for aggregate in grouping.aggregates {
        accumulators.append(try compiler.accumulator(aggregate, isGrouped: !keys.isEmpty))
      }
      var chosen: ChosenRows?
      if grouping.needsRows, grouping.chooser != nil || keys.isEmpty {
        chosen = try compiler.chosenRows(grouping.chooser.map { grouping.aggregates[$0] })
      }
      if let chosen { accumulators.append(chosen) }
      if !grouping.carried.isEmpty { accumulators.append(CarriedRows(grouping.carried)) }
      return (Filter(predicates), keys.isEmpty ? nil : compiler.grouper(keys), accumulators, chosen)
    }
    self.checkpoint = checkpoint
    countsOnly = table == nil && accumulators.allSatisfy { ($0 as? CountAccumulator)?.countsRows == true }
    table?.checkpoint = checkpoint
    for accumulator in accumulators { (accumulator as? DistinctAccumulator)?.checkpoint = checkpoint }
    for accumulator in accumulators where table == nil { accumulator.reserve(1) }
  }

  func read(_ block: Block, number: Int) throws(QueryError) {
    self.number = number
    frame.enter(block)
    for accumulator in accumulators { accumulator.position = UInt64(number) }
    var accumulators = accumulators
    if table == nil, filter.isEmpty, block.tombstones == nil, block.rows == block.whole {
      // What the block's statistics tell need not be read.
      var others: [Accumulator] = []
      for accumulator in accumulators where !(try accumulator.add(whole: block)) {
        others.append(accumulator)
      }
      if others.isEmpty { return try block.checkUnchanged() }
      accumulators = others
    }
    var start = block.rows.lowerBound
    while start < block.rows.upperBound {
      let stop = min(start + vectorSize, block.rows.upperBound)
      frame.select(start..<stop)
      start = stop
      if countsOnly {
        let count = try filter.count(frame)
        for accumulator in accumulators { (accumulator as! CountAccumulator).add(count) }
        continue
      }
      try filter.apply(frame)
      if frame.count > 0 { try add(frame, accumulators) }
    }
    try block.checkUnchanged()
    try checkMemory()
  }

  // MARK: Rows of a join

  func begin(_ number: Int) {
    self.number = number
    for accumulator in accumulators { accumulator.position = UInt64(number) }
  }

  func consume(_ frame: Frame) throws(QueryError) { try add(frame, accumulators) }

  private func add(_ frame: Frame, _ accumulators: [Accumulator]) throws(QueryError) {
    guard let table else {
      for accumulator in accumulators { try accumulator.add(frame, nil) }
      return
    }
    let groups = try table.assign(frame, position: UInt64(number))
    for accumulator in accumulators {
      accumulator.reserve(table.count)
      try accumulator.add(frame, groups)
    }
  }

  func checkMemory() throws(QueryError) {
    if (table?.byteCount ?? 0) + (table?.count ?? 0) * accumulators.count * 16
      + accumulators.reduce(0, { $0 + $1.byteCount }) > memoryLimit
    {
      throw QueryError(.memory, "grouping needs more than the memory limit of \(memoryLimit) bytes")
    }
  }

  func merge(_ other: AggregationWorker) throws(QueryError) {
    let map = try table?.merge(other.table!, first: nil) ?? [0]
    for (mine, theirs) in zip(accumulators, other.accumulators) {
      try checkpoint.check()
      mine.reserve(table?.count ?? 1)
      // It may not have had a row, and the map is of all groups that there can be.
      theirs.reserve(other.table?.count ?? 1)
      try mine.merge(theirs, map)
    }
  }
}

/// What is grouped.
enum RowInput: Sendable {
  case blocks([Block])
  /// Rows that are nowhere in memory: what goes back to a group's rows cannot have them.
  case join(JoinPipeline)

  var blocks: [Block] { if case .blocks(let blocks) = self { blocks } else { [] } }
}

extension Execution {
  /// The groups as batches: keys, then aggregates.
  /// - Parameter reduced: the same grouping by fewer keys, where it is known that the groups are the same.
  func groups(
    _ input: RowInput, _ conditions: [BoundExpression], _ shape: InputShape, _ grouping: GroupingPlan,
    _ givens: Givens, by reduced: GroupingPlan? = nil
  ) throws(QueryError) -> [RecordBatch] {
    let reduced = reduced ?? grouping
    let first = try aggregated(input, conditions, shape, reduced, givens)
    let groups = try first.table?.sortedGroups() ?? [0]
    if let table = first.table { try checkOrder(of: groups, table, reduced) }
    let blocks = input.blocks
    let fields = grouping.shape.types.enumerated().map { Field("\($0)", $1) }
    // Distinct values are counted for all groups at once.
    let isWhole = first.accumulators.contains { $0 is DistinctAccumulator }
    return try parts(groups, of: isWhole ? .max : Execution.groupsAtOnce) { groups throws(QueryError) in
      var columns: [Column] = []
      for i in reduced.keys.indices {
        columns.append(try first.table!.column(i, groups, type: reduced.shape.types[i]))
      }
      if let carried = first.accumulators.last as? CarriedRows, case .join(let pipeline) = input {
        let found = try carried.columns(groups, driver: pipeline.morsels, shape, self)
        for (key, column) in zip(reduced.carried, found) { columns.insert(column, at: key.number) }
      }
      let rows =
        grouping.needsRows
        ? groups.map { group in first.chosen?.row(Int(group)) ?? first.table?.first(Int(group)) } : []
      for (i, collation) in grouping.collations.enumerated() where collation != .binary {
        guard case .expression(let key) = grouping.keys[i] else { continue }
        columns[i] = try values(of: key, type: grouping.shape.types[i], at: rows, blocks, shape, givens)
      }
      for (i, accumulator) in first.accumulators.prefix(grouping.aggregates.count).enumerated() {
        let type = grouping.shape.types[grouping.keys.count + i]
        columns.append(try accumulator.finish(groups, type: type))
      }
      for column in grouping.bare {
        let type = grouping.shape.types[columns.count]
        columns.append(try values(of: column, type: type, at: rows, blocks, shape, givens))
      }
      return try data { () throws(DataError) in
        try RecordBatch(schema: Schema(fields), columns: columns, count: groups.count)
      }
    }
  }

  /// Groups come in the order of their keys, which for times beyond year 9999 is not that of their text.
  private func checkOrder(
    of groups: [UInt32], _ table: Grouper, _ grouping: GroupingPlan
  ) throws(QueryError) {
    for (column, type) in grouping.shape.types.prefix(grouping.keys.count).enumerated() {
      guard let domain = type.tickDomain else { continue }
      for (turn, group) in groups.enumerated() {
        try table.checkpoint.check(turn)
        if let word = table.word(Int(group), column), !domain.contains(Int64(bitPattern: word)) {
          throw QueryError(.leftToSQLite, "a time is not of the years 0 to 9999")
        }
      }
    }
  }

  /// Results of so many groups take a few hundredths of a second, after which a cancelled query ends.
  static let groupsAtOnce = 1 << 18

  /// Batches of many groups, made a part at a time.
  func parts(
    _ groups: [UInt32], of size: Int = Execution.groupsAtOnce,
    _ body: ([UInt32]) throws(QueryError) -> RecordBatch
  ) throws(QueryError) -> [RecordBatch] {
    if groups.count <= size { return [try body(groups)] }
    var batches: [RecordBatch] = []
    for start in stride(from: 0, to: groups.count, by: size) {
      try morsels.check()
      batches.append(try body(Array(groups[start..<min(start + size, groups.count)])))
    }
    return batches
  }

  /// The distinct results, in the order in which they come.
  func distinct(
    _ input: RowInput, _ conditions: [BoundExpression], _ shape: InputShape, _ outputs: [OutputColumn],
    _ schema: Schema, _ givens: Givens
  ) throws(QueryError) -> [RecordBatch] {
    let grouping = GroupingPlan(
      keys: outputs.map { .expression($0.expression) },
      collations: outputs.map { $0.expression.comparedBy }, aggregates: [], shape: shape)
    let first = try aggregated(input, conditions, shape, grouping, givens)
    let groups = try first.table!.groupsByAppearance()
    let blocks = input.blocks
    return try parts(groups) { groups throws(QueryError) in
      var columns: [Column] = []
      for (i, field) in schema.fields.enumerated() {
        if grouping.collations[i] != .binary, case .expression(let key) = grouping.keys[i] {
          let firsts = groups.map { Optional(first.table!.first(Int($0))) }
          columns.append(try values(of: key, type: field.type, at: firsts, blocks, shape, givens))
        } else {
          columns.append(try first.table!.column(i, groups, type: field.type))
        }
      }
      return try data { () throws(DataError) in
        try RecordBatch(schema: schema, columns: columns, count: groups.count)
      }
    }
  }

  /// All groups in one worker.
  private func aggregated(
    _ input: RowInput, _ conditions: [BoundExpression], _ shape: InputShape, _ grouping: GroupingPlan,
    _ givens: Givens
  ) throws(QueryError) -> AggregationWorker {
    let limit = options.memoryLimit / max(1, options.threads)
    let checkpoint = morsels.checkpoint
    let workers: [AggregationWorker]
    switch input {
    case .blocks(let blocks):
      workers = try morsels.run(blocks.count) { () throws(QueryError) in
        try AggregationWorker(conditions, Compiler(shape, givens), grouping, memoryLimit: limit, checkpoint)
      } _: { worker, index throws(QueryError) in
        try worker.read(blocks[index], number: index)
        options.progress?.pass(blocks[index].segmentRows)
      }
    case .join(let pipeline):
      workers = try pipeline.run(self, shape, givens) { compiler throws(QueryError) in
        try AggregationWorker(conditions, compiler, grouping, memoryLimit: limit, checkpoint)
      } then: { worker, _ throws(QueryError) in
        try worker.checkMemory()
      }
    }
    let first = workers[0]
    for other in workers.dropFirst() { try first.merge(other) }
    return first
  }
}
