// Equalities that are looked up again and again, as the inner side of a join does: found by an index that is made when it pays.

import Arrow
import Kernels
import Memory

extension TableCursor {
  /// Finds the rows of an equality in an index, once scans for it have passed over the table several times.
  /// - Returns: whether `found` has them; else the blocks are to be scanned.
  func lookUp(_ snapshot: TableSnapshot) throws(DataError) -> Bool {
    guard let condition = conditions.first(where: { $0.singleHash != nil }), let hash = condition.singleHash
    else { return false }
    guard let index = try index(condition, snapshot) else { return false }
    found.removeAll(keepingCapacity: true)
    var row = index.first(hash)
    while let candidate = row {
      found.append(UInt32(truncatingIfNeeded: candidate))
      row = index.following(candidate)
    }
    foundPosition = 0
    usesIndex = true
    return true
  }

  private func index(_ condition: ScanCondition, _ snapshot: TableSnapshot) throws(DataError)
    -> EqualityIndex?
  {
    if indexedColumn != condition.column || indexedSerial != snapshot.serial {
      indexes = Array(repeating: nil, count: snapshot.segments.count)
      indexedColumn = condition.column
      indexedSerial = snapshot.serial
    }
    if let index = indexes[segment] { return index }
    let segment = snapshot.segments[segment].segment
    guard table.equalityScans(condition.column) > 4 * snapshot.segmentRows else { return nil }
    if condition.domain.domain != nil {
      // Text order may differ from the order of what is stored in a block: then nothing can be said by value.
      for statistics in try segment.statistics(condition.column, isToStop: { table.connection.isToStop })
      where !condition.domain.applies(statistics) { return nil }
    }
    let index = try table.module.catalog.indexes.index(segment, column: condition.column) {
      table.connection.isToStop
    }
    indexes[self.segment] = index
    return index
  }

  /// Selects the next rows that the index named, those of one block at a time.
  func nextFound() throws(DataError) -> Bool {
    guard let placed = snapshot?.segments[segment], foundPosition < found.count else {
      try nextSegment()
      return false
    }
    let segment = placed.segment
    let number = segment.block(ofRow: Int(found[foundPosition]))
    let block = segment.blocks[number]
    let first = placed.firstRow + Int64(block.firstRow)
    enter(batch: block.batch)
    rowBase = first - Int64(block.rows.lowerBound)
    scratch.selection.removeAll()
    let end = block.firstRow + block.count
    while foundPosition < found.count, Int(found[foundPosition]) < end {
      let inBlock = Int(found[foundPosition]) - block.firstRow
      foundPosition += 1
      if rowRange.contains(first + Int64(inBlock)),
        snapshot?.tombstones.contains(segment: self.segment, block: number, row: inBlock) == false
      {
        scratch.selection.append(block.rows.lowerBound + inBlock)
      }
    }
    for condition in conditions {
      if condition.domain.domain != nil,
        !condition.domain.applies(try segment.statistics(condition.column)[number])
      {
        continue
      }
      try segment.column(condition.column, ofBatch: batch).select(condition.predicate, &scratch.selection)
    }
    return scratch.selection.count > 0
  }
}
