// INSERT, UPDATE and DELETE on a published table: rows of the delta, and tombstones.

import Arrow
import Memory
import SQLite

/// The statements that change a published table's shadow tables. All of them run in the transaction of the statement that changes
/// the table, so that SQLite undoes them with it.
final class TableWriter {
  private unowned let table: PublishedTable
  private let insertRow: Statement
  private let deleteRow: Statement
  private let bury: Statement
  private let lastDeltaRow: Statement
  private let findRow: Statement
  private let canonical: [CanonicalValue]

  init(_ table: PublishedTable) throws(SQLiteError) {
    self.table = table
    let connection = table.connection
    let places = (0...table.schema.fields.count).map { "?\($0 + 1)" }.joined(separator: ", ")
    insertRow = try connection.internalStatement("INSERT INTO \(table.deltaName) VALUES (\(places))")
    deleteRow = try connection.internalStatement("DELETE FROM \(table.deltaName) WHERE row = ?1")
    bury = try connection.internalStatement("INSERT OR IGNORE INTO \(table.tombstonesName) VALUES (?1)")
    lastDeltaRow = try connection.internalStatement("SELECT max(row) FROM \(table.deltaName)")
    findRow = try connection.internalStatement("SELECT 1 FROM \(table.deltaName) WHERE row = ?1")
    canonical = table.schema.fields.map { CanonicalValue($0.type) }
  }

  func delete(_ row: Int64) throws(SQLiteError) {
    if try isInDelta(row) {
      try run(deleteRow, row)
      table.change { $0.deltaCount -= 1 }
    } else if try table.snapshot().isVisible(row) {
      // Only rows of segments have tombstones: that of another row id would hide a row that gets it later.
      try run(bury, row)
      table.change { $0.bury(row) }
    }
  }

  func insert(_ wanted: Int64?, _ values: ArgumentList) throws(SQLiteError) -> Int64 {
    // Values first: a row that is refused replaces none, also under OR IGNORE and OR FAIL.
    try check(values)
    let row: Int64
    if let wanted {
      row = wanted
      if try isTaken(row) {
        switch table.connection.conflictResolution {
        case .replace: try delete(row)
        default: throw taken(row)
        }
      }
    } else {
      row = try nextRow()
    }
    try store(row, values)
    table.connection.lastInsertedRow = row
    return row
  }

  func update(_ row: Int64, _ newRow: Int64, _ values: ArgumentList) throws(SQLiteError) {
    if newRow != row, try isTaken(newRow) {
      switch table.connection.conflictResolution {
      case .replace: try delete(newRow)
      default: throw taken(newRow)
      }
    }
    // Values first: one that is refused leaves the old row alone, also under OR IGNORE and OR FAIL.
    try check(values)
    try delete(row)
    try store(newRow, values)
  }

  // MARK: Rows

  private func isInDelta(_ row: Int64) throws(SQLiteError) -> Bool {
    try findRow.bind(row, to: 1)
    defer { findRow.reset() }
    return try findRow.step()
  }

  private func isTaken(_ row: Int64) throws(SQLiteError) -> Bool {
    if try table.snapshot().isVisible(row) { return true }
    return try isInDelta(row)
  }

  private func taken(_ row: Int64) -> SQLiteError {
    SQLiteError(
      ResultCode(rawValue: ResultCode.rowIDConstraint),
      "UNIQUE constraint failed: \(table.name).rowid (\(row))")
  }

  /// One more than the highest row id in use.
  private func nextRow() throws(SQLiteError) -> Int64 {
    let last: Int64
    if let known = table.lastRow {
      last = known
    } else {
      last = try findLastRow()
      table.lastRow = last
    }

    if last < .max { return last + 1 }
    // As SQLite does it: when the last row id is taken, some are tried at random.
    for _ in 0..<100 {
      let row = Int64.random(in: 1...(.max >> 1))
      if try !isTaken(row) { return row }
    }
    throw SQLiteError(.full, "table '\(table.name)' has no row id left")
  }

  private func findLastRow() throws(SQLiteError) -> Int64 {
    defer { lastDeltaRow.reset() }
    _ = try lastDeltaRow.step()
    let inDelta = lastDeltaRow.isNull(0) ? 0 : lastDeltaRow.integer(0)
    return max(inDelta, try table.snapshot().endOfSegments - 1)
  }

  /// Refuses values that the columns cannot hold, before anything is changed.
  private func check(_ values: ArgumentList) throws(SQLiteError) {
    for (i, field) in table.schema.fields.enumerated() {
      if values[i].isNull {
        guard field.isNullable else {
          throw SQLiteError(
            ResultCode(rawValue: ResultCode.notNullConstraint),
            "NOT NULL constraint failed: \(table.name).\(field.name)")
        }
      } else if !canonical[i].isCanonical(values[i]) {
        _ = try canonical[i].value(values[i], table.name, field)
      }
    }
  }

  private func store(_ row: Int64, _ values: ArgumentList) throws(SQLiteError) {
    try insertRow.bind(row, to: 1)
    for (i, field) in table.schema.fields.enumerated() {
      let value = values[i]
      if value.isNull || canonical[i].isCanonical(value) {
        try insertRow.bind(value, to: i + 2)
      } else {
        try insertRow.bind(try canonical[i].value(value, table.name, field), to: i + 2)
      }
    }
    _ = try insertRow.step()
    if let last = table.lastRow { table.lastRow = max(row, last) }
    table.change { $0.deltaCount += 1 }
  }

  private func run(_ statement: Statement, _ row: Int64) throws(SQLiteError) {
    try statement.bind(row, to: 1)
    _ = try statement.step()
  }
}

extension ResultCode {
  /// SQLITE_CONSTRAINT_ROWID and SQLITE_CONSTRAINT_NOTNULL (https://sqlite.org/rescode.html), macros that Swift does not import.
  static let rowIDConstraint = ResultCode.constraint.rawValue | 10 << 8
  static let notNullConstraint = ResultCode.constraint.rawValue | 5 << 8
}

/// Brings values into the form in which a column gives them back, or refuses them.
struct CanonicalValue {
  private let type: DataType
  private let writer: ColumnWriter

  init(_ type: DataType) {
    self.type = type
    writer = ColumnWriter(type)
  }

  /// Whether a value is in that form already, as far as a glance tells.
  func isCanonical(_ value: BorrowedValue) -> Bool {
    switch (type, value.storage) {
    case (.int64, .integer), (.duration, .integer), (.float64, .real), (.binary, .blob),
      (.largeBinary, .blob),
      (.binaryView, .blob):
      true
    case (.int32, .integer): value.integer == Int64(Int32(truncatingIfNeeded: value.integer))
    case (.bool, .integer): value.integer == 0 || value.integer == 1
    default: false
    }
  }

  func value(_ value: BorrowedValue, _ table: String, _ field: Field) throws(SQLiteError) -> SQLValue {
    do throws(DataError) {
      try writer.append(value)
    } catch {
      _ = writer.finish()
      throw SQLiteError(
        ResultCode(rawValue: ResultCode.typeConstraint),
        "cannot store in \(table).\(field.name): \(error.message)")
    }
    var single = SingleValue()
    ColumnReader(writer.finish()).read(0, into: &single)
    return single.value
  }
}

extension ResultCode {
  /// SQLITE_CONSTRAINT_DATATYPE: what STRICT tables answer.
  static let typeConstraint = ResultCode.constraint.rawValue | 12 << 8
}
