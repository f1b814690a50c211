// fletch cat: rows as JSON lines.

import Arrow
import ArrowIPC
import Glibc
import Memory

let catCommand = Command(
  name: "cat", operands: "FILE", summary: "Print rows as JSON lines.",
  discussion: """
    FILE is an Arrow IPC file or stream; '-' is standard input. Each row is an object with the columns in
    their order. Dates and times are ISO 8601 text, decimals and NaN strings, binary values hexadecimal text,
    maps arrays of pairs.
    """,
  options: [
    Option("limit", "N", short: "n", "Print at most N rows."), SharedOptions.threads,
    SharedOptions.memoryLimit,
  ],
  run: { arguments in
    let path = try arguments.operands("FILE")[0]
    var left = try arguments.integer("limit", in: 0...Int.max) ?? .max
    let options = try SharedOptions.readOptions(arguments)
    var (reader, _, _) = try openBatches(path: path, options: options)
    // Text that grows is copied, and once more when it is written.
    let limit = options.memoryLimit / 4
    let output = DescriptorSink(.standardOutput, name: "standard output")
    while left > 0, let batch = try reader.next() {
      try batch.check(.access)
      var text: [UInt8] = []
      for row in 0..<min(batch.count, left) {
        batch.appendJSON(row: row, to: &text, limit: limit)
        guard text.count <= limit else {
          throw DataError(
            .limit, "row \(row) is more than \(limit) bytes of text, a quarter of the memory limit")
        }
        text.append(UInt8(ascii: "\n"))
        if text.count > 1 << 16 {
          try output.write([Buffer(copying: text)])
          text.removeAll(keepingCapacity: true)
        }
      }
      left -= min(batch.count, left)
      try output.write([Buffer(copying: text)])
    }
    try output.flush()
  })
