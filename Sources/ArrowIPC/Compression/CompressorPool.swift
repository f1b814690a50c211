// The buffers of a batch compressed, by one thread or by several.

import Memory

/// The compressors of one writer, a context for each thread.
final class CompressorPool {
  private let compressors: [Compressor]

  init(_ codec: Codec, level: Int, threads: Int) {
    compressors = (0..<max(threads, 1)).map { _ in Compressor(codec, level: level) }
  }

  /// Each buffer as the pieces of its compressed form, in order.
  func compress(_ buffers: [Buffer]) throws(DataError) -> [[Buffer]] {
    if compressors.count == 1 {
      var packed: [[Buffer]] = []
      for buffer in buffers { packed.append(try compressors[0].compress(buffer)) }
      return packed
    }
    let compressors = compressors
    return try inParallel(buffers.count, threads: compressors.count) { (thread, i) throws(DataError) in
      try compressors[thread].compress(buffers[i])
    }
  }
}
