// Statements by their first word, and those that are a few words only.

extension Parser {
  /// The statement at the cursor, up to its semicolon or the end; nil if there is none.
  mutating func statement() throws(SQLError) -> Statement? {
    while accept(.semicolon) {}
    guard kind != .endOfText else { return nil }
    parameters = ParameterTable()
    let start = index
    var explain = Statement.Explain.none
    if accept(.explain) {
      explain = .program
      // QUERY cannot begin a statement, so it is the keyword.
      if accept(.query) {
        try expect(.plan)
        explain = .queryPlan
      }
    }
    let statement = try statementKind()
    guard kind == .semicolon || kind == .endOfText else { throw syntaxError() }
    return Statement(
      kind: statement, explain: explain, parameters: parameters.all, range: range(from: start))
  }

  private mutating func statementKind() throws(SQLError) -> Statement.Kind {
    let start = index
    switch kind {
    case .with, .select, .values, .insert, .replace, .update, .delete: return try dataStatement(from: start)
    case .create: return try create()
    case .drop: return try drop()
    case .alter: return try alter()
    case .begin: return try begin()
    case .commit, .end:
      advance()
      try transactionName()
      return .commit
    case .rollback: return try rollback()
    case .savepoint:
      advance()
      return .savepoint(try name())
    case .release:
      advance()
      return .release(try savepointName())
    case .pragma: return try pragma()
    case .attach:
      advance()
      skipDatabaseWord()
      let file = try expression()
      try expect(.as)
      let schema = try expression()
      if accept(.key) { _ = try expression() }
      return .attach(file: file, schema: schema)
    case .detach:
      advance()
      skipDatabaseWord()
      return .detach(schema: try expression())
    case .vacuum:
      advance()
      let schema = kind.isName ? try name() : nil
      return .vacuum(schema: schema, into: accept(.into) ? try expression() : nil)
    case .analyze:
      advance()
      return .analyze(kind.isName ? try qualifiedName() : nil)
    case .reindex:
      advance()
      return .reindex(kind.isName ? try qualifiedName() : nil)
    default: throw syntaxError()
    }
  }

  /// SELECT and the three that change data, all of which may begin with WITH.
  mutating func dataStatement(from start: Int) throws(SQLError) -> Statement.Kind {
    let with = try with()
    switch kind {
    case .insert, .replace: return .insert(try insert(with))
    case .update: return .update(try update(with))
    case .delete: return .delete(try delete(with))
    default: return .select(try select(with, from: start))
    }
  }

  private mutating func begin() throws(SQLError) -> Statement.Kind {
    advance()
    var transaction = Statement.TransactionKind.deferred
    switch kind {
    case .deferred: advance()
    case .immediate:
      transaction = .immediate
      advance()
    case .exclusive:
      transaction = .exclusive
      advance()
    default: break
    }
    try transactionName()
    return .begin(transaction)
  }

  /// [TRANSACTION [name]]
  private mutating func transactionName() throws(SQLError) {
    if accept(.transaction), kind.isName { advance() }
  }

  private mutating func rollback() throws(SQLError) -> Statement.Kind {
    advance()
    try transactionName()
    return .rollback(to: accept(.to) ? try savepointName() : nil)
  }

  private mutating func savepointName() throws(SQLError) -> Name {
    _ = accept(.savepoint)
    return try name()
  }

  /// [DATABASE], which is a name where nothing but it stands there.
  private mutating func skipDatabaseWord() { _ = accept(.database) }

  private mutating func pragma() throws(SQLError) -> Statement.Kind {
    advance()
    let name = try qualifiedName()
    if accept(.equal) { return .pragma(name, value: .assigned(try pragmaValue())) }
    guard accept(.leftParenthesis) else { return .pragma(name, value: nil) }
    let value = try pragmaValue()
    try expect(.rightParenthesis)
    return .pragma(name, value: .called(value))
  }

  private mutating func pragmaValue() throws(SQLError) -> String {
    let start = index
    switch kind {
    case .plus, .minus, .integer, .real:
      try signedNumber()
      return string(range(from: start))
    case .on, .delete, .default:
      advance()
      return string(range(from: start))
    default: return try name().text
    }
  }
}
