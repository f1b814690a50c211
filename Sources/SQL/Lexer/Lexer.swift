// Text to tokens, by SQLite's rules for every byte.

/// Cuts a text into tokens. It never fails: what is not a token is one of kind `.illegal`.
///
/// A NUL is such a token: SQLite would end the text there, and silently run half of it.
struct Lexer {
  let text: [UInt8]
  private(set) var tokens: [Token] = []
  private var position = 0

  init(_ text: [UInt8]) {
    self.text = text
    tokens.reserveCapacity(text.count / 4 + 2)
    // SQLite takes a byte order mark for a space, wherever a token may begin.
    let keywords = KeywordTable.shared
    while skipSpace() {
      let start = position
      let kind = next(keywords)
      tokens.append(Token(kind: kind, range: SourceRange(start, position)))
    }
    tokens.append(Token(kind: .endOfText, range: SourceRange(text.count, text.count)))
    settleContextualKeywords()
  }

  /// Tokens of a text, with `.endOfText` as the last one.
  static func tokens(_ text: String) -> [Token] { Lexer(Array(text.utf8)).tokens }

  private func byte(_ offset: Int) -> UInt8 {
    let place = position + offset
    return place < text.count ? text[place] : 0
  }

  /// Moves past spaces and comments; false at the end of the text.
  private mutating func skipSpace() -> Bool {
    while position < text.count {
      switch text[position] {
      case 9, 10, 12, 13, 32:
        position += 1
        while position < text.count, text[position].isSQLSpace { position += 1 }
      case UInt8(ascii: "-") where byte(1) == UInt8(ascii: "-"):
        while position < text.count, text[position] != 10, text[position] != 0 { position += 1 }
      case UInt8(ascii: "/") where byte(1) == UInt8(ascii: "*") && position + 2 < text.count:
        skipBlockComment()
      case 0xEF where byte(1) == 0xBB && byte(2) == 0xBF:
        position += 3
      default: return true
      }
    }
    return false
  }

  /// An unfinished comment reaches to the end, as in SQLite.
  private mutating func skipBlockComment() {
    var place = position + 3
    while place < text.count, !(text[place - 1] == UInt8(ascii: "*") && text[place] == UInt8(ascii: "/")) {
      place += 1
    }
    position = min(place + 1, text.count)
  }

  private mutating func take(_ count: Int, _ kind: TokenKind) -> TokenKind {
    position += count
    return kind
  }

  private mutating func next(_ keywords: KeywordTable) -> TokenKind {
    let first = text[position]
    switch first {
    case UInt8(ascii: "x"), UInt8(ascii: "X"):
      if byte(1) == UInt8(ascii: "'") { return blob() }
      return word(keywords)
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
      0x80...0xFF:
      return word(keywords)
    case UInt8(ascii: "0")...UInt8(ascii: "9"): return number()
    case UInt8(ascii: "'"): return quoted(first, .string)
    case UInt8(ascii: "\""), UInt8(ascii: "`"): return quoted(first, .identifier)
    case UInt8(ascii: "["): return bracketed()
    case UInt8(ascii: "?"):
      position += 1
      while byte(0).isDigit { position += 1 }
      return .parameter
    case UInt8(ascii: "$"), UInt8(ascii: "@"), UInt8(ascii: ":"), UInt8(ascii: "#"): return namedParameter()
    default: return symbol(first)
    }
  }

  private mutating func symbol(_ first: UInt8) -> TokenKind {
    let second = byte(1)
    switch first {
    case UInt8(ascii: ";"): return take(1, .semicolon)
    case UInt8(ascii: "("): return take(1, .leftParenthesis)
    case UInt8(ascii: ")"): return take(1, .rightParenthesis)
    case UInt8(ascii: ","): return take(1, .comma)
    case UInt8(ascii: "."): return second.isDigit ? number() : take(1, .dot)
    case UInt8(ascii: "+"): return take(1, .plus)
    case UInt8(ascii: "*"): return take(1, .star)
    case UInt8(ascii: "/"): return take(1, .slash)
    case UInt8(ascii: "%"): return take(1, .percent)
    case UInt8(ascii: "&"): return take(1, .ampersand)
    case UInt8(ascii: "~"): return take(1, .tilde)
    case UInt8(ascii: "|"): return second == first ? take(2, .concatenate) : take(1, .bar)
    case UInt8(ascii: "="): return take(second == first ? 2 : 1, .equal)
    case UInt8(ascii: "!"): return second == UInt8(ascii: "=") ? take(2, .notEqual) : take(1, .illegal)
    case UInt8(ascii: "-"):
      guard second == UInt8(ascii: ">") else { return take(1, .minus) }
      return byte(2) == UInt8(ascii: ">") ? take(3, .doubleArrow) : take(2, .arrow)
    case UInt8(ascii: "<"):
      switch second {
      case UInt8(ascii: "="): return take(2, .lessOrEqual)
      case UInt8(ascii: ">"): return take(2, .notEqual)
      case UInt8(ascii: "<"): return take(2, .shiftLeft)
      default: return take(1, .less)
      }
    case UInt8(ascii: ">"):
      switch second {
      case UInt8(ascii: "="): return take(2, .greaterOrEqual)
      case UInt8(ascii: ">"): return take(2, .shiftRight)
      default: return take(1, .greater)
      }
    default: return take(1, .illegal)
    }
  }

  private mutating func word(_ keywords: KeywordTable) -> TokenKind {
    let start = position
    while position < text.count, text[position].isIdentifierByte { position += 1 }
    return keywords.keyword(text, start, position) ?? .identifier
  }

  private mutating func number() -> TokenKind {
    if byte(0) == UInt8(ascii: "0"), byte(1) | 0x20 == UInt8(ascii: "x"), byte(2).isHexDigit {
      position += 3
      while byte(0).isHexDigit { position += 1 }
      return .integer
    }
    var kind = TokenKind.integer
    while byte(0).isDigit { position += 1 }
    if byte(0) == UInt8(ascii: ".") {
      position += 1
      while byte(0).isDigit { position += 1 }
      kind = .real
    }
    if byte(0) | 0x20 == UInt8(ascii: "e") {
      let signed = byte(1) == UInt8(ascii: "+") || byte(1) == UInt8(ascii: "-")
      if byte(signed ? 2 : 1).isDigit {
        position += 2
        while byte(0).isDigit { position += 1 }
        kind = .real
      }
    }
    while byte(0).isIdentifierByte {
      kind = .illegal
      position += 1
    }
    return kind
  }

  private mutating func quoted(_ quote: UInt8, _ kind: TokenKind) -> TokenKind {
    position += 1
    while position < text.count {
      if text[position] == quote {
        guard byte(1) == quote else { return take(1, kind) }
        position += 1
      } else if text[position] == 0 {
        return .illegal
      }
      position += 1
    }
    return .illegal
  }

  private mutating func bracketed() -> TokenKind {
    while position < text.count, text[position] != 0 {
      position += 1
      if text[position - 1] == UInt8(ascii: "]") { return .identifier }
    }
    return .illegal
  }

  private mutating func blob() -> TokenKind {
    let start = position + 2
    position = start
    while byte(0).isHexDigit { position += 1 }
    if byte(0) == UInt8(ascii: "'"), (position - start) % 2 == 0 { return take(1, .blob) }
    while position < text.count, text[position] != UInt8(ascii: "'"), text[position] != 0 { position += 1 }
    if byte(0) == UInt8(ascii: "'") { position += 1 }
    return .illegal
  }

  /// `:a`, `@a`, `#a`, and Tcl's `$a::b(c)`.
  private mutating func namedParameter() -> TokenKind {
    var letters = 0
    position += 1
    while position < text.count {
      let byte = byte(0)
      if byte.isIdentifierByte {
        letters += 1
      } else if byte == UInt8(ascii: "("), letters > 0 {
        repeat {
          position += 1
        } while position < text.count && !self.byte(0).isSQLSpace && self.byte(0) != 0
          && self.byte(0) != UInt8(ascii: ")")
        if self.byte(0) == UInt8(ascii: ")") { return take(1, .parameter) }
        return .illegal
      } else if byte == UInt8(ascii: ":"), self.byte(1) == byte {
        position += 1
      } else {
        break
      }
      position += 1
    }
    return letters == 0 ? .illegal : .parameter
  }

  /// WINDOW, OVER and FILTER are keywords only where what surrounds them says so; names elsewhere.
  private mutating func settleContextualKeywords() {
    for index in tokens.indices {
      switch tokens[index].kind {
      case .window:
        // `endOfText` is the last token, so both neighbours exist where the first is a name.
        if !isNameLike(index + 1) || tokens[index + 2].kind != .as { tokens[index].kind = .identifier }
      case .over:
        let follows = index > 0 && tokens[index - 1].kind == .rightParenthesis
        if !follows || !(tokens[index + 1].kind == .leftParenthesis || isNameLike(index + 1)) {
          tokens[index].kind = .identifier
        }
      case .filter:
        let follows = index > 0 && tokens[index - 1].kind == .rightParenthesis
        if !follows || tokens[index + 1].kind != .leftParenthesis { tokens[index].kind = .identifier }
      default: break
      }
    }
  }

  private func isNameLike(_ index: Int) -> Bool {
    let kind = tokens[index].kind
    return kind.isIdentifier || kind == .string || kind.isJoinWord || kind == .window || kind == .over
  }
}

extension UInt8 {
  var isDigit: Bool { self >= 48 && self <= 57 }
  var isHexDigit: Bool { isDigit || (self | 0x20 >= 97 && self | 0x20 <= 102) }
  var isSQLSpace: Bool { self == 32 || (self >= 9 && self <= 13) }
  var isIdentifierByte: Bool {
    isDigit || self >= 0x80 || self == 95 || self == 36 || (self | 0x20 >= 97 && self | 0x20 <= 122)
  }
}
