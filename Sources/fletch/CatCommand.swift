// fletch cat: rows as JSON lines, as a table or as CSV.

import Arrow
import ArrowIPC
import Glibc
import Memory
import Printing

let catCommand = Command(
  name: "cat", operands: "FILE", summary: "Print rows as JSON lines, a table or CSV.",
  discussion: """
    FILE is an Arrow IPC file or stream; '-' is standard input. As JSON each row is an object with the columns
    in their order. Dates and times are ISO 8601 text, decimals and NaN strings, binary values hexadecimal text,
    maps arrays of pairs. A table is cut to the width of the terminal; in CSV a null is an empty field, an empty
    text is "".
    """,
  options: [
    Option("limit", "N", short: "n", "Print at most N rows."),
    Option("format", "FORM", "How rows are printed: json (default), table or csv."), SharedOptions.threads,
    SharedOptions.memoryLimit,
  ],
  run: { arguments in
    let path = try arguments.operands("FILE")[0]
    var left = try arguments.integer("limit", in: 0...Int.max) ?? .max
    let options = try SharedOptions.readOptions(arguments)
    let output = DescriptorSink(.standardOutput, name: "standard output")
    // Text that grows is copied, and once more when it is written.
    let resultOptions = ResultOptions(
      terminalWidth: terminalWidth(), usesStyles: isatty(STDOUT_FILENO) == 1,
      rowLimit: options.memoryLimit / 4)
    let format = try arguments.choice("format", of: ResultFormat.self) ?? .json
    guard var writer = format.makeWriter(to: output, resultOptions) else {
      throw UsageError("'fletch convert' writes Arrow; option '--format' takes table, csv or json here")
    }
    var (reader, _, _) = try openBatches(path: path, options: options)
    try writer.begin(reader.schema)
    while left > 0, let batch = try reader.next() {
      try batch.check(.access)
      try writer.append(batch.slice(0..<min(batch.count, left)))
      left -= min(batch.count, left)
    }
    try writer.end()
  })
