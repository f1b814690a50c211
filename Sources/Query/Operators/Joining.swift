// Joins by hash: the right side in a table, the left side looked up in it.

import Arrow
import Kernels
import Memory
import SQL

extension Execution {
  /// All sources joined, as one batch whose columns are those of the shape. The conditions that were used up are removed.
  func joined(
    _ plan: JoinPlan, _ shape: InputShape, _ conditions: inout [BoundExpression], _ givens: Givens
  ) throws(QueryError) -> RecordBatch {
    var left: RecordBatch?
    for (number, step) in plan.steps.enumerated() {
      let isNullable = step.isLeft
      // Conditions on this source alone, which can be asked of it before it is joined.
      let own = { (expression: BoundExpression) in
        let places = shape.places(in: expression)
        return !places.isEmpty && places.allSatisfy { step.columns.contains($0) }
      }
      var filters = isNullable ? step.condition.filter(own) : conditions.filter(own)
      if !isNullable { conditions.removeAll(where: own) }
      if number == 0 { filters += step.condition }
      let right = try gathered(step, plan, shape, filters, givens)
      guard let before = left else {
        left = right
        continue
      }
      let reach = 0..<step.columns.upperBound
      let here = { (expression: BoundExpression) in
        shape.places(in: expression).allSatisfy { reach.contains($0) }
      }
      let matching = isNullable ? step.condition.filter { !own($0) } : conditions.filter(here)
      if !isNullable { conditions.removeAll(where: here) }
      left = try join(before, right, step, shape, matching, givens)
    }
    return left!
  }

  /// A source's rows that satisfy conditions on it, with the columns that are needed; the columns of the others are empty.
  private func gathered(
    _ step: JoinPlan.Step, _ plan: JoinPlan, _ shape: InputShape, _ filters: [BoundExpression],
    _ givens: Givens
  ) throws(QueryError) -> RecordBatch {
    // The source by itself: its columns are where they are in the whole.
    var blocks = try self.blocks(step.source).map { $0.placed(at: step.columns.lowerBound) }
    blocks = try surviving(blocks, filters, shape, givens)
    let needed = step.columns.filter { plan.needed.contains($0) }
    let schema = Schema(needed.map { Field("\($0)", plan.types[$0]) })
    let rows = RowPlan(
      schema: schema, expressions: nil, columns: needed, ordering: [], limit: .max, offset: 0)
    let source = ScanSource(blocks, RowProgram(filters, shape, rows, givens), rows, options)
    var batches: [RecordBatch] = []
    var bytes = 0
    while let batch = try source.next() {
      bytes += batch.columns.reduce(0) { $0 + $1.byteCount }
      if bytes > options.memoryLimit {
        throw QueryError(.leftToSQLite, "the rows of a join do not fit into the memory limit")
      }
      batches.append(batch)
    }
    let all =
      batches.isEmpty
      ? try data { () throws(DataError) in try RecordBatch.empty(schema) }
      : try RecordBatch.concatenating(batches, morsels.checkpoint)
    return try wide(shape.types, all.count) { place in
      needed.firstIndex(of: place).map { all.columns[$0] }
    }
  }

  /// A batch of all columns: those that are not there are columns of nothing.
  private func wide(_ types: [DataType], _ count: Int, _ column: (Int) -> Column?) throws(QueryError)
    -> RecordBatch
  {
    let nothing = try data { () throws(DataError) in try Column(type: .null, count: count, layout: .null) }
    let columns = types.indices.map { column($0) ?? nothing }
    return try data { () throws(DataError) in
      try RecordBatch(schema: Schema(columns.map { Field("", $0.type) }), columns: columns, count: count)
    }
  }

  private func join(
    _ left: RecordBatch, _ right: RecordBatch, _ step: JoinPlan.Step, _ shape: InputShape,
    _ conditions: [BoundExpression], _ givens: Givens
  ) throws(QueryError) -> RecordBatch {
    var keys: [(left: BoundExpression, right: BoundExpression)] = []
    var residual: [BoundExpression] = []
    for condition in conditions {
      if let key = equality(condition, step, shape, givens) {
        keys.append(key)
      } else {
        residual.append(condition)
      }
    }
    let index = try JoinIndex(right, keys.map(\.right), shape, givens, morsels.checkpoint)
    let blocks = Block.blocks(of: left)
    let outer = step.isLeft
    // What is beyond is SQLite's, which needs no memory for it; and what is within is soon done or cancelled.
    let pairLimit = min(options.memoryLimit / 16, 1 << 25)
    let results = PairResults(blocks.count)
    let leftKeys = keys.map(\.left)
    let rest = residual
    _ = try morsels.run(blocks.count) { () throws(QueryError) in
      try JoinProbe(index, leftKeys, shape, givens)
    } _: { probe, number throws(QueryError) in
      var pairs = try probe.pairs(
        blocks[number], limit: pairLimit, keepsUnmatched: outer && rest.isEmpty, morsels)
      if !rest.isEmpty {
        try filter(&pairs, left, right, shape, rest, givens)
        if outer { pairs.addUnmatched(blocks[number].rows, nullRow: right.count) }
      }
      results.set(number, pairs)
    }
    var all = Pairs()
    for pairs in results.all {
      try morsels.check()
      all.left += pairs.left
      all.right += pairs.right
      if all.left.count > pairLimit { throw JoinProbe.tooMany(pairLimit) }
    }
    return try combined(left, right, all, shape)
  }

  /// The two sides of an equality that values can be looked up by.
  private func equality(
    _ condition: BoundExpression, _ step: JoinPlan.Step, _ shape: InputShape, _ givens: Givens
  ) -> (left: BoundExpression, right: BoundExpression)? {
    guard case .compare(.equal, let a, let b, let how) = condition.node, how.collation == .binary else {
      return nil
    }
    let (x, y) = (shape.places(in: a), shape.places(in: b))
    guard !x.isEmpty, !y.isEmpty else { return nil }
    let isRight = { (places: Set<Int>) in places.allSatisfy { step.columns.contains($0) } }
    let isLeft = { (places: Set<Int>) in places.allSatisfy { $0 < step.columns.lowerBound } }
    let compiler = Compiler(shape, givens)
    guard let kind = (try? compiler.node(a))?.kind, kind == (try? compiler.node(b))?.kind, kind != .null
    else {
      return nil
    }
    // Texts under a numeric affinity would be compared as numbers.
    if how.affinity == .numeric, !kind.isInteger, kind != .real { return nil }
    if how.affinity == .text, kind.isNumeric { return nil }
    if isLeft(x), isRight(y) { return (a, b) }
    if isLeft(y), isRight(x) { return (b, a) }
    return nil
  }

  /// Keeps the pairs that satisfy conditions on both sides.
  private func filter(
    _ pairs: inout Pairs, _ left: RecordBatch, _ right: RecordBatch, _ shape: InputShape,
    _ conditions: [BoundExpression], _ givens: Givens
  ) throws(QueryError) {
    var kept = Pairs()
    let compiler = Compiler(shape, givens)
    let rows = RowPlan(schema: Schema([]), expressions: [], ordering: [], limit: .max, offset: 0)
    let predicates = try RowProgram(conditions, shape, rows, givens).predicates(compiler)
    let used = conditions.reduce(into: Set<Int>()) { $0.formUnion(shape.places(in: $1)) }
    let frame = Frame()
    var start = 0
    while start < pairs.left.count {
      try morsels.check()
      let end = min(start + vectorSize, pairs.left.count)
      let part = Pairs(left: Array(pairs.left[start..<end]), right: Array(pairs.right[start..<end]))
      let batch = try combined(left, right, part, shape, only: used)
      frame.enter(Block(origin: .batch(batch), rows: 0..<batch.count, tombstones: nil))
      frame.select(0..<batch.count)
      for predicate in predicates where frame.count > 0 { frame.keep(try predicate.test(frame)) }
      for i in 0..<frame.count {
        kept.left.append(part.left[frame.row(i)])
        kept.right.append(part.right[frame.row(i)])
      }
      start = end
    }
    pairs = kept
  }

  /// The rows that pairs stand for. Row `right.count` of the right side is NULL in all columns.
  private func combined(
    _ left: RecordBatch, _ right: RecordBatch, _ pairs: Pairs, _ shape: InputShape, only: Set<Int>? = nil
  ) throws(QueryError) -> RecordBatch {
    func isThere(_ batch: RecordBatch, _ place: Int) -> Bool {
      batch.columns[place].type != .null && only?.contains(place) ?? true
    }
    let lefts = shape.types.indices.filter { isThere(left, $0) }
    let rights = shape.types.indices.filter { isThere(right, $0) }
    let hasNulls = pairs.right.contains(UInt32(right.count))
    let checkpoint = morsels.checkpoint
    let taken = try left.narrowed(lefts).taking(pairs.left, checkpoint)
    try morsels.check()
    let other = try right.narrowed(rights, withNullRow: hasNulls).taking(pairs.right, checkpoint)
    return try wide(shape.types, pairs.left.count) { place in
      if let i = lefts.firstIndex(of: place) { return taken.columns[i] }
      return rights.firstIndex(of: place).map { other.columns[$0] }
    }
  }
}

/// Rows of both sides that belong together.
struct Pairs: Sendable {
  var left: [UInt32] = []
  var right: [UInt32] = []

  /// Adds the rows of the left that are in no pair. Pairs are by ascending rows of the left.
  mutating func addUnmatched(_ rows: Range<Int>, nullRow: Int) {
    var all = Pairs()
    var place = 0
    for row in rows {
      let start = place
      while place < left.count, Int(left[place]) == row {
        all.left.append(left[place])
        all.right.append(right[place])
        place += 1
      }
      if place == start {
        all.left.append(UInt32(row))
        all.right.append(UInt32(nullRow))
      }
    }
    self = all
  }
}

/// Pairs of each block, in order.
private final class PairResults: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): the list is only touched under the lock.
  private let lock = Lock()
  private var results: [Pairs]

  init(_ count: Int) { results = [Pairs](repeating: Pairs(), count: count) }

  func set(_ index: Int, _ pairs: Pairs) { lock.withLock { results[index] = pairs } }

  var all: [Pairs] { results }
}

/// The right side's rows by their keys.
final class JoinIndex: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): written by `init` only; probing does not change it.
  let table: GroupTable?
  let rowCount: Int
  /// The rows of group `g` are `rows[starts[g] ..< starts[g + 1]]`.
  private(set) var starts: [Int] = [0]
  private(set) var rows: [UInt32] = []

  /// Without keys every row is a partner of every other.
  init(
    _ right: RecordBatch, _ keys: [BoundExpression], _ shape: InputShape, _ givens: Givens,
    _ checkpoint: Checkpoint
  ) throws(QueryError) {
    rowCount = right.count
    guard !keys.isEmpty else {
      table = nil
      return
    }
    let compiler = Compiler(shape, givens)
    let nodes = try compiling { () throws(NotMine) in
      var nodes: [Node] = []
      for key in keys { nodes.append(try compiler.node(key)) }
      return nodes
    }
    let table = GroupTable(nodes)
    table.checkpoint = checkpoint
    self.table = table
    var groups: [UInt32] = []
    groups.reserveCapacity(right.count)
    let frame = Frame()
    frame.enter(Block(origin: .batch(right), rows: 0..<right.count, tombstones: nil))
    for start in stride(from: 0, to: right.count, by: vectorSize) {
      if start & 0x3FFF == 0 { try checkpoint.check() }
      frame.select(start..<min(start + vectorSize, right.count))
      let assigned = try table.assign(frame, position: 0)
      groups.append(contentsOf: UnsafeBufferPointer(start: assigned, count: frame.count))
    }
    var counts = [Int](repeating: 0, count: table.count + 1)
    for (turn, group) in groups.enumerated() {
      try checkpoint.check(turn)
      counts[Int(group) + 1] += 1
    }
    for group in 0..<table.count { counts[group + 1] += counts[group] }
    starts = counts
    rows = [UInt32](repeating: 0, count: right.count)
    for (row, group) in groups.enumerated() {
      try checkpoint.check(row)
      rows[counts[Int(group)]] = UInt32(row)
      counts[Int(group)] += 1
    }
  }
}

/// One thread's look-ups.
final class JoinProbe: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): used by one thread at a time, as `Morsels` hands it out.
  private let index: JoinIndex
  private let nodes: [Node]
  private let frame = Frame()
  private var found = [UInt32](repeating: 0, count: vectorSize)

  init(_ index: JoinIndex, _ keys: [BoundExpression], _ shape: InputShape, _ givens: Givens)
    throws(QueryError)
  {
    self.index = index
    let compiler = Compiler(shape, givens)
    nodes = try compiling { () throws(NotMine) in
      var nodes: [Node] = []
      for key in keys { nodes.append(try compiler.node(key)) }
      return nodes
    }
  }

  /// SQLite needs no memory for the rows of a join.
  static func tooMany(_ limit: Int) -> QueryError {
    QueryError(.leftToSQLite, "a join makes more than \(limit) rows, which do not fit into the memory limit")
  }

  func pairs(
    _ block: Block, limit: Int, keepsUnmatched: Bool, _ morsels: Morsels
  ) throws(QueryError) -> Pairs {
    var pairs = Pairs()
    frame.enter(block)
    for start in stride(from: block.rows.lowerBound, to: block.rows.upperBound, by: vectorSize) {
      frame.select(start..<min(start + vectorSize, block.rows.upperBound))
      try morsels.check()
      if let table = index.table { try table.probe(nodes, frame, &found) }
      for i in 0..<frame.count {
        let row = UInt32(frame.row(i))
        if index.table == nil {
          // One row makes as many pairs as the other side has.
          if index.rowCount > vectorSize { try morsels.check() }
          for other in 0..<index.rowCount {
            if other & 0x1FFFF == 0x1FFFF { try morsels.check() }
            pairs.left.append(row)
            pairs.right.append(UInt32(other))
          }
          if index.rowCount == 0, keepsUnmatched {
            pairs.left.append(row)
            pairs.right.append(0)
          }
        } else if found[i] != .max {
          let group = Int(found[i])
          for place in index.starts[group]..<index.starts[group + 1] {
            pairs.left.append(row)
            pairs.right.append(index.rows[place])
          }
        } else if keepsUnmatched {
          pairs.left.append(row)
          pairs.right.append(UInt32(index.rowCount))
        }
        if pairs.left.count > limit {
          throw JoinProbe.tooMany(limit)
        }
      }
    }
    return pairs
  }
}

extension GroupTable {
  /// The group of each row's key; `.max` where there is none, or a NULL in the key.
  func probe(_ nodes: [Node], _ frame: Frame, _ found: inout [UInt32]) throws(QueryError) {
    let n = frame.count
    var words = [UInt64](repeating: 0, count: nodes.count * n)
    var misses = [UInt8](repeating: 0, count: n)
    for (column, node) in nodes.enumerated() {
      let vector = try node.evaluate(frame)
      for i in 0..<n {
        guard vector.isValid(i) else {
          misses[i] = 1
          continue
        }
        let word: UInt64
        switch node.kind {
        case .real: word = (vector.reals[i] + 0).bitPattern
        case .text, .blob:
          guard let number = texts[column]!.find(vector.slices[i]) else {
            misses[i] = 1
            continue
          }
          word = UInt64(number)
        default: word = UInt64(bitPattern: vector.integers[i])
        }
        words[i &* nodes.count &+ column] = word
      }
    }
    words.withUnsafeBufferPointer { words in
      for i in 0..<n { found[i] = misses[i] != 0 ? .max : lookUp(words.baseAddress! + i &* nodes.count) }
    }
  }
}

extension RecordBatch {
  static func empty(_ schema: Schema) throws(DataError) -> RecordBatch {
    try RecordBatch(schema: schema, columns: schema.fields.map { $0.type.makeBuilder().finish() }, count: 0)
  }

  /// Some of the columns; with a row of NULLs at the end if that is wanted.
  func narrowed(_ places: [Int], withNullRow: Bool = false) throws(QueryError) -> RecordBatch {
    try data { () throws(DataError) in
      var columns = places.map { self.columns[$0] }
      if withNullRow {
        for i in columns.indices {
          let builder = columns[i].type.makeBuilder()
          try columns[i].check(.access)
          try builder.append(columns[i])
          builder.appendNull()
          columns[i] = builder.finish()
        }
      }
      return try RecordBatch(
        schema: Schema(columns.map { Field("", $0.type) }), columns: columns,
        count: count + (withNullRow ? 1 : 0))
    }
  }
}
