// Expressions: operators by precedence, in a loop.

/// How tightly operators bind, from SQLite's grammar.
private enum Precedence {
  static let or = 1
  static let and = 2
  static let not = 3
  static let equality = 4
  static let ordering = 5
  static let bits = 6
  static let sum = 7
  static let product = 8
  static let concatenation = 9
  static let collate = 10
  static let unary = 11
}

extension Parser {
  mutating func expression() throws(SQLError) -> Expression { try expression(Precedence.or) }

  /// An expression of operators that bind at least as tightly as `minimum`.
  mutating func expression(_ minimum: Int) throws(SQLError) -> Expression {
    try enter()
    defer { depth -= 1 }
    var left = try prefixed()
    while true {
      if let (binary, precedence) = binaryOperator() {
        guard precedence >= minimum else { return left }
        advance()
        if binary == .is {
          left = try isOperand(left)
        } else {
          let right = try expression(precedence + 1)
          left = try make(.binary(binary, left, right), left.range.through(right.range), left, right)
        }
      } else if kind == .collate {
        guard Precedence.collate >= minimum else { return left }
        advance()
        guard kind.isAlias else { throw syntaxError() }
        let name = takeName()
        left = try make(.collate(left, name), left.range.through(name.range), left)
      } else if Precedence.equality >= minimum, let next = try suffixed(left) {
        left = next
      } else {
        return left
      }
    }
  }

  private func binaryOperator() -> (BinaryOperator, Int)? {
    switch kind {
    case .or: (.or, Precedence.or)
    case .and: (.and, Precedence.and)
    case .equal: (.equal, Precedence.equality)
    case .notEqual: (.notEqual, Precedence.equality)
    case .is: (.is, Precedence.equality)
    case .less: (.less, Precedence.ordering)
    case .lessOrEqual: (.lessOrEqual, Precedence.ordering)
    case .greater: (.greater, Precedence.ordering)
    case .greaterOrEqual: (.greaterOrEqual, Precedence.ordering)
    case .ampersand: (.bitAnd, Precedence.bits)
    case .bar: (.bitOr, Precedence.bits)
    case .shiftLeft: (.shiftLeft, Precedence.bits)
    case .shiftRight: (.shiftRight, Precedence.bits)
    case .plus: (.add, Precedence.sum)
    case .minus: (.subtract, Precedence.sum)
    case .star: (.multiply, Precedence.product)
    case .slash: (.divide, Precedence.product)
    case .percent: (.remainder, Precedence.product)
    case .concatenate: (.concatenate, Precedence.concatenation)
    case .arrow: (.arrow, Precedence.concatenation)
    case .doubleArrow: (.doubleArrow, Precedence.concatenation)
    default: nil
    }
  }

  /// What follows IS: [NOT] [DISTINCT FROM] expression. IS DISTINCT FROM is IS NOT.
  private mutating func isOperand(_ left: Expression) throws(SQLError) -> Expression {
    var negated = accept(.not)
    if accept(.distinct) {
      try expect(.from)
      negated.toggle()
    }
    let right = try expression(Precedence.equality + 1)
    return try make(
      .binary(negated ? .isNot : .is, left, right), left.range.through(right.range), left, right)
  }

  private mutating func prefixed() throws(SQLError) -> Expression {
    let start = index
    let unary: UnaryOperator
    switch kind {
    case .not: unary = .not
    case .minus: unary = .negate
    case .plus: unary = .plus
    case .tilde: unary = .bitNot
    default: return try primary()
    }
    advance()
    let operand = try expression(unary == .not ? Precedence.not : Precedence.unary)
    return try make(.unary(unary, operand), tokens[start].range.through(operand.range), operand)
  }

  /// [NOT] LIKE, BETWEEN, IN, NULL and ISNULL behind an operand; nil if none stands there.
  private mutating func suffixed(_ left: Expression) throws(SQLError) -> Expression? {
    let start = index
    switch kind {
    case .isnull, .notnull:
      let negated = kind == .notnull
      advance()
      return try make(.isNull(left, negated: negated), left.range.through(range(from: start)), left)
    case .not where peek() == .null:
      advance()
      advance()
      return try make(.isNull(left, negated: true), left.range.through(range(from: start)), left)
    case .not, .like, .glob, .regexp, .match, .between, .in: break
    default: return nil
    }
    let negated = accept(.not)
    switch kind {
    case .like: return try matching(.like, negated, left)
    case .glob: return try matching(.glob, negated, left)
    case .regexp: return try matching(.regexp, negated, left)
    case .match: return try matching(.match, negated, left)
    case .between:
      advance()
      let low = try expression(Precedence.not)
      try expect(.and)
      let high = try expression(Precedence.equality + 1)
      let node = Expression.Node.between(left, negated: negated, low: low, high: high)
      return try make(node, left.range.through(high.range), left, low, high)
    case .in:
      advance()
      return try membership(left, negated)
    default: throw syntaxError()
    }
  }

  private mutating func matching(
    _ match: MatchOperator, _ negated: Bool, _ left: Expression
  ) throws(SQLError) -> Expression {
    advance()
    let right = try expression(Precedence.equality + 1)
    var escape: Expression?
    if accept(.escape) { escape = try expression(Precedence.equality + 1) }
    let node = Expression.Node.match(match, negated: negated, left, right, escape: escape)
    return try make(node, left.range.through((escape ?? right).range), left, right, escape)
  }

  private mutating func membership(_ left: Expression, _ negated: Bool) throws(SQLError) -> Expression {
    let start = index
    guard accept(.leftParenthesis) else {
      let table = try qualifiedName()
      var arguments: [Expression]?
      if accept(.leftParenthesis) {
        arguments = kind == .rightParenthesis ? [] : try expressions()
        try expect(.rightParenthesis)
      }
      let node = Expression.Node.inTable(
        left, negated: negated, schema: table.schema, table: table.name, arguments: arguments)
      return try make(node, left.range.through(range(from: start)), left)
    }
    if startsSelect {
      let select = try select()
      try expect(.rightParenthesis)
      let node = Expression.Node.inSelect(left, negated: negated, select)
      return try make(node, left.range.through(range(from: start)), height: max(left.height, select.height))
    }
    let list = kind == .rightParenthesis ? [] : try expressions()
    try expect(.rightParenthesis)
    let height = list.reduce(left.height) { max($0, $1.height) }
    return try make(
      .inList(left, negated: negated, list), left.range.through(range(from: start)), height: height)
  }

  /// One expression or more, between commas.
  mutating func expressions() throws(SQLError) -> [Expression] {
    var list = [try expression()]
    while accept(.comma) { list.append(try expression()) }
    return list
  }

  // MARK: Nodes

  func make(
    _ node: Expression.Node, _ range: SourceRange, _ parts: Expression?...
  ) throws(SQLError) -> Expression {
    var height = 0
    for part in parts { height = max(height, part?.height ?? 0) }
    return try make(node, range, height: height)
  }

  /// `height` is that of the highest part.
  func make(_ node: Expression.Node, _ range: SourceRange, height: Int = 0) throws(SQLError) -> Expression {
    guard height < Self.maximumHeight else {
      throw SQLError(
        .limit, "Expression tree is too large (maximum depth \(Self.maximumHeight))", at: range.offset)
    }
    return Expression(node, range, height: height + 1)
  }
}
