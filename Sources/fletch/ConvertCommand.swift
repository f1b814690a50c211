// fletch convert: files into streams and back, other codecs, other batch sizes.

import Arrow
import ArrowIPC
import Glibc
import Memory

let convertCommand = Command(
  name: "convert", operands: "IN OUT", summary: "Convert between files and streams, codecs and batch sizes.",
  discussion: """
    IN is an Arrow IPC file (Feather V2) or stream, whichever it is; '-' is standard input. OUT is written
    beside its place and put there when it is complete; '-' is standard output. Nothing about the data
    changes: types, metadata, nulls, dictionaries. Without --batch-rows the batches stay as they are; with it, a
    merged batch keeps the metadata of the first of those that it is made of.
    """,
  options: [
    Option(
      "to", "FORMAT", "file or stream. By default stream where OUT ends in .arrows\nor is '-', else file."),
    SharedOptions.codec, SharedOptions.level,
    Option("batch-rows", "N", "Cut and merge the batches to N rows each."),
    SharedOptions.threads, SharedOptions.memoryLimit, SharedOptions.quiet,
  ],
  run: { arguments in
    let paths = try arguments.operands("IN", "OUT")
    let format = try outputFormat(arguments, path: paths[1])
    let batchRows = try arguments.integer("batch-rows", in: 1...(Int.max))
    let writeOptions = try SharedOptions.writeOptions(arguments)
    let readOptions = try SharedOptions.readOptions(arguments)
    var (reader, _, _) = try openBatches(path: paths[0], options: readOptions)
    let total = try (reader as? FileBatchReader)?.file.rowCount()
    var progress = ProgressBar(total: total, isQuiet: arguments.has("quiet") || paths[1] == "-")
    let output = try Output(path: paths[1])
    let metadata = (reader as? FileBatchReader)?.file.metadata ?? Metadata()
    let writer: any BatchWriter =
      format == .file
      ? try FileWriter(output.sink, schema: reader.schema, options: writeOptions, metadata: metadata)
      : try StreamWriter(output.sink, schema: reader.schema, options: writeOptions)
    var rebatcher = batchRows.map { Rebatcher(rows: $0, memoryLimit: readOptions.memoryLimit) }
    while let batch = try reader.next() {
      for whole in try rebatcher?.add(batch) ?? [batch] { try writer.write(whole) }
      progress.advance(rows: batch.count)
    }
    if let rest = try rebatcher?.finish() { try writer.write(rest) }
    try writer.finish()
    try output.commit()
    progress.finish()
    if !arguments.has("quiet"), paths[1] != "-" {
      let rate = Int(Double(progress.rows) / max(progress.seconds, 0.001))
      printError(
        "\(paths[1]): \(progress.rows.grouped) rows, \(readableBytes(output.sink.position)), \(rate.grouped) rows/s\n"
      )
    }
  })

/// The format that was asked for, or the one that the name suggests.
func outputFormat(_ arguments: Arguments, path: String) throws(UsageError) -> ContainerFormat {
  switch arguments.string("to") {
  case "file": return .file
  case "stream": return .stream
  case nil: return path == "-" || path.hasSuffix(".arrows") ? .stream : .file
  case let other?: throw UsageError("option '--to' takes file or stream, not '\(other)'")
  }
}

/// A file that appears when it is complete, or standard output.
struct Output {
  let sink: DescriptorSink
  private let file: AtomicFile?

  init(path: String) throws(DataError) {
    if path == "-" {
      file = nil
      sink = DescriptorSink(.standardOutput, name: "standard output")
    } else {
      let atomic = try AtomicFile(path: path)
      file = atomic
      sink = atomic.sink
    }
  }

  func commit() throws(DataError) { if let file { try file.commit() } else { try sink.flush() } }
}

extension FileReader {
  /// The rows of all batches, by their headers alone.
  func rowCount() throws(DataError) -> Int {
    var rows = 0
    for i in 0..<batchCount {
      // A header may claim any number: whether the batch has so many rows is seen when it is read.
      let (sum, overflow) = rows.addingReportingOverflow(try info(i).rows)
      guard !overflow else { throw DataError(.malformed, "batches of more than \(Int.max) rows") }
      rows = sum
    }
    return rows
  }
}
