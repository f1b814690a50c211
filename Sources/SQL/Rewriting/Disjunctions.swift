// What follows from an OR: conditions that all its branches share, and those that it puts on some of the sources.

extension BoundExpression {
  /// This condition as conjuncts, with what all branches of an OR have in common taken out of it. `(a AND b) OR (a AND c)` is
  /// `a AND (b OR c)` in three-valued logic, too.
  public var factored: [BoundExpression] {
    conjuncts.flatMap { part -> [BoundExpression] in
      guard case .or = part.node else { return [part] }
      let branches = part.branches
      var common: [BoundExpression] = []
      var keys: Set<String> = []
      let texts = branches.map { Set($0.map(PlanText.key)) }
      for conjunct in branches[0] {
        let key = PlanText.key(conjunct)
        if texts.allSatisfy({ $0.contains(key) }), keys.insert(key).inserted { common.append(conjunct) }
      }
      if common.isEmpty { return [part] }
      let rest = branches.map { $0.filter { !keys.contains(PlanText.key($0)) } }
      // A branch that is no more than what is common makes the others superfluous.
      if rest.contains(where: \.isEmpty) { return common }
      return common + [BoundExpression.any(rest, part)]
    }
  }

  /// A condition on some columns that every row must satisfy which satisfies this OR; nil when there is none.
  /// - Parameter isWanted: whether a condition is about those columns only.
  public func implied(_ isWanted: (BoundExpression) -> Bool) -> BoundExpression? {
    guard case .or = node else { return nil }
    let parts = branches.map { $0.filter(isWanted) }
    return parts.contains(where: \.isEmpty) ? nil : BoundExpression.any(parts, self)
  }

  /// The conjuncts of each branch of an OR.
  private var branches: [[BoundExpression]] {
    // Chains lean to the left.
    var result: [[BoundExpression]] = []
    var rest = self
    while case .or(let left, let right) = rest.node {
      if case .or = right.node { result += right.branches.reversed() } else { result.append(right.factored) }
      rest = left
    }
    result.append(rest.factored)
    return result.reversed()
  }

  private static func any(_ branches: [[BoundExpression]], _ whole: BoundExpression) -> BoundExpression {
    let terms = branches.map { BoundExpression.all($0)! }
    return terms.dropFirst().reduce(terms[0]) { left, right in
      BoundExpression(.or(left, right), .truth(left.type, right.type), range: whole.range)
    }
  }
}
