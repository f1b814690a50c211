// fletch sample: files to try things with.

import Arrow
import ArrowIPC
import Glibc
import Memory
import Samples

let sampleCommand = Command(
  name: "sample", operands: "", summary: "Write a sample Feather file.",
  discussion: """
    Kinds:
      people    id, age, city, is_active, name, metadata {dept}; without --rows the five people of
                sql_data.feather, with it random ones
      readings  a time series: id, device (100 distinct), region (4), ts, qty, bucket (100,000 distinct),
                value (2 % null)
      types     a column of every Arrow type, with nulls and extremes

    The same seed gives the same rows.
    """,
  options: [
    Option("kind", "KIND", "people (default), readings or types."),
    Option("rows", "N", "Rows to write (default: 5 people, 1,000,000 readings,\n1,000 of types)."),
    Option("seed", "S", "Seed of the random numbers (default 42)."),
    Option("batch-rows", "N", "Rows in a batch (default: 1,000 people, 65,536 readings,\n100 of types)."),
    Option(
      "output", "FILE", short: "o",
      "Where to (default sql_data.feather for people, else KIND.feather);\n'-' is standard output."),
    Option(
      "to", "FORMAT", "file or stream. By default stream where FILE ends in .arrows\nor is '-', else file."),
    SharedOptions.codec, SharedOptions.level, SharedOptions.threads, SharedOptions.quiet,
  ],
  run: { arguments in
    _ = try arguments.operands()
    let kind = try arguments.choice("kind", of: SampleKind.self) ?? .people
    let path =
      arguments.string("output") ?? (kind == .people ? "sql_data.feather" : "\(kind.rawValue).feather")
    let rows = try arguments.integer("rows", in: 0...Int.max)
    let seed = try arguments.integer("seed", in: 0...Int.max) ?? 42
    let batchRows = try arguments.integer("batch-rows", in: 1...Int(Int32.max)) ?? kind.defaultBatchRows
    let options = try SharedOptions.writeOptions(arguments)
    let format = try outputFormat(arguments, path: path)
    var table = kind.table(seed: UInt64(seed))
    let output = try Output(path: path)
    let writer: any BatchWriter =
      format == .file
      ? try FileWriter(output.sink, schema: table.schema, options: options)
      : try StreamWriter(output.sink, schema: table.schema, options: options)
    let total = rows ?? kind.defaultRows
    if kind == .people, rows == nil {
      try writer.write(People.five())
    } else {
      var progress = ProgressBar(total: total, isQuiet: arguments.has("quiet") || path == "-")
      while progress.rows < total {
        let batch = try table.batch(rows: min(batchRows, total - progress.rows))
        try writer.write(batch)
        progress.advance(rows: batch.count)
      }
      progress.finish()
    }
    try writer.finish()
    try output.commit()
    if !arguments.has("quiet"), path != "-" {
      print(
        "Success! '\(path)' created with \(total) \(kind == .people && rows == nil ? "" : "random ")records.")
    }
  })

extension SampleKind {
  fileprivate var defaultRows: Int {
    switch self {
    case .people: 5
    case .readings: 1_000_000
    case .types: 1000
    }
  }
}
