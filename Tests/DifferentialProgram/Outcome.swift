// What a statement gave, either way, and whether two of them are the same.

import Arrow
import Memory
import SQLite
import Tables

/// A value of either way, as it is compared.
enum Cell: Hashable, CustomStringConvertible {
  case null
  case integer(Int)
  case real(Double)
  case bytes([UInt8])

  var description: String {
    switch self {
    case .null: "NULL"
    case .integer(let integer): "\(integer)"
    case .real(let real): "\(real)"
    case .bytes(let bytes): "'\(String(decoding: bytes, as: UTF8.self))'"
    }
  }

  /// Sums of reals differ in their last digits by the order of their addition.
  func agrees(with other: Cell) -> Bool {
    guard case .real(let a) = self, case .real(let b) = other else { return self == other }
    if a == b || (a.isNaN && b.isNaN) { return true }
    // Beyond 1e15 there have been extremes, which may have left next to nothing of each other.
    let magnitude = max(abs(a), abs(b))
    return abs(a - b) <= (magnitude > 1e15 ? 1e-6 : 1e-12) * magnitude + 1e-9 * min(1, magnitude)
  }

  /// For rows that are compared as a multiset: reals by their first digits.
  var rough: String {
    guard case .real(let real) = self else { return description }
    guard real.isFinite, real != 0 else { return "\(real + 0)" }
    return "\(Float16(real / 1.000003)) \(Float(real))"
  }
}

struct Outcome {
  var rows: [[Cell]] = []
  var error: String?

  mutating func append(_ batch: RecordBatch) {
    let columns = batch.columns.map { Outcome.cells($0) }
    for row in 0..<batch.count { rows.append(columns.map { $0[row] }) }
  }

  private static func cells(_ column: Column) -> [Cell] {
    func all(_ cell: (Int) -> Cell) -> [Cell] {
      (0..<column.count).map { column.isNull($0) ? .null : cell($0) }
    }
    switch (column.layout, column.type) {
    case (.null, _): return [Cell](repeating: .null, count: column.count)
    case (.dictionary(_, let values), _):
      let entries = cells(values)
      return all { entries[column.integer(at: $0)] }
    case (_, .float64): return all { .real(column.values(of: Double.self)[$0]) }
    case (_, .float32): return all { .real(Double(column.values(of: Float.self)[$0])) }
    case (.bits, _): return all { .integer(column.bool(at: $0) ? 1 : 0) }
    case (.variable, _):
      return all { row in
        let bytes = column.bytes(at: row)
        return .bytes(Array(UnsafeRawBufferPointer(start: bytes.base, count: bytes.count)))
      }
    case (.fixed, .int8), (.fixed, .int16), (.fixed, .int32), (.fixed, .int64), (.fixed, .uint16):
      return all { .integer(column.integer(at: $0)) }
    default:
      return all { row in
        var text: [UInt8] = []
        column.appendJSON(at: row, to: &text)
        return .bytes(text)
      }
    }
  }

  /// What differs; nil when nothing does.
  func difference(from other: Outcome, isOrdered: Bool) -> String? {
    if error != nil || other.error != nil {
      return error == other.error
        ? nil
        : "columns: \(error ?? "\(rows.count) rows"), SQLite: \(other.error ?? "\(other.rows.count) rows")"
    }
    if rows.count != other.rows.count {
      return
        "columns: \(rows.count) rows, SQLite: \(other.rows.count) \(rows.prefix(3)) \(other.rows.prefix(3))"
    }
    if let place = Outcome.place(rows, other.rows) {
      if isOrdered { return "row \(place): columns \(rows[place]), SQLite \(other.rows[place])" }
      let sorted = { (rows: [[Cell]]) in
        rows.map { (key: $0.map(\.rough).joined(separator: "\u{1}"), row: $0) }.sorted { $0.key < $1.key }
          .map(\.row)
      }
      let (mine, theirs) = (sorted(rows), sorted(other.rows))
      if let place = Outcome.place(mine, theirs) {
        return "row \(place), sorted: columns \(mine[place]), SQLite \(theirs[place])"
      }
    }
    return nil
  }

  /// The first row that is not the same.
  private static func place(_ rows: [[Cell]], _ others: [[Cell]]) -> Int? {
    for (number, (a, b)) in zip(rows, others).enumerated() where a != b {
      if !zip(a, b).allSatisfy({ $0.agrees(with: $1) }) { return number }
    }
    return nil
  }

  static func bySQLite(
    _ sql: String, _ schema: Schema, _ session: TableSession, _ parameters: [SQLValue] = []
  ) -> Outcome {
    var outcome = Outcome()
    do {
      let statement = try session.connection.prepare(sql)
      for (i, value) in parameters.prefix(statement.parameterCount).enumerated() {
        try statement.bind(value, to: i + 1)
      }
      let reader = RowReader(statement, schema: schema)
      while let batch = try reader.next(rowLimit: 10_000, byteLimit: .max) { outcome.append(batch) }
    } catch {
      outcome.error = "\(error)"
    }
    return outcome
  }
}
