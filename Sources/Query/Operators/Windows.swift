// Window functions: rows are sorted into partitions, and each function walks through them.

import Arrow
import Kernels
import Memory
import SQL

extension Execution {
  /// The input's rows with a column more for each call, in the order in which SQLite leaves them.
  func windowed(
    _ blocks: [Block], _ conditions: [BoundExpression], _ shape: InputShape, _ windows: WindowPlan,
    _ givens: Givens
  ) throws(QueryError) -> RecordBatch {
    let schema = Schema(windows.inputs.map(\.field))
    let rows = RowPlan(
      schema: schema, expressions: windows.inputs.map(\.expression), ordering: [], limit: .max, offset: 0)
    let source = ScanSource(blocks, RowProgram(conditions, shape, rows, givens), rows, options)
    var batches: [RecordBatch] = []
    var bytes = 0
    while let batch = try source.next() {
      bytes += batch.columns.reduce(0) { $0 + $1.heldBytes } + batch.count * 16 * (windows.calls.count + 1)
      if bytes > options.memoryLimit { throw memoryError() }
      batches.append(batch)
    }
    let checkpoint = morsels.checkpoint
    let columnCount = windows.shape.types.count
    guard let first = batches.first else {
      return try data { () throws(DataError) in
        let fields = windows.shape.types.enumerated().map { Field("\($0)", $1) }
        return try RecordBatch(
          schema: Schema(fields), columns: fields.map { $0.type.makeBuilder().finish() }, count: 0)
      }
    }
    let parts = batches
    let input =
      parts.count == 1 ? first : try RecordBatch.concatenating(parts, checkpoint)
    var order = try Array(input.count, checkpoint) { UInt32($0) }
    var results = [Column?](repeating: nil, count: windows.calls.count)
    // SQLite computes the first window of the statement last, over rows in the order of those before.
    for level in windows.levels.reversed() {
      let window = try SortedWindow(input, windows.calls[level[0]], &order, checkpoint)
      for call in level {
        try checkpoint.check()
        results[call] = try window.values(of: windows.calls[call])
      }
    }
    var columns: [Column] = []
    for place in 0..<columnCount {
      if place >= columnCount - results.count {
        columns.append(results[place - (columnCount - results.count)]!)
      } else if let number = windows.passed[place] {
        columns.append(input.columns[number])
      } else {
        let builder = NullBuilder()
        for _ in 0..<input.count { builder.appendNull() }
        columns.append(builder.finish())
      }
    }
    let all = try data { () throws(DataError) in
      try RecordBatch(
        schema: Schema(columns.enumerated().map { Field("\($0)", $1.type) }), columns: columns,
        count: input.count)
    }
    return try all.taking(order, checkpoint)
  }
}

/// Values of a column in the order of a sort.
private struct WindowKey {
  private let column: Column
  private let words: [UInt64]
  private let bytes: ByteValues?
  let isDescending: Bool
  let nullsFirst: Bool

  /// - Parameter collation: of texts.
  init(
    _ batch: RecordBatch, _ place: Int, _ collation: Collation, isDescending: Bool = false,
    nullsFirst: Bool = true, _ checkpoint: Checkpoint
  ) throws(QueryError) {
    self.isDescending = isDescending
    self.nullsFirst = nullsFirst
    let (node, collector) = try compiling { () throws(NotMine) in
      let compiler = Compiler(
        InputShape(types: batch.schema.fields.map(\.type), names: .sources([0])), Givens())
      let node = try compiler.collated(try compiler.column(place), collation)
      let ordered = node.kind.isText && node.kind != .text ? OrderedTicksNode(node) : node
      return (ordered, try Collector(ordered, type: try Planner.storageType(ordered.kind)))
    }
    let frame = Frame()
    for block in Block.blocks(of: batch) {
      try checkpoint.check()
      frame.enter(block)
      for start in stride(from: block.rows.lowerBound, to: block.rows.upperBound, by: vectorSize) {
        frame.select(start..<min(start + vectorSize, block.rows.upperBound))
        try collector.append(frame)
      }
    }
    let column = try collector.finish()
    self.column = column
    bytes = node.kind.isFixed ? nil : ByteValues(column)
    guard node.kind.isFixed, case .fixed(let buffer) = column.layout else {
      words = []
      return
    }
    words = try Array(column.count, checkpoint) { row in
      if column.isNull(row) { return 0 }
      if column.type == .float64 { return orderedBits(load(buffer.base, row, as: Double.self)) }
      if column.type.byteWidth == 4 {
        return UInt64(bitPattern: Int64(load(buffer.base, row, as: Int32.self))) ^ 1 << 63
      }
      return UInt64(bitPattern: load(buffer.base, row, as: Int64.self)) ^ 1 << 63
    }
  }

  /// Below, at or above 0; NULL is the least value.
  func compare(_ a: Int, _ b: Int) -> Int {
    let (x, y) = (column.isNull(a), column.isNull(b))
    if x || y { return x == y ? 0 : x ? -1 : 1 }
    if let bytes { return compareBytes(bytes[a], bytes[b]) }
    return words.isEmpty || words[a] == words[b] ? 0 : words[a] < words[b] ? -1 : 1
  }

  func isBefore(_ a: Int, _ b: Int) -> Bool? {
    let (x, y) = (column.isNull(a), column.isNull(b))
    if x != y { return x == nullsFirst }
    let order = compare(a, b)
    return order == 0 ? nil : isDescending ? order > 0 : order < 0
  }
}

/// Rows sorted by a window's PARTITION BY and ORDER BY.
private struct SortedWindow {
  private let batch: RecordBatch
  private let order: [UInt32]
  private let checkpoint: Checkpoint
  /// Where partitions begin, and groups of rows that ORDER BY does not tell apart; the end of the last one as well.
  private var partitions: [Int] = []
  private var peers: [Int] = []

  init(
    _ batch: RecordBatch, _ call: WindowPlan.Call, _ order: inout [UInt32], _ checkpoint: Checkpoint
  ) throws(QueryError) {
    self.batch = batch
    self.checkpoint = checkpoint
    var keys: [WindowKey] = []
    for (place, collation) in call.partition {
      keys.append(try WindowKey(batch, place, collation, checkpoint))
    }
    let partitionCount = keys.count
    for term in call.ordering {
      keys.append(
        try WindowKey(
          batch, term.place, term.collation, isDescending: term.isDescending, nullsFirst: term.nullsFirst,
          checkpoint))
    }
    if !keys.isEmpty {
      var positions = try [UInt32](order.count, checkpoint) { _ in 0 }
      for (position, row) in order.enumerated() {
        try checkpoint.check(position)
        positions[Int(row)] = UInt32(position)
      }
      try order.sort(checkpoint) { a, b in
        for key in keys { if let answer = key.isBefore(Int(a), Int(b)) { return answer } }
        return positions[Int(a)] < positions[Int(b)]
      }
    }
    self.order = order
    for place in order.indices {
      try checkpoint.check(place)
      let (row, before) = (Int(order[place]), place > 0 ? Int(order[place - 1]) : 0)
      let isNewPartition = place == 0 || keys[..<partitionCount].contains { $0.compare(row, before) != 0 }
      if isNewPartition { partitions.append(place) }
      if isNewPartition || keys[partitionCount...].contains(where: { $0.compare(row, before) != 0 }) {
        peers.append(place)
      }
    }
    partitions.append(order.count)
    peers.append(order.count)
  }

  /// Calls for each row in order: with its place, its partition, and the end of its frame.
  private func forEach(
    _ frame: WindowPlan.Frame,
    _ body: (_ place: Int, _ partition: Range<Int>, _ peers: Range<Int>, _ end: Int) throws(QueryError) ->
      Void
  ) throws(QueryError) {
    var group = 0
    for number in 0..<partitions.count - 1 {
      let partition = partitions[number]..<partitions[number + 1]
      for place in partition {
        try checkpoint.check(place)
        while peers[group + 1] <= place { group += 1 }
        let rows = peers[group]..<peers[group + 1]
        let end =
          switch frame {
          case .peers: rows.upperBound
          case .rows: place + 1
          case .whole: partition.upperBound
          }
        try body(place, partition, rows, end)
      }
    }
  }

  /// A function's values, by the numbers of the rows.
  func values(of call: WindowPlan.Call) throws(QueryError) -> Column {
    let n = order.count
    switch call.function {
    case "row_number", "rank", "dense_rank", "ntile":
      var values = [Int64](repeating: 0, count: n)
      var dense = 0
      try forEach(call.frame) { place, partition, peers, _ throws(QueryError) in
        if place == partition.lowerBound { dense = 0 }
        if place == peers.lowerBound { dense += 1 }
        let value: Int
        switch call.function {
        case "row_number": value = place - partition.lowerBound + 1
        case "rank": value = peers.lowerBound - partition.lowerBound + 1
        case "dense_rank": value = dense
        default: value = SortedWindow.tile(place - partition.lowerBound, of: partition.count, call.number)
        }
        values[Int(order[place])] = Int64(value)
      }
      return try column(.int64, n, checkpoint) { values[$0] }
    case "percent_rank", "cume_dist":
      var values = [Double](repeating: 0, count: n)
      try forEach(call.frame) { place, partition, peers, _ throws(QueryError) in
        let value: Double
        if call.function == "cume_dist" {
          value = Double(peers.upperBound - partition.lowerBound) / Double(partition.count)
        } else {
          value =
            partition.count > 1
            ? Double(peers.lowerBound - partition.lowerBound) / Double(partition.count - 1) : 0
        }
        values[Int(order[place])] = value
      }
      return try column(.float64, n, checkpoint) { values[$0] }
    case "lag", "lead", "first_value", "last_value", "nth_value":
      var rows = [UInt32](repeating: .max, count: n)
      try forEach(call.frame) { place, partition, _, end throws(QueryError) in
        let source: Int
        switch call.function {
        case "lag": source = place - call.number
        case "lead": source = call.number < n ? place + call.number : n
        case "first_value": source = partition.lowerBound
        case "last_value": source = end - 1
        default:
          source = call.number <= end - partition.lowerBound ? partition.lowerBound + call.number - 1 : n
        }
        if partition.contains(source) { rows[Int(order[place])] = order[source] }
      }
      return try gathered(call.arguments[0], rows)
    case "min", "max": return try extremes(call)
    default: return try sums(call)
    }
  }

  private static func tile(_ row: Int, of count: Int, _ tiles: Int) -> Int {
    let size = count / tiles
    if size == 0 { return row + 1 }
    let large = count - tiles * size
    let small = large * (size + 1)
    return row < small ? 1 + row / (size + 1) : 1 + large + (row - small) / size
  }

  /// Values of an argument in other rows; NULL for `.max`.
  private func gathered(_ place: Int, _ rows: [UInt32]) throws(QueryError) -> Column {
    let source = batch.columns[place]
    let builder = source.type.makeBuilder()
    for (turn, row) in rows.enumerated() {
      try checkpoint.check(turn)
      if row == .max {
        builder.appendNull()
      } else {
        try data { () throws(DataError) in try builder.append(source, rows: Int(row)..<Int(row) + 1) }
      }
    }
    return builder.finish()
  }

  /// Which rows an aggregate takes: those that its filter lets through, and whose argument is not NULL.
  private func counted(_ call: WindowPlan.Call) throws(QueryError) -> [Bool] {
    var counted = [Bool](repeating: true, count: order.count)
    let (truth, validity) = try compiling { () throws(NotMine) in
      let compiler = Compiler(
        InputShape(types: batch.schema.fields.map(\.type), names: .sources([0])), Givens())
      return (
        try call.filter.map { place throws(NotMine) in TruthPredicate(try compiler.column(place)) },
        try call.arguments.first.map { place throws(NotMine) in
          NullPredicate(try compiler.column(place), negated: true)
        }
      )
    }
    let frame = Frame()
    for block in Block.blocks(of: batch) {
      try checkpoint.check()
      frame.enter(block)
      for start in stride(from: block.rows.lowerBound, to: block.rows.upperBound, by: vectorSize) {
        frame.select(start..<min(start + vectorSize, block.rows.upperBound))
        for predicate in [truth as Predicate?, validity] {
          guard let truth = try predicate?.test(frame) else { continue }
          for i in 0..<frame.count where truth[i] != 2 { counted[start + i] = false }
        }
      }
    }
    return counted
  }

  private func extremes(_ call: WindowPlan.Call) throws(QueryError) -> Column {
    let counted = try counted(call)
    let key = try WindowKey(batch, call.arguments[0], call.collation, checkpoint)
    var rows = [UInt32](repeating: .max, count: order.count)
    var (next, best) = (0, UInt32.max)
    try forEach(call.frame) { place, partition, _, end throws(QueryError) in
      if place == partition.lowerBound { (next, best) = (place, .max) }
      while next < end {
        let row = order[next]
        next += 1
        guard counted[Int(row)] else { continue }
        if best != .max {
          let order = key.compare(Int(row), Int(best))
          if call.function == "min" ? order >= 0 : order <= 0 { continue }
        }
        best = row
      }
      rows[Int(order[place])] = best
    }
    return try gathered(call.arguments[0], rows)
  }

  /// count, sum, total and avg, added up in the order of the rows as SQLite does.
  private func sums(_ call: WindowPlan.Call) throws(QueryError) -> Column {
    let counted = try counted(call)
    let n = order.count
    var integers = [Int64](repeating: 0, count: n)
    var reals = [Double](repeating: 0, count: n)
    var valid = [Bool](repeating: true, count: n)
    var source: UnsafeRawPointer?
    var isReal = false
    if call.function != "count", case .fixed(let buffer) = batch.columns[call.arguments[0]].layout {
      source = buffer.base
      isReal = batch.columns[call.arguments[0]].type == .float64
    }
    var next = 0
    var count: Int64 = 0
    var whole: Int64 = 0
    var real = 0.0
    try forEach(call.frame) { place, partition, _, end throws(QueryError) in
      if place == partition.lowerBound { (next, count, whole, real) = (place, 0, 0, 0) }
      while next < end {
        let row = Int(order[next])
        next += 1
        guard counted[row] else { continue }
        count += 1
        guard let source else { continue }
        if isReal {
          real += load(source, row, as: Double.self)
          continue
        }
        let value = load(source, row, as: Int64.self)
        real += Double(value)
        let (sum, overflow) = whole.addingReportingOverflow(value)
        if overflow, call.function == "sum" { throw .overflow() }
        whole = sum
      }
      let row = Int(order[place])
      switch call.function {
      case "count": integers[row] = count
      case "avg": (reals[row], valid[row]) = (real / Double(count), count > 0)
      case "total": reals[row] = real
      default: (integers[row], reals[row], valid[row]) = (whole, real, count > 0)
      }
    }
    if call.function == "count" || call.function == "sum" && !isReal {
      return try column(.int64, n, checkpoint) { valid[$0] ? integers[$0] : nil }
    }
    // Infinities of both signs make NaN, which is NULL.
    return try column(.float64, n, checkpoint) { valid[$0] && reals[$0] == reals[$0] ? reals[$0] : nil }
  }
}
