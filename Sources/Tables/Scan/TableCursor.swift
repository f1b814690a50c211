// A scan of a published table, row by row for SQLite, block by block underneath.

import Arrow
import Kernels
import Memory
import SQLite

/// Goes over the segments first, then over the delta. Conditions are applied to whole blocks; SQLite gets the rows that are left.
///
/// What SQLite asks for each row – `next`, `isAtEnd`, `column` – is here, over plain words; how blocks are chosen is in
/// `TableCursor+Blocks`, how equalities are looked up in `TableCursor+Lookup`.
final class TableCursor: VirtualCursor {
  let table: PublishedTable
  @exclusivity(unchecked) var snapshot: TableSnapshot?
  @exclusivity(unchecked) var conditions: [ScanCondition] = []
  @exclusivity(unchecked) var rowRange: ClosedRange<Int64> = .min ... .max

  enum Phase {
    case segments, delta, end
  }

  @exclusivity(unchecked) var phase = Phase.end
  @exclusivity(unchecked) var segment = 0
  @exclusivity(unchecked) var block = 0
  /// The rows of the current block that are left, by their number in the batch: those from `start` on, or those of `list`.
  @exclusivity(unchecked) var scratch: ScanScratch
  @exclusivity(unchecked) private var list: UnsafePointer<UInt32>?
  @exclusivity(unchecked) private var start = 0
  @exclusivity(unchecked) private var count = 0
  @exclusivity(unchecked) private var position = 0
  @exclusivity(unchecked) private var current = 0
  /// Added to a row's number in the batch, this is its row id.
  @exclusivity(unchecked) var rowBase: Int64 = 0
  @exclusivity(unchecked) var batch = -1
  /// Readers of the current batch's columns, made when SQLite first asks for one.
  private let readers: UnsafeMutablePointer<Unmanaged<ColumnReader>?>
  private let columnCount: Int
  @exclusivity(unchecked) private var hasReaders = false

  @exclusivity(unchecked) private var delta: Statement?
  /// Rows of the delta that an index has found, the next one last; nil for a scan.
  @exclusivity(unchecked) private var deltaRows: [Int64]?
  /// Whoever wants to know where the scan is; the module's at the last block.
  @exclusivity(unchecked) var positions: ScanPositions?
  /// An equality that the scan is for.
  private var equality: (column: Int, value: SQLValue)?

  // The plan that was taken last; SQLite keeps its text as long as the cursor's statement.
  private var planText: UnsafePointer<CChar>?
  private var plan = ScanPlan()

  /// Indexes in use, by segment, and the rows that one has found.
  @exclusivity(unchecked) var indexes: [EqualityIndex?] = []
  @exclusivity(unchecked) var indexedColumn = -1
  @exclusivity(unchecked) var indexedSerial = -1
  @exclusivity(unchecked) var found: [UInt32] = []
  @exclusivity(unchecked) var foundPosition = 0
  @exclusivity(unchecked) var usesIndex = false
  @exclusivity(unchecked) var lookups = 0

  init(_ table: PublishedTable) {
    self.table = table
    columnCount = table.schema.fields.count
    readers = .allocate(capacity: max(columnCount, 1))
    readers.initialize(repeating: nil, count: columnCount)
    scratch = table.takeScratch()
  }

  deinit {
    positions?.ended(self)
    dropReaders()
    readers.deallocate()
    table.giveBack(scratch)
    if let delta { table.giveBack(delta) }
  }

  // MARK: SQLite's questions

  override func filter(plan number: Int, text: UnsafePointer<CChar>?, _ arguments: ArgumentList)
    throws(SQLiteError)
  {
    let snapshot = try table.snapshot()
    self.snapshot = snapshot
    table.pin(snapshot)
    if text == nil || text != planText {
      plan = ScanPlan(text)
      planText = text
    }
    take(plan, arguments)
    segment = -1
    block = 0
    batch = -1
    count = 0
    position = 0
    phase = .segments
    usesIndex = false
    do throws(DataError) {
      try nextSegment()
      try findRow()
    } catch {
      throw SQLiteError(error)
    }
  }

  override func next() throws(SQLiteError) {
    if phase == .segments {
      position &+= 1
      if position < count {
        if let list { current = Int(list[position]) } else { current = start &+ position }
        return
      }
      do throws(DataError) { try findRow() } catch { throw SQLiteError(error) }
    } else if phase == .delta {
      try stepDelta()
    }
  }

  override var isAtEnd: Bool { phase == .end }

  override var row: Int64 {
    phase == .segments ? rowBase &+ Int64(truncatingIfNeeded: current) : delta?.integer(0) ?? 0
  }

  override func column(_ column: Int, _ result: ResultContext) throws(SQLiteError) {
    if phase == .segments {
      var result = result
      let row = current
      if readers[column] == nil { try makeReader(column) }
      readers[column].unsafelyUnwrapped._withUnsafeGuaranteedRef { $0.read(row, into: &result) }
    } else if let delta {
      result.set(delta.borrowedValue(column + 1))
    }
  }

  @inline(never)
  private func makeReader(_ column: Int) throws(SQLiteError) {
    do throws(DataError) {
      let segment = snapshot.unsafelyUnwrapped.segments[segment].segment
      readers[column] = .passRetained(ColumnReader(try segment.column(column, ofBatch: batch), of: segment))
      hasReaders = true
    } catch {
      throw SQLiteError(error)
    }
  }

  private func dropReaders() {
    guard hasReaders else { return }
    for i in 0..<columnCount {
      readers[i]?.release()
      readers[i] = nil
    }
    hasReaders = false
  }

  /// Goes over to another batch; -1 for none.
  func enter(batch number: Int) {
    if batch == number { return }
    batch = number
    dropReaders()
  }

  // MARK: Conditions

  private func take(_ plan: ScanPlan, _ arguments: ArgumentList) {
    conditions.removeAll(keepingCapacity: true)
    rowRange = .min ... .max
    equality = nil
    for (i, step) in plan.steps.enumerated() where i < arguments.count {
      let argument = arguments[i]
      if step.comparison == .in {
        guard let values = argument.listValues else { continue }
        take(table.schema.fields[step.column].type.condition(column: step.column, in: values))
      } else if step.column < 0 {
        limitRows(step.comparison, argument.numericValue)
      } else if let value = argument.exactValue {
        if step.comparison == .equal { equality = (step.column, value) }
        take(
          table.schema.fields[step.column].type.condition(
            column: step.column, step.comparison, value, isLiteral: step.isLiteral))
      }
    }
  }

  private func take(_ condition: ColumnCondition?) {
    if let condition { conditions.append(ScanCondition(condition)) }
  }

  /// Narrows the row ids; comparisons with what is no number are left to SQLite. Equality leaves one row at most: SQLite was told so,
  /// and looks at no second one.
  private func limitRows(_ comparison: ScanOperator, _ value: SQLValue?) {
    guard let bounds = value.flatMap({ IntegerBounds.of(comparison, $0) }) else {
      if comparison == .equal { take(ColumnCondition(column: -1, predicate: .nothing)) }
      return
    }
    guard let range = bounds.range, range.overlaps(rowRange) else {
      take(ColumnCondition(column: -1, predicate: .nothing))
      return
    }
    rowRange = range.clamped(to: rowRange)
  }

  // MARK: Going on

  /// Goes to the next row that is left, in whatever block.
  private func findRow() throws(DataError) {
    while phase == .segments {
      guard try usesIndex ? nextFound() : nextBlock() else { continue }
      count = scratch.selection.count
      position = 0
      start = scratch.selection.start
      list = scratch.selection.isRange ? nil : scratch.selection.list
      if let list { current = Int(list[0]) } else { current = start }
      return
    }
  }

  // MARK: The delta

  func beginDelta() throws(DataError) {
    enter(batch: -1)
    // Bitmaps that only this scan holds on to need not be copied when a change follows.
    let count = snapshot?.deltaCount ?? 0
    snapshot = nil
    guard count > 0, !isImpossible else {
      phase = .end
      positions?.ended(self)
      return
    }
    phase = .delta
    do throws(SQLiteError) {
      let scan: Statement
      if let delta { scan = delta } else { scan = try table.takeDeltaScan() }
      delta = scan
      scan.reset()
      deltaRows = nil
      if let equality { deltaRows = try table.deltaRows(equality.column, equality.value, count: count) }
      if deltaRows != nil {
        deltaRows?.reverse()
      } else {
        try scan.bind(rowRange.lowerBound, to: 1)
        try scan.bind(rowRange.upperBound, to: 2)
      }
      try stepDelta()
    } catch {
      throw DataError(.invalid, error.message)
    }
  }

  private func stepDelta() throws(SQLiteError) {
    guard let delta else { return }
    guard deltaRows != nil else {
      if try !delta.step() { phase = .end }
      return
    }
    while let row = deltaRows?.popLast() {
      guard rowRange.contains(row) else { continue }
      delta.reset()
      try delta.bind(row, to: 1)
      try delta.bind(row, to: 2)
      if try delta.step() { return }
    }
    delta.reset()
    phase = .end
  }
}

/// A condition of a scan, and what it needs of the segment that the scan is in.
struct ScanCondition {
  let column: Int
  let predicate: RangePredicate
  let domain: ColumnCondition
  let singleHash: UInt64?
  /// By block of the current segment.
  var statistics: [BlockStatistics] = []

  init(_ condition: ColumnCondition) {
    column = condition.column
    predicate = condition.predicate
    domain = condition
    singleHash = condition.predicate.singleHash
  }
}

/// What a scan writes its selections into; kept by the table, because a subquery opens a cursor for each row.
final class ScanScratch {
  @exclusivity(unchecked) var selection = Selection(capacity: SegmentBlock.rowLimit)
}
