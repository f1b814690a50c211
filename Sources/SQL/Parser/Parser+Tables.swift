// CREATE TABLE: columns, constraints and options.

extension Parser {
  mutating func createTable(_ definition: Definition) throws(SQLError) -> CreateTable {
    var table = CreateTable(
      definition: definition, columns: [], constraints: [], isStrict: false, isWithoutRowid: false)
    if accept(.as) {
      table.select = try select()
      return table
    }
    try expect(.leftParenthesis)
    table.columns.append(try columnDefinition())
    while accept(.comma) {
      if startsTableConstraint {
        try tableConstraints(&table)
        break
      }
      table.columns.append(try columnDefinition())
    }
    try expect(.rightParenthesis)
    // The list of options may begin with a comma.
    if kind != .semicolon, kind != .endOfText, kind != .comma { try tableOption(&table) }
    while accept(.comma) { try tableOption(&table) }
    return table
  }

  private mutating func tableOption(_ table: inout CreateTable) throws(SQLError) {
    let offset = token.range.offset
    let isWithout = accept(.without)
    let word = try name().text
    switch (isWithout, word.lowercased()) {
    case (true, "rowid"): table.isWithoutRowid = true
    case (false, "strict"): table.isStrict = true
    default: throw SQLError(.syntax, "unknown table option: \(word)", at: offset)
    }
  }

  mutating func columnDefinition() throws(SQLError) -> ColumnDefinition {
    let name = try name()
    var column = ColumnDefinition(name: name, type: try typeName(ofColumn: true), constraints: [])
    while try columnConstraint(&column) {}
    return column
  }

  /// One constraint of a column; false if none stands here.
  private mutating func columnConstraint(_ column: inout ColumnDefinition) throws(SQLError) -> Bool {
    switch kind {
    case .constraint:
      advance()
      _ = try name()
    case .default: column.constraints.append(.defaultValue(try defaultValue()))
    case .null:
      advance()
      try onConflict()
      column.constraints.append(.nullable)
    case .not:
      advance()
      if kind == .deferrable {
        try deferrable()
      } else {
        try expect(.null)
        try onConflict()
        column.constraints.append(.notNull)
      }
    case .deferrable: try deferrable()
    case .primary:
      advance()
      try expect(.key)
      let isDescending = accept(.desc)
      if !isDescending { _ = accept(.asc) }
      try onConflict()
      column.constraints.append(
        .primaryKey(isDescending: isDescending, isAutoincrement: accept(.autoincrement)))
    case .unique:
      advance()
      try onConflict()
      column.constraints.append(.unique)
    case .check:
      advance()
      column.constraints.append(.check(try parenthesizedExpression()))
    case .references:
      advance()
      let (table, columns) = try references()
      column.constraints.append(.references(table, columns: columns))
    case .collate:
      advance()
      guard kind.isAlias else { throw syntaxError() }
      column.constraints.append(.collate(takeName()))
    case .generated, .as:
      if accept(.generated) { try expect(.always) }
      try expect(.as)
      let expression = try parenthesizedExpression()
      column.constraints.append(.generated(expression, isStored: try generatedStorage()))
    default: return false
    }
    return true
  }

  private mutating func generatedStorage() throws(SQLError) -> Bool {
    guard kind.isIdentifier else { return false }
    let offset = token.range.offset
    switch takeName().text.lowercased() {
    case "stored": return true
    case "virtual": return false
    default: throw SQLError(.syntax, "error in generated column", at: offset)
    }
  }

  private mutating func parenthesizedExpression() throws(SQLError) -> Expression {
    try expect(.leftParenthesis)
    let expression = try expression()
    try expect(.rightParenthesis)
    return expression
  }

  private mutating func defaultValue() throws(SQLError) -> Expression {
    advance()
    if kind == .leftParenthesis { return try parenthesizedExpression() }
    let start = index
    switch kind {
    case .plus, .minus:
      let isNegative = kind == .minus
      advance()
      let value = try term()
      return try make(.unary(isNegative ? .negate : .plus, value), range(from: start), value)
    case .integer, .real, .string, .blob, .null, .currentDate, .currentTime, .currentTimestamp:
      return try term()
    default:
      guard kind.isIdentifier || kind == .indexed else { throw syntaxError() }
      let name = takeName()
      return try make(.literal(.text(name.text)), name.range)
    }
  }

  /// A literal.
  private mutating func term() throws(SQLError) -> Expression {
    switch kind {
    case .integer, .real, .string, .blob, .null, .currentDate, .currentTime, .currentTimestamp:
      guard peek() != .dot || kind != .string else { throw syntaxError() }
      return try primary()
    default: throw syntaxError()
    }
  }

  private mutating func onConflict() throws(SQLError) {
    guard kind == .on else { return }
    advance()
    try expect(.conflict)
    _ = try conflictAction()
  }

  // MARK: Foreign keys

  private mutating func references() throws(SQLError) -> (Name, [Name]) {
    let table = try name()
    let columns = try columnList()
    while kind == .on || kind == .match {
      if accept(.match) {
        _ = try name()
      } else {
        advance()
        guard accept(.delete) || accept(.update) || accept(.insert) else { throw syntaxError() }
        try referenceAction()
      }
    }
    return (table, columns)
  }

  private mutating func referenceAction() throws(SQLError) {
    if accept(.set) {
      guard accept(.null) || accept(.default) else { throw syntaxError() }
    } else if accept(.no) {
      try expect(.action)
    } else if !accept(.cascade) {
      try expect(.restrict)
    }
  }

  /// [NOT] DEFERRABLE, at DEFERRABLE.
  private mutating func deferrable() throws(SQLError) {
    try expect(.deferrable)
    if accept(.initially), !accept(.deferred) { try expect(.immediate) }
  }

  // MARK: Constraints of the table

  private var startsTableConstraint: Bool {
    switch kind {
    case .constraint, .primary, .unique, .check, .foreign: true
    default: false
    }
  }

  private mutating func tableConstraints(_ table: inout CreateTable) throws(SQLError) {
    repeat {
      // The comma between two constraints may be left out.
      repeat { try tableConstraint(&table) } while startsTableConstraint
    } while accept(.comma)
  }

  private mutating func tableConstraint(_ table: inout CreateTable) throws(SQLError) {
    switch kind {
    case .constraint:
      advance()
      _ = try name()
    case .primary, .unique:
      let isPrimary = kind == .primary
      advance()
      if isPrimary { try expect(.key) }
      try expect(.leftParenthesis)
      let columns = try orderingTerms()
      if isPrimary { _ = accept(.autoincrement) }
      try expect(.rightParenthesis)
      try onConflict()
      table.constraints.append(isPrimary ? .primaryKey(columns) : .unique(columns))
    case .check:
      advance()
      table.constraints.append(.check(try parenthesizedExpression()))
      try onConflict()
    case .foreign:
      advance()
      try expect(.key)
      guard kind == .leftParenthesis else { throw syntaxError() }
      let columns = try columnList()
      try expect(.references)
      let (other, others) = try references()
      if accept(.not) { try deferrable() } else if kind == .deferrable { try deferrable() }
      table.constraints.append(.foreignKey(columns, references: other, columns: others))
    default: throw syntaxError()
    }
  }
}
