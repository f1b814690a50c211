// Values as the text that SQL shows: what results look like in tables and CSV files.

import Memory

extension Column {
  /// Appends one value that is not null as plain text, in the form of SQL: dates and times as SQLite's functions write them, `true` and
  /// `false`, exact decimals, text as it is, binary values as hexadecimal digits, nested values, unions and intervals as JSON.
  ///
  /// `ColumnBuilder.append(text:)` reads it back, but for binary values. Nulls append nothing. The column must have passed
  /// `check(.access)`. Past `limit` bytes a nested value ends early (see `appendJSON`), and text is cut.
  public func appendSQLText(at row: Int, to text: inout [UInt8], limit: Int = .max) {
    guard !isNull(row) else { return }
    switch layout {
    case .dictionary(_, let values): values.appendSQLText(at: integer(at: row), to: &text, limit: limit)
    case .runs(_, let values, _): values.appendSQLText(at: run(at: row), to: &text, limit: limit)
    case .variable, .views:
      let all = bytes(at: row)
      let bytes = all.slice(0..<min(all.count, max(0, limit)))
      if !type.isText {
        JSONText.appendHexadecimalDigits(bytes, to: &text)
      } else if UTF8Check.isValid(bytes.bytes) {
        text.append(contentsOf: UnsafeRawBufferPointer(start: bytes.base, count: bytes.count))
      } else {
        let raw = UnsafeRawBufferPointer(start: bytes.base, count: bytes.count)
        text.append(contentsOf: String(decoding: raw, as: UTF8.self).utf8)
      }
    case .fixed(let values):
      switch type {
      case .timestamp(let unit, _):
        TemporalText.appendSQLTimestamp(ticks: Int(values.load(at: row * 8, as: Int64.self)), unit, to: &text)
      case .time32(let unit):
        TemporalText.appendSQLTime(ticks: Int(values.load(at: row * 4, as: Int32.self)), unit, to: &text)
      case .time64(let unit):
        TemporalText.appendSQLTime(ticks: Int(values.load(at: row * 8, as: Int64.self)), unit, to: &text)
      case .fixedSizeBinary(let width):
        let bytes = values.slice(row * width..<row * width + min(width, max(0, limit)))
        JSONText.appendHexadecimalDigits(bytes, to: &text)
      case .interval: appendJSON(at: row, to: &text)
      default:
        // The same as JSON, without its quotes.
        let start = text.count
        appendJSON(at: row, to: &text)
        if text[start] == UInt8(ascii: "\"") {
          text.removeLast()
          text.remove(at: start)
        }
      }
    default:
      let (end, overflow) = text.count.addingReportingOverflow(limit)
      appendJSON(at: row, to: &text, limit: overflow ? .max : end)
    }
  }
}
