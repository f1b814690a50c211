// Rows of a statement as record batches of a settled schema.

import Arrow
import Memory
import SQLite

/// Steps through a statement and makes columns of its rows.
public final class RowReader {
  public let schema: Schema
  private let statement: Statement
  private let writers: [ColumnWriter]
  private var isAtEnd = false
  private let rowsBefore: Int
  /// Rows handed out so far.
  public private(set) var rowCount = 0

  /// - Parameter rowsBefore: what the numbers of rows in errors count from.
  public init(_ statement: Statement, schema: Schema, rowsBefore: Int = 0) {
    self.rowsBefore = rowsBefore
    self.schema = schema
    self.statement = statement
    writers = schema.fields.map { ColumnWriter($0.type) }
  }

  /// The next rows; nil behind the last.
  /// - Parameters:
  ///   - rowLimit: the most rows of a batch.
  ///   - byteLimit: a batch ends with the row that passes it, by a count of what values are long.
  public func next(rowLimit: Int, byteLimit: Int) throws(TableError) -> RecordBatch? {
    if isAtEnd { return nil }
    var rows = 0
    var bytes = 0
    let fixedBytes = 8 * writers.count
    while rows < rowLimit, bytes < byteLimit {
      let isRow = try wrapping { () throws(SQLiteError) in try statement.step() }
      guard isRow else {
        isAtEnd = true
        break
      }
      for (i, writer) in writers.enumerated() {
        let value = RowValue(statement: statement, column: i)
        do throws(DataError) { try writer.append(value) } catch {
          throw .data(
            error.within("row \(rowsBefore + rowCount + rows + 1), column '\(schema.fields[i].name)'"))
        }
        if writer.isVariable { bytes += statement.byteCount(i) }
      }
      bytes += fixedBytes
      rows += 1
    }
    if rows == 0 { return nil }
    rowCount += rows
    return try wrap { () throws(DataError) in
      try RecordBatch(schema: schema, columns: writers.map { $0.finish() }, count: rows)
    }
  }
}

extension RowReader {
  /// A batch of rows that are there as values.
  public static func batch(of rows: [[SQLValue]], schema: Schema) throws(TableError) -> RecordBatch {
    let writers = schema.fields.map { ColumnWriter($0.type) }
    for (number, row) in rows.enumerated() {
      for (i, value) in row.enumerated() {
        do throws(DataError) { try writers[i].append(value) } catch {
          throw .data(error.within("row \(number + 1), column '\(schema.fields[i].name)'"))
        }
      }
    }
    return try wrap { () throws(DataError) in
      try RecordBatch(schema: schema, columns: writers.map { $0.finish() }, count: rows.count)
    }
  }
}

/// The values of a column as SQL has them.
public func sqlValues(of column: Column) throws(DataError) -> [SQLValue] {
  try column.check(.full)
  let reader = ColumnReader(column)
  var value = SingleValue()
  var values: [SQLValue] = []
  values.reserveCapacity(column.count)
  for row in 0..<column.count {
    reader.read(row, into: &value)
    values.append(value.value)
  }
  return values
}
