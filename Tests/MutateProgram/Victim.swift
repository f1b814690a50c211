// What is done with hostile bytes: everything that a program would do with good ones.

import Arrow
import ArrowIPC
import Glibc
import Memory

/// What came of one input.
enum Outcome: CustomStringConvertible {
  case valid(rows: Int)
  case error(DataError)

  var description: String {
    switch self {
    case .valid(let rows): "valid, \(rows) rows"
    case .error(let error): "error: \(error)"
    }
  }
}

enum Victim {
  /// What one input may allocate besides itself. The samples are a few kilobytes each, so that a claim which is believed
  /// without a check passes this at once.
  static let memoryLimit = 8 << 20

  /// Reads everything as a file and as a stream, checks it, prints every value, writes it again and reads that.
  static func attack(_ bytes: Buffer) -> Outcome {
    var options = ReadOptions()
    options.memoryLimit = memoryLimit
    options.maximumRows = 100_000
    do throws(DataError) {
      var reader: any BatchReader =
        switch ContainerFormat.detect(bytes) {
        case .file: FileBatchReader(try FileReader(bytes, options: options))
        case .stream: try StreamReader(bytes, options: options)
        }
      var rows = 0
      let again = MemorySink()
      let writer = try StreamWriter(again, schema: reader.schema)
      while let batch = try reader.next() {
        try use(batch, writer)
        rows += batch.count
      }
      try writer.finish()
      try compare(again.finish(), rows: rows)
      return .valid(rows: rows)
    } catch {
      precondition(!error.message.isEmpty)
      return .error(error)
    }
  }

  private static func use(_ batch: RecordBatch, _ writer: StreamWriter) throws(DataError) {
    try batch.check(.access)
    // Printing is bounded by the output that hostile lists can ask for, so it is cut.
    var text: [UInt8] = []
    for row in 0..<batch.count where text.count < 1 << 16 { batch.appendJSON(row: row, to: &text) }
    for column in batch.columns { _ = (column.nullCount, column.byteCount) }
    let middle = batch.count / 2
    for slice in [batch.slice(0..<middle), batch.slice(middle..<batch.count)] {
      for column in slice.columns { _ = column.byteCount }
      try writer.write(slice)
    }
    var rebatcher = Rebatcher(rows: 1000)
    _ = try rebatcher.add(batch.slice(0..<middle))
    _ = try rebatcher.add(batch.slice(middle..<batch.count))
    _ = try rebatcher.finish()
    try batch.check(.full)
  }

  /// What was valid must be valid again after it was written, with as many rows.
  private static func compare(_ stream: Buffer, rows: Int) throws(DataError) {
    var copy: [RecordBatch] = []
    do throws(DataError) {
      var reader = try StreamReader(stream)
      while let batch = try reader.next() {
        try batch.check(.full)
        copy.append(batch)
      }
    } catch {
      preconditionFailure("what Fletch wrote, it cannot read: \(error)")
    }
    precondition(copy.reduce(0) { $0 + $1.count } == rows, "rows were lost")
  }
}
