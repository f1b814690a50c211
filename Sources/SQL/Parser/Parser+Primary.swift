// The operands of expressions: literals, names, calls, CASE, CAST, subqueries.

extension Parser {
  var startsSelect: Bool {
    switch kind {
    case .select, .values: true
    // `with` is a name too; SQLite's parser prefers the keyword wherever a query may begin.
    case .with: true
    default: false
    }
  }

  mutating func primary() throws(SQLError) -> Expression {
    let start = index
    let range = token.range
    switch kind {
    case .integer, .real:
      let literal = try NumberText.literal(text, range, isInteger: kind == .integer)
      advance()
      return try make(.literal(literal), range)
    case .string:
      // Behind a string, a dot makes it the name of a table.
      if peek() == .dot { return try column() }
      let string = Self.unquoted(text, range)
      advance()
      return try make(.literal(.text(string)), range)
    case .blob:
      let blob = NumberText.blob(text, range)
      advance()
      return try make(.literal(.blob(blob)), range)
    case .null:
      advance()
      return try make(.literal(.null), range)
    case .currentDate, .currentTime, .currentTimestamp:
      let literal: Literal =
        kind == .currentDate ? .currentDate : kind == .currentTime ? .currentTime : .currentTimestamp
      advance()
      return try make(.literal(literal), range)
    case .parameter:
      let name = string(range)
      if text[range.offset] == UInt8(ascii: "#"), text[range.offset + 1].isDigit { throw syntaxError() }
      let parameter = try parameters.parameter(name, at: range.offset)
      advance()
      return try make(.parameter(parameter), range)
    case .leftParenthesis: return try parenthesized()
    case .exists:
      advance()
      try expect(.leftParenthesis)
      let select = try select()
      try expect(.rightParenthesis)
      return try make(.exists(select), self.range(from: start), height: select.height)
    case .case: return try conditional()
    case .cast: return try cast()
    case .raise: return try raise()
    default:
      if peek() == .leftParenthesis, kind.isIdentifier || kind == .indexed { return try call() }
      guard kind.isIdentifier || kind == .indexed || kind.isJoinWord else { throw syntaxError() }
      return try column()
    }
  }

  /// `column`, `table.column` or `schema.table.column`.
  private mutating func column() throws(SQLError) -> Expression {
    let start = index
    var names = [takeName()]
    while names.count < 3, kind == .dot {
      // `t.*` belongs to the list of results, which looks for it first.
      advance()
      names.append(try name())
    }
    let table = names.count > 1 ? names[names.count - 2] : nil
    let schema = names.count > 2 ? names[0] : nil
    return try make(.column(schema: schema, table: table, names[names.count - 1]), range(from: start))
  }

  private mutating func parenthesized() throws(SQLError) -> Expression {
    let start = index
    advance()
    if startsSelect {
      let select = try select()
      try expect(.rightParenthesis)
      return try make(.subquery(select), range(from: start), height: select.height)
    }
    let list = try expressions()
    try expect(.rightParenthesis)
    if list.count == 1 { return list[0] }
    return try make(.row(list), range(from: start), height: list.reduce(0) { max($0, $1.height) })
  }

  private mutating func conditional() throws(SQLError) -> Expression {
    let start = index
    advance()
    let operand: Expression? = kind == .when ? nil : try expression()
    var whens: [When] = []
    var height = operand?.height ?? 0
    repeat {
      try expect(.when)
      let condition = try expression()
      try expect(.then)
      let result = try expression()
      whens.append(When(condition: condition, result: result))
      height = max(height, condition.height, result.height)
    } while kind == .when
    var otherwise: Expression?
    if accept(.else) {
      let value = try expression()
      otherwise = value
      height = max(height, value.height)
    }
    try expect(.end)
    let node = Expression.Node.conditional(operand: operand, whens: whens, otherwise: otherwise)
    return try make(node, range(from: start), height: height)
  }

  private mutating func cast() throws(SQLError) -> Expression {
    let start = index
    advance()
    try expect(.leftParenthesis)
    let value = try expression()
    try expect(.as)
    let type = try typeName()
    try expect(.rightParenthesis)
    return try make(.cast(value, to: type), range(from: start), value)
  }

  /// A declared type, which may be absent.
  mutating func typeName(ofColumn: Bool = false) throws(SQLError) -> TypeName {
    let start = index
    while kind.isAlias {
      // GENERATED ALWAYS ends a column's type without being reserved.
      if ofColumn, kind == .generated, peek() == .always, peek(2) == .as { break }
      advance()
    }
    guard index > start else {
      return TypeName(text: "", range: SourceRange(token.range.offset, token.range.offset))
    }
    if kind == .leftParenthesis {
      advance()
      try signedNumber()
      if accept(.comma) { try signedNumber() }
      try expect(.rightParenthesis)
    }
    let range = range(from: start)
    return TypeName(text: string(range), range: range)
  }

  mutating func signedNumber() throws(SQLError) {
    if kind == .plus || kind == .minus { advance() }
    guard kind == .integer || kind == .real else { throw syntaxError() }
    advance()
  }

  private mutating func raise() throws(SQLError) -> Expression {
    let start = index
    advance()
    try expect(.leftParenthesis)
    if accept(.ignore) {
      try expect(.rightParenthesis)
      return try make(.raise(.ignore, message: nil), range(from: start))
    }
    let action: RaiseAction
    switch kind {
    case .rollback: action = .rollback
    case .abort: action = .abort
    case .fail: action = .fail
    default: throw syntaxError()
    }
    advance()
    try expect(.comma)
    let message = try name()
    try expect(.rightParenthesis)
    return try make(.raise(action, message: message), range(from: start))
  }

  private mutating func call() throws(SQLError) -> Expression {
    let start = index
    var call = FunctionCall(name: takeName(), isDistinct: false, hasStar: false, arguments: [])
    advance()
    if kind == .star {
      advance()
      call.hasStar = true
    } else {
      if accept(.distinct) { call.isDistinct = true } else { _ = accept(.all) }
      if kind != .rightParenthesis { call.arguments = try expressions() }
    }
    try expect(.rightParenthesis)
    guard call.arguments.count <= Self.maximumArguments else {
      throw SQLError(
        .limit, "too many arguments on function \(call.name.text)", at: tokens[start].range.offset)
    }
    var height = call.arguments.reduce(0) { max($0, $1.height) }
    if accept(.filter) {
      try expect(.leftParenthesis)
      try expect(.where)
      let filter = try expression()
      try expect(.rightParenthesis)
      call.filter = filter
      height = max(height, filter.height)
    }
    if accept(.over) {
      if kind == .leftParenthesis {
        advance()
        call.over = .window(try window())
        try expect(.rightParenthesis)
      } else {
        call.over = .named(try name())
      }
    }
    return try make(.call(call), range(from: start), height: height)
  }
}
