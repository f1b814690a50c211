// How the sources of a core are joined: one after the other, each to all on its left.

import Arrow
import SQL

struct JoinPlan: Sendable {
  struct Step: Sendable {
    var source: CorePlan.Source
    /// The source's columns among all.
    var columns: Range<Int>
    /// Rows of the left without a partner stay, with NULLs on the right.
    var isLeft: Bool
    /// What decides which pairs match; of inner joins it is among the core's conditions instead.
    var condition: [BoundExpression]
  }
  var steps: [Step]
  /// The types of all columns; `null` for those that nobody needs.
  var types: [DataType]
  var needed: Set<Int>
}

extension Planner {
  /// The join of several sources, and the conditions that its inner joins add to the core's own.
  func join(
    _ core: BoundCore, _ orderBy: [BoundOrdering]
  ) throws(NotMine) -> (plan: JoinPlan, starts: [Int], conditions: [BoundExpression]) {
    var starts: [Int] = []
    var steps: [JoinPlan.Step] = []
    var types: [DataType] = []
    for source in core.sources {
      let (kind, columns) = try self.source(source)
      starts.append(types.count)
      steps.append(
        JoinPlan.Step(
          source: kind, columns: types.count..<types.count + columns.count, isLeft: false, condition: []))
      types += columns
    }
    var conditions: [BoundExpression] = []
    func walk(_ join: BoundJoin) throws(NotMine) {
      guard case .join(let kind, let left, let right, let condition) = join else { return }
      guard case .source(let number) = right else { throw NotMine("it nests joins in parentheses") }
      try walk(left)
      switch kind {
      case .comma, .inner, .cross: if let condition { conditions += condition.conjuncts }
      case .left:
        steps[number].isLeft = true
        steps[number].condition = condition?.conjuncts ?? []
      case .right, .full: throw NotMine("a RIGHT or FULL JOIN")
      }
    }
    try walk(core.join!)
    // A condition of an inner join may refer to what an outer join on its left has filled with NULL: as part of WHERE it means the same.
    let shape = InputShape(types: types, names: .sources(starts))
    var needed: Set<Int> = []
    func need(_ expression: BoundExpression) { needed.formUnion(shape.places(in: expression)) }
    for expression in core.results + core.groupBy + conditions + steps.flatMap(\.condition) {
      need(expression)
    }
    if let condition = core.condition { need(condition) }
    if let having = core.having { need(having) }
    for aggregate in core.aggregates {
      for argument in aggregate.arguments { need(argument) }
      if let filter = aggregate.filter { need(filter) }
    }
    for term in orderBy { if case .expression(let expression) = term.key { need(expression) } }
    for place in types.indices where !needed.contains(place) { types[place] = .null }
    return (JoinPlan(steps: steps, types: types, needed: needed), starts, conditions)
  }
}
