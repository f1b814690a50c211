// What pays to be known of an operator's input before its first row.

import Arrow
import Kernels
import Memory
import SQL

extension Execution {
  /// Finds out the codes of texts that are compared or grouped by, and the ranges of integers to group by.
  func learn(
    _ core: CorePlan, _ plan: SelectPlan, _ blocks: [Block], isLimited: Bool, _ givens: inout Givens
  ) throws(QueryError) {
    let shape = core.shape
    let rows = blocks.reduce(0) { $0 + $1.rows.count }
    guard rows >= options.learningRows else { return }
    var texts: Set<Int> = []
    var integers: Set<Int> = []
    func note(_ expression: BoundExpression) {
      guard let place = shape.place(expression.node) else { return }
      switch shape.types[place] {
      case .utf8, .largeUtf8: texts.insert(place)
      default: if shape.types[place].vectorKind?.isInteger == true { integers.insert(place) }
      }
    }
    func noteCondition(_ expression: BoundExpression, _ shape: InputShape? = nil) {
      let shape = shape ?? core.shape
      let places = shape.places(in: expression)
      guard places.count == 1, let place = places.first else {
        for operand in expression.operands { noteCondition(operand, shape) }
        return
      }
      if shape.types[place] == .utf8 || shape.types[place] == .largeUtf8 { texts.insert(place) }
    }
    for condition in core.conjuncts { noteCondition(condition) }
    if let view = givens.view { for condition in view.conditions { noteCondition(condition, view.shape) } }
    if let grouping = core.grouping {
      for case .expression(let key) in grouping.keys { note(key) }
      for aggregate in grouping.aggregates {
        if aggregate.isDistinct, let argument = aggregate.arguments.first { note(argument) }
        if let filter = aggregate.filter { noteCondition(filter) }
      }
    } else if core.isDistinct {
      for output in core.outputs { note(output.expression) }
    }
    // The first rows of a table are found sooner than the codes of all.
    let isShort = isLimited && core.grouping == nil && !core.isDistinct && plan.ordering.isEmpty
    if !isShort {
      for text in texts { givens.coded[text] = try CodedColumn.make(text, blocks, morsels) }
    }
    for integer in integers {
      if options.numbersDirectly { givens.ranges[integer] = try blocks.range(integer) }
      if try blocks.isAscending(integer) { givens.ascending.insert(integer) }
    }
  }

  /// The same for the rows of a join.
  func learn(
    _ core: CorePlan, _ keys: [Operand], _ pipeline: JoinPipeline, _ givens: inout Givens
  ) throws(QueryError) {
    givens.coded = pipeline.givens.coded
    givens.ranges = [:]
    givens.ascending = []
    let shape = core.shape
    guard pipeline.rows >= Double(options.learningRows) / 4 else { return }
    var places: Set<Int> = []
    for case .expression(let key) in keys {
      if let place = shape.place(key.node) { places.insert(place) }
    }
    if core.grouping == nil, core.isDistinct {
      for output in core.outputs {
        if let place = shape.place(output.expression.node) { places.insert(place) }
      }
    }
    for place in places {
      let stage = pipeline.stages.first { $0.addsColumns && $0.places.contains(place) }
      let blocks = stage.map { [$0.build] } ?? pipeline.driver
      guard pipeline.stages.allSatisfy({ $0.mark != place }) else { continue }
      switch shape.types[place] {
      case .utf8, .largeUtf8:
        if let stage {
          givens.coded[place] = try CodedColumn.make(of: try stage.build.column(place))
        } else if givens.coded[place] == nil {
          givens.coded[place] = try CodedColumn.make(place, blocks, morsels)
        }
      default:
        if shape.types[place].vectorKind?.isInteger == true { givens.ranges[place] = try blocks.range(place) }
      }
    }
  }

  /// Finds out the codes of texts that conditions on one input are about.
  func learnTexts(
    _ conditions: [BoundExpression], _ blocks: [Block], _ shape: InputShape, _ givens: inout Givens
  ) throws(QueryError) {
    var texts: Set<Int> = []
    func note(_ expression: BoundExpression) {
      let places = shape.places(in: expression)
      guard places.count == 1, let place = places.first else {
        for operand in expression.operands { note(operand) }
        return
      }
      if shape.types[place] == .utf8 || shape.types[place] == .largeUtf8 { texts.insert(place) }
    }
    for condition in conditions { note(condition) }
    for text in texts { givens.coded[text] = try CodedColumn.make(text, blocks, morsels) }
  }
}

extension [Block] {

  /// The least and greatest of a column's integers, over all blocks.
  func range(_ index: Int) throws(QueryError) -> ClosedRange<Int64>? {
    var all: ClosedRange<Int64>?
    for block in self {
      var statistics = try block.statistics(index)
      if statistics == nil {
        let column = try block.column(index)
        try data { () throws(DataError) in try column.check(.access) }
        statistics = column.statistics(block.whole)
      }
      guard case .integers(let low, let high)? = statistics?.bounds else {
        if statistics?.nullCount == block.whole.count { continue }
        return nil
      }
      all = all.map { Swift.min($0.lowerBound, low)...Swift.max($0.upperBound, high) } ?? low...high
    }
    return all
  }
}
