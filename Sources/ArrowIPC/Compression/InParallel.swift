// A loop over independent pieces of work, by several threads at once.

import Dispatch
import Memory
import Synchronization

/// The results of `body` for 0 ..< count, in order. Each thread takes the next piece that nobody has.
/// - Parameter body: is told the thread (0 ..< threads), of which each calls it for one piece at a time, and the piece.
/// - Throws: the error of the first piece that has one.
func inParallel<Output: Sendable>(
  _ count: Int, threads: Int, _ body: @Sendable (Int, Int) throws(DataError) -> Output
) throws(DataError) -> [Output] {
  if threads <= 1 {
    var outputs: [Output] = []
    for piece in 0..<count { outputs.append(try body(0, piece)) }
    return outputs
  }
  let results = Mutex([Result<Output, DataError>?](repeating: nil, count: count))
  let next = Atomic<Int>(0)
  DispatchQueue.concurrentPerform(iterations: min(threads, count)) { thread in
    while true {
      let piece = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard piece < count else { return }
      let result = Result { () throws(DataError) in try body(thread, piece) }
      results.withLock { $0[piece] = result }
    }
  }
  var outputs: [Output] = []
  for result in results.withLock({ $0 }) { outputs.append(try result!.get()) }
  return outputs
}
