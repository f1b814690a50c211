// Columns into the body of a message: the buffers as they are, rebased only where a column is a slice.

import Arrow
import Memory

/// Lays out columns as nodes and buffers.
struct BatchEncoder {
  private(set) var parts: BatchParts
  /// The buffers in order, before compression and padding.
  private(set) var buffers: [Buffer] = []

  init(count: Int) { parts = BatchParts(count: count) }

  /// Adds a column of `field`; of a dictionary column the indices, not the values.
  mutating func add(_ column: Column, _ field: IPCField) throws(DataError) {
    parts.nodes.append(Int64(column.count))
    parts.nodes.append(Int64(column.type.hasValidity || column.type == .null ? column.nullCount : 0))
    if column.type.hasValidity { buffers.append(column.validity?.aligned() ?? .empty) }
    switch column.layout {
    case .null: break
    case .bits(let bits): buffers.append(bits.aligned())
    case .fixed(let values): buffers.append(values)
    case .variable(let offsets, let bytes):
      let (start, end) = (column.firstOffset, column.lastOffset)
      buffers.append(column.rebased(offsets, by: start))
      buffers.append(bytes.slice(start..<end))
    case .views(let views, let data): try addViews(column, views, data)
    case .list(let offsets, let child):
      let (start, end) = (column.firstOffset, column.lastOffset)
      buffers.append(column.rebased(offsets, by: start))
      try add(child.slice(start..<end), field.children[0])
    case .listView(let offsets, let sizes, let child):
      let span = column.itemSpan(0..<column.count)
      buffers.append(
        span == 0..<child.count ? offsets : column.rebased(offsets, by: span.lowerBound, limit: span.count))
      buffers.append(sizes)
      try add(child.slice(span), field.children[0])
    case .fixedList(let child): try add(child, field.children[0])
    case .structure(let children):
      for (child, field) in zip(children, field.children) { try add(child, field) }
    case .union(let ids, let offsets, let children):
      buffers.append(ids)
      if let offsets {
        try addDense(column, ids, offsets, children, field)
      } else {
        for (child, field) in zip(children, field.children) { try add(child, field) }
      }
    case .dictionary(let indices, _): buffers.append(indices)
    case .runs(let ends, let values, let offset): try addRuns(column, ends, values, offset, field)
    }
  }

  // MARK: Layouts that are cut

  /// A slice may name a small part of much data; then that part is copied, once it is less than half.
  private mutating func addViews(_ column: Column, _ views: Buffer, _ data: [Buffer]) throws(DataError) {
    var named = 0
    let values = views.values(of: BinaryViewValue.self)
    for i in 0..<column.count where !values[i].isInline && !column.isNull(i) { named &+= values[i].length }
    var (views, data) = (views, data)
    if named < data.reduce(0, { $0 + $1.count }) / 2 {
      let builder = BinaryViewBuilder(type: column.type)
      for i in 0..<column.count {
        if column.isNull(i) {
          builder.appendNull()
        } else {
          let value = column.bytes(at: i)
          try builder.append(value.bytes)
        }
      }
      guard case .views(let cutViews, let cutData) = builder.finish().layout else { preconditionFailure() }
      (views, data) = (cutViews, cutData)
    }
    buffers.append(views)
    buffers.append(contentsOf: data)
    parts.variadicCounts.append(Int64(data.count))
  }

  /// Each child is cut to the rows that are named, which may lie anywhere.
  private mutating func addDense(
    _ column: Column, _ ids: Buffer, _ offsets: Buffer, _ children: [Column], _ field: IPCField
  ) throws(DataError) {
    guard case .union(_, _, let known) = column.type else { preconditionFailure() }
    // Wider than the offsets: the end after row Int32.max is one more.
    var low = [Int](repeating: .max, count: 128)
    var high = [Int](repeating: 0, count: 128)
    let typeIDs = ids.values(of: Int8.self)
    let rows = offsets.values(of: Int32.self)
    for i in 0..<column.count {
      let id = Int(typeIDs[i])
      low[id] = min(low[id], Int(rows[i]))
      high[id] = max(high[id], Int(rows[i]) + 1)
    }
    if known.allSatisfy({ low[Int($0)] == 0 || high[Int($0)] == 0 }) {
      buffers.append(offsets)
    } else {
      var moved = GrowableBuffer(capacity: offsets.count)
      for i in 0..<column.count { moved.append(Int32(Int(rows[i]) - low[Int(typeIDs[i])])) }
      buffers.append(moved.freeze())
    }
    for (i, child) in children.enumerated() {
      let id = Int(known[i])
      let used = high[id] == 0 ? 0..<0 : low[id]..<high[id]
      try add(child.slice(used), field.children[i])
    }
  }

  /// Runs are cut to those of the rows, and their ends counted from the first of these.
  private mutating func addRuns(
    _ column: Column, _ ends: Column, _ values: Column, _ offset: Int, _ field: IPCField
  ) throws(DataError) {
    let first = column.run(at: 0)
    let end = column.count == 0 ? first : column.run(at: column.count - 1) + 1
    var cutEnds = ends.slice(first..<end)
    if end > first, offset > 0 || ends.integer(at: end - 1) != column.count {
      let type = ends.type.integerType!
      var moved = GrowableBuffer(capacity: (end - first) * type.byteWidth)
      for i in first..<end { moved.append(min(ends.integer(at: i) - offset, column.count), as: type) }
      cutEnds = try Column(type: ends.type, count: end - first, layout: .fixed(moved.freeze()), trusted: true)
    }
    try add(cutEnds, field.children[0])
    try add(values.slice(first..<end), field.children[1])
  }
}

extension Column {
  private var offsetBuffer: Buffer {
    switch layout {
    case .variable(let offsets, _), .list(let offsets, _): offsets
    default: preconditionFailure("\(type) has no offsets")
    }
  }

  fileprivate var firstOffset: Int { offset(0) }
  fileprivate var lastOffset: Int { offset(count) }

  private func offset(_ index: Int) -> Int {
    type.hasLargeOffsets
      ? Int(offsetBuffer.load(at: index * 8, as: Int64.self))
      : Int(offsetBuffer.load(at: index * 4, as: Int32.self))
  }

  /// The offsets less `start`; the same bytes when that is 0.
  /// - Parameter limit: what no offset may pass; those of empty list views may point anywhere.
  fileprivate func rebased(_ offsets: Buffer, by start: Int, limit: Int = .max) -> Buffer {
    if count == 0, limit == .max { return .zeroes(count: type.hasLargeOffsets ? 8 : 4) }
    if start == 0, limit == .max { return offsets }
    return type.hasLargeOffsets
      ? rebase(offsets.values(of: Int64.self), by: start, limit)
      : rebase(offsets.values(of: Int32.self), by: start, limit)
  }

  private func rebase<T: FixedWidthInteger & BitwiseCopyable>(
    _ offsets: Span<T>, by start: Int, _ limit: Int
  ) -> Buffer {
    let shift = T(truncatingIfNeeded: start)
    let highest = T(clamping: limit)
    var moved = GrowableBuffer(capacity: offsets.count * MemoryLayout<T>.stride)
    moved.appendUninitialized(offsets.count * MemoryLayout<T>.stride) { target in
      let target = target.assumingMemoryBound(to: T.self)
      for i in offsets.indices { target[i] = max(0, min(offsets[i] &- shift, highest)) }
    }
    return moved.freeze()
  }
}
