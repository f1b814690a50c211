// Expressions, one kind after the other.

extension Binding {
  func bind(_ expression: Expression, _ scope: Scope, _ tables: CommonTables) throws(SQLError)
    -> BoundExpression
  {
    let range = expression.range
    switch expression.node {
    case .literal(let literal): return self.literal(literal, range)
    case .parameter(let parameter): return BoundExpression(.parameter(parameter.number), .any, range: range)
    case .column(let schema, let table, let name): return try lookUp(schema, table, name, scope, tables)
    case .unary(let symbol, let operand): return try unary(symbol, operand, range, scope, tables)
    case .binary: return try binary(expression, scope, tables)
    case .match(let symbol, let negated, let left, let right, let escape):
      let parts = [try bind(left, scope, tables), try bind(right, scope, tables)]
      let bound = try escape.mapThrowing { escape throws(SQLError) in try bind(escape, scope, tables) }
      if symbol == .regexp || symbol == .match { features.insert(.unknownFunction) }
      let type: StaticType =
        symbol == .like || symbol == .glob
        ? .truth(parts[0].type, parts[1].type, bound?.type ?? StaticType(.integer))
        : negated ? StaticType([.integer, .null]) : .any
      let node = BoundExpression.Node.match(symbol, negated: negated, parts[0], parts[1], escape: bound)
      return made(node, type, parts, range)
    case .between(let operand, let negated, let low, let high):
      let value = try bind(operand, scope, tables)
      let least = try bind(low, scope, tables)
      let most = try bind(high, scope, tables)
      let node = BoundExpression.Node.between(
        value, negated: negated, low: least, try comparison(value, least, scope, range), high: most,
        try comparison(value, most, scope, range))
      return made(node, .truth(value.type, least.type, most.type), [value, least, most], range)
    case .isNull(let operand, let negated):
      let value = try bind(operand, scope, tables)
      return made(.isNull(value, negated: negated), StaticType(.integer), [value], range)
    case .inList(let left, let negated, let list):
      return try inList(left, negated, list, range, scope, tables)
    case .inSelect(let left, let negated, let select):
      return try inSelect(left, negated, try subquery(select, scope, tables), range, scope, tables)
    case .inTable(let left, let negated, let schema, let table, let arguments):
      let select = try subquery(Self.everything(of: schema, table, arguments, range), scope, tables)
      return try inSelect(left, negated, select, range, scope, tables)
    case .exists(let select):
      return BoundExpression(.exists(try subquery(select, scope, tables)), StaticType(.integer), range: range)
    case .subquery(let select):
      let bound = try subquery(select, scope, tables)
      guard bound.columns.count == 1 else {
        throw .unsupported("a row value from a subquery", at: range.offset)
      }
      let column = bound.columns[0]
      return BoundExpression(.scalar(bound), column.type.nullable, affinity: column.affinity, range: range)
    case .row: throw SQLError(.misuse, "row value misused", at: range.offset)
    case .cast(let operand, let type):
      let value = try bind(operand, scope, tables)
      let affinity = Affinity.declared(type.text, emptyIs: .numeric)
      return BoundExpression(
        .cast(value, affinity), .cast(value.type, to: affinity), affinity: affinity,
        collation: value.collation,
        isExplicit: value.hasExplicitCollation, range: range)
    case .collate(let operand, let name):
      let value = try bind(operand, scope, tables)
      return BoundExpression(
        value.node, value.type, affinity: value.affinity, collation: try collation(name), isExplicit: true,
        range: value.range)
    case .call(let call): return try self.call(call, range, scope, tables)
    case .conditional(let operand, let whens, let otherwise):
      return try conditional(operand, whens, otherwise, range, scope, tables)
    case .raise:
      throw SQLError(.misuse, "RAISE() may only be used within a trigger-program", at: range.offset)
    }
  }

  private func literal(_ literal: Literal, _ range: SourceRange) -> BoundExpression {
    let value: Value
    switch literal {
    case .null: value = .null
    case .integer(let integer): value = .integer(integer)
    case .real(let real): value = .real(real)
    case .text(let text): value = .text(text)
    case .blob(let blob): value = .blob(blob)
    case .integerMagnitude: value = .real(0x1p63)
    case .currentDate, .currentTime, .currentTimestamp:
      features.insert(.volatile)
      let name =
        literal == .currentDate
        ? "current_date" : literal == .currentTime ? "current_time" : "current_timestamp"
      return BoundExpression(.call(name, [], collation: .binary), StaticType(.text), range: range)
    }
    return BoundExpression(.literal(value), value.type, range: range)
  }

  private func unary(
    _ symbol: UnaryOperator, _ operand: Expression, _ range: SourceRange, _ scope: Scope,
    _ tables: CommonTables
  ) throws(SQLError) -> BoundExpression {
    if symbol == .negate {
      switch operand.node {
      case .literal(.integerMagnitude):
        return BoundExpression(.literal(.integer(.min)), StaticType(.integer), range: range)
      case .literal(.integer(let value)):
        if value != .min {
          return BoundExpression(.literal(.integer(-value)), StaticType(.integer), range: range)
        }
      case .literal(.real(let value)):
        return BoundExpression(.literal(.real(-value)), StaticType(.real), range: range)
      default: break
      }
    }
    let value = try bind(operand, scope, tables)
    switch symbol {
    case .plus:
      // It takes the affinity away, and nothing else.
      return BoundExpression(
        .plus(value), value.type, collation: value.collation, isExplicit: value.hasExplicitCollation,
        range: range)
    case .negate: return made(.negate(value), .negated(value.type), [value], range)
    case .bitNot: return made(.bitNot(value), .truth(value.type), [value], range)
    case .not: return made(.not(value), .truth(value.type), [value], range)
    }
  }

  /// Chains of operators lean to the left and may be a thousand long, so the left side is walked in a loop.
  private func binary(
    _ expression: Expression, _ scope: Scope, _ tables: CommonTables
  ) throws(SQLError) -> BoundExpression {
    var chain: [(BinaryOperator, Expression, SourceRange)] = []
    var leftmost = expression
    while case .binary(let symbol, let left, let right) = leftmost.node, !symbol.isComparison {
      if symbol == .and, Self.isFalse(leftmost) { break }
      chain.append((symbol, right, leftmost.range))
      leftmost = left
    }
    var result: BoundExpression
    if case .binary(.and, _, _) = leftmost.node {
      result = BoundExpression(.literal(.integer(0)), StaticType(.integer), range: leftmost.range)
    } else if case .binary(let symbol, let left, let right) = leftmost.node {
      result = try comparison(symbol, left, right, leftmost.range, scope, tables)
    } else {
      result = try bind(leftmost, scope, tables)
    }
    for (symbol, right, range) in chain.reversed() {
      let other = try bind(right, scope, tables)
      switch symbol {
      case .and: result = made(.and(result, other), .truth(result.type, other.type), [result, other], range)
      case .or: result = made(.or(result, other), .truth(result.type, other.type), [result, other], range)
      default:
        var type = StaticType.binary(symbol, result.type, other.type)
        if symbol == .doubleArrow { type = .extracted(result.type, path: other) ?? type }
        result = made(.binary(symbol, result, other), type, [result, other], range)
      }
    }
    return result
  }

  private func conditional(
    _ operand: Expression?, _ whens: [When], _ otherwise: Expression?, _ range: SourceRange, _ scope: Scope,
    _ tables: CommonTables
  ) throws(SQLError) -> BoundExpression {
    var cases: [(condition: BoundExpression, result: BoundExpression)] = []
    let value = try operand.mapThrowing { operand throws(SQLError) in try bind(operand, scope, tables) }
    var type: StaticType?
    var parts: [BoundExpression] = value.map { [$0] } ?? []
    for when in whens {
      var condition = try bind(when.condition, scope, tables)
      if let value { condition = try compare(.equal, value, condition, scope, when.condition.range) }
      let result = try bind(when.result, scope, tables)
      type = type?.union(result.type) ?? result.type
      cases.append((condition: condition, result: result))
      parts += [condition, result]
    }
    let last = try otherwise.mapThrowing { expression throws(SQLError) in try bind(expression, scope, tables)
    }
    let whole = (type ?? .null).union(last?.type ?? .null)
    if let last { parts.append(last) }
    return made(.conditional(cases, otherwise: last), whole, parts, range)
  }

  /// A subquery in an expression. It sees this core's sources.
  func subquery(_ select: Select, _ scope: Scope, _ tables: CommonTables) throws(SQLError) -> BoundSelect {
    features.insert(.subquery)
    let bound = try bind(select, parent: scope, tables)
    subqueries += 1
    return BoundSelect(
      body: bound.body, columns: bound.columns, orderBy: bound.orderBy, limit: bound.limit,
      offset: bound.offset,
      outerDepth: bound.outerDepth, number: subqueries)
  }

  /// `x IN t` is `x IN (SELECT * FROM t)`.
  private static func everything(
    of schema: Name?, _ table: Name, _ arguments: [Expression]?, _ range: SourceRange
  ) -> Select {
    let source: FromTerm.Source =
      arguments.map { .function(schema: schema, table, arguments: $0) }
      ?? .table(schema: schema, table, indexing: nil)
    var body = SelectBody(range: range)
    body.columns = [.star(table.range)]
    body.from = [FromTerm(join: Join(kind: .comma, isNatural: false), source: source, range: table.range)]
    return Select(
      with: nil, first: .select(body), rest: [], orderBy: [], limit: nil, offset: nil, range: range, height: 1
    )
  }
}
