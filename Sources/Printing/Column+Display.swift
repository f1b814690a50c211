// What writers ask of types and columns.

import Arrow

extension DataType {
  /// What the values of dictionaries and runs are; for other types the type itself.
  var shownType: DataType {
    switch self {
    case .dictionary(_, let values, _): values.shownType
    case .runEndEncoded(_, let values): values.type.shownType
    default: self
    }
  }

  /// Whether values stand at the right of their column, digits below digits.
  var isNumeric: Bool {
    let type = shownType
    return switch type {
    case .float16, .float32, .float64: true
    default: type.integerType != nil || type.decimal != nil
    }
  }

  /// Whether a value's text may hold commas, quotes or line ends, or be empty.
  var mayHoldAnyCharacter: Bool {
    switch shownType {
    case .bool, .date32, .date64, .time32, .time64, .timestamp, .duration: false
    default: !isNumeric
    }
  }
}

extension Column {
  /// Whether a value is null, here or in what a dictionary or a run stands for.
  func isLogicalNull(_ row: Int) -> Bool {
    if isNull(row) { return true }
    return switch layout {
    case .dictionary(_, let values): values.isLogicalNull(integer(at: row))
    case .runs(_, let values, _): values.isLogicalNull(run(at: row))
    default: false
    }
  }
}
