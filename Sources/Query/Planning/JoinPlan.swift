// What a core joins: sources in any order, and then steps that each row of them goes through.

import Arrow
import SQL

struct JoinPlan: Sendable {
  struct Input: Sendable {
    var source: CorePlan.Source
    /// The source's columns among all; of a lookup that marks rows, the last one is its mark.
    var columns: Range<Int>
  }

  struct Step: Sendable {
    enum Kind: Sendable {
      case inner
      /// Rows without a partner stay, with NULLs on the right.
      case left
      case lookup(BoundLookup.Kind)
    }
    var input: Int
    var kind: Kind
    /// What decides which pairs match; of inner joins it is among the core's conditions instead.
    var condition: [BoundExpression] = []
    var membership: BoundExpression?
    /// What the source may be told of the rows that are looked up for.
    var keys: [(outer: BoundExpression, marker: KeyMarker)] = []
  }

  var inputs: [Input]
  /// Inputs of inner joins, which are joined in the order that their sizes suggest.
  var free: [Int]
  var steps: [Step]
  /// The types of all columns; `null` for those that nobody needs.
  var types: [DataType]
  /// The columns that are needed once all is joined.
  var needed: Set<Int>
}

extension Planner {
  /// The join of several sources, and the conditions that its inner joins add to the core's own.
  func join(
    _ core: BoundCore, _ orderBy: [BoundOrdering]
  ) throws(NotMine) -> (plan: JoinPlan, starts: [Int], conditions: [BoundExpression]) {
    guard core.sources.count <= 60 else { throw NotMine("it joins more than 60 sources") }
    var starts: [Int] = []
    var inputs: [JoinPlan.Input] = []
    var types: [DataType] = []
    for (number, source) in core.sources.enumerated() {
      var (kind, columns) = try self.source(source)
      if let lookup = core.lookups.first(where: { $0.source == number }), case .mark = lookup.kind {
        columns.append(.int64)
      }
      starts.append(types.count)
      inputs.append(JoinPlan.Input(source: kind, columns: types.count..<types.count + columns.count))
      types += columns
    }
    var conditions: [BoundExpression] = []
    var steps: [JoinPlan.Step] = []
    func walk(_ join: BoundJoin) throws(NotMine) {
      guard case .join(let kind, let left, let right, let condition) = join else {
        if case .source(let number) = join { steps.append(JoinPlan.Step(input: number, kind: .inner)) }
        return
      }
      guard case .source(let number) = right else { throw NotMine("it nests joins in parentheses") }
      try walk(left)
      switch kind {
      case .comma, .inner, .cross:
        steps.append(JoinPlan.Step(input: number, kind: .inner))
        if let condition { conditions += condition.factored }
      case .left:
        steps.append(
          JoinPlan.Step(input: number, kind: .left, condition: condition.map { $0.factored } ?? []))
      case .right, .full: throw NotMine("a RIGHT or FULL JOIN")
      }
    }
    try walk(core.join!)
    for lookup in core.lookups {
      steps.append(
        JoinPlan.Step(
          input: lookup.source, kind: .lookup(lookup.kind), condition: lookup.condition,
          membership: lookup.membership, keys: lookup.keys))
    }
    // A condition of an inner join may refer to what an outer join on its left has filled with NULL: as part of WHERE it means the same.
    let shape = InputShape(types: types, names: .sources(starts))
    func places(_ expressions: [BoundExpression]) -> Set<Int> {
      expressions.reduce(into: []) { $0.formUnion(shape.places(in: $1)) }
    }
    var results = core.results + core.groupBy
    if let having = core.having { results.append(having) }
    for aggregate in core.aggregates {
      results += aggregate.arguments + (aggregate.filter.map { [$0] } ?? [])
    }
    for term in orderBy { if case .expression(let expression) = term.key { results.append(expression) } }
    let needed = places(results)
    var used = needed.union(places(conditions))
    if let condition = core.condition { used.formUnion(places([condition])) }
    for step in steps {
      used.formUnion(places(step.condition))
      if let membership = step.membership { used.formUnion(places([membership])) }
      used.formUnion(places(step.keys.map(\.outer)))
    }
    for place in types.indices where !used.contains(place) { types[place] = .null }
    let all = (core.condition?.factored ?? []) + conditions
    let free = freed(&steps, inputs, all, InputShape(types: types, names: .sources(starts)))
    let plan = JoinPlan(inputs: inputs, free: free, steps: steps, types: types, needed: needed)
    return (plan, starts, conditions)
  }

  /// Takes the inputs out of the steps that may be joined in any order: those in front of the first outer join, and those of inner joins
  /// behind it that equalities connect with them.
  private func freed(
    _ steps: inout [JoinPlan.Step], _ inputs: [JoinPlan.Input], _ conditions: [BoundExpression],
    _ shape: InputShape
  ) -> [Int] {
    func isInner(_ step: JoinPlan.Step) -> Bool { if case .inner = step.kind { true } else { false } }
    var free = steps.prefix(while: isInner).map(\.input)
    steps.removeFirst(free.count)
    let equalities = conditions.compactMap { Equality($0, shape, givens) }
    var isGrowing = true
    while isGrowing {
      isGrowing = false
      let places = free.reduce(into: Set<Int>()) { $0.formUnion(inputs[$1].columns) }
      for (number, step) in steps.enumerated() where isInner(step) {
        let own = Set(inputs[step.input].columns)
        guard equalities.contains(where: { $0.connects(places, own) }) else { continue }
        free.append(step.input)
        steps.remove(at: number)
        isGrowing = true
        break
      }
    }
    return free
  }
}

/// A condition that rows can be looked up by: two values of one kind that must be equal.
struct Equality {
  var left: BoundExpression
  var right: BoundExpression
  var leftPlaces: Set<Int>
  var rightPlaces: Set<Int>

  init?(_ condition: BoundExpression, _ shape: InputShape, _ givens: Givens) {
    guard case .compare(.equal, let a, let b, let how) = condition.node, how.collation == .binary else {
      return nil
    }
    (left, right) = (a, b)
    (leftPlaces, rightPlaces) = (shape.places(in: a), shape.places(in: b))
    guard !leftPlaces.isEmpty, !rightPlaces.isEmpty, leftPlaces.isDisjoint(with: rightPlaces) else {
      return nil
    }
    let compiler = Compiler(shape, givens)
    guard let kind = (try? compiler.node(a))?.kind, kind == (try? compiler.node(b))?.kind, kind != .null
    else {
      return nil
    }
    // Texts under a numeric affinity would be compared as numbers.
    if how.affinity == .numeric, !kind.isInteger, kind != .real { return nil }
    if how.affinity == .text, kind.isNumeric { return nil }
  }

  /// Whether one side is about `a` only and the other about `b`.
  func connects(_ a: Set<Int>, _ b: Set<Int>) -> Bool {
    leftPlaces.isSubset(of: a) && rightPlaces.isSubset(of: b)
      || leftPlaces.isSubset(of: b) && rightPlaces.isSubset(of: a)
  }
}
