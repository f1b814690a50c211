// Runs a plan: operators that need all rows first, streams for the others.

import Arrow
import Kernels
import Memory
import SQL
import Synchronization
import Tables

/// Batches, one after the other.
class BatchSource {
  /// The next batch; nil behind the last.
  func next() throws(QueryError) -> RecordBatch? { preconditionFailure("every source has its own") }

  /// Whether it is known that nothing more comes.
  var isAtEnd: Bool { false }
}

/// Batches that are there already.
final class StoredSource: BatchSource {
  private var batches: ArraySlice<RecordBatch>

  init(_ batches: [RecordBatch]) { self.batches = batches[...] }

  override func next() -> RecordBatch? { batches.popFirst() }
  override var isAtEnd: Bool { batches.isEmpty }
}

/// Rows of queries that are named more than once: they are the same wherever they are read.
final class SharedResults: Sendable {
  private let wanted: Set<ObjectIdentifier>
  private let results = Mutex<[ObjectIdentifier: [RecordBatch]]>([:])

  init(_ wanted: Set<ObjectIdentifier>) { self.wanted = wanted }

  func known(_ plan: SelectPlan) -> [RecordBatch]? {
    wanted.isEmpty ? nil : results.withLock { $0[ObjectIdentifier(plan)] }
  }

  func keep(_ batches: [RecordBatch], of plan: SelectPlan) {
    guard wanted.contains(ObjectIdentifier(plan)) else { return }
    results.withLock { $0[ObjectIdentifier(plan)] = batches }
  }
}

/// One run of one plan.
struct Execution: Sendable {
  let tables: [[Block]]
  var givens: Givens
  let options: QueryOptions
  let shared: SharedResults
  var morsels: Morsels { Morsels(options: options) }

  func source(_ plan: SelectPlan) throws(QueryError) -> BatchSource {
    let limit = try rows(plan.limit, missing: .max)
    let offset = try rows(plan.offset, missing: 0)
    switch plan.body {
    case .core(let core):
      return try source(core, plan, limit: limit, offset: offset)
    case .compound(let first, let terms):
      var batches = try all(first)
      for term in terms {
        let others = try all(term.plan).map { batch throws(QueryError) in
          try data { () throws(DataError) in
            try RecordBatch(schema: plan.schema, columns: batch.columns, count: batch.count)
          }
        }
        batches = try combined(batches, term.operation, others, plan.schema)
      }
      var blocks: [Block] = []
      for batch in batches { blocks += Block.blocks(of: batch) }
      return try finish(
        blocks, [], InputShape(types: plan.schema.fields.map(\.type), names: .sources([0])),
        RowPlan(schema: plan.schema, expressions: nil, ordering: plan.ordering, limit: limit, offset: offset),
        givens)
    }
  }

  /// All rows of a query, in memory.
  func all(_ plan: SelectPlan) throws(QueryError) -> [RecordBatch] {
    if let known = shared.known(plan) { return known }
    let source = try source(plan)
    var batches: [RecordBatch] = []
    var bytes = 0
    while let batch = try source.next() {
      bytes += batch.columns.reduce(0) { $0 + $1.heldBytes }
      // SQLite needs no memory for the rows of most subqueries.
      if bytes > options.memoryLimit {
        throw QueryError(.leftToSQLite, "the rows of a subquery do not fit into the memory limit")
      }
      batches.append(batch)
    }
    shared.keep(batches, of: plan)
    return batches
  }

  func memoryError() -> QueryError {
    QueryError(.memory, "the query needs more than its memory limit of \(options.memoryLimit) bytes")
  }

  private func rows(_ expression: BoundExpression?, missing: Int) throws(QueryError) -> Int {
    guard let expression else { return missing }
    let value = try compiling { () throws(NotMine) in
      try Compiler(InputShape(types: [], names: .sources([])), givens).node(expression).constant
    }
    guard case .integer(let rows)? = value else {
      throw QueryError(.leftToSQLite, "a LIMIT or OFFSET that is no integer")
    }
    // Negative ones mean none.
    return rows < 0 ? missing : Int(rows)
  }

  // MARK: One core

  private func source(_ core: CorePlan, _ plan: SelectPlan, limit: Int, offset: Int) throws(QueryError)
    -> BatchSource
  {
    var givens = try answers(core.subqueries)
    var shape = core.shape
    var conditions = core.conjuncts
    var blocks: [Block]
    if case .join(let join) = core.source {
      let pipeline = try JoinPreparation(self, join, shape, conditions, givens).run()
      conditions = []
      if core.grouping?.needsRows == true
        || (core.grouping == nil && !(core.isDistinct && core.windows == nil))
      {
        let input: RowInput = .blocks(try pipeline.materialized(keeping: join.needed, self, shape).blocks)
        blocks = input.blocks
        if let grouping = core.grouping {
          blocks = try groups(input, [], shape, grouping, givens).flatMap { Block.blocks(of: $0) }
        }
      } else {
        let reduced = try core.grouping.map { grouping throws(QueryError) in
          try self.reduced(grouping, pipeline, shape)
        }
        try learn(core, reduced?.keys ?? [], pipeline, &givens)
        guard let grouping = core.grouping else {
          let batches = try distinct(.join(pipeline), [], shape, core.outputs, plan.schema, givens)
          return try finish(distinct: batches, plan, limit: limit, offset: offset, givens)
        }
        blocks = try groups(.join(pipeline), [], shape, grouping, givens, by: reduced).flatMap {
          Block.blocks(of: $0)
        }
      }
    } else {
      blocks = try self.blocks(core.source)
      if case .view(let view) = core.source {
        givens.view = view
        blocks = try surviving(blocks, view.conditions, view.shape, givens)
      }
      blocks = try surviving(blocks, conditions, shape, givens)
      try learn(core, plan, blocks, isLimited: limit != .max, &givens)
      if let grouping = core.grouping {
        blocks = try groups(.blocks(blocks), conditions, shape, grouping, givens).flatMap {
          Block.blocks(of: $0)
        }
      }
    }
    if let grouping = core.grouping {
      shape = grouping.shape
      conditions = core.having
    }
    if let windows = core.windows {
      let input = core.grouping == nil ? givens : givens.ofNoInput
      blocks = Block.blocks(of: try windowed(blocks, conditions, shape, windows, input))
      shape = windows.shape
      conditions = []
    }
    let rest = core.grouping == nil && core.windows == nil ? givens : givens.ofNoInput
    let expressions = core.outputs.map(\.expression)
    let rows = RowPlan(
      schema: plan.schema, expressions: expressions, ordering: plan.ordering, limit: limit, offset: offset)
    if core.isDistinct {
      let batches = try distinct(.blocks(blocks), conditions, shape, core.outputs, plan.schema, rest)
      return try finish(distinct: batches, plan, limit: limit, offset: offset, givens)
    }
    let source = try finish(blocks, conditions, shape, rows, rest)
    // SQLite joins in an order of its own, so it cannot go on behind the first rows.
    guard case .join = core.source, core.grouping == nil, plan.ordering.isEmpty,
      RowProgram(conditions, shape, rows, rest).passedColumns.contains(nil)
    else { return source }
    var batches: [RecordBatch] = []
    while let batch = try source.next() { batches.append(batch) }
    return StoredSource(batches)
  }

  private func finish(
    distinct batches: [RecordBatch], _ plan: SelectPlan, limit: Int, offset: Int, _ givens: Givens
  ) throws(QueryError) -> BatchSource {
    let rows = RowPlan(
      schema: plan.schema, expressions: nil, ordering: plan.ordering, limit: limit, offset: offset)
    let types = plan.schema.fields.map(\.type)
    return try finish(
      batches.flatMap { Block.blocks(of: $0) }, [], InputShape(types: types, names: .sources([0])), rows,
      givens.ofNoInput)
  }

  /// The rows of one source.
  func blocks(_ source: CorePlan.Source) throws(QueryError) -> [Block] {
    switch source {
    case .oneRow:
      return Block.blocks(
        of: try data { () throws(DataError) in try RecordBatch(schema: Schema([]), columns: [], count: 1) })
    case .table(let number): return tables[number]
    case .select(let select):
      var blocks: [Block] = []
      for batch in try all(select) { blocks += Block.blocks(of: batch) }
      return blocks
    case .view(let view): return tables[view.table].map { $0.mapped(view.columns) }
    case .join: preconditionFailure("a join is no single source")
    }
  }

  /// What is done with rows once they are as many as the result, LIMIT aside.
  private func finish(
    _ blocks: [Block], _ conditions: [BoundExpression], _ shape: InputShape, _ rows: RowPlan, _ givens: Givens
  ) throws(QueryError) -> BatchSource {
    if rows.limit == 0 { return StoredSource([]) }
    if rows.ordering.isEmpty {
      return ScanSource(blocks, RowProgram(conditions, shape, rows, givens), rows, options)
    }
    return try sorted(blocks, conditions, shape, rows, givens)
  }

  private func answers(_ subqueries: [Subquery]) throws(QueryError) -> Givens {
    var givens = givens
    givens.isTrial = false
    givens.checkpoint = morsels.checkpoint
    for subquery in subqueries {
      let source = try source(subquery.plan)
      switch subquery.use {
      case .exists:
        var hasRow = false
        while !hasRow, let batch = try source.next() { hasRow = batch.count > 0 }
        givens.scalars[subquery.identity] = .integer(hasRow ? 1 : 0)
      case .scalar:
        var value: Constant = .null
        while let batch = try source.next() {
          if batch.count == 0 { continue }
          var first = ConstantList()
          try add(batch.slice(0..<1), to: &first)
          value = first.integers.first.map { .integer($0) } ?? first.others[0]
          break
        }
        givens.scalars[subquery.identity] = value
      case .list:
        var list = ConstantList()
        while let batch = try source.next() {
          try add(batch, to: &list)
          if list.byteCount > options.memoryLimit { throw memoryError() }
        }
        givens.lists[subquery.identity] = list
      }
    }
    return givens
  }

  /// Adds the values of a batch's first column.
  private func add(_ batch: RecordBatch, to list: inout ConstantList) throws(QueryError) {
    let column = try compiling { () throws(NotMine) in
      let compiler = Compiler(
        InputShape(types: batch.schema.fields.map(\.type), names: .sources([0])), Givens())
      let node = try compiler.column(0)
      return try node.kind.isText ? compiler.text(node) : node
    }
    let frame = Frame()
    for block in Block.blocks(of: batch) {
      frame.enter(block)
      for start in stride(from: block.rows.lowerBound, to: block.rows.upperBound, by: vectorSize) {
        if start & 0x3FFF == 0 { try morsels.check() }
        frame.select(start..<min(start + vectorSize, block.rows.upperBound))
        let vector = try column.evaluate(frame)
        for i in 0..<frame.count {
          guard vector.isValid(i) else {
            list.append(.null)
            continue
          }
          switch column.kind {
          case .integer: list.integers.append(vector.integers[i])
          case .real: list.append(.real(vector.reals[i]))
          case .blob: list.append(.blob(Array(vector.slices[i])))
          default: list.append(.text(Array(vector.slices[i])))
          }
        }
      }
    }
  }
}

extension Column {
  /// The bytes that are held for this column alone; what is mapped from a file is not.
  var heldBytes: Int {
    func held(_ buffer: Buffer) -> Int { buffer.owner is HeapMemory ? buffer.count : 0 }
    switch layout {
    case .fixed(let values): return held(values)
    case .variable(let offsets, let bytes): return held(offsets) + held(bytes)
    default: return byteCount
    }
  }
}

/// What rows become: results, in an order, some of them.
struct RowPlan: Sendable {
  var schema: Schema
  /// nil where the input's columns are the results.
  var expressions: [BoundExpression]?
  /// Which ones of them, if not all.
  var columns: [Int]?
  var ordering: [OrderKey]
  var limit: Int
  var offset: Int
}

/// Compiles what a plan has tried to compile before. It fails only for what could not be known then.
func compiling<R>(_ body: () throws(NotMine) -> R) throws(QueryError) -> R {
  do throws(NotMine) { return try body() } catch { throw QueryError(.leftToSQLite, error.reason) }
}

/// Conditions and results, to be compiled for each worker.
struct RowProgram: Sendable {
  let conditions: [BoundExpression]
  let shape: InputShape
  let rows: RowPlan
  let givens: Givens

  init(_ conditions: [BoundExpression], _ shape: InputShape, _ rows: RowPlan, _ givens: Givens) {
    self.conditions = conditions
    self.shape = shape
    self.rows = rows
    self.givens = givens
  }

  var hasConditions: Bool { !conditions.isEmpty || givens.view != nil }

  func predicates(_ compiler: Compiler) throws(QueryError) -> [Predicate] {
    try compiling { () throws(NotMine) in
      var predicates = try compiler.viewPredicates()
      for condition in conditions { predicates.append(try compiler.predicate(condition)) }
      return predicates
    }
  }

  func collectors(_ compiler: Compiler) throws(QueryError) -> [Collector] {
    try compiling { () throws(NotMine) in
      var collectors: [Collector] = []
      for (i, field) in rows.schema.fields.enumerated() {
        if let expressions = rows.expressions {
          collectors.append(try compiler.collector(OutputColumn(expression: expressions[i], field: field)))
          continue
        }
        let place = rows.columns?[i] ?? i
        if field.type.isPassedOn {
          collectors.append(Collector(column: place, type: field.type))
        } else {
          collectors.append(try Collector(try compiler.column(place), type: field.type))
        }
      }
      return collectors
    }
  }

  /// The node of an ordering's key.
  func node(_ key: OrderKey, _ compiler: Compiler) throws(QueryError) -> Node {
    try compiling { () throws(NotMine) in
      let node: Node
      switch (key.value, rows.expressions) {
      case (.result(let number), nil): node = try compiler.column(number)
      case (.result(let number), let expressions?): node = try compiler.value(expressions[number])
      case (.expression(let expression), _): node = try compiler.value(expression)
      }
      // Times beyond year 9999 are not in the order of their text.
      return node.kind.isText && node.kind != .text
        ? OrderedTicksNode(node) : try compiler.collated(node, key.collation)
    }
  }

  /// The input columns that the results are, unchanged; nil for those that are computed.
  var passedColumns: [Int?] {
    rows.schema.fields.indices.map { i in
      guard let expressions = rows.expressions else { return rows.columns?[i] ?? i }
      guard let place = shape.place(expressions[i].node), shape.types[place] == rows.schema.fields[i].type
      else {
        return nil
      }
      return place
    }
  }
}

/// Times that are made sure of to be in the order of their text.
final class OrderedTicksNode: Node {
  private let inner: Node
  private let domain: ClosedRange<Int64>

  init(_ inner: Node) {
    self.inner = inner
    if case .ticks(let type) = inner.kind { domain = type.tickDomain ?? 0...0 } else { domain = 0...0 }
    super.init(inner.kind)
  }

  override func evaluate(_ frame: Frame) throws(QueryError) -> Vector {
    let vector = try inner.evaluate(frame)
    try checkTicks(vector, frame.count, domain)
    return vector
  }
}
