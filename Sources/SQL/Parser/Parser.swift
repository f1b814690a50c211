// The parser's cursor over the tokens, and what every rule of the grammar uses.

/// Recursive descent, with a loop for operators; the depth of its recursion is bounded, so hostile text cannot overflow the stack.
struct Parser {
  let text: [UInt8]
  let tokens: [Token]
  var index = 0
  /// The kind of the token at `index`.
  private(set) var kind: TokenKind
  var depth = 0
  var parameters = ParameterTable()

  /// SQLite's parser has a stack of 100 entries, and every level of ours takes at least one there.
  static let maximumDepth = 128
  /// SQLite's SQLITE_MAX_EXPR_DEPTH.
  static let maximumHeight = 1000
  static let maximumCompoundTerms = 500
  static let maximumColumns = 2000
  static let maximumArguments = 127

  init(_ text: [UInt8]) {
    self.text = text
    tokens = Lexer(text).tokens
    kind = tokens[0].kind
  }

  var token: Token { tokens[index] }

  func peek(_ ahead: Int = 1) -> TokenKind {
    let place = index + ahead
    return place < tokens.count ? tokens[place].kind : .endOfText
  }

  mutating func advance() {
    if index + 1 < tokens.count { index += 1 }
    kind = tokens[index].kind
  }

  mutating func accept(_ wanted: TokenKind) -> Bool {
    guard kind == wanted else { return false }
    advance()
    return true
  }

  mutating func expect(_ wanted: TokenKind) throws(SQLError) {
    guard kind == wanted else { throw syntaxError() }
    advance()
  }

  /// From the token at `start` to the one before the cursor.
  func range(from start: Int) -> SourceRange {
    SourceRange(Int(tokens[start].range.start), Int(tokens[max(start, index - 1)].range.end))
  }

  func string(_ range: SourceRange) -> String {
    String(decoding: text[range.offset..<Int(range.end)], as: UTF8.self)
  }

  /// What SQLite says of a token that the grammar does not allow here.
  func syntaxError() -> SQLError {
    let offset = token.range.offset
    switch kind {
    case .endOfText: return SQLError(.syntax, "incomplete input", at: offset)
    case .illegal: return SQLError(.syntax, "unrecognized token: \"\(string(token.range))\"", at: offset)
    default: return SQLError(.syntax, "near \"\(string(token.range))\": syntax error", at: offset)
    }
  }

  /// Runs a rule one level deeper.
  mutating func enter() throws(SQLError) {
    depth += 1
    if depth > Self.maximumDepth {
      throw SQLError(
        .limit, "parser stack overflow: more than \(Self.maximumDepth) levels", at: token.range.offset)
    }
  }

  // MARK: Names

  /// SQLite's `nm`.
  mutating func name() throws(SQLError) -> Name {
    guard kind.isName else { throw syntaxError() }
    return takeName()
  }

  /// The token at the cursor as a name, whatever it is.
  mutating func takeName() -> Name {
    let name = Self.name(text, token)
    advance()
    return name
  }

  static func name(_ text: [UInt8], _ token: Token) -> Name {
    let start = token.range.offset
    let end = Int(token.range.end)
    let quoting: Name.Quoting
    switch text[start] {
    case UInt8(ascii: "\""): quoting = .double
    case UInt8(ascii: "`"): quoting = .backtick
    case UInt8(ascii: "["): quoting = .bracket
    case UInt8(ascii: "'"): quoting = .single
    default:
      let plain = String(decoding: text[start..<end], as: UTF8.self)
      return Name(text: plain, quoting: .none, range: token.range)
    }
    return Name(text: unquoted(text, token.range), quoting: quoting, range: token.range)
  }

  /// The text between quotes; doubled quotes are one.
  static func unquoted(_ text: [UInt8], _ range: SourceRange) -> String {
    let quote = text[range.offset]
    let inner = text[(range.offset + 1)..<(Int(range.end) - 1)]
    guard quote != UInt8(ascii: "["), inner.contains(quote) else {
      return String(decoding: inner, as: UTF8.self)
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(inner.count)
    var place = inner.startIndex
    while place < inner.endIndex {
      bytes.append(inner[place])
      place += inner[place] == quote ? 2 : 1
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// `name` or `schema.name`.
  mutating func qualifiedName() throws(SQLError) -> QualifiedName {
    let first = try name()
    guard accept(.dot) else { return QualifiedName(schema: nil, name: first) }
    return QualifiedName(schema: first, name: try name())
  }

  /// `(a, b, c)`; an absent list is empty.
  mutating func nameList() throws(SQLError) -> [Name] {
    guard accept(.leftParenthesis) else { return [] }
    var names: [Name] = []
    repeat { names.append(try name()) } while accept(.comma)
    try expect(.rightParenthesis)
    return names
  }

  /// AS name, a bare name, or nothing.
  mutating func alias() throws(SQLError) -> Name? {
    if accept(.as) { return try name() }
    return kind.isAlias ? takeName() : nil
  }
}
