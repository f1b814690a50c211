// Blocks that are read by several threads ahead of the one that takes their rows in order.

import Arrow
import Dispatch
import Memory

/// Reads all blocks of a scan. Threads take the next few of them whenever they are free and the results that nobody has taken yet are
/// few: none waits for another one, and a client that reads slowly stops them. The taker never depends on them: it reads what nobody has
/// begun.
final class ReadAhead: Sendable {
  private let blocks: [Block]
  private let program: RowProgram
  private let options: QueryOptions
  private let passed: [Int?]
  /// How many threads read besides the one that takes.
  private let helpers: Int
  /// How many spans may be ahead of the one that is taken next.
  private let window: Int
  private let state = Guarded(State())
  private let arrival = DispatchSemaphore(value: 0)
  /// Blocks that make one batch where few of their rows are kept: a message costs its reader as much as thousands of rows.
  private static let longestSpan = 16

  private struct State {
    var nextBlock = 0
    /// Spans that somebody has begun, and that were taken.
    var begun = 0
    var taken = 0
    var results: [Int: [RecordBatch]] = [:]
    /// What has been read, from which the length of spans follows.
    var rowsRead = 0
    var blocksRead = 0
    var threads = 0
    var idle: [ScanWorker] = []
    var error: QueryError?
    var isAbandoned = false
    /// Whether the taker waits for the span that is next.
    var isAwaited = false
  }

  private struct Span {
    let index: Int
    let blocks: Range<Int>
  }

  /// What the one that takes does next.
  private enum Step {
    case taken([RecordBatch])
    case read(Span, ScanWorker?)
    case wait
    case end
    case failed(QueryError)
  }

  init(_ blocks: [Block], _ program: RowProgram, _ passed: [Int?], _ options: QueryOptions) {
    self.blocks = blocks
    self.program = program
    self.passed = passed
    self.options = options
    // Columns that are passed on as they are need no reading.
    let isRead = program.hasConditions || passed.contains(nil) || blocks.contains { $0.tombstones != nil }
    helpers = isRead ? options.threads : 0
    window = 4 * options.threads
  }

  /// Nobody takes any more.
  func abandon() { state.withLock { $0.isAbandoned = true } }

  /// Whether everything has been taken.
  var isAtEnd: Bool { state.withLock { $0.taken == $0.begun && $0.nextBlock == blocks.count } }

  /// The next batches in the order of the table, maybe none; nil behind the last.
  func next() throws(QueryError) -> [RecordBatch]? {
    while true {
      let (step, newThreads) = state.withLock { state -> (Step, Int) in
        if let error = state.error { return (.failed(error), 0) }
        if let batches = state.results.removeValue(forKey: state.taken) {
          state.taken += 1
          return (.taken(batches), grow(&state, to: helpers))
        }
        if state.taken < state.begun {
          state.isAwaited = true
          return (.wait, 0)
        }
        guard let span = begin(&state) else { return (.end, 0) }
        return (.read(span, state.idle.popLast()), grow(&state, to: helpers - 1))
      }
      for _ in 0..<newThreads { DispatchQueue.global(qos: .userInitiated).async { self.work() } }
      switch step {
      case .failed(let error): throw error
      case .taken(let batches): return batches
      case .end: return nil
      case .wait: arrival.wait()
      case .read(let span, let idle):
        let worker: ScanWorker
        if let idle { worker = idle } else { worker = try ScanWorker(program, passed) }
        let batches = try read(span, worker)
        state.withLock { state in
          count(span, batches, &state)
          state.taken += 1
          state.idle.append(worker)
        }
        return batches
      }
    }
  }

  /// How many threads more are worth it; they are counted as if they ran.
  private func grow(_ state: inout State, to most: Int) -> Int {
    let room = min(window - (state.begun - state.taken), blocks.count - state.nextBlock)
    let more = max(0, min(most - state.threads, room))
    state.threads += more
    return more
  }

  private func begin(_ state: inout State) -> Span? {
    let left = blocks.count - state.nextBlock
    guard left > 0 else { return nil }
    var length = 1
    if state.blocksRead > 0 {
      let rows = max(1, state.rowsRead / state.blocksRead)
      // Shorter ones towards the end, so that all threads end at the same time.
      length = max(1, min(ReadAhead.longestSpan, options.batchRows / rows, left / (2 * options.threads)))
    }
    let span = Span(index: state.begun, blocks: state.nextBlock..<state.nextBlock + length)
    state.begun += 1
    state.nextBlock += length
    return span
  }

  private func count(_ span: Span, _ batches: [RecordBatch], _ state: inout State) {
    state.rowsRead += batches.reduce(0) { $0 + $1.count }
    state.blocksRead += span.blocks.count
  }

  private func read(_ span: Span, _ worker: ScanWorker) throws(QueryError) -> [RecordBatch] {
    let blocks = blocks[span.blocks]
    let morsels = Morsels(options: options)
    try morsels.check()
    let batches = try worker.read(blocks, wanted: .max, morsels)
    options.progress?.pass(Block.segmentRows(blocks))
    return batches
  }

  /// What a thread does until there is nothing to read, or enough is ahead.
  private func work() {
    var worker: ScanWorker?
    while true {
      let span = state.withLock { state -> Span? in
        if worker == nil { worker = state.idle.popLast() }
        if state.error == nil, !state.isAbandoned, state.begun - state.taken < window,
          let span = begin(&state)
        {
          return span
        }
        state.threads -= 1
        if let worker { state.idle.append(worker) }
        return nil
      }
      guard let span else { return }
      let outcome: Result<[RecordBatch], QueryError>
      do throws(QueryError) {
        if worker == nil { worker = try ScanWorker(program, passed) }
        outcome = .success(try read(span, worker!))
      } catch { outcome = .failure(error) }
      let isAwaited = state.withLock { state in
        switch outcome {
        case .success(let batches):
          state.results[span.index] = batches
          count(span, batches, &state)
        case .failure(let error): if state.error == nil { state.error = error }
        }
        guard state.isAwaited, state.error != nil || span.index == state.taken else { return false }
        state.isAwaited = false
        return true
      }
      if isAwaited { arrival.signal() }
    }
  }
}
