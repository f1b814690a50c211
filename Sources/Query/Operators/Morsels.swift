// Blocks handed out to workers: one for each thread, each with its own nodes.

import Dispatch
import Kernels
import Memory
import SQL
import Synchronization

/// How a query is run.
public struct QueryOptions: Sendable {
  /// How many threads work at once, the caller's among them.
  public var threads = 1
  /// Batches end here.
  public var batchRows = 65_536
  public var batchBytes = 3 << 20
  /// How many bytes grouping, sorting and intermediate results may take.
  public var memoryLimit = 1 << 30
  /// Asked before every block; true ends the query with `.cancelled`.
  public var isCancelled: @Sendable () -> Bool = { false }
  /// Hears of what is scanned; nil where nobody asks.
  public var progress: ScanProgress?

  /// Below this many rows it does not pay to find out codes and ranges first.
  package var learningRows = 100_000
  /// Whether groups of small integers are numbered by an array: tests want the other ways, too.
  package var numbersDirectly = true

  public init() {}
}

/// Where the rows of a worker go.
protocol Sink: AnyObject {
  /// Says that rows of the next block come, by its number among all.
  func begin(_ number: Int)
  /// Takes the frame's rows, at most `vectorSize`, in order within a block.
  func consume(_ frame: Frame) throws(QueryError)
}

extension Sink {
  func begin(_ number: Int) {}
}

/// Runs through blocks in parallel.
struct Morsels {
  let options: QueryOptions

  var checkpoint: Checkpoint { Checkpoint(options.isCancelled) }

  func check() throws(QueryError) { try checkpoint.check() }

  /// Calls `body` for each index below `count`, by as many threads as are allowed; each of them makes one state for itself.
  /// - Returns: the states, in no order.
  func run<State>(
    _ count: Int, make: @Sendable () throws(QueryError) -> State,
    _ body: @Sendable (State, Int) throws(QueryError) -> Void
  ) throws(QueryError) -> [State] where State: Sendable {
    let threads = max(1, min(options.threads, count))
    if threads == 1 {
      let state = try make()
      for index in 0..<count {
        try check()
        try body(state, index)
      }
      return [state]
    }
    let next = Atomic<Int>(0)
    let results = Mutex<(states: [State], error: QueryError?)>(([], nil))
    DispatchQueue.concurrentPerform(iterations: threads) { _ in
      do throws(QueryError) {
        let state = try make()
        while true {
          let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
          guard index < count else { break }
          try check()
          try body(state, index)
        }
        results.withLock { $0.states.append(state) }
      } catch {
        next.store(count, ordering: .relaxed)
        results.withLock { if $0.error == nil { $0.error = error } }
      }
    }
    let (states, error) = results.withLock { $0 }
    if let error { throw error }
    return states
  }
}
