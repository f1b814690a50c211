// Batches brought into the form of a table: columns by name, types without loss.

import Arrow
import Memory
import SQLite

/// How batches of one schema become batches of another.
struct BatchProjection {
  let source: Schema
  private let target: Schema
  /// For each column of the target the one that it is taken from; nil for one that is null throughout.
  private let places: [Int?]

  /// - Throws: `.invalid` for a column that the table does not have, and for one that it needs and the source has not.
  init(from source: Schema, to target: Schema, table: String) throws(DataError) {
    self.source = source
    self.target = target
    for field in source.fields where target.index(of: field.name) == nil {
      throw DataError(.invalid, "table '\(table)' has no column '\(field.name)'")
    }
    var places: [Int?] = []
    for field in target.fields {
      let place = source.index(of: field.name)
      guard place != nil || field.isNullable else {
        throw DataError(
          .invalid, "column '\(field.name)' of table '\(table)' may not be null, and has no values here")
      }
      places.append(place)
    }
    self.places = places
  }

  func apply(_ batch: RecordBatch) throws(DataError) -> RecordBatch {
    var columns: [Column] = []
    for (field, place) in zip(target.fields, places) {
      guard let place else {
        let writer = ColumnWriter(field.type)
        for _ in 0..<batch.count { writer.appendNull() }
        columns.append(writer.finish())
        continue
      }
      let column = batch.columns[place]
      do throws(DataError) {
        try column.check(.full)
        if !field.isNullable, column.nullCount > 0 {
          throw DataError(.invalid, "it has nulls, and may have none")
        }
        columns.append(column.type == field.type ? column : try column.converted(to: field.type))
      } catch {
        throw error.within("column '\(field.name)'")
      }
    }
    return try RecordBatch(schema: target, columns: columns, count: batch.count)
  }
}

extension Column {
  /// The same values as another type, by way of their SQL values; throws at the first that the type does not have.
  func converted(to type: DataType) throws(DataError) -> Column {
    try check(.full)
    let reader = ColumnReader(self)
    let writer = ColumnWriter(type)
    var value = SingleValue()
    for row in 0..<count {
      reader.read(row, into: &value)
      do throws(DataError) { try writer.append(value.value) } catch { throw error.within("row \(row)") }
    }
    return writer.finish()
  }
}
