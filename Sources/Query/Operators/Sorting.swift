// ORDER BY: all rows sorted, or the first few of them kept.

import Arrow
import Kernels
import Memory
import SQL

/// Rows to be sorted: results and keys as columns, and where each row came from.
final class SortWorker: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): used by one thread at a time, as `Morsels` hands it out.
  private let frame = Frame()
  private let filter: Filter
  private let keys: [Node]
  private let results: [Collector]
  private let keyColumns: [Collector]
  private let ordering: [OrderKey]
  private let schema: Schema
  private let keySchema: Schema
  /// How many of the first rows are wanted.
  private let wanted: Int
  private var positions: [UInt64] = []
  private(set) var kept: [SortedRows] = []
  /// Whether the first key is a column of numbers: then asking it first is cheaper than any condition, and leaves few rows for those.
  private let isFirstKeyStored: Bool
  /// The word of the first key that a row must not be behind.
  private var threshold: SortWord?
  private var heldBytes = 0
  private let memoryLimit: Int
  private let truth = UnsafeMutablePointer<UInt8>.allocate(capacity: vectorSize + 8)

  private let checkpoint: Checkpoint

  init(_ program: RowProgram, memoryLimit: Int, _ checkpoint: Checkpoint) throws(QueryError) {
    self.checkpoint = checkpoint
    let compiler = Compiler(program.shape, program.givens)
    ordering = program.rows.ordering
    filter = Filter(try program.predicates(compiler))
    results = try program.collectors(compiler)
    var keys: [Node] = []
    for key in ordering { keys.append(try program.node(key, compiler)) }
    self.keys = keys
    isFirstKeyStored = keys[0] is ColumnNode && keys[0].kind.isFixed
    let types = try compiling { () throws(NotMine) in
      var types: [DataType] = []
      for key in keys { types.append(try Planner.storageType(key.kind)) }
      return types
    }
    keyColumns = try compiling { () throws(NotMine) in
      var collectors: [Collector] = []
      for (key, type) in zip(keys, types) { collectors.append(try Collector(key, type: type)) }
      return collectors
    }
    schema = program.rows.schema
    keySchema = Schema(types.map { Field("", $0) })
    let (sum, overflow) = program.rows.limit.addingReportingOverflow(program.rows.offset)
    wanted = overflow ? .max : sum
    self.memoryLimit = memoryLimit
  }

  deinit { truth.deallocate() }

  func read(_ block: Block, number: Int) throws(QueryError) {
    frame.enter(block)
    var start = block.rows.lowerBound
    while start < block.rows.upperBound {
      let stop = min(start + vectorSize, block.rows.upperBound)
      frame.select(start..<stop)
      start = stop
      if let threshold, isFirstKeyStored { try dropBehind(threshold) }
      try filter.apply(frame)
      if frame.count > 0, let threshold, !isFirstKeyStored { try dropBehind(threshold) }
      if frame.count == 0 { continue }
      for collector in results { try collector.append(frame) }
      for collector in keyColumns { try collector.append(frame) }
      for i in 0..<frame.count { positions.append(UInt64(number) << 32 | UInt64(frame.row(i))) }
      if wanted < 1 << 20, positions.count >= max(2 * wanted, threshold == nil ? 64 : 512) { try prune() }
    }
    try block.checkUnchanged()
    let bytes = (results + keyColumns).reduce(heldBytes) { $0 + $1.byteCount }
    if bytes > memoryLimit {
      throw QueryError(.memory, "sorting needs more than the memory limit of \(memoryLimit) bytes")
    }
  }

  /// Whether nothing from here on can be among the rows that are wanted.
  func isBeyond(_ bound: SortWord) -> Bool { threshold.map { bound.isBehind($0) } ?? false }

  /// Drops the frame's rows whose first key is behind what is sure to be kept.
  private func dropBehind(_ threshold: SortWord) throws(QueryError) {
    let n = frame.count
    let key = ordering[0]
    let nullTruth: UInt8 = SortWord(isNull: true, word: 0, key).isBehind(threshold) ? 0 : 2
    if nullTruth == 0, !threshold.isNull, let column = keys[0] as? ColumnNode, column.type == .float64,
      let values = try column.storedRun(frame)
    {
      // NULLs are looked for among the few rows that are kept.
      let limit = realOf(ordered: key.isDescending ? ~threshold.word : threshold.word)
      compareDoubles(key.isDescending ? .greaterOrEqual : .lessOrEqual, values, limit, n, truth)
      frame.keep(UnsafePointer(truth))
      return try column.keepPresent(frame)
    }
    let vector = try keys[0].evaluate(frame)
    switch keys[0].kind {
    case .real where !threshold.isNull:
      // In the terms of reals, so that the loop is a comparison.
      let limit = realOf(ordered: key.isDescending ? ~threshold.word : threshold.word)
      let reals = vector.values
      compareDoubles(key.isDescending ? .greaterOrEqual : .lessOrEqual, reals, limit, n, truth)
    case .integer where !threshold.isNull, .ticks where !threshold.isNull:
      let limit = Int64(bitPattern: (key.isDescending ? ~threshold.word : threshold.word) ^ 1 << 63)
      let integers = vector.integers
      if key.isDescending {
        for i in 0..<n { truth[i] = integers[i] >= limit ? 2 : 0 }
      } else {
        for i in 0..<n { truth[i] = integers[i] <= limit ? 2 : 0 }
      }
    case .text, .blob:
      for i in 0..<n {
        let word = SortWord(isNull: false, word: leadingWord(vector.slices[i]), key)
        truth[i] = word.isBehind(threshold) ? 0 : 2
      }
    default:
      let valueTruth: UInt8 = threshold.isNull && key.nullsFirst ? 0 : 2
      truth.update(repeating: valueTruth, count: n)
    }
    mask(truth, vector.valid, n, null: nullTruth)
    frame.keep(UnsafePointer(truth))
  }

  /// What was collected, as rows of their own.
  private func freeze() throws(QueryError) -> SortedRows {
    var columns: [Column] = []
    for collector in results { columns.append(try collector.finish()) }
    var keyColumns: [Column] = []
    for collector in self.keyColumns { keyColumns.append(try collector.finish()) }
    defer { positions = [] }
    return try SortedRows(
      results: data { () throws(DataError) in
        try RecordBatch(schema: schema, columns: columns, count: positions.count)
      },
      keys: data { () throws(DataError) in
        try RecordBatch(schema: keySchema, columns: keyColumns, count: positions.count)
      }, positions: positions)
  }

  private func prune() throws(QueryError) {
    kept.append(try freeze())
    kept = [try SortedRows.first(wanted, of: kept, ordering, checkpoint)]
    if kept[0].positions.count == wanted, wanted > 0 {
      threshold = try SortOrder(kept[0], ordering, checkpoint).word(wanted - 1)
    }
    heldBytes = kept[0].results.columns.reduce(0) { $0 + $1.byteCount }
  }

  func finish() throws(QueryError) {
    if !positions.isEmpty { kept.append(try freeze()) }
  }
}

/// A row's first key as a number in the order of the sort, NULL aside.
struct SortWord {
  /// 0, 1 or 2: NULLs that come first, values, NULLs that come last.
  var rank: UInt8
  var word: UInt64
  var isNull: Bool { rank != 1 }

  init(isNull: Bool, word: UInt64, _ key: OrderKey) {
    rank = isNull ? (key.nullsFirst ? 0 : 2) : 1
    self.word = isNull ? 0 : key.isDescending ? ~word : word
  }

  func isBehind(_ other: SortWord) -> Bool { rank != other.rank ? rank > other.rank : word > other.word }
}

/// The first eight bytes as a number.
@inline(__always)
func leadingWord(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
  if bytes.count >= 8 { return UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)) }
  var word: UInt64 = 0
  for byte in bytes { word = word << 8 | UInt64(byte) }
  return bytes.isEmpty ? 0 : word << UInt64(64 - 8 * bytes.count)
}

private func realOf(ordered bits: UInt64) -> Double {
  Double(bitPattern: bits >> 63 == 1 ? bits & ~(1 << 63) : ~bits)
}

struct SortedRows: Sendable {
  var results: RecordBatch
  var keys: RecordBatch
  var positions: [UInt64]

  /// The first rows of several, in order.
  static func first(
    _ count: Int, of parts: [SortedRows], _ ordering: [OrderKey], _ checkpoint: Checkpoint
  ) throws(QueryError) -> SortedRows {
    let all = try joined(parts, checkpoint)
    var order = try SortOrder(all, ordering, checkpoint).sorted()
    if order.count > count { order.removeLast(order.count - count) }
    return SortedRows(
      results: try all.results.taking(order, checkpoint), keys: try all.keys.taking(order, checkpoint),
      positions: try Array(order.count, checkpoint) { all.positions[Int(order[$0])] })
  }

  static func joined(_ parts: [SortedRows], _ checkpoint: Checkpoint) throws(QueryError) -> SortedRows {
    if parts.count == 1 { return parts[0] }
    let results = try RecordBatch.concatenating(parts.map(\.results), checkpoint)
    let keys = try RecordBatch.concatenating(parts.map(\.keys), checkpoint)
    return SortedRows(
      results: results, keys: keys, positions: try Array(joining: parts.map(\.positions), checkpoint))
  }
}

/// The order of some rows. A class, because the comparisons of a sort capture it.
final class SortOrder {
  private let keys: [Column]
  private let ordering: [OrderKey]
  private let positions: [UInt64]
  private let words: [SortWord]
  private let bytes: [ByteValues?]

  private let checkpoint: Checkpoint

  init(_ rows: SortedRows, _ ordering: [OrderKey], _ checkpoint: Checkpoint) throws(QueryError) {
    self.checkpoint = checkpoint
    keys = rows.keys.columns
    self.ordering = ordering
    positions = rows.positions
    bytes = keys.map { ByteValues($0) }
    let column = keys[0]
    let bytes = bytes[0]
    words = try Array(rows.positions.count, checkpoint) { row in
      let isNull = column.isNull(row)
      return SortWord(isNull: isNull, word: isNull ? 0 : SortOrder.word(column, bytes, row), ordering[0])
    }
  }

  func word(_ row: Int) -> SortWord { words[row] }

  /// A value that is not NULL as a number in order; of bytes, the first eight.
  @inline(__always)
  private static func word(_ column: Column, _ bytes: ByteValues?, _ row: Int) -> UInt64 {
    switch column.layout {
    case .fixed(let buffer) where column.type == .float64:
      return orderedBits(load(buffer.base, row, as: Double.self))
    case .fixed(let buffer) where column.type.byteWidth == 4:
      return UInt64(bitPattern: Int64(load(buffer.base, row, as: Int32.self))) ^ 1 << 63
    case .fixed(let buffer): return UInt64(bitPattern: load(buffer.base, row, as: Int64.self)) ^ 1 << 63
    default: return bytes.map { leadingWord($0[row]) } ?? 0
    }
  }

  func sorted() throws(QueryError) -> [UInt32] {
    struct Entry {
      var rank: UInt8
      var row: UInt32
      var word: UInt64
    }
    var entries = try Array(words.count, checkpoint) { row in
      Entry(rank: words[row].rank, row: UInt32(row), word: words[row].word)
    }
    let isSimple = keys.count == 1 && bytes[0] == nil
    if isSimple {
      try entries.sort(checkpoint) { a, b in
        if a.word != b.word || a.rank != b.rank {
          return a.rank != b.rank ? a.rank < b.rank : a.word < b.word
        }
        return positions[Int(a.row)] < positions[Int(b.row)]
      }
    } else {
      try entries.sort(checkpoint) { a, b in
        if a.rank != b.rank { return a.rank < b.rank }
        if a.word != b.word { return a.word < b.word }
        return isBefore(Int(a.row), Int(b.row))
      }
    }
    return try Array(entries.count, checkpoint) { entries[$0].row }
  }

  /// For rows whose first words are equal.
  private func isBefore(_ a: Int, _ b: Int) -> Bool {
    for (column, key) in ordering.enumerated() {
      let (x, y) = (keys[column].isNull(a), keys[column].isNull(b))
      if x != y { return x == key.nullsFirst }
      if x { continue }
      let order: Int
      if let bytes = bytes[column] {
        order = compareBytes(bytes[a], bytes[b])
      } else {
        let (v, w) = (SortOrder.word(keys[column], nil, a), SortOrder.word(keys[column], nil, b))
        order = v < w ? -1 : v > w ? 1 : 0
      }
      if order != 0 { return key.isDescending ? order > 0 : order < 0 }
    }
    return positions[a] < positions[b]
  }
}

/// Sorted rows, made into batches as they are asked for.
final class SortedSource: BatchSource {
  private let rows: RecordBatch
  private var order: ArraySlice<UInt32>
  private let options: QueryOptions
  private var ready: [RecordBatch] = []

  init(_ rows: RecordBatch, _ order: [UInt32], _ options: QueryOptions) {
    self.rows = rows
    self.order = order[...]
    self.options = options
  }

  override func next() throws(QueryError) -> RecordBatch? {
    if !ready.isEmpty { return ready.removeFirst() }
    if order.isEmpty { return nil }
    try Morsels(options: options).check()
    let batch = try rows.taking(order.prefix(options.batchRows), Checkpoint(options.isCancelled))
    order = order.dropFirst(options.batchRows)
    ready = batch.pieces(options)
    return ready.removeFirst()
  }
}

extension Execution {
  func sorted(
    _ blocks: [Block], _ conditions: [BoundExpression], _ shape: InputShape, _ rows: RowPlan, _ givens: Givens
  ) throws(QueryError) -> BatchSource {
    let program = RowProgram(conditions, shape, rows, givens)
    let limit = options.memoryLimit / max(1, options.threads)
    let bounds = try bounds(blocks, shape, rows)
    let turns = bounds.map { bounds in
      blocks.indices.sorted { a, b in
        !bounds[a].isBehind(bounds[b]) && (bounds[b].isBehind(bounds[a]) || a < b)
      }
    }
    let checkpoint = morsels.checkpoint
    let workers = try morsels.run(blocks.count) { () throws(QueryError) in
      try SortWorker(program, memoryLimit: limit, checkpoint)
    } _: { worker, index throws(QueryError) in
      let number = turns?[index] ?? index
      options.progress?.pass(blocks[number].segmentRows)
      if let bounds, worker.isBeyond(bounds[number]) { return }
      try worker.read(blocks[number], number: number)
    }
    for worker in workers { try worker.finish() }
    let parts = workers.flatMap(\.kept)
    guard !parts.isEmpty else { return StoredSource([]) }
    let all = try SortedRows.joined(parts, checkpoint)
    var order = try SortOrder(all, rows.ordering, checkpoint).sorted()
    order.removeFirst(min(rows.offset, order.count))
    if order.count > rows.limit { order.removeLast(order.count - rows.limit) }
    return SortedSource(all.results, order, options)
  }

  /// The first key that each block may have, by its statistics: where only a few rows are wanted, the best blocks come first, and
  /// those that cannot have any of the few are not read.
  private func bounds(_ blocks: [Block], _ shape: InputShape, _ rows: RowPlan) throws(QueryError)
    -> [SortWord]?
  {
    guard rows.limit < 10_000, rows.offset < 10_000, blocks.count > 4, let key = rows.ordering.first else {
      return nil
    }
    let expression: BoundExpression
    switch (key.value, rows.expressions) {
    case (.result(let number), let expressions?): expression = expressions[number]
    case (.expression(let other), _): expression = other
    default: return nil
    }
    guard let place = shape.place(expression.node), let kind = shape.types[place].vectorKind,
      kind == .real || kind.isInteger
    else { return nil }
    var bounds: [SortWord] = []
    for block in blocks {
      let best = SortWord(isNull: key.nullsFirst, word: key.isDescending ? .max : 0, key)
      guard let statistics = try block.statistics(place) else {
        bounds.append(best)
        continue
      }
      let nulls = statistics.nullCount + statistics.nanCount
      switch statistics.bounds {
      case _ where nulls > 0 && key.nullsFirst: bounds.append(best)
      case .integers(let low, let high) where kind.isInteger:
        bounds.append(
          SortWord(isNull: false, word: UInt64(bitPattern: key.isDescending ? high : low) ^ 1 << 63, key))
      case .reals(let low, let high):
        bounds.append(SortWord(isNull: false, word: orderedBits(key.isDescending ? high : low), key))
      default: bounds.append(nulls == block.whole.count ? SortWord(isNull: true, word: 0, key) : best)
      }
    }
    return bounds
  }
}
