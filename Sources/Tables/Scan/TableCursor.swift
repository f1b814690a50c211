// A scan of a published table, row by row for SQLite, block by block underneath.

import Arrow
import Kernels
import Memory
import SQLite

/// Goes over the segments first, then over the delta. Conditions are applied to whole blocks; SQLite gets the rows that are left.
final class TableCursor: VirtualCursor {
  private let table: PublishedTable
  @exclusivity(unchecked) private var snapshot: TableSnapshot?
  private var conditions: [ColumnCondition] = []
  private var rowRange: ClosedRange<Int64> = .min ... .max
  /// Rows still to be skipped unseen.
  private var skip = 0

  private enum Phase {
    case segments, delta, end
  }

  @exclusivity(unchecked) private var phase = Phase.end
  @exclusivity(unchecked) private var segment = 0
  @exclusivity(unchecked) private var block = 0
  /// The rows of the current block that are left, by their number in the batch, and where among them the scan is.
  @exclusivity(unchecked) private var selection = Selection(capacity: SegmentBlock.rowLimit)
  @exclusivity(unchecked) private var position = 0
  @exclusivity(unchecked) private var current = 0
  /// Added to a row's number in the batch, this is its row id.
  @exclusivity(unchecked) private var rowBase: Int64 = 0
  @exclusivity(unchecked) private var batch = -1
  /// Readers of the current batch's columns, made when SQLite first asks for one.
  private let readers: UnsafeMutablePointer<ColumnReader?>
  private let columnCount: Int

  @exclusivity(unchecked) private var delta: Statement?

  /// Rows passed over by scans for the same equality, and the rows that an index has found instead.
  private var scannedForEquality = 0
  private var found: [Int] = []
  private var foundPosition = 0
  private var usesIndex = false

  init(_ table: PublishedTable) {
    self.table = table
    columnCount = table.schema.fields.count
    readers = .allocate(capacity: max(columnCount, 1))
    readers.initialize(repeating: nil, count: columnCount)
  }

  deinit {
    readers.deinitialize(count: columnCount)
    readers.deallocate()
    if let delta { table.giveBack(delta) }
  }

  // MARK: SQLite's questions

  override func filter(plan text: Int, text planText: UnsafePointer<CChar>?, _ arguments: ArgumentList)
    throws(SQLiteError)
  {
    let snapshot = try table.snapshot()
    self.snapshot = snapshot
    table.pin(snapshot)
    try take(ScanPlan(planText), arguments)
    segment = -1
    block = 0
    batch = -1
    selection.removeAll()
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
      if position < selection.count {
        current = selection[position]
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
      if readers[column] == nil { try makeReader(column) }
      readers[column].unsafelyUnwrapped.read(current, into: &result)
    } else if let delta {
      result.set(delta.borrowedValue(column + 1))
    }
  }

  private func makeReader(_ column: Int) throws(SQLiteError) {
    do throws(DataError) {
      let segment = snapshot.unsafelyUnwrapped.segments[segment].segment
      readers[column] = ColumnReader(try segment.column(column, ofBatch: batch))
    } catch {
      throw SQLiteError(error)
    }
  }

  // MARK: Conditions

  private func take(_ plan: ScanPlan, _ arguments: ArgumentList) throws(SQLiteError) {
    conditions = []
    rowRange = .min ... .max
    skip = 0
    for (i, step) in plan.steps.enumerated() where i < arguments.count {
      let argument = arguments[i]
      if step.comparison == .offset {
        skip = max(0, Int(argument.integer))
      } else if step.column < 0 {
        limitRows(step.comparison, argument.value)
      } else {
        let type = table.schema.fields[step.column].type
        let condition =
          step.comparison == .in
          ? argument.listValues.flatMap { type.condition(column: step.column, in: $0) }
          : type.condition(column: step.column, step.comparison, argument.value)
        if let condition { conditions.append(condition) }
      }
    }
  }

  /// Narrows the row ids; comparisons with what is no number are left to SQLite.
  private func limitRows(_ comparison: ScanOperator, _ value: SQLValue) {
    guard let bounds = IntegerBounds.of(comparison, value) else { return }
    guard let range = bounds.range, range.overlaps(rowRange) else {
      rowRange = .max ... .max
      conditions.append(ColumnCondition(column: -1, predicate: .nothing))
      return
    }
    rowRange = range.clamped(to: rowRange)
  }

  private var isImpossible: Bool { conditions.contains { $0.predicate == .nothing } }

  // MARK: Going on

  /// Goes to the next row that is left, in whatever block.
  private func findRow() throws(DataError) {
    while phase == .segments {
      if try usesIndex ? nextFound() : nextBlock() {
        position = 0
        current = selection[0]
        return
      }
    }
  }

  /// The next segment with a block to look at, or else the delta.
  private func nextSegment() throws(DataError) {
    guard let snapshot else { return }
    if segment >= 0, segment < snapshot.segments.count {
      try snapshot.segments[segment].segment.checkUnchanged()
    }
    usesIndex = false
    repeat {
      segment += 1
    } while segment < snapshot.segments.count
      && (isImpossible || !snapshot.segments[segment].rows.overlaps(rowRange)
        || snapshot.segments[segment].segment.rowCount == 0)
    block = 0
    batch = -1
    for i in 0..<columnCount where readers[i] != nil { readers[i] = nil }
    guard segment < snapshot.segments.count else { return try beginDelta() }
    let placed = snapshot.segments[segment]
    if rowRange.lowerBound > placed.firstRow {
      block = placed.segment.block(ofRow: Int(rowRange.lowerBound - placed.firstRow))
    }
    try lookUp(placed.segment)
  }

  /// Selects the rows of the next block. False when none is left in it; the phase may have changed then.
  private func nextBlock() throws(DataError) -> Bool {
    guard let placed = snapshot?.segments[segment], block < placed.segment.blocks.count else {
      try nextSegment()
      return false
    }
    let number = block
    block += 1
    return try select(placed, block: number)
  }

  private func select(_ placed: PlacedSegment, block number: Int) throws(DataError) -> Bool {
    let segment = placed.segment
    let block = segment.blocks[number]
    let first = placed.firstRow + Int64(block.firstRow)
    guard first <= rowRange.upperBound else {
      self.block = segment.blocks.count
      return false
    }
    for condition in conditions {
      guard try segment.statistics(condition.column)[number].mayMatch(condition.predicate, count: block.count)
      else {
        return false
      }
    }
    if block.batch != batch {
      batch = block.batch
      for i in 0..<columnCount where readers[i] != nil { readers[i] = nil }
    }
    selection.reset(to: rows(of: block, first))
    rowBase = first - Int64(block.rows.lowerBound)
    scannedForEquality += block.count
    if let gone = snapshot?.tombstones.bits(segment: self.segment, block: number) {
      gone.withUnsafeBufferPointer { selection.remove($0.baseAddress!, base: block.rows.lowerBound) }
    }
    for condition in conditions where condition.applies(try segment.statistics(condition.column)[number]) {
      try segment.column(condition.column, ofBatch: batch).select(condition.predicate, &selection)
    }
    if skip > 0 {
      let skipped = min(skip, selection.count)
      selection.removeFirst(skipped)
      skip -= skipped
    }
    return selection.count > 0
  }

  /// The rows of a block within the range of row ids.
  private func rows(of block: SegmentBlock, _ first: Int64) -> Range<Int> {
    let low = max(0, rowRange.lowerBound > first ? Int(rowRange.lowerBound - first) : 0)
    let last = first + Int64(block.count - 1)
    let high = block.count - (rowRange.upperBound < last ? Int(last - rowRange.upperBound) : 0)
    return block.rows.lowerBound + min(low, high)..<block.rows.lowerBound + high
  }

  // MARK: Equalities looked up again and again

  /// Uses an index on an equality once scans for it have passed over the segment several times: as the inner side of a join does.
  private func lookUp(_ segment: Segment) throws(DataError) {
    guard segment.rowCount <= EqualityIndex.rowLimit, scannedForEquality > 4 * segment.rowCount,
      let condition = conditions.first(where: { $0.predicate.singleHash != nil }),
      let hash = condition.predicate.singleHash
    else { return }
    for (number, statistics) in try segment.statistics(condition.column).enumerated() {
      // Text order may differ from the order of what is stored in a block: then nothing can be said by value.
      guard condition.applies(statistics), segment.blocks[number].count > 0 else { return }
    }
    let index = try segment.equalityIndex(condition.column)
    found.removeAll(keepingCapacity: true)
    var row = index.first(hash)
    while let candidate = row {
      found.append(candidate)
      row = index.following(candidate)
    }
    foundPosition = 0
    usesIndex = true
  }

  /// Selects the next rows that the index named, those of one block at a time.
  private func nextFound() throws(DataError) -> Bool {
    guard let placed = snapshot?.segments[segment], foundPosition < found.count else {
      try nextSegment()
      return false
    }
    let segment = placed.segment
    let number = segment.block(ofRow: found[foundPosition])
    let block = segment.blocks[number]
    if block.batch != batch {
      batch = block.batch
      for i in 0..<columnCount where readers[i] != nil { readers[i] = nil }
    }
    let inBlock = found[foundPosition] - block.firstRow
    foundPosition += 1
    let first = placed.firstRow + Int64(block.firstRow)
    let row = block.rows.lowerBound + inBlock
    guard rowRange.contains(first + Int64(inBlock)),
      snapshot?.tombstones.contains(segment: self.segment, block: number, row: inBlock) == false
    else { return false }
    selection.reset(to: row..<row + 1)
    rowBase = first - Int64(block.rows.lowerBound)
    for condition in conditions where condition.applies(try segment.statistics(condition.column)[number]) {
      try segment.column(condition.column, ofBatch: batch).select(condition.predicate, &selection)
    }
    return selection.count > 0
  }

  // MARK: The delta

  private func beginDelta() throws(DataError) {
    // Bitmaps that only this scan holds on to need not be copied when a change follows.
    let count = snapshot?.deltaCount ?? 0
    snapshot = nil
    guard count > 0, !isImpossible else {
      phase = .end
      return
    }
    phase = .delta
    do throws(SQLiteError) {
      let scan: Statement
      if let delta { scan = delta } else { scan = try table.takeDeltaScan() }
      delta = scan
      scan.reset()
      try scan.bind(rowRange.lowerBound, to: 1)
      try scan.bind(rowRange.upperBound, to: 2)
      try stepDelta()
      while skip > 0, phase == .delta {
        skip -= 1
        try stepDelta()
      }
    } catch {
      throw DataError(.invalid, error.message)
    }
  }

  private func stepDelta() throws(SQLiteError) {
    guard let delta else { return }
    if try !delta.step() { phase = .end }
  }
}
