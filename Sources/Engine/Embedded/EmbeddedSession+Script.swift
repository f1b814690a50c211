// Several statements at once.

import SQL

extension EmbeddedSession {
  /// Statements that begin and end transactions themselves are taken at their word; others are one transaction.
  public func execute(
    script: String, in transaction: TransactionID?, _ control: StatementControl
  ) throws(EngineError) {
    let parts = ScriptPart.parts(of: script)
    if parts.isEmpty { throw EngineError(.invalidArgument, "there is no statement in the text", offset: 0) }
    let isInTransaction = try self.transaction(transaction) != nil
    guard !isInTransaction, parts.count > 1, !parts.contains(where: \.isTransactionControl) else {
      return try run(parts, in: transaction, control)
    }
    let own = try begin()
    do throws(EngineError) {
      try run(parts, in: own, control)
      try commit(own, control)
    } catch {
      try? rollback(own)
      throw error
    }
  }

  private func run(
    _ parts: [ScriptPart], in transaction: TransactionID?, _ control: StatementControl
  ) throws(EngineError) {
    for part in parts {
      do throws(EngineError) {
        let statement = try prepare(part.text, in: transaction, control)
        defer { statement.close() }
        _ = try statement.update(nil, control)
      } catch {
        var placed = error
        placed.offset = part.start + (error.offset ?? 0)
        throw placed
      }
    }
  }
}

/// One statement of a script.
private struct ScriptPart {
  var text: String
  /// The byte of the script where it begins.
  var start: Int
  var isTransactionControl: Bool

  static func parts(of script: String) -> [ScriptPart] {
    var parts: [ScriptPart] = []
    var reader = StatementReader(script)
    let bytes = Array(script.utf8)
    var start = 0
    func skipSpace() {
      while start < bytes.count, [0x20, 0x09, 0x0A, 0x0D, 0x3B].contains(bytes[start]) { start += 1 }
    }
    do throws(SQLError) {
      skipSpace()
      while let statement = try reader.next() {
        parts.append(
          ScriptPart(
            text: String(decoding: bytes[start..<reader.offset], as: UTF8.self), start: start,
            isTransactionControl: statement.isTransactionControl))
        start = reader.offset
        skipSpace()
      }
    } catch {
      // SQLite has the last word on what is SQL: it gets the rest as it is.
      parts.append(
        ScriptPart(
          text: String(decoding: bytes[start...], as: UTF8.self), start: start, isTransactionControl: false))
    }
    return parts
  }
}

extension SQL.Statement {
  /// Whether it makes something that only its connection sees.
  var makesTemporary: Bool {
    switch kind {
    case .createTable(let table): table.definition.isInTemporarySchema
    case .createView(let view): view.definition.isInTemporarySchema
    case .createTrigger(let trigger): trigger.definition.isInTemporarySchema
    case .createVirtualTable(let definition, _): definition.isInTemporarySchema
    default: false
    }
  }
}

extension SQL.Definition {
  fileprivate var isInTemporarySchema: Bool { isTemporary || name.schema?.text.lowercased() == "temp" }
}
