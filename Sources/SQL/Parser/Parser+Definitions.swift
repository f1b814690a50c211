// CREATE, ALTER and DROP.

extension Parser {
  mutating func create() throws(SQLError) -> Statement.Kind {
    advance()
    let isTemporary = accept(.temp) || accept(.temporary)
    switch kind {
    case .table:
      advance()
      return .createTable(try createTable(try definition(isTemporary)))
    case .view:
      advance()
      let definition = try definition(isTemporary)
      let columns = try columnList()
      try expect(.as)
      return .createView(CreateView(definition: definition, columns: columns, select: try select()))
    case .trigger:
      advance()
      return .createTrigger(try createTrigger(try definition(isTemporary)))
    case .index where !isTemporary, .unique where !isTemporary:
      let isUnique = accept(.unique)
      try expect(.index)
      return .createIndex(try createIndex(try definition(false), isUnique))
    case .virtual where !isTemporary:
      advance()
      try expect(.table)
      let definition = try definition(false)
      try expect(.using)
      let module = try name()
      try skipModuleArguments()
      return .createVirtualTable(definition, module: module)
    default: throw syntaxError()
    }
  }

  private mutating func definition(_ isTemporary: Bool) throws(SQLError) -> Definition {
    // IF is a name too, but not before NOT.
    let ifNotExists = accept(.if)
    if ifNotExists {
      try expect(.not)
      try expect(.exists)
    }
    return Definition(name: try qualifiedName(), ifNotExists: ifNotExists, isTemporary: isTemporary)
  }

  private mutating func createIndex(_ definition: Definition, _ isUnique: Bool) throws(SQLError)
    -> CreateIndex
  {
    try expect(.on)
    let table = try name()
    try expect(.leftParenthesis)
    let columns = try orderingTerms()
    try expect(.rightParenthesis)
    return CreateIndex(
      definition: definition, isUnique: isUnique, table: table, columns: columns,
      where: accept(.where) ? try expression() : nil)
  }

  /// The arguments of a virtual table's module are any tokens, even semicolons, with parentheses in pairs.
  private mutating func skipModuleArguments() throws(SQLError) {
    guard accept(.leftParenthesis) else { return }
    var open = 1
    while open > 0 {
      switch kind {
      case .leftParenthesis: open += 1
      case .rightParenthesis: open -= 1
      case .endOfText, .illegal: throw syntaxError()
      default: break
      }
      advance()
    }
  }

  mutating func drop() throws(SQLError) -> Statement.Kind {
    advance()
    let object: Statement.ObjectKind
    switch kind {
    case .table: object = .table
    case .view: object = .view
    case .index: object = .index
    case .trigger: object = .trigger
    default: throw syntaxError()
    }
    advance()
    let ifExists = accept(.if)
    if ifExists { try expect(.exists) }
    return .drop(object, ifExists: ifExists, try qualifiedName())
  }

  mutating func alter() throws(SQLError) -> Statement.Kind {
    advance()
    try expect(.table)
    let table = try qualifiedName()
    if accept(.add) {
      _ = accept(.column)
      return .alter(table, .addColumn(try columnDefinition()))
    }
    if accept(.drop) {
      _ = accept(.column)
      return .alter(table, .dropColumn(try name()))
    }
    try expect(.rename)
    if accept(.to) { return .alter(table, .renameTable(try name())) }
    _ = accept(.column)
    let column = try name()
    try expect(.to)
    return .alter(table, .renameColumn(column, to: try name()))
  }

  private mutating func createTrigger(_ definition: Definition) throws(SQLError) -> CreateTrigger {
    if accept(.instead) { try expect(.of) } else if !accept(.before) { _ = accept(.after) }
    if accept(.update) {
      if accept(.of) { repeat { _ = try name() } while accept(.comma) }
    } else if !accept(.delete) {
      try expect(.insert)
    }
    try expect(.on)
    let table = try qualifiedName()
    if accept(.for) {
      try expect(.each)
      try expect(.row)
    }
    if accept(.when) { _ = try expression() }
    try expect(.begin)
    var statements: [Statement.Kind] = []
    repeat {
      let start = index
      switch kind {
      case .select, .values, .with, .insert, .replace, .update, .delete:
        statements.append(try dataStatement(from: start))
      default: throw syntaxError()
      }
      try expect(.semicolon)
    } while kind != .end
    advance()
    return CreateTrigger(definition: definition, table: table, statements: statements)
  }
}
