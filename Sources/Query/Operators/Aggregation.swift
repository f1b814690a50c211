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
  private let memoryLimit: Int
  /// The number of the block, by which it is known which group came first.
  private var number = 0

  init(
    _ conditions: [BoundExpression], _ compiler: Compiler, _ grouping: GroupingPlan, memoryLimit: Int
  ) throws(QueryError) {
    self.memoryLimit = memoryLimit
    (filter, table, accumulators) = try compiling { () throws(NotMine) in
      var predicates = try compiler.viewPredicates()
      for condition in conditions { predicates.append(try compiler.predicate(condition)) }
      var keys: [Node] = []
      for key in grouping.keys { keys.append(try compiler.node(key)) }
      var accumulators: [Accumulator] = []
      for aggregate in grouping.aggregates {
        accumulators.append(try compiler.accumulator(aggregate, isGrouped: !keys.isEmpty))
      }
      return (Filter(predicates), keys.isEmpty ? nil : compiler.grouper(keys), accumulators)
    }
    for accumulator in accumulators where table == nil { accumulator.reserve(1) }
  }

  func read(_ block: Block, number: Int) throws(QueryError) {
    self.number = number
    frame.enter(block)
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
      try filter.apply(frame)
      if frame.count > 0 { try add(frame, accumulators) }
    }
    try block.checkUnchanged()
    try checkMemory()
  }

  // MARK: Rows of a join

  func begin(_ number: Int) { self.number = number }

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
    let map = table?.merge(other.table!, first: nil) ?? [0]
    for (mine, theirs) in zip(accumulators, other.accumulators) {
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
  case join(JoinPipeline)
}

extension Execution {
  /// The groups as a batch: keys, then aggregates.
  func groups(
    _ input: RowInput, _ conditions: [BoundExpression], _ shape: InputShape, _ grouping: GroupingPlan,
    _ givens: Givens
  ) throws(QueryError) -> RecordBatch {
    let first = try aggregated(input, conditions, shape, grouping, givens)
    let groups = first.table?.sortedGroups() ?? [0]
    var columns: [Column] = []
    for i in grouping.keys.indices {
      columns.append(try first.table!.column(i, groups, type: grouping.shape.types[i]))
    }
    for (i, accumulator) in first.accumulators.enumerated() {
      let type = grouping.shape.types[grouping.keys.count + i]
      columns.append(try accumulator.finish(groups, type: type))
    }
    let fields = grouping.shape.types.enumerated().map { Field("\($0)", $1) }
    return try data { () throws(DataError) in
      try RecordBatch(schema: Schema(fields), columns: columns, count: groups.count)
    }
  }

  /// The distinct results, in the order in which they come.
  func distinct(
    _ input: RowInput, _ conditions: [BoundExpression], _ shape: InputShape, _ outputs: [OutputColumn],
    _ schema: Schema, _ givens: Givens
  ) throws(QueryError) -> RecordBatch {
    let grouping = GroupingPlan(
      keys: outputs.map { .expression($0.expression) }, aggregates: [], shape: shape)
    let first = try aggregated(input, conditions, shape, grouping, givens)
    let groups = first.table!.groupsByAppearance()
    var columns: [Column] = []
    for (i, field) in schema.fields.enumerated() {
      columns.append(try first.table!.column(i, groups, type: field.type))
    }
    return try data { () throws(DataError) in
      try RecordBatch(schema: schema, columns: columns, count: groups.count)
    }
  }

  /// All groups in one worker.
  private func aggregated(
    _ input: RowInput, _ conditions: [BoundExpression], _ shape: InputShape, _ grouping: GroupingPlan,
    _ givens: Givens
  ) throws(QueryError) -> AggregationWorker {
    let limit = options.memoryLimit / max(1, options.threads)
    let workers: [AggregationWorker]
    switch input {
    case .blocks(let blocks):
      workers = try morsels.run(blocks.count) { () throws(QueryError) in
        try AggregationWorker(conditions, Compiler(shape, givens), grouping, memoryLimit: limit)
      } _: { worker, index throws(QueryError) in
        try worker.read(blocks[index], number: index)
      }
    case .join(let pipeline):
      workers = try pipeline.run(self, shape, givens) { compiler throws(QueryError) in
        try AggregationWorker(conditions, compiler, grouping, memoryLimit: limit)
      } then: { worker, _ throws(QueryError) in
        try worker.checkMemory()
      }
    }
    let first = workers[0]
    for other in workers.dropFirst() { try first.merge(other) }
    return first
  }
}
