// Conditions for IN with a list of values.

import Arrow
import Kernels
import SQLite

extension DataType {
  /// The condition for `IN (values)`; nil when a value is of another kind than the column.
  func condition(column: Int, in values: [SQLValue]) -> ColumnCondition? {
    if case .dictionary(_, let inner, _) = self {
      if case .dictionary = inner { return nil }
      return inner.condition(column: column, in: values)
    }
    var integers: Set<Int64> = []
    var reals: Set<Double> = []
    var bytes: Set<[UInt8]> = []
    for value in values where value != .null {
      guard let condition = condition(column: column, .equal, value), condition.domain == nil else {
        return nil
      }
      switch condition.predicate {
      case .nothing: continue
      case .integers(let range) where range.lowerBound == range.upperBound: integers.insert(range.lowerBound)
      case .reals(let range): reals.insert(range.lowerBound)
      case .bytes(let lower?, _): bytes.insert(lower.bytes)
      default: return nil
      }
    }
    let predicate: RangePredicate =
      !integers.isEmpty
      ? .integerSet(integers) : !reals.isEmpty ? .realSet(reals) : !bytes.isEmpty ? .byteSet(bytes) : .nothing
    return ColumnCondition(column: column, predicate: predicate)
  }
}
