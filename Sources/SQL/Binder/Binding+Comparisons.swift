// Comparisons: affinity and collating sequence, by https://sqlite.org/datatype3.html

extension Binding {
  /// How two operands are compared.
  func comparison(
    _ left: BoundExpression, _ right: BoundExpression, _ scope: Scope, _ range: SourceRange
  ) throws(SQLError) -> Comparison {
    try checkCertain(left, scope, range)
    try checkCertain(right, scope, range)
    return Comparison(
      affinity: .of(left.affinity, right.affinity), collation: Self.collation(left, right))
  }

  /// An explicit COLLATE wins, the left one first; then the left column's, then the right one's.
  private static func collation(_ left: BoundExpression, _ right: BoundExpression) -> Collation {
    if left.hasExplicitCollation { return left.collation ?? .binary }
    if right.hasExplicitCollation { return right.collation ?? .binary }
    return left.collation ?? right.collation ?? .binary
  }

  /// The column of a compound whose terms differ in affinity is compared by whichever SQLite's optimiser leaves.
  func checkCertain(_ expression: BoundExpression, _ scope: Scope, _ range: SourceRange) throws(SQLError) {
    if isUncertain(expression, scope) {
      throw .unsupported(
        "comparison with a column of a compound query whose terms differ in affinity", at: range.offset)
    }
  }

  func compare(
    _ symbol: BinaryOperator, _ left: BoundExpression, _ right: BoundExpression, _ scope: Scope,
    _ range: SourceRange
  ) throws(SQLError) -> BoundExpression {
    let comparison = try comparison(left, right, scope, range)
    let type: StaticType =
      symbol == .is || symbol == .isNot ? StaticType(.integer) : .truth(left.type, right.type)
    return made(.compare(symbol, left, right, comparison), type, [left, right], range)
  }

  /// A node whose collation is the explicit one of its first part that has one.
  func made(
    _ node: BoundExpression.Node, _ type: StaticType, _ parts: [BoundExpression], _ range: SourceRange
  ) -> BoundExpression {
    let explicit = parts.first(where: \.hasExplicitCollation)
    return BoundExpression(
      node, type, collation: explicit?.collation, isExplicit: explicit != nil, range: range)
  }

  /// A comparison as it stands in the text: of values, of rows, with NULL, with TRUE.
  func comparison(
    _ symbol: BinaryOperator, _ left: Expression, _ right: Expression, _ range: SourceRange, _ scope: Scope,
    _ tables: CommonTables
  ) throws(SQLError) -> BoundExpression {
    if case .row(let lefts) = left.node {
      guard case .row(let rights) = right.node else {
        throw .unsupported("a row value compared with what is not one", at: range.offset)
      }
      return try compareRows(symbol, lefts, rights, range, scope, tables)
    }
    if case .row = right.node {
      throw .unsupported("a row value compared with what is not one", at: range.offset)
    }
    if symbol == .is || symbol == .isNot {
      if case .literal(.null) = right.node {
        let operand = try bind(left, scope, tables)
        return made(.isNull(operand, negated: symbol == .isNot), StaticType(.integer), [operand], range)
      }
      if case .column(nil, nil, let name) = right.node, name.quoting == .none,
        ["true", "false"].contains(name.text.sqlFolded),
        case .literal(.integer(let value)) = try bind(right, scope, tables).node
      {
        let operand = try bind(left, scope, tables)
        return made(
          .truth(operand, value: value == 1, negated: symbol == .isNot), StaticType(.integer), [operand],
          range)
      }
    }
    return try compare(symbol, try bind(left, scope, tables), try bind(right, scope, tables), scope, range)
  }

  private func compareRows(
    _ symbol: BinaryOperator, _ lefts: [Expression], _ rights: [Expression], _ range: SourceRange,
    _ scope: Scope,
    _ tables: CommonTables
  ) throws(SQLError) -> BoundExpression {
    guard lefts.count == rights.count else { throw SQLError(.misuse, "row value misused", at: range.offset) }
    features.insert(.rowValues)
    var boundLefts: [BoundExpression] = []
    var boundRights: [BoundExpression] = []
    var comparisons: [Comparison] = []
    for (left, right) in zip(lefts, rights) {
      let left = try bind(left, scope, tables)
      let right = try bind(right, scope, tables)
      comparisons.append(try comparison(left, right, scope, range))
      boundLefts.append(left)
      boundRights.append(right)
    }
    let isExact = symbol == .is || symbol == .isNot
    let classes = (boundLefts + boundRights).reduce(StorageClasses()) { $0.union($1.type.classes) }
    let type = isExact ? StaticType(.integer) : .truth(StaticType(classes))
    return made(
      .compareRows(symbol, boundLefts, boundRights, comparisons), type, boundLefts + boundRights, range)
  }

  // MARK: IN

  func inList(
    _ left: Expression, _ negated: Bool, _ list: [Expression], _ range: SourceRange, _ scope: Scope,
    _ tables: CommonTables
  ) throws(SQLError) -> BoundExpression {
    // The operand need not even exist then.
    if list.isEmpty {
      return BoundExpression(.literal(.integer(negated ? 1 : 0)), StaticType(.integer), range: range)
    }
    if case .row = left.node { throw .unsupported("a row value IN a list", at: range.offset) }
    let operand = try bind(left, scope, tables)
    try checkCertain(operand, scope, range)
    var items: [BoundExpression] = []
    for item in list { items.append(try bind(item, scope, tables)) }
    // Only the left side's affinity counts, and its collation: `a IN (x)` is `a = +x`.
    var comparison = Comparison(
      affinity: operand.affinity.map { ComparisonAffinity.of($0) } ?? .none,
      collation: operand.collation ?? .binary)
    if items.count == 1, Self.isConstant(list[0]) { comparison.collation = Self.collation(operand, items[0]) }
    let classes = items.reduce(operand.type.classes) { $0.union($1.type.classes) }
    return made(
      .inList(operand, negated: negated, items, comparison), .truth(StaticType(classes)), [operand] + items,
      range)
  }

  /// What SQLite's parser takes for a constant, before it knows any name.
  private static func isConstant(_ expression: Expression) -> Bool {
    switch expression.node {
    case .literal, .parameter: true
    case .column(nil, nil, let name):
      name.quoting == .none && ["true", "false"].contains(name.text.sqlFolded)
    case .unary(_, let operand), .collate(let operand, _), .cast(let operand, _), .isNull(let operand, _):
      isConstant(operand)
    case .binary(_, let left, let right): isConstant(left) && isConstant(right)
    case .between(let operand, _, let low, let high):
      isConstant(operand) && isConstant(low) && isConstant(high)
    case .conditional(let operand, let whens, let otherwise):
      (operand.map(isConstant) ?? true) && (otherwise.map(isConstant) ?? true)
        && whens.allSatisfy { isConstant($0.condition) && isConstant($0.result) }
    default: false
    }
  }

  func inSelect(
    _ left: Expression, _ negated: Bool, _ select: BoundSelect, _ range: SourceRange, _ scope: Scope,
    _ tables: CommonTables
  ) throws(SQLError) -> BoundExpression {
    var operands: [BoundExpression] = []
    if case .row(let parts) = left.node {
      features.insert(.rowValues)
      for part in parts { operands.append(try bind(part, scope, tables)) }
    } else {
      operands = [try bind(left, scope, tables)]
    }
    guard operands.count == select.columns.count else {
      throw SQLError(
        .misuse, "sub-select returns \(select.columns.count) columns - expected \(operands.count)",
        at: range.offset)
    }
    var comparisons: [Comparison] = []
    var classes = StorageClasses()
    for (operand, column) in zip(operands, select.columns) {
      if column.isAffinityUncertain {
        throw .unsupported("IN a compound query whose terms differ in affinity", at: range.offset)
      }
      try checkCertain(operand, scope, range)
      let collation = operand.collation ?? column.collation ?? .binary
      comparisons.append(Comparison(affinity: .of(operand.affinity, column.affinity), collation: collation))
      classes.formUnion(operand.type.classes.union(column.type.classes))
    }
    features.insert(.subquery)
    return made(
      .inSelect(operands, negated: negated, select, comparisons), .truth(StaticType(classes)), operands, range
    )
  }
}
