// Compaction: delta and tombstones become segments again, and small segments become large ones.

import Arrow
import Memory
import SQLite

/// What compaction takes on.
public struct CompactionPolicy: Sendable {
  /// Segments with fewer rows are merged with their neighbours.
  public var smallRows = 1 << 20
  /// A segment is ended when it has so many rows.
  public var targetRows = 1 << 24
  /// A segment is written anew when more than this share of its rows is gone.
  public var deadShare = 0.0
  /// How many rows in motion, and how many small segments side by side, are worth a compaction in the background.
  public var deltaRows = 50_000
  public var smallSegments = 8

  public init() {}

  /// For compaction that nobody asked for: a row that is gone is not worth the copying of its segment.
  public static var background: CompactionPolicy {
    var policy = CompactionPolicy()
    policy.deadShare = 0.2
    return policy
  }
}

/// What a compaction did.
public struct CompactionReport: Sendable, Equatable {
  /// Rows that were written into new segments.
  public var rowsWritten = 0
  /// Rows in motion, and tombstones, that were folded in.
  public var deltaRows = 0
  public var tombstones = 0
  public var segmentsBefore = 0
  public var segmentsAfter = 0
  public var bytesBefore = 0
  public var bytesAfter = 0

  public init() {}
}

/// Segments side by side that become one, or several of the largest size. The last run of a table takes the delta too.
private struct CompactionRun {
  var segments: Range<Int>
  var takesDelta = false
}

extension TableSnapshot {
  /// Whether a compaction in the background is worth it. Costs nothing but a look at counts.
  public func needsCompaction(_ policy: CompactionPolicy = .background) -> Bool {
    if deltaCount >= max(1, min(policy.deltaRows, segmentRows / 4 + 1000)) { return true }
    var small = 0
    for i in segments.indices {
      if isDirty(i, policy) { return true }
      small = isSmall(i, policy) ? small + 1 : 0
      if small >= policy.smallSegments { return true }
    }
    return false
  }

  private func isDirty(_ segment: Int, _ policy: CompactionPolicy) -> Bool {
    let gone = tombstones.count(segment: segment)
    return gone > 0 && Double(gone) > policy.deadShare * Double(segments[segment].segment.rowCount)
  }

  private func isSmall(_ segment: Int, _ policy: CompactionPolicy) -> Bool {
    segments[segment].segment.rowCount < policy.smallRows
  }

  fileprivate func runs(_ policy: CompactionPolicy) -> [CompactionRun] {
    var runs: [CompactionRun] = []
    var i = 0
    while i < segments.count {
      let start = i
      while i < segments.count, isDirty(i, policy) || isSmall(i, policy) { i += 1 }
      if i > start { runs.append(CompactionRun(segments: start..<i)) }
      i += 1
    }
    if deltaCount > 0 {
      if let last = runs.last, last.segments.upperBound == segments.count {
        runs[runs.count - 1].takesDelta = true
      } else {
        runs.append(CompactionRun(segments: segments.count..<segments.count, takesDelta: true))
      }
    }
    // One small segment without anything to fold in is as good as it can be.
    return runs.filter { run in
      run.takesDelta || run.segments.count > 1 || run.segments.contains { isDirty($0, policy) }
    }
  }
}

extension TableSession {
  /// Folds delta and tombstones of a published table into new segments and merges small ones, in one transaction.
  ///
  /// Rows keep their order and values; row ids are others, but for those of segments that are left alone. Readers keep what they
  /// see; files that no table has any more are deleted when the last of them has ended.
  /// - Throws: `.missing` when no published table has the name.
  public func compact(table name: String, policy: CompactionPolicy = CompactionPolicy()) throws(TableError)
    -> CompactionReport
  {
    guard !connection.isInTransaction else {
      throw .data(DataError(.invalid, "compaction needs a transaction of its own, and one is open"))
    }
    try wrapping { () throws(SQLiteError) in
      try connection.unauthorized { () throws(SQLiteError) in try connection.execute("BEGIN IMMEDIATE") }
    }
    do throws(TableError) {
      let report = try compactInTransaction(name, policy)
      try wrapping { () throws(SQLiteError) in
        try connection.unauthorized { () throws(SQLiteError) in try connection.execute("COMMIT") }
      }
      // What cannot be settled now is settled after the next statement.
      try? settle()
      return report
    } catch {
      connection.unauthorized { _ = try? connection.execute("ROLLBACK") }
      try? settle()
      throw error
    }
  }

  private func compactInTransaction(_ name: String, _ policy: CompactionPolicy) throws(TableError)
    -> CompactionReport
  {
    let found = try wrapping { () throws(SQLiteError) in try snapshot(of: name) }
    guard let snapshot = found else { throw .missing("there is no published table '\(name)'") }
    var report = CompactionReport()
    report.segmentsBefore = snapshot.segments.count
    report.segmentsAfter = snapshot.segments.count
    report.bytesBefore = snapshot.segments.reduce(0) { $0 + $1.segment.byteCount }
    report.bytesAfter = report.bytesBefore
    let runs = snapshot.runs(policy)
    if runs.isEmpty { return report }
    try touch(name, snapshot.table)
    for run in runs { try rewrite(run, snapshot, policy, &report) }
    return report
  }

  private func rewrite(
    _ run: CompactionRun, _ snapshot: TableSnapshot, _ policy: CompactionPolicy,
    _ report: inout CompactionReport
  ) throws(TableError) {
    var output = CompactionOutput(self, snapshot, policy)
    for i in run.segments {
      try wrap { () throws(DataError) in
        try output.writeRows(ofSegment: i)
        // Only now is what was read believed.
        try snapshot.segments[i].segment.checkUnchanged()
      }
      report.tombstones += snapshot.tombstones.count(segment: i)
      report.bytesAfter -= snapshot.segments[i].segment.byteCount
    }
    if run.takesDelta { report.deltaRows = try output.writeDelta() }
    let written = try output.finish()
    let id = snapshot.table
    var first =
      run.segments.isEmpty ? snapshot.endOfSegments : snapshot.segments[run.segments.lowerBound].firstRow
    try wrapping { () throws(SQLiteError) in
      let old = Set(run.segments.map { snapshot.segments[$0].number })
      module.touched += try catalog.segmentsOf(id, on: connection).filter { old.contains($0.id) }
      for placed in snapshot.segments[run.segments] {
        try connection.runInternal("DELETE FROM fletch_segments WHERE id = ?1", placed.number)
        if placed.rows.isEmpty { continue }
        try connection.runInternal(
          "DELETE FROM \(Catalog.tombstonesName(id)) WHERE row BETWEEN ?1 AND ?2", placed.firstRow,
          placed.rows.upperBound - 1)
      }
      if run.takesDelta { try connection.runInternal("DELETE FROM \(Catalog.deltaName(id))") }
    }
    for (path, rows) in written {
      let segment = try addSegment(id, snapshot.schema, path: path, isOwn: true, firstRow: first)
      first += Int64(rows)
      report.rowsWritten += rows
      report.bytesAfter += segment.byteCount
    }
    report.segmentsAfter += written.count - run.segments.count
  }
}

/// The new segments of one run.
private struct CompactionOutput {
  private let session: TableSession
  private let snapshot: TableSnapshot
  private let policy: CompactionPolicy
  private var writer: SegmentWriter?
  private var written: [(path: String, rows: Int)] = []

  init(_ session: TableSession, _ snapshot: TableSnapshot, _ policy: CompactionPolicy) {
    self.session = session
    self.snapshot = snapshot
    self.policy = policy
  }

  mutating func writeRows(ofSegment number: Int) throws(DataError) {
    let segment = snapshot.segments[number].segment
    for (i, block) in segment.blocks.enumerated() where block.count > 0 {
      if session.connection.isToStop { throw .stopped }
      let gone = snapshot.tombstones.bits(segment: number, block: i)
      var columns: [Column] = []
      var count = block.count
      for c in snapshot.schema.fields.indices {
        let column = try segment.column(c, ofBatch: block.batch)
        guard let gone else {
          columns.append(column.slice(block.rows))
          continue
        }
        let builder = column.type.makeBuilder()
        try forEachRun(gone, block.count) { rows throws(DataError) in
          try builder.append(
            column, rows: block.rows.lowerBound + rows.lowerBound..<block.rows.lowerBound + rows.upperBound)
        }
        count = builder.count
        columns.append(builder.finish())
      }
      if count > 0 {
        try write(try RecordBatch(schema: snapshot.schema, columns: columns, count: count))
      }
    }
  }

  /// Calls `body` with the rows of a block that are there, run by run.
  private func forEachRun(
    _ gone: [UInt64], _ count: Int, _ body: (Range<Int>) throws(DataError) -> Void
  ) throws(DataError) {
    func isGone(_ row: Int) -> Bool { gone[row >> 6] >> UInt64(row & 63) & 1 == 1 }
    var row = 0
    while row < count {
      let start = row
      while row < count, !isGone(row) { row += 1 }
      if row > start { try body(start..<row) }
      while row < count, isGone(row) { row += 1 }
    }
  }

  /// - Returns: how many rows the delta has.
  mutating func writeDelta() throws(TableError) -> Int {
    let columns = snapshot.schema.fields.indices.map { "c\($0)" }.joined(separator: ", ")
    let statement = try wrapping { () throws(SQLiteError) in
      try session.connection.internalStatement(
        "SELECT \(columns) FROM \(Catalog.deltaName(snapshot.table)) ORDER BY row")
    }
    let reader = RowReader(statement, schema: snapshot.schema)
    while let batch = try reader.next(rowLimit: SegmentBlock.rowLimit, byteLimit: 64 << 20) {
      try wrap { () throws(DataError) in
        if session.connection.isToStop { throw .stopped }
        try write(batch)
      }
    }
    return reader.rowCount
  }

  private mutating func write(_ batch: RecordBatch) throws(DataError) {
    var place = 0
    while place < batch.count {
      let writer: SegmentWriter
      if let open = self.writer {
        writer = open
      } else {
        writer = try SegmentWriter(folder: session.catalog.folder, schema: snapshot.schema)
        self.writer = writer
      }
      let end = min(batch.count, place + max(1, policy.targetRows - writer.rowCount))
      try writer.write(batch.slice(place..<end))
      place = end
      if writer.rowCount >= policy.targetRows { try close() }
    }
  }

  private mutating func close() throws(DataError) {
    guard let writer else { return }
    try writer.finish(durable: session.database.isDurable)
    written.append((writer.name, writer.rowCount))
    self.writer = nil
  }

  mutating func finish() throws(TableError) -> [(path: String, rows: Int)] {
    try wrap { () throws(DataError) in try close() }
    return written
  }
}
