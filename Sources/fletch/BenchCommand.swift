// fletch bench: single operations timed inside the process, one for each line of standard input, for scripts/bench.

import Glibc
import Memory

let benchCommand = Command(
  name: "bench", operands: "ipc|wire", summary: "Time single operations for scripts/bench.",
  discussion: """
    Reads lines from standard input and answers each with one JSON line: seconds, bytes copied and more.

    ipc:   OPERATION FILE [OUT]; operations: map-sum, read (batch by batch), read-all, validate, write,
           write-zstd, write-lz4
    wire:  get URI NAME STREAMS, put URI NAME STREAMS FILE, info URI NAME THREADS CALLS

    scripts/bench compares them with other libraries.
    """,
  options: [Option("threads", "N", "Threads that compress and decompress (default 1).")],
  run: { arguments in
    let kind = try arguments.operands("'ipc' or 'wire'")[0]
    let threads = try arguments.integer("threads", in: 1...256) ?? 1
    var files = IPCBench(threads: threads)
    var wire = WireBench()
    while let line = readLine() {
      let words = line.split(separator: " ").map(String.init)
      switch kind {
      case "ipc": print(try files.run(words))
      case "wire": print(try wire.run(words))
      default: throw UsageError("there is no benchmark '\(kind)'")
      }
      fflush(nil)
    }
  })

/// Times a piece of work and returns the line that answers for it.
func timed(_ body: () throws -> (copied: Int, more: [(String, String)])) rethrows -> String {
  let start = monotonicSeconds()
  let (copied, more) = try body()
  let end = monotonicSeconds()
  var text = "{\"seconds\":\(end - start),\"copied\":\(copied)"
  for (name, value) in more {
    text += name == "opened" ? ",\"open\":\((Double(value) ?? start) - start)" : ",\"\(name)\":\(value)"
  }
  return text + "}"
}
