// One input of a join, with what its own conditions leave of it.

import Arrow
import Kernels
import SQL

struct JoinLeaf {
  private(set) var blocks: [Block]
  private(set) var filters: [BoundExpression]
  /// Rows before the filters.
  private(set) var baseRows: Double
  /// About how many are left.
  private(set) var rows: Double
  /// What is known of its columns.
  private var givens: Givens?
  private let allBlocks: [Block]
  private let columns: Range<Int>

  init(_ blocks: [Block], _ columns: Range<Int>, _ filters: [BoundExpression]) {
    self.blocks = blocks
    self.columns = columns
    allBlocks = blocks
    self.filters = filters
    baseRows = Double(blocks.reduce(0) { $0 + $1.visibleCount })
    rows = baseRows
  }

  /// The rows that may satisfy the filters.
  var candidates: Int { blocks.reduce(0) { $0 + $1.visibleCount } }

  var pipeline: JoinPipeline { JoinPipeline(driver: blocks, filters: filters, givens: givens!, rows: rows) }

  /// Finds out what its statistics and some of its rows say.
  mutating func find(_ execution: Execution, _ shape: InputShape, _ givens: Givens) throws(QueryError) {
    self.givens = givens.ofNoInput
    guard !filters.isEmpty else { return }
    blocks = try execution.surviving(blocks, filters, shape, givens)
    let count = candidates
    guard count >= execution.options.learningRows else {
      rows = Double(count)
      return
    }
    try execution.learnTexts(filters, blocks, shape, &self.givens!)
    rows = try sampled(count, shape)
  }

  private mutating func sampled(_ count: Int, _ shape: InputShape) throws(QueryError) -> Double {
    let predicates = try Compiler(shape, givens!).predicates(filters)
    let frame = Frame()
    let step = max(1, blocks.count / 12)
    var (seen, kept) = (0, 0)
    for index in stride(from: step / 2, to: blocks.count, by: step) {
      let block = blocks[index]
      frame.enter(block)
      let start = block.rows.lowerBound + block.rows.count / 2
      frame.select(start..<min(start + vectorSize, block.rows.upperBound))
      seen += frame.count
      for predicate in predicates where frame.count > 0 { frame.keep(try predicate.test(frame)) }
      kept += frame.count
    }
    return max(Double(count) * (Double(kept) + 0.5) / Double(max(seen, 1)), 1)
  }

  mutating func replace(by rows: JoinedRows) {
    blocks = rows.blocks
    filters = []
    givens = givens!.ofNoInput
    self.rows = Double(rows.batch.count)
  }

  /// About how many values a column has, before the filters: as many as there are from the least to the greatest.
  func distinct(_ place: Int, _ shape: InputShape) -> Double {
    guard columns.contains(place), shape.types[place].vectorKind?.isInteger == true,
      let range = try? allBlocks.range(place)
    else { return .infinity }
    return Double(range.upperBound) - Double(range.lowerBound) + 1
  }
}

extension Block {
  /// The rows that are not gone; of some of a block's rows, at least these.
  fileprivate var visibleCount: Int {
    rows == whole ? rows.count - (tombstones?.reduce(0) { $0 + $1.nonzeroBitCount } ?? 0) : rows.count
  }
}
