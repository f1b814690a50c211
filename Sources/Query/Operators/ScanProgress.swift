// How much of its tables a query has passed over.

import SQL
import Synchronization

/// Counts the rows of published tables that a run has read or skipped, of those that its plan names; what operators hand to one another
/// is not counted.
public final class ScanProgress: Sendable {
  private let total = Atomic(0)
  private let passed = Atomic(0)
  private let report: @Sendable (Double) -> Void

  /// - Parameter report: hears of the share that was passed, from any thread.
  public init(report: @escaping @Sendable (Double) -> Void) { self.report = report }

  func expect(_ blocks: [Block]) { total.add(Block.segmentRows(blocks), ordering: .relaxed) }

  /// - Parameter rows: those that are read, or known to have nothing.
  func pass(_ rows: Int) {
    guard rows > 0 else { return }
    let rows = passed.add(rows, ordering: .relaxed).newValue
    let all = total.load(ordering: .relaxed)
    if all > 0 { report(min(1, Double(rows) / Double(all))) }
  }
}

extension Block {
  /// Its rows, if they are a table's.
  var segmentRows: Int {
    if case .segment = origin { return rows.count }
    return 0
  }

  static func segmentRows(_ blocks: some Sequence<Block>) -> Int { blocks.reduce(0) { $0 + $1.segmentRows } }
}

extension Execution {
  /// The rows of all tables that a plan reads, as often as it reads them.
  func expect(_ plan: SelectPlan) {
    guard options.progress != nil else { return }
    switch plan.body {
    case .core(let core):
      expect(core.source)
      for subquery in core.subqueries { expect(subquery.plan) }
    case .compound(let first, let terms):
      expect(first)
      for term in terms { expect(term.plan) }
    }
  }

  private func expect(_ source: CorePlan.Source) {
    switch source {
    case .oneRow: break
    case .table(let number): options.progress?.expect(tables[number])
    case .select(let plan): expect(plan)
    case .join(let join): for input in join.inputs { expect(input.source) }
    case .view(let view): options.progress?.expect(tables[view.table])
    }
  }

  /// The blocks that may have rows for all conditions.
  func surviving(
    _ blocks: [Block], _ conditions: [BoundExpression], _ shape: InputShape, _ givens: Givens
  ) throws(QueryError) -> [Block] {
    let left = try ZoneFilters(conditions, shape, givens).surviving(blocks)
    if let progress = options.progress { progress.pass(Block.segmentRows(blocks) - Block.segmentRows(left)) }
    return left
  }
}
