// Results as CSV (RFC 4180): a line of names, then a line for each row, ended by CR LF.

import Arrow
import Memory

/// A null is an empty field without quotes, an empty text `""`. Dates and times are in the form of SQL, nested values JSON, binary values
/// hexadecimal.
public struct CSVWriter: ResultWriter {
  private var output: TextOutput
  private let rowLimit: Int
  private var rowsBefore = 0
  /// Which columns may need quotes at all.
  private var mayNeedQuotes: [Bool] = []

  public init(to sink: any ByteSink, _ options: ResultOptions = ResultOptions()) {
    output = TextOutput(to: sink)
    rowLimit = options.rowLimit
  }

  public mutating func begin(_ schema: Schema) throws(DataError) {
    for (i, field) in schema.fields.enumerated() {
      if i > 0 { output.text.append(UInt8(ascii: ",")) }
      let start = output.text.count
      output.text.append(contentsOf: field.name.utf8)
      CSVWriter.quote(&output.text, from: start)
    }
    endRow()
    mayNeedQuotes = schema.fields.map { $0.type.mayHoldAnyCharacter }
    try output.endLine()
  }

  public mutating func append(_ batch: RecordBatch) throws(DataError) {
    for row in 0..<batch.count {
      let start = output.text.count
      for (i, column) in batch.columns.enumerated() {
        if i > 0 { output.text.append(UInt8(ascii: ",")) }
        guard !column.isLogicalNull(row) else { continue }
        let fieldStart = output.text.count
        // One more than is allowed, so that what is cut is seen to be too long.
        column.appendSQLText(at: row, to: &output.text, limit: min(rowLimit, .max - 1) + 1)
        try output.checkRow(rowsBefore + row, from: start, limit: rowLimit)
        if mayNeedQuotes[i] { CSVWriter.quote(&output.text, from: fieldStart) }
      }
      endRow()
      try output.endLine()
    }
    rowsBefore += batch.count
    try output.flush()
  }

  public mutating func end() throws(DataError) { try output.flush() }

  private mutating func endRow() {
    output.text.append(UInt8(ascii: "\r"))
    output.text.append(UInt8(ascii: "\n"))
  }

  /// Puts the field that begins at `start` in quotes if it needs them.
  private static func quote(_ text: inout [UInt8], from start: Int) {
    var quotes = 0
    var needsQuotes = text.count == start
    for byte in text[start...] {
      switch byte {
      case UInt8(ascii: "\""): quotes += 1
      case UInt8(ascii: ","), UInt8(ascii: "\r"), UInt8(ascii: "\n"): needsQuotes = true
      default: break
      }
    }
    guard needsQuotes || quotes > 0 else { return }
    // From the end, so that each byte moves once.
    var source = text.count
    text.append(contentsOf: repeatElement(UInt8(ascii: "\""), count: quotes + 2))
    var target = text.count - 1
    while source > start {
      source -= 1
      target -= 1
      text[target] = text[source]
      if text[source] == UInt8(ascii: "\"") {
        target -= 1
        text[target] = UInt8(ascii: "\"")
      }
    }
    text[start] = UInt8(ascii: "\"")
  }
}
