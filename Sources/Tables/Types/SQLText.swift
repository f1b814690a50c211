// The pieces of the type mapping that are text or decide between number and text.

import Arrow
import Memory

enum SQLText {
  /// The most bytes that one value may have in SQL: SQLite's own limit.
  static let limit = 1_000_000_000

  /// An unsigned integer that SQLite has no integer for: always 20 digits, so that text order is the order of the values. Text
  /// sorts behind every integer, so the column sorts right as a whole.
  static func append(beyondInt64 value: UInt64, to text: inout [UInt8]) {
    let digits = String(value).utf8
    text.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: 20 - digits.count))
    text.append(contentsOf: digits)
  }

  /// A date, a time of day or a timestamp as its column stores it.
  static func append(ticks: Int64, _ type: DataType, to text: inout [UInt8]) {
    switch type {
    case .date32: TemporalText.appendDate(days: Int(ticks), to: &text)
    case .date64: append(date64: Int(ticks), to: &text)
    case .time32(let unit), .time64(let unit): TemporalText.appendSQLTime(ticks: Int(ticks), unit, to: &text)
    case .timestamp(let unit, _): TemporalText.appendSQLTimestamp(ticks: Int(ticks), unit, to: &text)
    default: preconditionFailure("\(type) is no time")
    }
  }

  /// What `append(ticks:)` made a text of; nil when it is not exactly such a text.
  static func ticks(_ text: [UInt8], _ type: DataType) -> Int64? {
    let parsed: Int? =
      switch type {
      case .date32: TemporalText.parseDate(text.span.bytes)
      case .date64: TemporalText.parseDate(text.span.bytes).map { $0 * 86_400_000 }
      case .time32(let unit), .time64(let unit): TemporalText.parseTime(text.span.bytes, unit)
      case .timestamp(let unit, _): TemporalText.parseTimestamp(text.span.bytes, unit)
      default: nil
      }
    guard let parsed else { return nil }
    var written: [UInt8] = []
    append(ticks: Int64(parsed), type, to: &written)
    return written == text ? Int64(parsed) : nil
  }

  /// A date in milliseconds; with the time behind it where there is one.
  static func append(date64 milliseconds: Int, to text: inout [UInt8]) {
    let day = 86_400_000
    if milliseconds % day == 0 {
      TemporalText.appendDate(days: milliseconds / day, to: &text)
    } else {
      TemporalText.appendSQLTimestamp(ticks: milliseconds, .millisecond, to: &text)
    }
  }

  /// The value of a decimal without a fraction, where Int64 has it.
  static func integer(_ unscaled: Int256, scale: Int) -> Int64? {
    guard let value = Int64(exactly: unscaled) else { return nil }
    if scale == 0 || value == 0 { return value }
    guard -scale <= 18 else { return nil }
    var factor: Int64 = 1
    for _ in 0..<(-scale) { factor *= 10 }
    let (product, overflow) = value.multipliedReportingOverflow(by: factor)
    return overflow ? nil : product
  }
}

extension Int64 {
  init?(exactly value: Int256) {
    let low = Int64(truncatingIfNeeded: value.words[0])
    let fill: UInt64 = low < 0 ? .max : 0
    guard value.words[1] == fill, value.words[2] == fill, value.words[3] == fill else { return nil }
    self = low
  }
}

extension Column {
  /// Whether a value is null, also where nulls are in the children only: in unions and run-end encoded columns.
  package func isNullValue(_ row: Int) -> Bool {
    if isNull(row) { return true }
    switch layout {
    case .union(_, _, let children):
      let (child, childRow) = unionValue(at: row)
      return children[child].isNullValue(childRow)
    case .dictionary(_, let values): return values.isNullValue(integer(at: row))
    case .runs(_, let values, _): return values.isNullValue(run(at: row))
    default: return false
    }
  }
}
