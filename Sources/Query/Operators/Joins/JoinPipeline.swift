// How rows of one input become rows of a join: they go through one lookup after the other, a vector at a time.

import Arrow
import Memory
import SQL

/// Something that is built and that rows are looked up in.
struct JoinStage: Sendable {
  var kind: JoinPlan.Step.Kind
  var index: JoinIndex
  /// The keys of the rows that are looked up, as many as the index uses.
  var keys: [BoundExpression]
  /// What else a pair must satisfy.
  var residual: [BoundExpression] = []
  var membership: BoundExpression?
  /// The rows that are found: behind those of the index stands one of NULLs, where it is asked for.
  var build: Block
  /// The columns that the built rows have.
  var places: [Int]
  /// The column that tells whether there is a partner.
  var mark: Int?
  /// What the rows must satisfy from here on.
  var after: [BoundExpression] = []

  /// Whether the rows that come out have the built columns.
  var addsColumns: Bool {
    switch kind {
    case .inner, .left, .lookup(.first): true
    case .lookup(.mark): false
    case .lookup(.present), .lookup(.absent): false
    }
  }
}

/// What is left to do once all sides but one are built.
struct JoinPipeline: Sendable {
  var driver: [Block]
  /// What the driver's rows must satisfy.
  var filters: [BoundExpression] = []
  var stages: [JoinStage] = []
  var givens: Givens
  /// About how many rows come out.
  var rows: Double
  /// What is known of their columns.
  var dependencies = Dependencies()

  /// Blocks of the driver, small enough for all threads to have some.
  var morsels: [Block] {
    driver.count >= 16 ? driver : driver.flatMap { $0.pieces(of: 16_384) }
  }

  /// Runs all rows through; every thread has a sink of its own.
  func run<S: Sink & Sendable>(
    _ execution: Execution, _ shape: InputShape, _ givens: Givens,
    make: @Sendable (Compiler) throws(QueryError) -> S,
    then: @Sendable (S, Int) throws(QueryError) -> Void = { (_, _) throws(QueryError) in }
  ) throws(QueryError) -> [S] {
    let blocks = morsels
    let workers = try execution.morsels.run(blocks.count) { () throws(QueryError) in
      try JoinWorker<S>(self, shape, givens, execution.morsels, make: make)
    } _: { worker, number throws(QueryError) in
      try worker.process(blocks[number], number)
      execution.options.progress?.pass(blocks[number].segmentRows)
      try then(worker.sink, number)
    }
    return workers.map(\.sink)
  }
}

extension Block {
  /// The same rows in smaller blocks.
  func pieces(of limit: Int) -> [Block] {
    guard rows.count > limit, tombstones == nil, case .batch = origin else { return [self] }
    return stride(from: rows.lowerBound, to: rows.upperBound, by: limit).map {
      narrowed(to: $0..<min($0 + limit, rows.upperBound))
    }
  }
}

/// One thread's run through a pipeline.
final class JoinWorker<S: Sink & Sendable>: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): used by one thread at a time, as `Morsels` hands it out.
  let sink: S
  private let driver = Frame()
  private let filter: Filter
  private let stages: [StageWork]
  /// All frames that have rows of the driver.
  private let drivers: [Frame]
  private let output: Frame

  init(
    _ pipeline: JoinPipeline, _ shape: InputShape, _ givens: Givens, _ morsels: Morsels,
    make: (Compiler) throws(QueryError) -> S
  ) throws(QueryError) {
    var compiler = Compiler(shape, givens)
    filter = Filter(try compiler.predicates(pipeline.filters))
    var frame = driver
    var stages: [StageWork] = []
    var drivers = [driver]
    for stage in pipeline.stages {
      let work = try StageWork(stage, frame, compiler, shape, givens, morsels)
      drivers += work.driverFrames
      stages.append(work)
      frame = work.output
      compiler = work.outputCompiler
      work.after = try compiler.predicates(stage.after)
    }
    self.stages = stages
    self.drivers = drivers
    output = frame
    sink = try make(compiler)
  }

  func process(_ block: Block, _ number: Int) throws(QueryError) {
    for frame in drivers { frame.enter(block) }
    for stage in stages { stage.output.enterJoined() }
    sink.begin(number)
    var start = block.rows.lowerBound
    while start < block.rows.upperBound {
      let end = min(start + vectorSize, block.rows.upperBound)
      driver.select(start..<end)
      start = end
      try filter.apply(driver)
      try advance(0)
    }
    try block.checkUnchanged()
  }

  /// Takes the rows that a stage's input has selected through it and those behind it.
  private func advance(_ number: Int) throws(QueryError) {
    guard number < stages.count else {
      if output.count > 0 { try sink.consume(output) }
      return
    }
    let stage = stages[number]
    if stage.input.count == 0 { return }
    try stage.run { () throws(QueryError) in
      for predicate in stage.after where stage.output.count > 0 {
        stage.output.keep(try predicate.test(stage.output))
      }
      if stage.output.count > 0 { try self.advance(number + 1) }
    }
  }
}

extension Compiler {
  func predicates(_ conditions: [BoundExpression]) throws(QueryError) -> [Predicate] {
    try compiling { () throws(NotMine) in
      var predicates: [Predicate] = []
      for condition in conditions { predicates.append(try predicate(condition)) }
      return predicates
    }
  }
}
