// FROM: tables, functions, subqueries and how they are joined.

extension Parser {
  mutating func fromTerms() throws(SQLError) -> [FromTerm] {
    try enter()
    defer { depth -= 1 }
    var terms = [try fromTerm(Join(kind: .comma, isNatural: false))]
    if terms[0].constraint != nil {
      throw SQLError(.syntax, "a JOIN clause is required before ON or USING", at: terms[0].range.offset)
    }
    while let join = try join() { terms.append(try fromTerm(join)) }
    return terms
  }

  /// A comma or the words of a join, if they stand here.
  private mutating func join() throws(SQLError) -> Join? {
    if accept(.comma) { return Join(kind: .comma, isNatural: false) }
    if accept(.join) { return Join(kind: .inner, isNatural: false) }
    guard kind.isJoinWord else { return nil }
    let start = index
    var words: [String] = []
    repeat {
      guard words.count < 3 else { throw syntaxError() }
      guard words.isEmpty || kind.isName else { throw syntaxError() }
      words.append(takeName().text.lowercased())
    } while kind != .join
    advance()
    guard let join = Self.join(words) else {
      throw SQLError(
        .syntax, "unknown join type: \(words.map { $0.uppercased() }.joined(separator: " "))",
        at: tokens[start].range.offset)
    }
    return join
  }

  /// Any order of the words is right, as long as they do not contradict each other.
  private static func join(_ words: [String]) -> Join? {
    var set: Set<String> = []
    for word in words {
      switch word {
      case "natural", "left", "right", "full", "inner", "cross", "outer": set.insert(word)
      default: return nil
      }
    }
    let isOuter = !set.isDisjoint(with: ["left", "right", "full"])
    let isInner = set.contains("inner") || set.contains("cross")
    if isOuter && isInner || set.contains("outer") && !isOuter { return nil }
    let kind: Join.Kind
    if set.contains("full") || set.isSuperset(of: ["left", "right"]) {
      kind = .full
    } else if set.contains("left") {
      kind = .left
    } else if set.contains("right") {
      kind = .right
    } else {
      kind = set.contains("cross") ? .cross : .inner
    }
    return Join(kind: kind, isNatural: set.contains("natural"))
  }

  private mutating func fromTerm(_ join: Join) throws(SQLError) -> FromTerm {
    let start = index
    let source: FromTerm.Source
    var alias: Name?
    if accept(.leftParenthesis) {
      source = startsSelect ? .select(try select()) : .nested(try fromTerms())
      try expect(.rightParenthesis)
      alias = try self.alias()
    } else {
      let table = try qualifiedName()
      if accept(.leftParenthesis) {
        let arguments = kind == .rightParenthesis ? [] : try expressions()
        try expect(.rightParenthesis)
        source = .function(schema: table.schema, table.name, arguments: arguments)
        alias = try self.alias()
      } else {
        alias = try self.alias()
        source = .table(schema: table.schema, table.name, indexing: try indexing())
      }
    }
    var constraint: FromTerm.Constraint?
    if accept(.on) {
      constraint = .on(try expression())
    } else if accept(.using) {
      guard kind == .leftParenthesis else { throw syntaxError() }
      constraint = .using(try nameList())
    }
    return FromTerm(
      join: join, source: source, alias: alias, constraint: constraint, range: range(from: start))
  }

  /// INDEXED BY name, or NOT INDEXED.
  mutating func indexing() throws(SQLError) -> Indexing? {
    if accept(.indexed) {
      try expect(.by)
      return .by(try name())
    }
    guard kind == .not else { return nil }
    advance()
    try expect(.indexed)
    return .notIndexed
  }
}
