// Columns of equal length under a schema.

import Memory

/// Rows as columns.
public struct RecordBatch: Sendable {
  public let schema: Schema
  public let columns: [Column]
  /// The number of rows, also where there are no columns.
  public let count: Int
  /// Metadata of the message that brought or will carry this batch.
  public var metadata = Metadata()

  /// - Throws: `.invalid` when the columns are not the schema's or not equally long.
  public init(schema: Schema, columns: [Column], count: Int? = nil) throws(DataError) {
    guard columns.count == schema.fields.count else {
      throw DataError(.invalid, "\(columns.count) columns for a schema of \(schema.fields.count) fields")
    }
    let count = count ?? columns.first?.count ?? 0
    for (column, field) in zip(columns, schema.fields) {
      guard column.type == field.type else {
        throw DataError(.invalid, "column '\(field.name)' is \(column.type), its field \(field.type)")
      }
      guard column.count == count else {
        throw DataError(
          .invalid, "column '\(field.name)' has \(column.count) values, the batch \(count) rows")
      }
    }
    self.init(unchecked: schema, columns: columns, count: count)
  }

  private init(unchecked schema: Schema, columns: [Column], count: Int) {
    self.schema = schema
    self.columns = columns
    self.count = count
  }

  /// A batch without rows.
  public init(empty schema: Schema) throws(DataError) {
    try self.init(schema: schema, columns: schema.fields.map { $0.type.makeBuilder().finish() }, count: 0)
  }

  /// The rows of `range`, without a copy.
  public func slice(_ range: Range<Int>) -> RecordBatch {
    var slice = RecordBatch(unchecked: schema, columns: columns.map { $0.slice(range) }, count: range.count)
    slice.metadata = metadata
    return slice
  }

  /// Checks the content of every column; an error names the column.
  public func check(_ level: CheckLevel) throws(DataError) {
    for (column, field) in zip(columns, schema.fields) {
      do throws(DataError) { try column.check(level) } catch { throw error.within("column '\(field.name)'") }
    }
  }
}
