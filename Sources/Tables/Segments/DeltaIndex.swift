// Where the values of a column are in the delta, for equalities that are looked up again and again.

import SQLite

/// A hash table from the values of one column to row ids of the delta, as one connection sees it.
///
/// It only answers for values of the kind that the column holds throughout – numbers, text, or blobs. Comparisons of two kinds depend on
/// affinities that a table is not told.
final class DeltaIndex {
  private enum Kind {
    case numbers, text, blobs
  }

  private var kind: Kind?
  private var rows: [SQLValue: [Int64]] = [:]

  /// More rows than that are not indexed.
  static let rowLimit = 1_000_000

  /// - Parameter scan: a statement that returns a row id and a value each.
  /// - Returns: nil when the values are of several kinds.
  init?(_ scan: Statement) throws(SQLiteError) {
    defer { scan.reset() }
    while try scan.step() {
      let value = scan.value(1)
      if value == .null { continue }
      guard let key = DeltaIndex.key(value), kind == nil || kind == key.kind else { return nil }
      kind = key.kind
      rows[key.value, default: []].append(scan.integer(0))
    }
  }

  /// The rows that have a value, in ascending order; nil when this index cannot tell.
  func find(_ value: SQLValue) -> [Int64]? {
    guard let kind else { return [] }
    guard let key = DeltaIndex.key(value), key.kind == kind else { return nil }
    return rows[key.value] ?? []
  }

  /// Integers and reals that are equal have one key.
  private static func key(_ value: SQLValue) -> (kind: Kind, value: SQLValue)? {
    switch value {
    case .null: nil
    case .integer: (.numbers, value)
    case .real(let real): (.numbers, Int64(exactly: real).map { .integer($0) } ?? value)
    // A `String` is equal to others of the same characters; SQLite compares bytes.
    case .text(let text): (.text, .blob(Array(text.utf8)))
    case .blob: (.blobs, value)
    }
  }
}
