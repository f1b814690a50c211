// One thread's lookups in one built side.

import Arrow
import Memory
import SQL

/// Takes the rows of a frame to those of another, or keeps some of them.
final class StageWork {
  let input: Frame
  /// The same as `input` where rows are only kept or dropped.
  let output: Frame
  let outputCompiler: Compiler
  var after: [Predicate] = []
  /// The frames here that have rows of the driver.
  private(set) var driverFrames: [Frame] = []

  private let stage: JoinStage
  private let morsels: Morsels
  private let nodes: [Node]
  /// Pairs of a row and what was found for it, as a frame of their own where they are not what comes out.
  private let pairs: Frame?
  private let residual: [Predicate]
  private let membership: Predicate?
  private let marks: Frame?
  // SAFETY: room for the rows of one vector each.
  private let found = UnsafeMutablePointer<UInt32>.allocate(capacity: vectorSize + 1)
  private let positions = UnsafeMutablePointer<UInt32>.allocate(capacity: vectorSize + 1)
  private let rows = UnsafeMutablePointer<UInt32>.allocate(capacity: vectorSize + 1)
  private let best = UnsafeMutablePointer<UInt8>.allocate(capacity: vectorSize + 8)
  private let truth = UnsafeMutablePointer<UInt8>.allocate(capacity: vectorSize + 8)
  private var count = 0

  init(
    _ stage: JoinStage, _ input: Frame, _ compiler: Compiler, _ shape: InputShape, _ givens: Givens,
    _ morsels: Morsels
  ) throws(QueryError) {
    self.stage = stage
    self.input = input
    self.morsels = morsels
    nodes = try compiling { () throws(NotMine) in
      var nodes: [Node] = []
      for key in stage.keys { nodes.append(try compiler.node(key)) }
      return nodes
    }
    var drivers: [Frame] = []
    /// The rows of the input with those of a block.
    func wider(_ block: Block, _ places: [Int]) -> Frame {
      let olds = input.parts.isEmpty ? [input] : input.parts
      let parts = olds.map { old in
        let part = Frame()
        // The driver's own block changes; those of built sides do not.
        if let block = old.block, !input.parts.isEmpty, old !== olds[0] { part.enter(block) }
        return part
      }
      drivers.append(parts[0])
      let added = Frame()
      added.enter(block)
      var partOfColumn =
        input.parts.isEmpty
        ? [Int](repeating: 0, count: shape.types.count) : shape.types.indices.map { input.partNumber($0) }
      for place in places { partOfColumn[place] = parts.count }
      let frame = Frame()
      frame.join(parts + [added], partOfColumn: partOfColumn)
      return frame
    }
    let needsPairs = !stage.residual.isEmpty || stage.membership != nil
    var output = input
    var outputCompiler = compiler
    var pairs: Frame?
    var marks: Frame?
    if stage.addsColumns {
      output = wider(stage.build, stage.places)
      outputCompiler = Compiler(shape, givens)
    } else if needsPairs {
      pairs = wider(stage.build, stage.places)
    }
    if let mark = stage.mark {
      output = wider(try StageWork.marks(mark, shape.types.count), [mark])
      marks = output.parts.last!
      outputCompiler = Compiler(shape, givens)
    }
    let pairCompiler = pairs == nil ? outputCompiler : Compiler(shape, givens)
    residual = try pairCompiler.predicates(stage.residual)
    membership = try stage.membership.map { expression throws(QueryError) in
      try pairCompiler.predicates([expression])[0]
    }
    self.output = output
    self.outputCompiler = outputCompiler
    self.pairs = pairs
    self.marks = marks
    driverFrames = drivers
  }

  deinit {
    found.deallocate()
    positions.deallocate()
    rows.deallocate()
    best.deallocate()
    truth.deallocate()
  }

  /// A block whose rows are 0, NULL and 1.
  private static func marks(_ place: Int, _ width: Int) throws(QueryError) -> Block {
    let builder = FixedBuilder<Int64>(type: .int64)
    builder.append(0)
    builder.appendNull()
    builder.append(1)
    let batch = try data { () throws(DataError) in
      try RecordBatch(schema: Schema([Field("mark", .int64)]), columns: [builder.finish()], count: 3)
    }
    var map = [Int](repeating: 0, count: width)
    map[place] = 0
    return Block(origin: .batch(batch), rows: 0..<3, tombstones: nil).mapped(map)
  }

  /// Calls `then` whenever rows are selected in the output.
  func run(_ then: () throws(QueryError) -> Void) throws(QueryError) {
    try morsels.check()
    try stage.index.probe(nodes, input, found)
    switch stage.kind {
    case .inner:
      if stage.index.isUnique {
        try emitUnique(then)
      } else {
        try forEachPair { () throws(QueryError) in
          emit()
          try keepResidual(output)
          if output.count > 0 { try then() }
        }
      }
    case .left: try emitAll(onlyFirst: false, then)
    case .lookup(.first): try emitAll(onlyFirst: true, then)
    case .lookup(.present):
      try findBest()
      input.keep(UnsafePointer(best))
      try then()
    case .lookup(.absent):
      try findBest()
      for i in 0..<input.count { best[i] = best[i] == 0 ? 2 : 0 }
      input.keep(UnsafePointer(best))
      try then()
    case .lookup(.mark):
      try findBest()
      let n = input.count
      for i in 0..<n { rows[i] = UInt32(best[i]) }
      selectAll(in: output)
      marks!.select(UnsafePointer(rows), count: n)
      output.selectJoined(n)
      try then()
    }
  }

  // MARK: Pairs

  /// Fills `positions` and `rows` with pairs, and calls `flush` for each vector of them.
  private func forEachPair(_ flush: () throws(QueryError) -> Void) throws(QueryError) {
    count = 0
    for i in 0..<input.count {
      try stage.index.forEachRow(found[i]) { row throws(QueryError) in
        positions[count] = UInt32(truncatingIfNeeded: i)
        rows[count] = row
        count &+= 1
        if count == vectorSize {
          try morsels.check()
          try flush()
          count = 0
        }
      }
    }
    if count > 0 { try flush() }
    count = 0
  }

  /// Selects the pairs in a frame that has the built rows.
  private func select(in frame: Frame) {
    let olds = input.parts
    if olds.isEmpty {
      frame.parts[0].select(of: input, at: UnsafePointer(positions), count: count)
    } else {
      for (old, part) in zip(olds, frame.parts) {
        part.select(of: old, at: UnsafePointer(positions), count: count)
      }
    }
    frame.parts.last!.select(UnsafePointer(rows), count: count)
    frame.selectJoined(count)
  }

  private func emit() { select(in: output) }

  /// Selects all rows of the input, without those of the built side.
  private func selectAll(in frame: Frame) {
    let olds = input.parts
    if olds.isEmpty {
      frame.parts[0].select(as: input)
    } else {
      for (old, part) in zip(olds, frame.parts) { part.select(as: old) }
    }
  }

  private func keepResidual(_ frame: Frame) throws(QueryError) {
    for predicate in residual where frame.count > 0 { frame.keep(try predicate.test(frame)) }
  }

  /// At most one row for each: without a loop in the loop.
  private func emitUnique(_ then: () throws(QueryError) -> Void) throws(QueryError) {
    let n = input.count
    var kept = 0
    for i in 0..<n {
      positions[kept] = UInt32(truncatingIfNeeded: i)
      rows[kept] = found[i]
      kept &+= found[i] == .max ? 0 : 1
    }
    if kept == 0 { return }
    count = kept
    if kept == n {
      selectAll(in: output)
      output.parts.last!.select(UnsafePointer(rows), count: n)
      output.selectJoined(n)
    } else {
      emit()
    }
    try keepResidual(output)
    if output.count > 0 { try then() }
  }

  /// Every row, with its partners or the first of them, or else with NULLs.
  private func emitAll(onlyFirst: Bool, _ then: () throws(QueryError) -> Void) throws(QueryError) {
    let n = input.count
    let nullRow = UInt32(stage.index.rowCount)
    if stage.index.isUnique, residual.isEmpty {
      for i in 0..<n { rows[i] = found[i] == .max ? nullRow : found[i] }
      selectAll(in: output)
      output.parts.last!.select(UnsafePointer(rows), count: n)
      output.selectJoined(n)
      return try then()
    }
    best.update(repeating: 0, count: n)
    try forEachPair { () throws(QueryError) in
      emit()
      // What a pair has to satisfy is asked of all of them before any is dropped, so that it is known whose they are.
      try testResidual(output)
      for i in 0..<count where truth[i] == 2 {
        let position = Int(positions[i])
        if onlyFirst, best[position] != 0 { truth[i] = 0 }
        best[position] = 2
      }
      output.keep(UnsafePointer(truth))
      if output.count > 0 { try then() }
    }
    count = 0
    for i in 0..<n where best[i] == 0 {
      positions[count] = UInt32(truncatingIfNeeded: i)
      rows[count] = nullRow
      count &+= 1
    }
    if count > 0 {
      emit()
      count = 0
      try then()
    }
  }

  /// The truth of all residual conditions for the pairs of a frame: 2 where all are true, else 0.
  private func testResidual(_ frame: Frame) throws(QueryError) {
    truth.update(repeating: 2, count: count)
    for predicate in residual {
      let answer = try predicate.test(frame)
      for i in 0..<count { truth[i] = answer[i] == 2 ? truth[i] : 0 }
    }
  }

  /// For each row the OR of what is asked of its pairs.
  private func findBest() throws(QueryError) {
    let n = input.count
    guard let pairs else {
      for i in 0..<n { best[i] = found[i] == .max ? 0 : 2 }
      return
    }
    best.update(repeating: 0, count: n)
    try forEachPair { () throws(QueryError) in
      select(in: pairs)
      try testResidual(pairs)
      if let membership {
        let answer = try membership.test(pairs)
        for i in 0..<count { truth[i] = min(truth[i], answer[i]) }
      }
      for i in 0..<count {
        let position = Int(positions[i])
        best[position] = max(best[position], truth[i])
      }
    }
  }
}
