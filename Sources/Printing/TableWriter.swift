// Results as an aligned table, for people at terminals.

import Arrow
import Memory

/// Column widths come from the first rows; what follows is written as it comes, text that is wider cut with `…`, and numbers whole.
///
///      id │ name │ amount
///     ────┼──────┼────────
///       1 │ Zoë  │  12.50
///       2 │ NULL │   NULL
///     (2 rows)
public struct TableWriter: ResultWriter {
  private var output: TextOutput
  private let options: ResultOptions
  private var schema = Schema([])
  private var isNumeric: [Bool] = []
  private var headers: [DisplayText] = []
  private var layout: TableLayout?
  /// The first rows, cell by cell, while widths are being learnt.
  private var sample: [DisplayText] = []
  private var sampledBytes = 0
  private var rowsSampled = 0
  private var rowCount = 0
  private var scratch: [UInt8] = []

  static let sampleRows = 1000
  static let sampleBytes = 4 << 20
  /// The widest that a cell gets, even where there is no terminal.
  static let cellWidth = 200

  /// A column of text is made no narrower than this for the sake of others.
  static let narrowest = 8

  private static let null = Array("NULL".utf8)

  public init(to sink: any ByteSink, _ options: ResultOptions = ResultOptions()) {
    output = TextOutput(to: sink)
    self.options = options
  }

  public mutating func begin(_ schema: Schema) throws(DataError) {
    self.schema = schema
    isNumeric = schema.fields.map(\.type.isNumeric)
    headers = schema.fields.map { DisplayText(Array($0.name.utf8)[...], limit: TableWriter.cellWidth) }
  }

  public mutating func append(_ batch: RecordBatch) throws(DataError) {
    for row in 0..<batch.count {
      if let layout {
        let shown = layout.widths.indices.map {
          cell(batch.columns[$0], row, limit: isNumeric[$0] ? .max : layout.widths[$0])
        }
        appendLine(shown[...], layout)
        try output.endLine()
      } else {
        for (i, column) in batch.columns.enumerated() {
          let cell = cell(column, row, limit: isNumeric[i] ? .max : TableWriter.cellWidth)
          sampledBytes += cell.text.count + 32
          sample.append(cell)
        }
        if rowCount + row + 1 >= TableWriter.sampleRows || sampledBytes > TableWriter.sampleBytes {
          rowsSampled = rowCount + row + 1
          try settle()
        }
      }
    }
    rowCount += batch.count
    if layout != nil { try output.flush() }
  }

  public mutating func end() throws(DataError) {
    if layout == nil {
      rowsSampled = rowCount
      try settle()
    }
    var footer = "(\(rowCount) \(rowCount == 1 ? "row" : "rows")"
    if let layout, layout.isCut { footer += ", \(layout.widths.count) of \(headers.count) columns" }
    output.text.append(contentsOf: "\(footer))\n".utf8)
    try output.flush()
  }

  /// Fixes the widths, and writes the header and the rows that taught them.
  private mutating func settle() throws(DataError) {
    let count = headers.count
    var natural = headers.map { max(1, $0.width) }
    for (i, cell) in sample.enumerated() { natural[i % count] = max(natural[i % count], cell.width) }
    // Text may be cut, and so may every name; numbers are shown whole, or their column is not shown.
    let least = natural.indices.map { i in
      let narrow = min(natural[i], TableWriter.narrowest)
      guard isNumeric[i] else { return narrow }
      return stride(from: i, to: sample.count, by: count).reduce(narrow) { max($0, sample[$1].width) }
    }
    let layout = TableLayout(natural: natural, least: least, available: options.terminalWidth)
    self.layout = layout
    guard count > 0 else { return }
    appendLine(headers[...], layout, isHeader: true)
    for (i, width) in layout.widths.enumerated() {
      if i > 0 { output.text.append(contentsOf: "┼".utf8) }
      for _ in 0..<width + 2 { output.text.append(contentsOf: "─".utf8) }
    }
    if layout.isCut { output.text.append(contentsOf: "┼──".utf8) }
    output.text.append(UInt8(ascii: "\n"))
    for row in 0..<rowsSampled {
      appendLine(sample[row * count..<(row + 1) * count], layout)
      try output.endLine()
    }
    sample = []
  }

  private mutating func appendLine(
    _ cells: ArraySlice<DisplayText>, _ layout: TableLayout, isHeader: Bool = false
  ) {
    for (i, width) in layout.widths.enumerated() {
      output.text.append(contentsOf: (i > 0 ? " │ " : " ").utf8)
      var cell = cells[cells.startIndex + i]
      if cell.width > width, isHeader || !isNumeric[i] { cell = DisplayText(cell.text[...], limit: width) }
      let padding = max(0, width - cell.width)
      let isLast = i == layout.widths.count - 1 && !layout.isCut
      if isNumeric[i] { appendSpaces(padding) }
      if options.usesStyles, cell.isNull { output.text.append(contentsOf: "\u{1B}[2m".utf8) }
      output.text.append(contentsOf: cell.text)
      if options.usesStyles, cell.isNull { output.text.append(contentsOf: "\u{1B}[0m".utf8) }
      if !isNumeric[i], !isLast { appendSpaces(padding) }
    }
    if layout.isCut { output.text.append(contentsOf: " │ …".utf8) }
    output.text.append(UInt8(ascii: "\n"))
  }

  private mutating func appendSpaces(_ count: Int) {
    output.text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: count))
  }

  private mutating func cell(_ column: Column, _ row: Int, limit: Int) -> DisplayText {
    guard !column.isLogicalNull(row) else {
      var cell = DisplayText(TableWriter.null[...], limit: limit)
      cell.isNull = true
      return cell
    }
    scratch.removeAll(keepingCapacity: true)
    // A character is seldom more than four bytes; more than the widest cell is not looked at.
    column.appendSQLText(at: row, to: &scratch, limit: TableWriter.cellWidth * 8)
    if scratch == TableWriter.null {
      // The text, as against the absence of one.
      scratch = Array("\"NULL\"".utf8)
    }
    return DisplayText(scratch[...], limit: limit)
  }
}
