// fletch bench ipc: files mapped, read, checked and written, each operation timed by itself.

import Arrow
import ArrowIPC
import Glibc
import Memory

/// Operations on files.
struct IPCBench {
  let threads: Int
  /// The batches that the writing operations write, and the file they are from.
  private var loaded: (path: String, schema: Schema, batches: [RecordBatch])?

  init(threads: Int) { self.threads = threads }

  mutating func run(_ words: [String]) throws -> String {
    guard words.count >= 2 else { throw UsageError("a line is 'OPERATION FILE [OUT]'") }
    var options = ReadOptions()
    options.memoryLimit = .max
    options.threads = threads
    let path = words[1]
    switch words[0] {
    case "map-sum":
      return try timed {
        let file = try FileReader(path: path, options: options)
        let opened = monotonicSeconds()
        let sum = try sumOfValues(file)
        return (file.counters.bytesCopied, [("sum", "\(sum)"), ("opened", "\(opened)")])
      }
    case "read":
      return try timed {
        let file = try FileReader(path: path, options: options)
        var rows = 0
        for i in 0..<file.batchCount { rows += try file.batch(i).count }
        return (file.counters.bytesCopied, [("rows", "\(rows)")])
      }
    case "read-all":
      return try timed {
        // As a table: all batches are in memory at once.
        let file = try FileReader(path: path, options: options)
        var batches: [RecordBatch] = []
        for i in 0..<file.batchCount { batches.append(try file.batch(i)) }
        let rows = batches.reduce(0) { $0 + $1.count }
        return (file.counters.bytesCopied, [("rows", "\(rows)")])
      }
    case "validate":
      let file = try FileReader(path: path, options: options)
      return try timed {
        for i in 0..<file.batchCount { try file.batch(i).check(.full) }
        return (file.counters.bytesCopied, [])
      }
    case "write", "write-zstd", "write-lz4":
      guard words.count == 3 else { throw UsageError("'\(words[0])' needs a file to write") }
      try load(path, options)
      var write = WriteOptions(codec: words[0] == "write-zstd" ? .zstd : words[0] == "write-lz4" ? .lz4 : nil)
      write.threads = threads
      return try timed {
        // Written in place and not synced, as the libraries it is compared with do.
        let sink = try FileSink(path: words[2])
        let writer = try FileWriter(sink.sink, schema: loaded!.schema, options: write)
        for batch in loaded!.batches { try writer.write(batch) }
        try writer.finish()
        return (0, [("size", "\(sink.sink.position)")])
      }
    default: throw UsageError("no operation '\(words[0])'")
    }
  }

  /// Batches in memory, with their checks done: writing is to be timed, not reading.
  private mutating func load(_ path: String, _ options: ReadOptions) throws {
    if loaded?.path == path { return }
    let file = try FileReader(path: path, options: options)
    var batches: [RecordBatch] = []
    for i in 0..<file.batchCount {
      let batch = try file.batch(i)
      try batch.check(.full)
      batches.append(batch)
    }
    loaded = (path, file.schema, batches)
  }
}

/// A file that is written in place.
private struct FileSink {
  let sink: DescriptorSink

  init(path: String) throws(DataError) {
    let raw = try systemCall("create '\(path)'") {
      open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    }
    sink = DescriptorSink(FileDescriptor(raw), name: path)
  }
}

/// The sum of the column `value`, or of the first one of doubles, without its nulls.
private func sumOfValues(_ file: FileReader) throws -> Double {
  guard
    let place = file.schema.index(of: "value")
      ?? file.schema.fields.firstIndex(where: { $0.type == .float64 })
  else {
    throw DataError(.invalid, "the file has no column of doubles to sum")
  }
  var total = 0.0
  for i in 0..<file.batchCount {
    let column = try file.batch(i, projection: [place]).columns[0]
    total += sum(column)
  }
  return total
}

/// Sums 64 values at a time, each with its bit of validity; four sums side by side keep the adders busy.
private func sum(_ column: Column) -> Double {
  let values = column.values(of: Double.self)
  var sums = SIMD4<Double>.zero
  var place = 0
  if column.nullCount == 0 {
    while place + 4 <= values.count {
      sums += SIMD4(values[place], values[place + 1], values[place + 2], values[place + 3])
      place += 4
    }
    var total = sums.sum()
    while place < values.count {
      total += values[place]
      place += 1
    }
    return total
  }
  var total = 0.0
  guard let validity = column.validity else { return 0 }
  for index in 0..<validity.wordCount {
    let word = validity.word(index)
    let start = index * 64
    if word == .max {
      for i in stride(from: start, to: start + 64, by: 4) {
        sums += SIMD4(values[i], values[i + 1], values[i + 2], values[i + 3])
      }
    } else {
      var rest = word
      while rest != 0 {
        total += values[start + rest.trailingZeroBitCount]
        rest &= rest &- 1
      }
    }
  }
  return total + sums.sum()
}
