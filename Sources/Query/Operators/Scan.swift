// Filtered and projected rows as a stream, in the order of the table.

import Arrow
import Dispatch
import Kernels
import Memory
import Synchronization

/// Reads blocks as they are asked for: a few at first, so that LIMIT and the first row cost little, then more at once.
final class ScanSource: BatchSource {
  private let blocks: [Block]
  private let program: RowProgram
  private let options: QueryOptions
  private let passed: [Int?]
  private var nextBlock = 0
  private var round = 1
  private static let largestRound = 8
  /// How many rows the blocks of the last round have come to.
  private var rowsPerBlock: Int?
  private var skip: Int
  private var left: Int
  private var ready: [RecordBatch] = []
  /// Small batches that will be one.
  private var pending: [RecordBatch] = []
  private var pendingRows = 0
  private var workers: [ScanWorker] = []
  /// The round that is computed while the last one is sent.
  private var ahead: RoundAhead?
  private let isAbandoned = Flag()

  init(_ blocks: [Block], _ program: RowProgram, _ rows: RowPlan, _ options: QueryOptions) {
    self.blocks = blocks
    self.program = program
    self.options = options
    passed = program.passedColumns
    skip = rows.offset
    left = rows.limit
  }

  deinit { isAbandoned.set() }

  /// Whether all blocks have been read, or need not be.
  private var hasReadAll: Bool { left == 0 || (nextBlock == blocks.count && ahead == nil) }

  override func next() throws(QueryError) -> RecordBatch? {
    while true {
      if !ready.isEmpty { return ready.removeFirst() }
      if hasReadAll {
        try flush()
        if ready.isEmpty { return nil }
        continue
      }
      try readMore()
    }
  }

  override var isAtEnd: Bool { ready.isEmpty && pending.isEmpty && hasReadAll }

  private func readMore() throws(QueryError) {
    let read: Round
    if let ahead {
      read = try ahead.wait()
      self.ahead = nil
    } else {
      read = try nextRound(options)()
    }
    workers = read.workers
    rowsPerBlock = read.batches.reduce(0) { $0 + $1.reduce(0) { $0 + $1.count } } / read.blocks
    // What is surely wanted is computed while this is on its way: a client that reads keeps one core busy at most.
    if left == .max, round > 2, nextBlock < blocks.count {
      var options = options
      let (isCancelled, isAbandoned) = (options.isCancelled, isAbandoned)
      options.isCancelled = { isAbandoned.isSet || isCancelled() }
      ahead = RoundAhead(nextRound(options))
    }
    for batches in read.batches { for batch in batches { try add(batch) } }
  }

  /// The next few blocks, to be read by any one thread.
  private func nextRound(_ options: QueryOptions) -> @Sendable () throws(QueryError) -> Round {
    // Where few rows of a block are kept, several blocks make one batch: a message costs its reader as much as thousands of rows.
    let span = rowsPerBlock.map { max(1, min(16, options.batchRows / max(1, $0))) } ?? 1
    let count = max(
      round * options.threads, round == ScanSource.largestRound ? 2 * options.threads * span : 0)
    let range = nextBlock..<min(nextBlock + count, blocks.count)
    nextBlock = range.upperBound
    round = min(round * 2, ScanSource.largestRound)
    let spans = stride(from: range.lowerBound, to: range.upperBound, by: span).map {
      $0..<min($0 + span, range.upperBound)
    }
    // Never more rows of a block than can be wanted.
    let wanted = left == .max ? Int.max : left.addingReportingOverflow(skip).overflow ? .max : left + skip
    let (program, passed, blocks, idle) = (program, passed, blocks, Idle(workers))
    let progress = options.progress
    return { () throws(QueryError) in
      let results = Results(spans.count)
      let morsels = Morsels(options: options)
      let workers: [ScanWorker] = try morsels.run(spans.count) { () throws(QueryError) in
        if let worker = idle.take() { return worker }
        return try ScanWorker(program, passed)
      } _: { worker, index throws(QueryError) in
        let span = blocks[spans[index]]
        results.set(index, try worker.read(span, wanted: wanted, morsels))
        progress?.pass(span.reduce(0) { $0 + $1.segmentRows })
      }
      return Round(batches: results.all, blocks: range.count, workers: workers)
    }
  }

  private func add(_ batch: RecordBatch) throws(QueryError) {
    var batch = batch
    if skip > 0 {
      let dropped = min(skip, batch.count)
      skip -= dropped
      batch = batch.slice(dropped..<batch.count)
    }
    if batch.count > left { batch = batch.slice(0..<left) }
    if left != .max { left -= batch.count }
    guard batch.count > 0 else { return }
    if batch.count < min(4096, options.batchRows / 4) {
      pending.append(batch)
      pendingRows += batch.count
      if pendingRows >= options.batchRows / 2 { try flush() }
      return
    }
    try flush()
    ready += batch.pieces(options)
  }

  private func flush() throws(QueryError) {
    guard !pending.isEmpty else { return }
    let batches = pending
    pending = []
    pendingRows = 0
    let merged = try data { () throws(DataError) in try RecordBatch.concatenating(batches) }
    ready += merged.pieces(options)
  }
}

/// What a few blocks have come to, in order, and who has read them.
private struct Round: Sendable {
  let batches: [[RecordBatch]]
  let blocks: Int
  let workers: [ScanWorker]
}

/// A round that is read by other threads.
private final class RoundAhead: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): `outcome` is written before the semaphore is signalled, and read behind it.
  private let semaphore = DispatchSemaphore(value: 0)
  private var outcome: Result<Round, QueryError>?

  init(_ read: @escaping @Sendable () throws(QueryError) -> Round) {
    DispatchQueue.global(qos: .userInitiated).async { [self] in
      do throws(QueryError) { outcome = .success(try read()) } catch { outcome = .failure(error) }
      semaphore.signal()
    }
  }

  /// Once.
  func wait() throws(QueryError) -> Round {
    semaphore.wait()
    return try outcome!.get()
  }
}

/// Something that is set once, and seen by other threads.
private final class Flag: Sendable {
  private let value = Atomic(false)
  var isSet: Bool { value.load(ordering: .relaxed) }
  func set() { value.store(true, ordering: .relaxed) }
}

/// Results of a round, in order.
private final class Results: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): each index is written by the one thread that has it, and read after all have ended.
  private let base: UnsafeMutablePointer<[RecordBatch]>
  private let count: Int

  init(_ count: Int) {
    self.count = count
    base = .allocate(capacity: count)
    base.initialize(repeating: [], count: count)
  }

  deinit {
    base.deinitialize(count: count)
    base.deallocate()
  }

  func set(_ index: Int, _ batches: [RecordBatch]) { base[index] = batches }

  var all: [[RecordBatch]] { Array(UnsafeBufferPointer(start: base, count: count)) }
}

extension RecordBatch {
  /// As the other, asking meanwhile whether the query was cancelled.
  static func concatenating(_ batches: [RecordBatch], _ checkpoint: Checkpoint) throws(QueryError)
    -> RecordBatch
  {
    guard batches.count > 1 else { return batches[0] }
    var columns: [Column] = []
    for i in batches[0].columns.indices {
      let builder = batches[0].columns[i].type.makeBuilder()
      for batch in batches {
        let column = batch.columns[i]
        try checkpoint.check()
        try data { () throws(DataError) in try column.check(.access) }
        // So many texts take a few milliseconds.
        for start in stride(from: 0, to: column.count, by: 1 << 17) {
          try checkpoint.check()
          try data { () throws(DataError) in
            try builder.append(column, rows: start..<min(start + 1 << 17, column.count))
          }
        }
      }
      columns.append(builder.finish())
    }
    return try data { () throws(DataError) in
      try RecordBatch(
        schema: batches[0].schema, columns: columns, count: batches.reduce(0) { $0 + $1.count })
    }
  }

  static func concatenating(_ batches: [RecordBatch]) throws(DataError) -> RecordBatch {
    guard batches.count > 1 else { return batches[0] }
    var columns: [Column] = []
    for i in batches[0].columns.indices {
      columns.append(try Column.concatenating(batches.map { $0.columns[i] }))
    }
    return try RecordBatch(
      schema: batches[0].schema, columns: columns, count: batches.reduce(0) { $0 + $1.count })
  }

  /// Slices within the limits of rows and bytes; a row is never cut.
  func pieces(_ options: QueryOptions) -> [RecordBatch] {
    let bytes = columns.reduce(0) { $0 + $1.byteCount }
    guard count > 1, count > options.batchRows || bytes > options.batchBytes else { return [self] }
    let byRows = (count + options.batchRows - 1) / options.batchRows
    let parts = min(count, max(byRows, (bytes + options.batchBytes - 1) / options.batchBytes, 2))
    var pieces: [RecordBatch] = []
    for i in 0..<parts {
      let piece = slice(count * i / parts..<count * (i + 1) / parts)
      // Rows of uneven size: the larger half again.
      let isLarge = piece.columns.reduce(0) { $0 + $1.byteCount } > options.batchBytes * 3 / 2
      pieces += isLarge && piece.hasOwnBytes ? piece.pieces(options) : [piece]
    }
    return pieces
  }

  /// Whether slicing makes it smaller: what a dictionary or views refer to is not cut.
  private var hasOwnBytes: Bool {
    columns.allSatisfy { $0.layout.isCuttable }
  }
}

extension Layout {
  fileprivate var isCuttable: Bool {
    switch self {
    case .dictionary, .views, .listView, .runs, .union: false
    default: true
    }
  }
}

/// Workers that wait for the next round.
private final class Idle: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): the list is only touched under the lock.
  private let lock = Lock()
  private var workers: [ScanWorker]

  init(_ workers: [ScanWorker]) { self.workers = workers }

  func take() -> ScanWorker? { lock.withLock { workers.popLast() } }
}

/// One thread's part of a scan.
final class ScanWorker: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): used by one thread at a time, as `Morsels` hands it out.
  private let schema: Schema
  private let frame = Frame()
  private let filter: Filter
  private let collectors: [Collector]
  private let passed: [Int?]

  init(_ program: RowProgram, _ passed: [Int?]) throws(QueryError) {
    let compiler = Compiler(program.shape, program.givens)
    schema = program.rows.schema
    filter = Filter(try program.predicates(compiler))
    collectors = try program.collectors(compiler)
    self.passed = passed
  }

  /// Rows of several blocks in one batch, or in a few where they are many.
  /// - Parameter wanted: how many rows of a block are enough.
  func read(_ blocks: ArraySlice<Block>, wanted: Int, _ morsels: Morsels) throws(QueryError) -> [RecordBatch]
  {
    var batches: [RecordBatch] = []
    if blocks.count == 1 {
      if let batch = try read(blocks.first!, wanted: wanted) { batches.append(batch) }
      return batches
    }
    var columns = [Column?](repeating: nil, count: collectors.count)
    var count = 0
    for block in blocks {
      try morsels.check()
      count += try collect(block, columns, count: block.rows.count, wanted: wanted)
      try block.checkUnchanged()
      let bytes = collectors.reduce(0) { $0 + $1.byteCount }
      if count > 0, count >= morsels.options.batchRows || bytes >= morsels.options.batchBytes {
        batches.append(try finish(&columns, count))
        (columns, count) = ([Column?](repeating: nil, count: collectors.count), 0)
      }
    }
    if count > 0 { batches.append(try finish(&columns, count)) }
    return batches
  }

  private func read(_ block: Block, wanted: Int) throws(QueryError) -> RecordBatch? {
    var columns = [Column?](repeating: nil, count: collectors.count)
    var count = block.rows.count
    if filter.isEmpty, block.tombstones == nil {
      count = min(count, wanted)
      for (i, source) in passed.enumerated() {
        if let source { columns[i] = try unchanged(source, block, count) }
      }
    }
    if columns.contains(where: { $0 == nil }) || collectors.isEmpty {
      count = try collect(block, columns, count: count, wanted: wanted)
    }
    try block.checkUnchanged()
    return count > 0 ? try finish(&columns, count) : nil
  }

  /// The batch of what is there, and of what was collected.
  private func finish(_ columns: inout [Column?], _ count: Int) throws(QueryError) -> RecordBatch {
    for (i, collector) in collectors.enumerated() where columns[i] == nil {
      columns[i] = try collector.finish()
    }
    return try data { () throws(DataError) in
      try RecordBatch(schema: schema, columns: columns.map { $0! }, count: count)
    }
  }

  /// A column of the block as it is stored; nil when it has NaN, which is NULL in SQL.
  private func unchanged(_ source: Int, _ block: Block, _ count: Int) throws(QueryError) -> Column? {
    let column = try block.column(source)
    let rows = block.rows.lowerBound..<block.rows.lowerBound + count
    if column.type.vectorKind == .real {
      guard let statistics = try block.statistics(source) else {
        return column.slice(rows).statistics(0..<count).nanCount == 0 ? column.slice(rows) : nil
      }
      if statistics.nanCount > 0 { return nil }
    }
    // Floats within other values may be NaN too, but are passed on as they are.
    return column.slice(rows)
  }

  /// Collects the columns that are not there.
  private func collect(
    _ block: Block, _ columns: [Column?], count: Int, wanted: Int
  ) throws(QueryError) -> Int {
    frame.enter(block)
    var rows = 0
    var start = block.rows.lowerBound
    let end = filter.isEmpty && block.tombstones == nil ? start + count : block.rows.upperBound
    while start < end, rows < wanted {
      let stop = min(start + vectorSize, end)
      frame.select(start..<stop)
      start = stop
      try filter.apply(frame)
      guard frame.count > 0 else { continue }
      rows += frame.count
      for (i, collector) in collectors.enumerated() where columns[i] == nil { try collector.append(frame) }
    }
    return rows
  }
}
