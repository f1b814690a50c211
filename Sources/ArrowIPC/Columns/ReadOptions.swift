// What a reader may spend, and what it counts.

import Memory
import Synchronization

/// Limits on what bytes from outside may make a reader do.
public struct ReadOptions: Sendable {
  /// The most memory that everything read and not yet released may hold: what decompression and realignment allocate, and
  /// messages read from a descriptor. Bytes that were in memory before do not count, nor does the copy that dictionary deltas
  /// are put together in, which is never larger than they are.
  public var memoryLimit = 4 << 30
  /// The most rows in one batch, and the most items below its lists. A few bytes can claim any number of rows of a null or
  /// run-end encoded column.
  public var maximumRows = Int(Int32.max)
  /// The most bytes of metadata in front of one message.
  public var maximumMetadata = 256 << 20
  /// How many threads decompress the buffers of one batch.
  public var threads = 1

  public init() {}
}

/// What reading has cost so far. Shared by all that one reader hands out.
public final class ReadCounters: Sendable {
  private let copied = Atomic<Int>(0)
  private let decompressed = Atomic<Int>(0)

  /// Bytes of columns that had to be copied because of their alignment.
  public var bytesCopied: Int { copied.load(ordering: .relaxed) }
  /// Bytes of columns that were decompressed.
  public var bytesDecompressed: Int { decompressed.load(ordering: .relaxed) }

  func count(copied bytes: Int) { copied.wrappingAdd(bytes, ordering: .relaxed) }
  func count(decompressed bytes: Int) { decompressed.wrappingAdd(bytes, ordering: .relaxed) }
}
