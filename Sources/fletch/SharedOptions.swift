// Options that several commands take, and what they mean.

import Arrow
import ArrowIPC
import Memory

enum SharedOptions {
  static let memoryLimit = Option(
    "memory-limit", "SIZE", "The most memory that decompressed and received data\nmay hold (default 4G).")
  static let codec = Option("codec", "CODEC", "Compress with lz4 or zstd; none (the default) can be mapped.")
  static let level = Option("level", "N", "Compression level: zstd 1 to 22, lz4 1 to 12 (default 1).")
  static let threads = Option("threads", "N", "Threads that compress and decompress (default: all cores).")
  static let quiet = Option("quiet", short: "q", "No progress and no summary.")

  static func readOptions(_ arguments: Arguments) throws(UsageError) -> ReadOptions {
    var options = ReadOptions()
    if let limit = try arguments.byteSize("memory-limit") { options.memoryLimit = limit }
    options.threads = try arguments.integer("threads", in: 1...256) ?? processorCount
    return options
  }

  static func writeOptions(_ arguments: Arguments) throws(UsageError) -> WriteOptions {
    var options = WriteOptions()
    switch arguments.string("codec") {
    case nil, "none": break
    case "lz4": options.codec = .lz4
    case "zstd": options.codec = .zstd
    case let other?: throw UsageError("option '--codec' takes none, lz4 or zstd, not '\(other)'")
    }
    if arguments.has("level") {
      guard let codec = options.codec else { throw UsageError("option '--level' goes with '--codec'") }
      options.level = try arguments.integer("level", in: codec.levels)
    }
    options.threads = try arguments.integer("threads", in: 1...256) ?? processorCount
    return options
  }
}
