// Prepares a join: reads and builds all sides but the one whose rows are looked up in them.

import Arrow
import Kernels
import Memory
import SQL

/// A condition that no side has been asked yet.
private struct Pending {
  var expression: BoundExpression
  /// A bit for each input that it is about.
  var mask: UInt64
  var equality: Equality?
}

/// The sides of an equality that rows are looked up by.
private struct Key {
  var outer: BoundExpression
  var inner: BoundExpression
  var whole: BoundExpression
}

final class JoinPreparation {
  private let execution: Execution
  private let plan: JoinPlan
  private let shape: InputShape
  private let givens: Givens
  private var pending: [Pending] = []
  private var leaves: [Int: JoinLeaf] = [:]
  /// The steps that are still to come, the one in progress among them.
  private var steps: ArraySlice<JoinPlan.Step>
  private var dependencies = Dependencies()
  /// The inputs that are joined so far.
  private var covered: UInt64 = 0

  init(
    _ execution: Execution, _ plan: JoinPlan, _ shape: InputShape, _ conditions: [BoundExpression],
    _ givens: Givens
  ) {
    self.execution = execution
    self.plan = plan
    self.shape = shape
    self.givens = givens
    steps = plan.steps[...]
    pending = conditions.map { condition in
      Pending(
        expression: condition, mask: mask(of: shape.places(in: condition)),
        equality: Equality(condition, shape, givens))
    }
    for condition in pending { if let equality = condition.equality { dependencies.add(equality, shape) } }
  }

  func run() throws(QueryError) -> JoinPipeline {
    for input in plan.free {
      let leaf = try leaf(input, filters: takeOwn(input))
      leaves[input] = leaf
      dependencies.add(input: plan.inputs[input].columns, leaf.blocks)
    }
    // The one with the most rows goes through all the others.
    let trees = order().trees().sorted { $0.rows > $1.rows }
    var pipeline = try self.pipeline(trees[0].tree)
    covered = mask(trees[0].tree)
    for other in trees.dropFirst() {
      pipeline = try extended(pipeline, covered, by: other.tree, rows: pipeline.rows * other.rows)
      covered |= mask(other.tree)
    }
    for step in plan.steps {
      try add(step, to: &pipeline)
      steps.removeFirst()
    }
    append(pending.map(\.expression), to: &pipeline)
    pending = []
    pipeline.dependencies = dependencies
    return pipeline
  }

  private func mask(of places: Set<Int>) -> UInt64 {
    var mask: UInt64 = 0
    for (number, input) in plan.inputs.enumerated() where places.contains(where: input.columns.contains) {
      mask |= 1 << UInt64(number)
    }
    return mask
  }

  // MARK: Conditions

  /// The conditions on an input alone, and what others say about it besides.
  private func takeOwn(_ input: Int) -> [BoundExpression] {
    let bit = UInt64(1) << UInt64(input)
    var own = pending.filter { $0.mask == bit }.map(\.expression)
    pending.removeAll { $0.mask == bit }
    for condition in pending where condition.mask & bit != 0 {
      let implied = condition.expression.implied { part in
        let places = shape.places(in: part)
        return !places.isEmpty && mask(of: places) == bit
      }
      if let implied { own.append(implied) }
    }
    return own
  }

  /// The conditions that can be asked once these inputs are joined.
  private func takeCovered(_ mask: UInt64) -> [BoundExpression] {
    let ready = pending.filter { $0.mask & ~mask == 0 }.map(\.expression)
    pending.removeAll { $0.mask & ~mask == 0 }
    return ready
  }

  private func append(_ conditions: [BoundExpression], to pipeline: inout JoinPipeline) {
    if pipeline.stages.isEmpty {
      pipeline.filters += conditions
    } else {
      pipeline.stages[pipeline.stages.count - 1].after += conditions
    }
  }

  /// The columns of some inputs that are needed behind their join.
  private func needed(_ mask: UInt64, _ steps: ArraySlice<JoinPlan.Step>, _ others: [BoundExpression] = [])
    -> Set<Int>
  {
    var places = plan.needed
    for expression in others { places.formUnion(shape.places(in: expression)) }
    for condition in pending { places.formUnion(shape.places(in: condition.expression)) }
    for step in steps {
      for condition in step.condition { places.formUnion(shape.places(in: condition)) }
      if let membership = step.membership { places.formUnion(shape.places(in: membership)) }
      for key in step.keys { places.formUnion(shape.places(in: key.outer)) }
    }
    return places.filter { place in
      plan.inputs.enumerated().contains { number, input in
        mask >> UInt64(number) & 1 == 1 && input.columns.contains(place)
      }
    }
  }

  private func needed(_ mask: UInt64) -> Set<Int> { needed(mask, steps) }

  // MARK: Inputs

  private func leaf(_ input: Int, filters: [BoundExpression]) throws(QueryError) -> JoinLeaf {
    let source = plan.inputs[input]
    let blocks = try execution.blocks(source.source).map { $0.placed(at: source.columns.lowerBound) }
    var leaf = JoinLeaf(blocks, source.columns, filters)
    try leaf.find(execution, shape, givens)
    // What is small is read now, so that its size is known.
    if !leaf.filters.isEmpty, leaf.candidates <= 100_000 {
      let rows = try leaf.pipeline.materialized(
        keeping: needed(1 << UInt64(input)), execution, shape)
      leaf.replace(by: rows)
    }
    return leaf
  }

  private func order() -> JoinOrder {
    let inputs = plan.free
    func bits(_ mask: UInt64) -> UInt64 {
      inputs.enumerated().reduce(0) { bits, input in
        mask >> UInt64(input.element) & 1 == 1 ? bits | 1 << UInt64(input.offset) : bits
      }
    }
    var edges: [JoinOrder.Edge] = []
    for condition in pending {
      guard let equality = condition.equality else { continue }
      let (left, right) = (mask(of: equality.leftPlaces), mask(of: equality.rightPlaces))
      let (leftBits, rightBits) = (bits(left), bits(right))
      guard leftBits.nonzeroBitCount == left.nonzeroBitCount,
        rightBits.nonzeroBitCount == right.nonzeroBitCount
      else { continue }
      edges.append(
        JoinOrder.Edge(
          left: leftBits, right: rightBits, leftDistinct: distinct(equality.left, left),
          rightDistinct: distinct(equality.right, right)))
    }
    return JoinOrder(
      rows: inputs.map { leaves[$0]!.rows }, baseRows: inputs.map { leaves[$0]!.baseRows }, edges: edges)
  }

  /// About how many values an expression has.
  private func distinct(_ expression: BoundExpression, _ mask: UInt64) -> Double {
    guard let place = shape.place(expression.node), mask.nonzeroBitCount == 1,
      let leaf = leaves[mask.trailingZeroBitCount]
    else { return .infinity }
    return leaf.distinct(place, shape)
  }

  // MARK: Trees

  private func mask(_ tree: JoinTree) -> UInt64 {
    switch tree {
    case .leaf(let number): 1 << UInt64(plan.free[number])
    case .join(let probe, let build, _): mask(probe) | mask(build)
    }
  }

  private func pipeline(_ tree: JoinTree) throws(QueryError) -> JoinPipeline {
    switch tree {
    case .leaf(let number): return leaves[plan.free[number]]!.pipeline
    case .join(let probe, let build, let rows):
      let pipeline = try self.pipeline(probe)
      return try extended(pipeline, mask(probe), by: build, rows: rows)
    }
  }

  /// A pipeline with one more side to look up in.
  private func extended(
    _ pipeline: JoinPipeline, _ probe: UInt64, by build: JoinTree, rows: Double
  ) throws(QueryError) -> JoinPipeline {
    let buildMask = mask(build)
    let built = try self.pipeline(build).materialized(keeping: needed(buildMask), execution, shape)
    var result = pipeline
    result.rows = rows
    result.stages.append(try innerStage(built, probe, buildMask))
    append(takeCovered(probe | buildMask), to: &result)
    return result
  }

  /// A stage of an inner join, by all equalities that there are.
  private func innerStage(
    _ built: JoinedRows, _ probe: UInt64, _ build: UInt64
  ) throws(QueryError) -> JoinStage {
    var keys: [Key] = []
    pending.removeAll { condition in
      guard let key = self.key(condition.expression, condition.equality, probe, build) else { return false }
      keys.append(key)
      return true
    }
    return try stage(.inner, built, keys, residual: [], built.batch.count)
  }

  /// The sides of an equality, if it is one of what was joined with what is built.
  private func key(
    _ expression: BoundExpression, _ equality: Equality?, _ probe: UInt64, _ build: UInt64
  ) -> Key? {
    guard let equality else { return nil }
    let (left, right) = (mask(of: equality.leftPlaces), mask(of: equality.rightPlaces))
    if left & ~probe == 0, right & ~build == 0 {
      return Key(outer: equality.left, inner: equality.right, whole: expression)
    }
    if right & ~probe == 0, left & ~build == 0 {
      return Key(outer: equality.right, inner: equality.left, whole: expression)
    }
    return nil
  }

  private func stage(
    _ kind: JoinPlan.Step.Kind, _ built: JoinedRows, _ keys: [Key], residual: [BoundExpression],
    _ rowCount: Int
  ) throws(QueryError) -> JoinStage {
    let index = try JoinIndex(built.block, rowCount, keys.map(\.inner), shape, givens, execution.morsels)
    let others = keys.indices.filter { !index.used.contains($0) }.map { keys[$0].whole }
    let deciding = index.used.map { shape.place(keys[$0].inner.node) }
    if index.isUnique, !deciding.isEmpty, deciding.allSatisfy({ $0.map(shape.isExact) ?? false }) {
      dependencies.add(Set(deciding.map { $0! }), decide: Set(built.places))
    }
    return JoinStage(
      kind: kind, index: index, keys: index.used.map { keys[$0].outer }, residual: others + residual,
      build: built.block, places: built.places)
  }

  // MARK: Steps

  private func add(_ step: JoinPlan.Step, to pipeline: inout JoinPipeline) throws(QueryError) {
    let bit = UInt64(1) << UInt64(step.input)
    switch step.kind {
    case .inner:
      let leaf = try self.leaf(step.input, filters: takeOwn(step.input))
      let built = try leaf.pipeline.materialized(keeping: needed(bit), execution, shape)
      pipeline.rows = max(pipeline.rows, leaf.rows)
      pipeline.stages.append(try innerStage(built, covered, bit))
    case .left, .lookup: pipeline.stages.append(try lookup(step, &pipeline, bit))
    }
    covered |= bit
    append(takeCovered(covered), to: &pipeline)
  }

  /// A stage that rows go through one by one, by conditions of its own.
  private func lookup(
    _ step: JoinPlan.Step, _ pipeline: inout JoinPipeline, _ bit: UInt64
  ) throws(QueryError) -> JoinStage {
    var filters: [BoundExpression] = []
    var keys: [Key] = []
    var residual: [BoundExpression] = []
    for condition in step.condition {
      let mask = self.mask(of: shape.places(in: condition))
      if mask == bit {
        filters.append(condition)
      } else if let key = self.key(condition, Equality(condition, shape, givens), covered, bit) {
        keys.append(key)
      } else {
        residual.append(condition)
      }
    }
    var inner = execution
    if !step.keys.isEmpty { inner.givens = try keySets(step, &pipeline) }
    let source = plan.inputs[step.input]
    let blocks = try inner.blocks(source.source).map { $0.placed(at: source.columns.lowerBound) }
    var leaf = JoinLeaf(blocks, source.columns, filters)
    try leaf.find(execution, shape, givens)
    // What its own filters are about is of no use behind them.
    var needed = self.needed(
      bit, steps.dropFirst(),
      keys.map(\.inner) + keys.map(\.whole) + residual + (step.membership.map { [$0] } ?? []))
    var mark: Int?
    var hasNullRow = false
    switch step.kind {
    case .lookup(.mark):
      mark = source.columns.upperBound - 1
      needed.remove(mark!)
    case .left, .lookup(.first): hasNullRow = true
    default: break
    }
    let built = try leaf.pipeline.materialized(keeping: needed, execution, shape, withNullRow: hasNullRow)
    var stage = try self.stage(
      step.kind, built, keys, residual: residual, built.batch.count - (hasNullRow ? 1 : 0))
    stage.membership = step.membership
    stage.mark = mark
    return stage
  }

  /// What the source of a lookup is told of the rows that it is for, where these are few.
  private func keySets(_ step: JoinPlan.Step, _ pipeline: inout JoinPipeline) throws(QueryError) -> Givens {
    var inner = execution.givens
    let size = execution.largestTable(plan.inputs[step.input].source)
    guard size * 2 >= execution.options.learningRows, pipeline.rows * 4 < Double(size) else { return inner }
    if !pipeline.stages.isEmpty || !pipeline.filters.isEmpty {
      let rows = try pipeline.materialized(keeping: needed(covered), execution, shape)
      pipeline = JoinPipeline(
        driver: rows.blocks, givens: givens.ofNoInput, rows: Double(rows.batch.count))
    }
    for key in step.keys {
      let compiler = Compiler(shape, givens)
      let node = try compiling { () throws(NotMine) in try compiler.node(key.outer) }
      guard node.kind.isInteger else { continue }
      var values: [Int64] = []
      let frame = Frame()
      for block in pipeline.driver {
        frame.enter(block)
        try execution.morsels.check()
        for start in stride(from: block.rows.lowerBound, to: block.rows.upperBound, by: vectorSize) {
          frame.select(start..<min(start + vectorSize, block.rows.upperBound))
          let vector = try node.evaluate(frame)
          for i in 0..<frame.count where vector.isValid(i) { values.append(vector.integers[i]) }
        }
      }
      inner.keySets[ObjectIdentifier(key.marker)] = KeySet(values, execution.morsels.checkpoint)
      try execution.morsels.check()
    }
    return inner
  }
}

extension Execution {
  /// The rows of the largest table that a source reads.
  func largestTable(_ source: CorePlan.Source) -> Int {
    switch source {
    case .oneRow: 1
    case .table(let number): tables[number].reduce(0) { $0 + $1.rows.count }
    case .view(let view): tables[view.table].reduce(0) { $0 + $1.rows.count }
    case .join(let join): join.inputs.reduce(0) { max($0, largestTable($1.source)) }
    case .select(let plan):
      switch plan.body {
      case .core(let core): largestTable(core.source)
      case .compound(let first, let terms):
        terms.reduce(largestTable(.select(first))) { max($0, largestTable(.select($1.plan))) }
      }
    }
  }
}
