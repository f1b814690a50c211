// Results as JSON lines: an object for each row.

import Arrow
import Memory

public struct JSONLinesWriter: ResultWriter {
  private var output: TextOutput
  private let rowLimit: Int
  private var rowsBefore = 0

  public init(to sink: any ByteSink, _ options: ResultOptions = ResultOptions()) {
    output = TextOutput(to: sink)
    rowLimit = options.rowLimit
  }

  public mutating func begin(_ schema: Schema) {}

  public mutating func append(_ batch: RecordBatch) throws(DataError) {
    for row in 0..<batch.count {
      let start = output.text.count
      batch.appendJSON(row: row, to: &output.text, limit: start + min(rowLimit, .max - start))
      try output.checkRow(rowsBefore + row, from: start, limit: rowLimit)
      output.text.append(UInt8(ascii: "\n"))
      try output.endLine()
    }
    rowsBefore += batch.count
    try output.flush()
  }

  public mutating func end() throws(DataError) { try output.flush() }
}
