// What the decoding of many batches shares: limits, counters, and the contexts of the codecs.

import Memory

/// Shared by all batches of one reader, from any thread.
final class ReadContext: Sendable {
  let options: ReadOptions
  let counters = ReadCounters()
  let budget: MemoryBudget

  init(_ options: ReadOptions) {
    self.options = options
    budget = MemoryBudget(limit: options.memoryLimit)
  }

  func decompressor(for codec: Codec) -> Decompressor { Decompressor(codec, budget: budget) }

  /// The same bytes at an address that suits them: copied when the sender's padding does not.
  func aligned(_ buffer: Buffer, to alignment: Int) throws(DataError) -> Buffer {
    if buffer.isAligned(to: alignment) { return buffer }
    counters.count(copied: buffer.count)
    return try Buffer(
      copying: UnsafeRawBufferPointer(start: buffer.base, count: buffer.count), budget: budget)
  }

  /// Decompresses buffers by `options.threads` threads.
  func decompressAll(_ buffers: [Buffer], _ codec: Codec) throws(DataError) -> [Buffer] {
    let decompressed = try inParallel(buffers.count, threads: options.threads) { (_, i) throws(DataError) in
      try decompressor(for: codec).decompress(buffers[i])
    }
    counters.count(decompressed: decompressed.reduce(0) { $0 + $1.count })
    return decompressed
  }
}
