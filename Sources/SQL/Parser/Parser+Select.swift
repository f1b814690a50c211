// SELECT: WITH, compounds, cores, ordering.

extension Parser {
  mutating func select() throws(SQLError) -> Select {
    try enter()
    defer { depth -= 1 }
    let start = index
    let with = try with()
    return try select(with, from: start)
  }

  /// WITH and its tables, if they stand here.
  mutating func with() throws(SQLError) -> With? {
    guard accept(.with) else { return nil }
    var with = With(isRecursive: false, tables: [])
    // RECURSIVE is a name only where it cannot be the keyword.
    with.isRecursive = accept(.recursive)
    repeat { with.tables.append(try commonTable()) } while accept(.comma)
    return with
  }

  private mutating func commonTable() throws(SQLError) -> CommonTable {
    let name = try name()
    let columns = try columnList()
    try expect(.as)
    var materialization = CommonTable.Materialization.either
    if accept(.materialized) {
      materialization = .materialized
    } else if accept(.not) {
      try expect(.materialized)
      materialization = .notMaterialized
    }
    try expect(.leftParenthesis)
    let select = try select()
    try expect(.rightParenthesis)
    return CommonTable(name: name, columns: columns, materialization: materialization, select: select)
  }

  /// SQLite's `eidlist`: names that the grammar lets have COLLATE and an order, and the code then does not.
  mutating func columnList() throws(SQLError) -> [Name] {
    guard kind == .leftParenthesis else { return [] }
    return try nameList()
  }

  /// A query whose WITH is behind the cursor.
  mutating func select(_ with: With?, from start: Int) throws(SQLError) -> Select {
    var rest: [CompoundTerm] = []
    let first = try core()
    var height = Self.height(first)
    if let with { height = with.tables.reduce(height) { max($0, $1.select.height) } }
    while let term = compoundOperator() {
      let core = try core()
      height = max(height, Self.height(core))
      rest.append(CompoundTerm(operator: term, core: core))
      guard rest.count < Self.maximumCompoundTerms else {
        throw SQLError(.limit, "too many terms in compound SELECT", at: token.range.offset)
      }
    }
    var orderBy: [OrderingTerm] = []
    var limit: Expression?
    var offset: Expression?
    if case .select = rest.last?.core ?? first {
      orderBy = try self.orderBy()
      (limit, offset) = try limits()
      switch kind {
      case .union, .except, .intersect:
        guard !orderBy.isEmpty || limit != nil else { break }
        let clause = orderBy.isEmpty ? "LIMIT" : "ORDER BY"
        throw SQLError(
          .syntax, "\(clause) clause should come after \(string(token.range)) not before",
          at: token.range.offset)
      default: break
      }
    }
    for term in orderBy { height = max(height, term.expression.height) }
    height = max(height, limit?.height ?? 0, offset?.height ?? 0)
    return Select(
      with: with, first: first, rest: rest, orderBy: orderBy, limit: limit, offset: offset,
      range: range(from: start), height: height)
  }

  private mutating func compoundOperator() -> CompoundTerm.Operator? {
    if accept(.union) { return accept(.all) ? .unionAll : .union }
    if accept(.except) { return .except }
    return accept(.intersect) ? .intersect : nil
  }

  private mutating func core() throws(SQLError) -> SelectCore {
    let start = index
    if accept(.values) {
      var rows: [[Expression]] = []
      repeat {
        try expect(.leftParenthesis)
        rows.append(try expressions())
        try expect(.rightParenthesis)
      } while accept(.comma)
      return .values(rows, range: range(from: start))
    }
    try expect(.select)
    var body = SelectBody(range: token.range)
    if accept(.distinct) { body.isDistinct = true } else { _ = accept(.all) }
    body.columns = try resultColumns()
    if accept(.from) { body.from = try fromTerms() }
    if accept(.where) { body.where = try expression() }
    if accept(.group) {
      try expect(.by)
      body.groupBy = try expressions()
    }
    if accept(.having) { body.having = try expression() }
    if accept(.window) {
      repeat {
        let name = try name()
        try expect(.as)
        try expect(.leftParenthesis)
        body.windows.append(NamedWindow(name: name, definition: try window()))
        try expect(.rightParenthesis)
      } while accept(.comma)
    }
    body.range = range(from: start)
    return .select(body)
  }

  mutating func resultColumns() throws(SQLError) -> [ResultColumn] {
    var columns: [ResultColumn] = []
    repeat { columns.append(try resultColumn()) } while accept(.comma)
    guard columns.count <= Self.maximumColumns else {
      throw SQLError(.limit, "too many columns in result set", at: token.range.offset)
    }
    return columns
  }

  private mutating func resultColumn() throws(SQLError) -> ResultColumn {
    let range = token.range
    if accept(.star) { return .star(range) }
    if peek() == .dot, peek(2) == .star, kind.isName {
      let table = takeName()
      advance()
      advance()
      return .tableStar(table)
    }
    let expression = try expression()
    var end = token.range.offset
    while end > range.offset, text[end - 1].isSQLSpace { end -= 1 }
    let source = SourceRange(range.offset, end)
    return .expression(expression, alias: try alias(), source: source)
  }

  mutating func orderBy() throws(SQLError) -> [OrderingTerm] {
    guard accept(.order) else { return [] }
    try expect(.by)
    return try orderingTerms()
  }

  mutating func orderingTerms() throws(SQLError) -> [OrderingTerm] {
    var terms: [OrderingTerm] = []
    repeat {
      var term = OrderingTerm(expression: try expression(), isDescending: nil, nulls: nil)
      if accept(.asc) { term.isDescending = false } else if accept(.desc) { term.isDescending = true }
      if accept(.nulls) {
        if accept(.first) {
          term.nulls = .first
        } else {
          try expect(.last)
          term.nulls = .last
        }
      }
      terms.append(term)
    } while accept(.comma)
    return terms
  }

  /// LIMIT a, LIMIT a OFFSET b, or LIMIT b, a.
  mutating func limits() throws(SQLError) -> (limit: Expression?, offset: Expression?) {
    guard accept(.limit) else { return (nil, nil) }
    let first = try expression()
    if accept(.offset) { return (first, try expression()) }
    if accept(.comma) { return (try expression(), first) }
    return (first, nil)
  }

  // MARK: Heights, for SQLite's limit

  private static func height(_ core: SelectCore) -> Int {
    switch core {
    case .values(let rows, _): return rows.reduce(0) { $1.reduce($0) { max($0, $1.height) } }
    case .select(let body):
      var height = max(body.where?.height ?? 0, body.having?.height ?? 0)
      for case .expression(let expression, _, _) in body.columns { height = max(height, expression.height) }
      return body.groupBy.reduce(height) { max($0, $1.height) }
    }
  }
}
