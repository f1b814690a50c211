// Results with a line for each value: for rows that are wider than the terminal.

import Arrow
import Memory

/// Rows one below the other, each as names and values.
///
///     ─[ row 1 ]─
///     id   │ 1
///     name │ Zoë
///     (1 row)
public struct ExpandedWriter: ResultWriter {
  private var output: TextOutput
  private let options: ResultOptions
  private var names: [DisplayText] = []
  private var width = 0
  private var rowCount = 0
  private var scratch: [UInt8] = []

  public init(to sink: any ByteSink, _ options: ResultOptions = ResultOptions()) {
    output = TextOutput(to: sink)
    self.options = options
  }

  public mutating func begin(_ schema: Schema) throws(DataError) {
    names = schema.fields.map { DisplayText(Array($0.name.utf8)[...], limit: TableWriter.cellWidth) }
    width = names.map(\.width).max() ?? 0
  }

  public mutating func append(_ batch: RecordBatch) throws(DataError) {
    for row in 0..<batch.count {
      rowCount += 1
      output.text.append(contentsOf: "─[ row \(rowCount) ]─\n".utf8)
      for (name, column) in zip(names, batch.columns) {
        output.text.append(contentsOf: name.text)
        output.text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: width - name.width))
        output.text.append(contentsOf: " │ ".utf8)
        appendValue(column, row)
        output.text.append(UInt8(ascii: "\n"))
        try output.endLine()
      }
    }
    try output.flush()
  }

  private mutating func appendValue(_ column: Column, _ row: Int) {
    guard !column.isLogicalNull(row) else {
      output.text.append(contentsOf: (options.usesStyles ? "\u{1B}[2mNULL\u{1B}[0m" : "NULL").utf8)
      return
    }
    scratch.removeAll(keepingCapacity: true)
    let limit = 65_536
    column.appendSQLText(at: row, to: &scratch, limit: limit)
    output.text.append(contentsOf: DisplayText(scratch[...], limit: limit).text)
  }

  public mutating func end() throws(DataError) {
    output.text.append(contentsOf: "(\(rowCount) \(rowCount == 1 ? "row" : "rows"))\n".utf8)
    try output.flush()
  }
}
