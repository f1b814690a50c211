// Which segments and blocks a scan looks at, and which of their rows are left.

import Arrow
import Kernels
import Memory

extension TableCursor {
  var isImpossible: Bool {
    for condition in conditions {
      // Within a domain only blocks that stay within it have no match.
      if case .nothing = condition.predicate, condition.domain.domain == nil { return true }
    }
    return false
  }

  /// The next segment with a block to look at, or else the delta.
  func nextSegment() throws(DataError) {
    guard let snapshot else { return }
    if segment >= 0, segment < snapshot.segments.count {
      // A system call, which would cost a lookup in an index as much as all the rest of it.
      lookups = usesIndex ? lookups &+ 1 : 0
      if lookups & 255 == 0 { try snapshot.segments[segment].segment.checkUnchanged() }
    }
    usesIndex = false
    enter(batch: -1)
    let isImpossible = isImpossible
    repeat {
      segment += 1
    } while segment < snapshot.segments.count
      && (isImpossible || !snapshot.segments[segment].rows.overlaps(rowRange)
        || snapshot.segments[segment].segment.rowCount == 0)
    block = 0
    guard segment < snapshot.segments.count else { return try beginDelta() }
    let placed = snapshot.segments[segment]
    if rowRange.lowerBound > placed.firstRow {
      block = placed.segment.block(ofRow: Int(rowRange.lowerBound - placed.firstRow))
    }
    if !conditions.isEmpty, try !lookUp(snapshot) {
      for i in conditions.indices {
        conditions[i].statistics = try placed.segment.statistics(
          conditions[i].column, isToStop: { table.connection.isToStop })
      }
    }
  }

  /// Selects the rows of the next block. False when none is left in it; the phase may have changed then.
  func nextBlock() throws(DataError) -> Bool {
    guard let placed = snapshot?.segments[segment], block < placed.segment.blocks.count else {
      try nextSegment()
      return false
    }
    let number = block
    block += 1
    // SQLite hears nothing of blocks without a row.
    if number & 7 == 7, table.connection.isToStop { throw .stopped }
    return try select(placed, block: number)
  }

  private func select(_ placed: PlacedSegment, block number: Int) throws(DataError) -> Bool {
    let segment = placed.segment
    let block = segment.blocks[number]
    let first = placed.firstRow + Int64(block.firstRow)
    positions = table.module.positions
    if let positions, let snapshot {
      positions.moved(self, to: snapshot.rowsBefore(self.segment) + block.firstRow, of: snapshot.segmentRows)
    }
    guard first <= rowRange.upperBound else {
      self.block = segment.blocks.count
      return false
    }
    for condition in conditions where condition.applies(number) {
      guard condition.statistics[number].mayMatch(condition.predicate, count: block.count) else {
        return false
      }
    }
    enter(batch: block.batch)
    scratch.selection.reset(to: rows(of: block, first))
    rowBase = first - Int64(block.rows.lowerBound)
    if let gone = snapshot?.tombstones.bits(segment: self.segment, block: number) {
      gone.withUnsafeBufferPointer { scratch.selection.remove($0.baseAddress!, base: block.rows.lowerBound) }
    }
    for condition in conditions {
      if condition.singleHash != nil { table.noteEqualityScan(condition.column, rows: block.count) }
      guard condition.applies(number) else { continue }
      try segment.column(condition.column, ofBatch: batch).select(condition.predicate, &scratch.selection)
    }
    return scratch.selection.count > 0
  }

  /// The rows of a block within the range of row ids.
  private func rows(of block: SegmentBlock, _ first: Int64) -> Range<Int> {
    let low = max(0, rowRange.lowerBound > first ? Int(rowRange.lowerBound - first) : 0)
    let last = first + Int64(block.count - 1)
    let high = block.count - (rowRange.upperBound < last ? Int(last - rowRange.upperBound) : 0)
    return block.rows.lowerBound + min(low, high)..<block.rows.lowerBound + high
  }
}

extension ScanCondition {
  /// Whether the condition may be used on a block of the current segment.
  func applies(_ block: Int) -> Bool { domain.domain == nil || domain.applies(statistics[block]) }
}
