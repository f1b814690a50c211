// INSERT, UPDATE and DELETE.

extension Parser {
  /// INSERT or REPLACE, at the word.
  mutating func insert(_ with: With?) throws(SQLError) -> Insert {
    var conflict: ConflictAction?
    if accept(.replace) {
      conflict = .replace
    } else {
      try expect(.insert)
      conflict = try orConflict()
    }
    try expect(.into)
    let table = try targetTable()
    var insert = Insert(
      with: with, conflict: conflict, table: table, columns: try nameList(), source: nil, upserts: [],
      returning: [])
    if accept(.default) {
      try expect(.values)
      insert.returning = try returning()
      return insert
    }
    insert.source = try select()
    var isLast = false
    while !isLast, accept(.on) { isLast = try upsert(&insert) }
    insert.returning = try returning()
    return insert
  }

  /// ON CONFLICT …, behind ON. True if none may follow.
  private mutating func upsert(_ insert: inout Insert) throws(SQLError) -> Bool {
    try expect(.conflict)
    var upsert = Upsert(target: [], targetWhere: nil, update: nil, updateWhere: nil)
    let isLast = kind != .leftParenthesis
    if accept(.leftParenthesis) {
      upsert.target = try orderingTerms()
      try expect(.rightParenthesis)
      if accept(.where) { upsert.targetWhere = try expression() }
    }
    try expect(.do)
    if accept(.update) {
      try expect(.set)
      upsert.update = try assignments()
      if accept(.where) { upsert.updateWhere = try expression() }
    } else {
      try expect(.nothing)
    }
    insert.upserts.append(upsert)
    return isLast
  }

  mutating func update(_ with: With?) throws(SQLError) -> Update {
    try expect(.update)
    let conflict = try orConflict()
    var table = try targetTable()
    table.indexing = try indexing()
    try expect(.set)
    var update = Update(
      with: with, conflict: conflict, table: table, assignments: try assignments(), from: [], returning: [],
      orderBy: [])
    if accept(.from) { update.from = try fromTerms() }
    if accept(.where) { update.where = try expression() }
    update.returning = try returning()
    update.orderBy = try orderBy()
    (update.limit, update.offset) = try limits()
    return update
  }

  mutating func delete(_ with: With?) throws(SQLError) -> Delete {
    try expect(.delete)
    try expect(.from)
    var table = try targetTable()
    table.indexing = try indexing()
    var delete = Delete(with: with, table: table, returning: [], orderBy: [])
    if accept(.where) { delete.where = try expression() }
    delete.returning = try returning()
    delete.orderBy = try orderBy()
    (delete.limit, delete.offset) = try limits()
    return delete
  }

  private mutating func targetTable() throws(SQLError) -> TargetTable {
    let table = try qualifiedName()
    return TargetTable(name: table, alias: accept(.as) ? try name() : nil, indexing: nil)
  }

  private mutating func assignments() throws(SQLError) -> [Assignment] {
    var list: [Assignment] = []
    repeat {
      let columns = kind == .leftParenthesis ? try nameList() : [try name()]
      try expect(.equal)
      list.append(Assignment(columns: columns, value: try expression()))
    } while accept(.comma)
    return list
  }

  private mutating func returning() throws(SQLError) -> [ResultColumn] {
    accept(.returning) ? try resultColumns() : []
  }

  private mutating func orConflict() throws(SQLError) -> ConflictAction? {
    accept(.or) ? try conflictAction() : nil
  }

  mutating func conflictAction() throws(SQLError) -> ConflictAction {
    let action: ConflictAction
    switch kind {
    case .rollback: action = .rollback
    case .abort: action = .abort
    case .fail: action = .fail
    case .ignore: action = .ignore
    case .replace: action = .replace
    default: throw syntaxError()
    }
    advance()
    return action
  }
}
