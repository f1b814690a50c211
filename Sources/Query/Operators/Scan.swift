// Filtered and projected rows as a stream, in the order of the table.

import Arrow
import Memory

/// Reads blocks as they are asked for. With a LIMIT a few at first, so that the first rows cost little, then more at once; without one
/// ahead of who asks, since all are surely wanted.
final class ScanSource: BatchSource {
  private let blocks: [Block]
  private let program: RowProgram
  private let options: QueryOptions
  private let passed: [Int?]
  private var nextBlock = 0
  private var round = 1
  private static let largestRound = 8
  private var skip: Int
  private var left: Int
  private var ready: [RecordBatch] = []
  /// Small batches that will be one.
  private var pending: [RecordBatch] = []
  private var pendingRows = 0
  private let workers = Idle()
  private let ahead: ReadAhead?

  init(_ blocks: [Block], _ program: RowProgram, _ rows: RowPlan, _ options: QueryOptions) {
    self.blocks = blocks
    self.program = program
    self.options = options
    passed = program.passedColumns
    skip = rows.offset
    left = rows.limit
    ahead = rows.limit == .max ? ReadAhead(blocks, program, passed, options) : nil
  }

  deinit { ahead?.abandon() }

  /// Whether all blocks have been read, or need not be.
  private var hasReadAll: Bool { ahead?.isAtEnd ?? (left == 0 || nextBlock == blocks.count) }

  override func next() throws(QueryError) -> RecordBatch? {
    while true {
      if !ready.isEmpty { return ready.removeFirst() }
      if hasReadAll {
        try flush()
        if ready.isEmpty { return nil }
        continue
      }
      if let ahead {
        for batch in try ahead.next() ?? [] { try add(batch) }
      } else {
        try readRound()
      }
    }
  }

  override var isAtEnd: Bool { ready.isEmpty && pending.isEmpty && hasReadAll }

  private func readRound() throws(QueryError) {
    let range = nextBlock..<min(nextBlock + round * options.threads, blocks.count)
    nextBlock = range.upperBound
    round = min(round * 2, ScanSource.largestRound)
    // Never more rows of a block than can be wanted.
    let wanted = left.addingReportingOverflow(skip).overflow ? .max : left + skip
    let (program, passed, blocks, workers, progress) = (program, passed, blocks, workers, options.progress)
    let results = Results(range.count)
    let morsels = Morsels(options: options)
    let used: [ScanWorker] = try morsels.run(range.count) { () throws(QueryError) in
      if let worker = workers.take() { return worker }
      return try ScanWorker(program, passed)
    } _: { worker, index throws(QueryError) in
      let span = blocks[range.lowerBound + index...range.lowerBound + index]
      results.set(index, try worker.read(span, wanted: wanted, morsels))
      progress?.pass(Block.segmentRows(span))
    }
    workers.put(used)
    for batches in results.all { for batch in batches { try add(batch) } }
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
private final class Idle: Sendable {
  private let workers = Guarded<[ScanWorker]>([])

  func take() -> ScanWorker? { workers.withLock { $0.popLast() } }
  func put(_ used: [ScanWorker]) { workers.withLock { $0 += used } }
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
