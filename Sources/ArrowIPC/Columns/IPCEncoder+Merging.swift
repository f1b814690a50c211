// Dictionaries that differ from batch to batch, merged into one that only grows: a file may not replace them.

import Arrow
import Memory

extension IPCEncoder {
  /// The column over dictionaries that begin with what the reader already has of them. The same column when they do.
  mutating func merging(_ column: Column, _ field: IPCField) throws(DataError) -> Column {
    guard let dictionary = field.dictionary, case .dictionary(_, let ownValues) = column.layout else {
      return try mergingChildren(of: column, field)
    }
    let values = try mergingChildren(of: ownValues, field.values)
    guard let before = sent[dictionary.id] else {
      return values === ownValues ? column : try column.replacingChildren([values])
    }
    if before === values || before.hasEqualValues(to: values) {
      return try column.replacingChildren([before])
    }
    if values.extends(before) {
      return values === ownValues ? column : try column.replacingChildren([values])
    }
    return try merge(column, values, into: before, dictionary)
  }

  private mutating func mergingChildren(of column: Column, _ field: IPCField) throws(DataError) -> Column {
    guard !field.children.isEmpty else { return column }
    var isChanged = false
    var children: [Column] = []
    for (child, childField) in zip(column.children, field.children) {
      let merged = try merging(child, childField)
      if merged !== child { isChanged = true }
      children.append(merged)
    }
    return isChanged ? try column.replacingChildren(children) : column
  }

  private mutating func merge(
    _ column: Column, _ values: Column, into before: Column, _ dictionary: IPCField.DictionaryEncoding
  ) throws(DataError) -> Column {
    // Taken out while it grows, so that it is not copied. After an error it is made again, from `before`.
    var places = merged.removeValue(forKey: dictionary.id) ?? [:]
    for row in places.count..<max(before.count, places.count) {
      let key = try before.key(at: row)
      guard places[key] == nil else { continue }
      try keptKeys.add(key)
      places[key] = row
    }
    // Where each of the new values goes, and which of them are new.
    var translation: [Int] = []
    var added: [Range<Int>] = []
    var count = before.count
    for row in 0..<values.count {
      let key = try values.key(at: row)
      if let place = places[key] {
        translation.append(place)
      } else {
        try keptKeys.add(key)
        places[key] = count
        translation.append(count)
        if let last = added.last, last.upperBound == row {
          added[added.count - 1] = last.lowerBound..<row + 1
        } else {
          added.append(row..<row + 1)
        }
        count += 1
      }
    }
    guard count - 1 <= dictionary.indices.maximum else {
      throw DataError(
        .limit,
        "the batches together have \(count) distinct values; \(dictionary.indices.dataType) indices cannot count so far, "
          + "and a file has one dictionary for all batches (a stream can replace it)")
    }
    merged[dictionary.id] = places
    var indices = GrowableBuffer(capacity: column.count * dictionary.indices.byteWidth)
    for row in 0..<column.count {
      indices.append(column.isNull(row) ? 0 : translation[column.integer(at: row)], as: dictionary.indices)
    }
    let all = added.isEmpty ? before : try Column.concatenating([before] + added.map { values.slice($0) })
    return try Column(
      type: column.type, count: column.count, validity: column.validity,
      layout: .dictionary(indices: indices.freeze(), values: all))
  }
}
