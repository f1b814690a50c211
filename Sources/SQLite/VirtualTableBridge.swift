// The C functions that SQLite calls, and the Swift objects behind them.

import CSQLite

extension Connection {
  /// Makes `module` known under `name`. A module without `isEponymous` works for CREATE VIRTUAL TABLE.
  public func register(_ module: VirtualTableModule, as name: String) throws(SQLiteError) {
    registrations.append(module)
    // SAFETY: the connection keeps the module, and closes with nothing registered left.
    let context = Unmanaged.passUnretained(module).toOpaque()
    try check(sqlite3_create_module_v2(handle, name, &virtualTableMethods, context, nil))
  }

  /// The first registered module of a class.
  public func firstRegistration<Module: VirtualTableModule>(of _: Module.Type) -> Module? {
    registrations.lazy.compactMap { $0 as? Module }.first
  }

  /// How the statement that changes a virtual table resolves conflicts.
  public enum ConflictResolution: Sendable {
    case rollback, ignore, fail, abort, replace
  }

  /// Of the change under way; valid within a virtual table's `insert`, `update` and `delete`.
  public var conflictResolution: ConflictResolution {
    switch sqlite3_vtab_on_conflict(handle) {
    case SQLITE_ROLLBACK: .rollback
    case SQLITE_IGNORE: .ignore
    case SQLITE_FAIL: .fail
    case SQLITE_REPLACE: .replace
    default: .abort
    }
  }
}

// SAFETY (nonisolated(unsafe)): written once, here; SQLite only reads it, by its address, which a global variable keeps.
nonisolated(unsafe) private var virtualTableMethods: sqlite3_module = {
  var methods = sqlite3_module()
  methods.iVersion = 2
  methods.xCreate = { openTable($0, $1, $2, $3, $4, $5, creates: true) }
  methods.xConnect = { openTable($0, $1, $2, $3, $4, $5, creates: false) }
  methods.xBestIndex = { table, info in
    guarded(table) { table throws(SQLiteError) in
      try table.bestIndex(IndexRequest(info!)) ? SQLITE_OK : SQLITE_CONSTRAINT
    }
  }
  methods.xDisconnect = { closeTable($0) }
  methods.xDestroy = { pointer in
    let code = guarded(pointer) { table throws(SQLiteError) in
      try table.destroy()
      return SQLITE_OK
    }
    return code == SQLITE_OK ? closeTable(pointer) : code
  }
  methods.xOpen = { table, result in
    guarded(table) { table throws(SQLiteError) in
      let cursor = try table.makeCursor()
      let memory = UnsafeMutablePointer<fletch_cursor>.allocate(capacity: 1)
      memory.initialize(to: fletch_cursor())
      memory.pointee.object = Unmanaged.passRetained(cursor).toOpaque()
      result!.pointee = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: sqlite3_vtab_cursor.self)
      return SQLITE_OK
    }
  }
  methods.xClose = { pointer in
    let memory = UnsafeMutableRawPointer(pointer!).assumingMemoryBound(to: fletch_cursor.self)
    Unmanaged<VirtualCursor>.fromOpaque(memory.pointee.object).release()
    memory.deallocate()
    return SQLITE_OK
  }
  methods.xFilter = { pointer, plan, text, count, values in
    onCursor(pointer) { cursor throws(SQLiteError) in
      try cursor.filter(plan: Int(plan), text: text, ArgumentList(pointer: values, count: Int(count)))
    }
  }
  methods.xNext = { pointer in onCursor(pointer) { cursor throws(SQLiteError) in try cursor.next() } }
  methods.xEof = { pointer in cursorObject(pointer)._withUnsafeGuaranteedRef { $0.isAtEnd } ? 1 : 0 }
  methods.xColumn = { pointer, context, column in
    cursorObject(pointer)._withUnsafeGuaranteedRef { cursor in
      do throws(SQLiteError) {
        try cursor.column(Int(column), ResultContext(context!))
        return SQLITE_OK
      } catch {
        ResultContext(context!).fail(error)
        return error.code.rawValue
      }
    }
  }
  methods.xRowid = { pointer, row in
    row!.pointee = cursorObject(pointer)._withUnsafeGuaranteedRef { $0.row }
    return SQLITE_OK
  }
  methods.xUpdate = { table, count, values, row in
    guarded(table) { table throws(SQLiteError) in
      try change(table, ArgumentList(pointer: values, count: Int(count)), row!)
      return SQLITE_OK
    }
  }
  methods.xBegin = { table in
    guarded(table) { table throws(SQLiteError) in
      try table.begin()
      return SQLITE_OK
    }
  }
  methods.xSync = { table in
    guarded(table) { table throws(SQLiteError) in
      try table.sync()
      return SQLITE_OK
    }
  }
  methods.xCommit = { table in
    guarded(table) { table in
      table.commit()
      return SQLITE_OK
    }
  }
  methods.xRollback = { table in
    guarded(table) { table in
      table.rollback()
      return SQLITE_OK
    }
  }
  methods.xRename = { table, name in
    guarded(table) { table throws(SQLiteError) in
      try table.rename(to: String(cString: name!))
      return SQLITE_OK
    }
  }
  methods.xSavepoint = { table, number in
    guarded(table) { table throws(SQLiteError) in
      try table.savepoint(Int(number))
      return SQLITE_OK
    }
  }
  methods.xRelease = { table, number in
    guarded(table) { table throws(SQLiteError) in
      try table.release(Int(number))
      return SQLITE_OK
    }
  }
  methods.xRollbackTo = { table, number in
    guarded(table) { table throws(SQLiteError) in
      try table.rollback(toSavepoint: Int(number))
      return SQLITE_OK
    }
  }
  return methods
}()

private func openTable(
  _ database: OpaquePointer?, _ context: UnsafeMutableRawPointer?, _ count: Int32,
  _ arguments: UnsafePointer<UnsafePointer<CChar>?>?,
  _ result: UnsafeMutablePointer<UnsafeMutablePointer<sqlite3_vtab>?>?,
  _ message: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, creates: Bool
) -> Int32 {
  // The module's name, the schema's, the table's, and what stands in the parentheses.
  let words = (0..<Int(count)).map { String(cString: arguments![$0]!) }
  let module = Unmanaged<VirtualTableModule>.fromOpaque(context!).takeUnretainedValue()
  do throws(SQLiteError) {
    let (table, declaration) = try module.connect(
      schema: words[1], name: words[2], arguments: Array(words.dropFirst(3)), creates: creates)
    let code = sqlite3_declare_vtab(database, declaration)
    guard code == SQLITE_OK else { throw SQLiteError(code, of: database) }
    // Conflicts are ours to resolve; and a view or trigger may read the table.
    _ = fletch_vtab_supports_constraints(database!)
    _ = fletch_vtab_is_innocuous(database!)
    let memory = UnsafeMutablePointer<fletch_vtab>.allocate(capacity: 1)
    memory.initialize(to: fletch_vtab())
    memory.pointee.object = Unmanaged.passRetained(table).toOpaque()
    result!.pointee = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: sqlite3_vtab.self)
    return SQLITE_OK
  } catch {
    message!.pointee = sqliteString(error.message)
    return error.code.rawValue
  }
}

private func closeTable(_ pointer: UnsafeMutablePointer<sqlite3_vtab>?) -> Int32 {
  let memory = UnsafeMutableRawPointer(pointer!).assumingMemoryBound(to: fletch_vtab.self)
  Unmanaged<VirtualTable>.fromOpaque(memory.pointee.object).release()
  memory.deallocate()
  return SQLITE_OK
}

/// One call of xUpdate: https://sqlite.org/vtab.html#the_xupdate_method has the meaning of each argument.
private func change(
  _ table: VirtualTable, _ arguments: ArgumentList, _ row: UnsafeMutablePointer<sqlite3_int64>
) throws(SQLiteError) {
  let old = arguments[0]
  guard arguments.count > 1 else { return try table.delete(row: old.integer) }
  let new = arguments[1]
  let values = ArgumentList(pointer: arguments.pointer.map { $0 + 2 }, count: arguments.count - 2)
  guard let wanted = new.isNull ? nil : new.rowID else {
    guard new.isNull, old.isNull else { throw SQLiteError(.mismatch, "datatype mismatch") }
    row.pointee = try table.insert(row: nil, values)
    return
  }
  if old.isNull {
    row.pointee = try table.insert(row: wanted, values)
  } else {
    try table.update(row: old.integer, newRow: wanted, values)
  }
}

/// Runs a method of a table; what it throws becomes SQLite's code and message.
private func guarded(
  _ pointer: UnsafeMutablePointer<sqlite3_vtab>?, _ body: (VirtualTable) throws(SQLiteError) -> Int32
) -> Int32 {
  let memory = UnsafeMutableRawPointer(pointer!).assumingMemoryBound(to: fletch_vtab.self)
  do throws(SQLiteError) {
    return try body(Unmanaged<VirtualTable>.fromOpaque(memory.pointee.object).takeUnretainedValue())
  } catch {
    setMessage(pointer!, error.message)
    return error.code.rawValue
  }
}

@inline(__always)
private func cursorObject(_ pointer: UnsafeMutablePointer<sqlite3_vtab_cursor>?) -> Unmanaged<VirtualCursor> {
  // SAFETY: SQLite only hands back cursors that xOpen made.
  Unmanaged<VirtualCursor>.fromOpaque(
    UnsafeMutableRawPointer(pointer!).assumingMemoryBound(to: fletch_cursor.self).pointee.object)
}

@inline(__always)
private func onCursor(
  _ pointer: UnsafeMutablePointer<sqlite3_vtab_cursor>?, _ body: (VirtualCursor) throws(SQLiteError) -> Void
) -> Int32 {
  cursorObject(pointer)._withUnsafeGuaranteedRef { cursor in
    do throws(SQLiteError) {
      try body(cursor)
      return SQLITE_OK
    } catch {
      setMessage(pointer!.pointee.pVtab, error.message)
      return error.code.rawValue
    }
  }
}

private func setMessage(_ table: UnsafeMutablePointer<sqlite3_vtab>, _ message: String) {
  sqlite3_free(table.pointee.zErrMsg)
  table.pointee.zErrMsg = sqliteString(message)
}

/// A copy in memory that SQLite frees.
private func sqliteString(_ text: String) -> UnsafeMutablePointer<CChar>? {
  let bytes = Array(text.utf8)
  guard let copy = sqlite3_malloc64(UInt64(bytes.count + 1)) else { return nil }
  bytes.withUnsafeBytes { if let base = $0.baseAddress { copy.copyMemory(from: base, byteCount: $0.count) } }
  copy.storeBytes(of: 0, toByteOffset: bytes.count, as: UInt8.self)
  return copy.assumingMemoryBound(to: CChar.self)
}
