// The rows of a join in memory: what is built, and what is not aggregated at once.

import Arrow
import Kernels
import Memory
import SQL

/// Some columns of joined rows, as a batch.
struct JoinedRows: Sendable {
  var batch: RecordBatch
  /// The batch's column of each of the input's; -1 for those that are not there.
  var map: [Int]

  var places: [Int] { map.indices.filter { map[$0] >= 0 } }

  var block: Block { Block(origin: .batch(batch), rows: 0..<batch.count, tombstones: nil).mapped(map) }
  var blocks: [Block] { Block.blocks(of: batch).map { $0.mapped(map) } }
}

/// Collects columns of joined rows; one for each thread.
final class JoinCollector: Sink, @unchecked Sendable {
  // SAFETY (@unchecked Sendable): used by one thread at a time, as `Morsels` hands it out.
  private let columns: [GatheredColumn]
  private var count = 0

  init(_ places: [Int], _ compiler: Compiler) throws(QueryError) {
    columns = try compiling { () throws(NotMine) in
      var columns: [GatheredColumn] = []
      for place in places { columns.append(try GatheredColumn(place, compiler)) }
      return columns
    }
  }

  func consume(_ frame: Frame) throws(QueryError) {
    for column in columns { try column.append(frame) }
    count += frame.count
  }

  var byteCount: Int { columns.reduce(0) { $0 + $1.byteCount } }

  /// What was collected since the last time; nil when that is nothing.
  func take(_ schema: Schema) throws(QueryError) -> RecordBatch? {
    guard count > 0 else { return nil }
    var finished: [Column] = []
    for column in columns { finished.append(try column.finish()) }
    defer { count = 0 }
    return try data { () throws(DataError) in
      try RecordBatch(schema: schema, columns: finished, count: count)
    }
  }
}

/// Sixteen bytes that may stand at any multiple of eight, as mapped files have them.
private struct Sixteen: BitwiseCopyable {
  var low: UInt64
  var high: UInt64
}

/// Values of one column, copied by their rows: as they are stored where they are of one width, else by a `Collector`.
private final class GatheredColumn {
  private let place: Int
  private let type: DataType
  private let collector: Collector?
  private let width: Int
  private var count = 0
  private var nullCount = 0
  @exclusivity(unchecked) private var values = GrowableBuffer()
  @exclusivity(unchecked) private var bits = GrowableBitmap()

  init(_ place: Int, _ compiler: Compiler) throws(NotMine) {
    self.place = place
    type = compiler.shape.types[place]
    width = type.layoutKind == .fixed ? type.byteWidth ?? 0 : 0
    if [1, 2, 4, 8, 16].contains(width) {
      collector = nil
    } else if type.isPassedOn {
      collector = Collector(column: place, type: type)
    } else {
      collector = try Collector(try compiler.column(place), type: type)
    }
  }

  var byteCount: Int { collector?.byteCount ?? values.count }

  func append(_ frame: Frame) throws(QueryError) {
    if let collector { return try collector.append(frame) }
    let frame = frame.part(place)
    let column = try frame.block!.column(place)
    guard column.type == type, case .fixed(let buffer) = column.layout else {
      throw QueryError(.schemaChanged, "a column is \(column.type), where \(type) was planned for")
    }
    switch width {
    case 1: copy(buffer.base, frame, UInt8.self)
    case 2: copy(buffer.base, frame, UInt16.self)
    case 4: copy(buffer.base, frame, UInt32.self)
    case 8: copy(buffer.base, frame, UInt64.self)
    default: copy(buffer.base, frame, Sixteen.self)
    }
    appendValidity(column.validity, frame)
    count += frame.count
  }

  @inline(__always)
  private func copy<T: BitwiseCopyable>(_ base: UnsafeRawPointer, _ frame: Frame, _: T.Type) {
    let n = frame.count
    values.appendUninitialized(n * MemoryLayout<T>.stride) { target in
      if frame.isRun {
        target.copyMemory(
          from: base + frame.first &* MemoryLayout<T>.stride, byteCount: n &* MemoryLayout<T>.stride)
      } else {
        let rows = frame.rows
        for i in 0..<n {
          target.storeBytes(
            of: load(base, Int(rows[i]), as: T.self), toByteOffset: i &* MemoryLayout<T>.stride, as: T.self)
        }
      }
    }
  }

  private func appendValidity(_ validity: Bitmap?, _ frame: Frame) {
    guard let validity else {
      if nullCount > 0 { bits.append(repeating: true, count: frame.count) }
      return
    }
    var nulls = 0
    for i in 0..<frame.count { nulls &+= validity[unchecked: frame.row(i)] ? 0 : 1 }
    if nulls == 0, nullCount == 0 { return }
    if nullCount == 0 { bits.append(repeating: true, count: count) }
    for i in 0..<frame.count { bits.append(validity[unchecked: frame.row(i)]) }
    nullCount += nulls
  }

  func finish() throws(QueryError) -> Column {
    if let collector { return try collector.finish() }
    defer {
      count = 0
      nullCount = 0
    }
    let validity = nullCount > 0 ? bits.freeze() : nil
    return try data { () throws(DataError) in
      try Column(
        type: type, count: count, validity: validity, nullCount: nullCount,
        layout: .fixed(values.freeze()), trusted: true)
    }
  }
}

extension JoinPipeline {
  /// All rows, with some of their columns.
  /// - Parameter withNullRow: whether a row of NULLs stands behind them.
  func materialized(
    keeping places: Set<Int>, _ execution: Execution, _ shape: InputShape, withNullRow: Bool = false
  ) throws(QueryError) -> JoinedRows {
    let places = places.sorted()
    let schema = Schema(places.map { Field("\($0)", shape.types[$0]) })
    let results = BatchList(morsels.count)
    let limit = execution.options.memoryLimit
    if filters.isEmpty, stages.isEmpty, morsels.allSatisfy({ $0.tombstones == nil }) {
      for (number, block) in morsels.enumerated() { results.set(number, try block.sliced(places, schema)) }
    } else {
      let held = Held(limit)
      _ = try run(execution, shape, givens) { compiler throws(QueryError) in
        try JoinCollector(places, compiler)
      } then: { collector, number throws(QueryError) in
        try held.add(collector.byteCount)
        results.set(number, try collector.take(schema))
      }
    }
    var batches: [RecordBatch] = []
    for batch in results.all { if let batch, batch.count > 0 { batches.append(batch) } }
    var all =
      batches.isEmpty
      ? try data { () throws(DataError) in try RecordBatch.empty(schema) }
      : try RecordBatch.concatenating(batches, execution.morsels.checkpoint)
    if withNullRow { all = try all.withNullRow() }
    var map = [Int](repeating: -1, count: shape.types.count)
    for (column, place) in places.enumerated() { map[place] = column }
    return JoinedRows(batch: all, map: map)
  }
}

/// Batches by the number of the block that they are of.
private final class BatchList: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): the list is only touched under the lock.
  private let lock = Lock()
  private var batches: [RecordBatch?]

  init(_ count: Int) { batches = [RecordBatch?](repeating: nil, count: count) }

  func set(_ number: Int, _ batch: RecordBatch?) { lock.withLock { batches[number] = batch } }

  var all: [RecordBatch?] { lock.withLock { batches } }
}

/// How many bytes of joined rows there are in all threads.
private final class Held: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): the number is only touched under the lock.
  private let lock = Lock()
  private var bytes = 0
  private let limit: Int

  init(_ limit: Int) { self.limit = limit }

  func add(_ more: Int) throws(QueryError) {
    let all = lock.withLock {
      bytes += more
      return bytes
    }
    // SQLite needs no memory for the rows of a join.
    if all > limit { throw QueryError(.leftToSQLite, "the rows of a join do not fit into the memory limit") }
  }
}

extension Block {
  /// Some of its columns, as they are.
  fileprivate func sliced(_ places: [Int], _ schema: Schema) throws(QueryError) -> RecordBatch {
    var columns: [Column] = []
    for place in places { columns.append(try column(place).slice(rows)) }
    return try data { () throws(DataError) in
      try RecordBatch(schema: schema, columns: columns, count: rows.count)
    }
  }
}

extension RecordBatch {
  static func empty(_ schema: Schema) throws(DataError) -> RecordBatch {
    try RecordBatch(schema: schema, columns: schema.fields.map { $0.type.makeBuilder().finish() }, count: 0)
  }

  /// The same rows, and one of NULLs behind them.
  func withNullRow() throws(QueryError) -> RecordBatch {
    try data { () throws(DataError) in
      var columns: [Column] = []
      for column in self.columns {
        let builder = column.type.makeBuilder()
        try column.check(.access)
        try builder.append(column)
        builder.appendNull()
        columns.append(builder.finish())
      }
      return try RecordBatch(schema: schema, columns: columns, count: count + 1)
    }
  }
}
