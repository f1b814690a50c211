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
    for integer in integers { givens.ranges[integer] = try range(integer, blocks) }
  }

  /// The least and greatest of a column's integers, over all blocks.
  private func range(_ index: Int, _ blocks: [Block]) throws(QueryError) -> ClosedRange<Int64>? {
    var all: ClosedRange<Int64>?
    for block in blocks {
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
      all = all.map { min($0.lowerBound, low)...max($0.upperBound, high) } ?? low...high
    }
    return all
  }
}
