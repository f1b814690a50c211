// fletch-oracle: the parts of Fletch that a test needs to drive from outside and no user would: builders, slices, checks.

import Arrow
import ArrowIPC
import Glibc
import Memory
import Samples

let usage = """
  Usage: fletch-oracle rebuild IN OUT           every value through a builder
         fletch-oracle slices IN OUT --seed S   every batch cut into slices
         fletch-oracle validate IN              every value checked

  """

func fail(_ message: String, code: Int32) -> Never {
  _ = message.withCString { write(STDERR_FILENO, $0, strlen($0)) }
  exit(code)
}

/// Copies IN to OUT, batch by batch; OUT is a stream when its name ends in .arrows.
func rewrite(_ input: String, _ output: String, _ change: (RecordBatch) throws -> [RecordBatch]) throws {
  var (reader, _, _) = try openBatches(path: input)
  let file = try AtomicFile(path: output)
  let writer: any BatchWriter =
    output.hasSuffix(".arrows")
    ? try StreamWriter(file.sink, schema: reader.schema) : try FileWriter(file.sink, schema: reader.schema)
  while let batch = try reader.next() {
    try batch.check(.full)
    for changed in try change(batch) { try writer.write(changed) }
  }
  try writer.finish()
  try file.commit(durable: false)
}

/// A column made anew, a value at a time.
func rebuilt(_ column: Column) throws -> Column {
  let builder = column.type.makeBuilder()
  for row in 0..<column.count {
    // Columns with validity of their own have their nulls appended as nulls: what lies below them is not taken along.
    if column.type.hasValidity, column.isNull(row) {
      builder.appendNull()
    } else {
      try builder.append(column, rows: row..<row + 1)
    }
  }
  return builder.finish()
}

func cut(_ batch: RecordBatch, _ random: inout RandomSource) -> [RecordBatch] {
  var slices: [RecordBatch] = []
  var start = 0
  while start < batch.count {
    let end = min(batch.count, start + random.below(batch.count / 2 + 2))
    // A slice of a slice: offsets must add up.
    let outer = start - random.below(start + 1)..<end + random.below(batch.count - end + 1)
    slices.append(batch.slice(outer).slice(start - outer.lowerBound..<end - outer.lowerBound))
    start = end
  }
  return slices
}

var words = Array(CommandLine.arguments.dropFirst())
guard let command = words.first else { fail(usage, code: 2) }
words.removeFirst()
do {
  switch (command, words.count) {
  case ("rebuild", 2):
    try rewrite(words[0], words[1]) { batch in
      [try RecordBatch(schema: batch.schema, columns: try batch.columns.map(rebuilt), count: batch.count)]
    }
  case ("slices", 4) where words[2] == "--seed":
    var random = RandomSource(seed: UInt64(words[3]) ?? 0)
    try rewrite(words[0], words[1]) { cut($0, &random) }
  case ("validate", 1):
    var (reader, _, _) = try openBatches(path: words[0])
    while let batch = try reader.next() { try batch.check(.full) }
    print("valid")
  default: fail(usage, code: 2)
  }
} catch {
  fail("fletch-oracle: \(error)\n", code: 1)
}
