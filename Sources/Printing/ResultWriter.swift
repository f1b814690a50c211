// What the forms of a result share: how one is chosen, and how batches become its text.

import Arrow
import Memory

/// Writes a result, batch by batch, into a byte sink: `begin` once, `append` for every batch, `end` once.
///
/// Memory is bounded, however long the result. Batches must have passed `check(.access)`.
public protocol ResultWriter {
  /// - Throws: as the sink does.
  mutating func begin(_ schema: Schema) throws(DataError)
  /// - Throws: as the sink does; `.limit` for a row of more text than the options allow.
  mutating func append(_ batch: RecordBatch) throws(DataError)
  /// Writes what is left and flushes the sink.
  mutating func end() throws(DataError)
}

public struct ResultOptions: Sendable {
  /// The columns of the terminal; nil for as wide as it takes.
  public var terminalWidth: Int?
  /// Whether nulls may be dimmed by an escape sequence.
  public var usesStyles: Bool
  /// The most bytes that one row may be as CSV or JSON: lists can name the same items again and again.
  public var rowLimit: Int

  public init(terminalWidth: Int? = nil, usesStyles: Bool = false, rowLimit: Int = 1 << 30) {
    self.terminalWidth = terminalWidth
    self.usesStyles = usesStyles
    self.rowLimit = rowLimit
  }
}

/// The forms that a command line can name.
public enum ResultFormat: String, CaseIterable, Sendable {
  case table, csv, json
  /// An Arrow IPC stream, which is not text: who knows `ArrowIPC` writes it.
  case arrow

  /// A writer of that form; nil for `.arrow`.
  public func makeWriter(to sink: any ByteSink, _ options: ResultOptions = ResultOptions()) -> (
    any ResultWriter
  )? {
    switch self {
    case .table: TableWriter(to: sink, options)
    case .csv: CSVWriter(to: sink, options)
    case .json: JSONLinesWriter(to: sink, options)
    case .arrow: nil
    }
  }
}

/// Text on its way to a sink, in pieces that are worth a buffer.
struct TextOutput {
  private let sink: any ByteSink
  var text: [UInt8] = []
  private let pieceSize = 1 << 16

  init(to sink: any ByteSink) { self.sink = sink }

  /// Hands text over when there is enough of it.
  mutating func endLine() throws(DataError) { if text.count > pieceSize { try handOver() } }

  /// Lets what was written so far be seen: the next batch may take its time.
  mutating func flush() throws(DataError) {
    try handOver()
    try sink.flush()
  }

  private mutating func handOver() throws(DataError) {
    try sink.write([Buffer(copying: text)])
    text.removeAll(keepingCapacity: true)
  }

  func checkRow(_ row: Int, from start: Int, limit: Int) throws(DataError) {
    guard text.count - start <= limit else {
      throw DataError(.limit, "row \(row) is more than \(limit) bytes of text")
    }
  }
}
