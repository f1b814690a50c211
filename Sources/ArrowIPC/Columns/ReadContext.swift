// What the decoding of many batches shares: limits, counters, and the contexts of the codecs.

import Memory
import Synchronization

/// Shared by all batches of one reader, from any thread.
final class ReadContext: Sendable {
  let options: ReadOptions
  let counters = ReadCounters()
  let budget: MemoryBudget
  /// Contexts of the codecs that nobody is using: they are dear to make.
  private let idle = Mutex<[Codec: [Decompressor]]>([:])

  init(_ options: ReadOptions) {
    self.options = options
    budget = MemoryBudget(limit: options.memoryLimit)
  }

  /// The same bytes at an address that suits them: copied when the sender's padding does not.
  func aligned(_ buffer: Buffer, to alignment: Int) throws(DataError) -> Buffer {
    if buffer.isAligned(to: alignment) { return buffer }
    counters.count(copied: buffer.count)
    return try Buffer(
      copying: UnsafeRawBufferPointer(start: buffer.base, count: buffer.count), budget: budget)
  }

  /// Decompresses the buffers of a batch, by `options.threads` threads. They share one block of memory: the columns of a batch
  /// live and die together, and a large block is cheaper to fill than many small ones.
  /// - Parameter names: what an error calls each buffer.
  func decompress(_ buffers: [Buffer], _ names: [String], _ codec: Codec) throws(DataError) -> [Buffer] {
    var compressed: [CompressedBuffer] = []
    var places: [Int] = []
    var size = 0
    for (buffer, name) in zip(buffers, names) {
      let next: CompressedBuffer
      do throws(DataError) { next = try CompressedBuffer(buffer, codec) } catch { throw error.within(name) }
      compressed.append(next)
      places.append(size)
      let (sum, overflow) = size.addingReportingOverflow(paddedSize(next.length ?? 0))
      guard !overflow else { throw DataError(.limit, "a batch that would be larger than any memory") }
      size = sum
    }
    let memory = try HeapMemory(capacity: size, budget: budget)
    counters.count(decompressed: compressed.reduce(0) { $0 + ($1.length ?? 0) })
    // The largest share of a batch may be one column: a thread takes the next buffer when it is done with one.
    let threads = min(options.threads, size < ReadContext.parallelSize ? 1 : buffers.count)
    let decompressors = (0..<max(threads, 1)).map { _ in decompressor(for: codec) }
    defer { giveBack(decompressors, codec) }
    return try inParallel(buffers.count, threads: decompressors.count) {
      [compressed, places] (thread, i) throws(DataError) in
      let (source, target) = (compressed[i].source, memory.base + places[i])
      guard let length = compressed[i].length else { return source }
      do throws(DataError) {
        try decompressors[thread].decompress(source, to: target, length: length)
      } catch {
        throw error.within(names[i])
      }
      return Buffer(owner: memory, base: UnsafeRawPointer(target), count: length)
    }
  }

  /// What is worth the start of more threads.
  private static let parallelSize = 1 << 18

  private func decompressor(for codec: Codec) -> Decompressor {
    idle.withLock { $0[codec]?.popLast() } ?? Decompressor(codec)
  }

  private func giveBack(_ decompressors: [Decompressor], _ codec: Codec) {
    idle.withLock { $0[codec, default: []].append(contentsOf: decompressors) }
  }
}
