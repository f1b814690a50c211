// Compaction: what it folds in, what it leaves alone, when it is worth it.

import Arrow
import Glibc
import Memory
import SQLite
import Samples
import Tables
import Testing

private func numbers(_ first: Int, _ count: Int) throws -> RecordBatch {
  let builder = FixedBuilder<Int64>(type: .int64)
  for i in 0..<count { builder.append(Int64(first + i)) }
  return try RecordBatch(schema: Schema([Field("n", .int64)]), columns: [builder.finish()])
}

private func files(_ fixture: Fixture) -> Int {
  var count = 0
  guard let folder = opendir(fixture.session.database.path + "/segments") else { return -1 }
  defer { closedir(folder) }
  while let entry = readdir(folder) { count += entry.pointee.d_name.0 == 46 ? 0 : 1 }
  return count
}

private var policy: CompactionPolicy {
  var policy = CompactionPolicy()
  policy.smallRows = 100
  policy.targetRows = 1000
  return policy
}

@Test func largeCleanSegmentsAreLeftAlone() throws {
  let fixture = try Fixture()
  for (i, count) in [500, 20, 30, 40, 600, 50].enumerated() {
    try fixture.publish("t", [try numbers(i * 1000, count)], mode: i == 0 ? .create : .append)
  }
  try fixture.session.connection.execute("INSERT INTO t VALUES (-1), (-2); DELETE FROM t WHERE n = 5010")
  let before = try fixture.rows("SELECT n FROM t")
  let report = try fixture.session.compact(table: "t", policy: policy)
  #expect(report.segmentsBefore == 6 && report.segmentsAfter == 4)
  #expect(report.rowsWritten == 20 + 30 + 40 + 50 - 1 + 2)
  #expect(report.deltaRows == 2 && report.tombstones == 1)
  #expect(try fixture.rows("SELECT n FROM t") == before)
  #expect(try fixture.rows("SELECT rowid FROM t WHERE n = 4000") == [[.integer(591)]])
  #expect(files(fixture) == 4)
  // There is nothing to do any more.
  let again = try fixture.session.compact(table: "t", policy: policy)
  #expect(again.rowsWritten == 0 && again.segmentsAfter == 4 && again.bytesBefore == again.bytesAfter)
}

@Test func oneRowThatIsGoneIsNotWorthItsSegmentInTheBackground() throws {
  let fixture = try Fixture()
  try fixture.publish("t", [try numbers(0, 500)])
  var snapshot = try #require(try fixture.session.snapshot(of: "t"))
  var background = CompactionPolicy.background
  background.smallRows = 100
  #expect(!snapshot.needsCompaction(background))
  try fixture.session.connection.execute("DELETE FROM t WHERE n < 50")
  snapshot = try #require(try fixture.session.snapshot(of: "t"))
  #expect(!snapshot.needsCompaction(background) && snapshot.needsCompaction(policy))
  #expect(try fixture.session.compact(table: "t", policy: background).rowsWritten == 0)
  try fixture.session.connection.execute("DELETE FROM t WHERE n < 150")
  snapshot = try #require(try fixture.session.snapshot(of: "t"))
  #expect(snapshot.needsCompaction(background))
  #expect(try fixture.session.compact(table: "t", policy: background).rowsWritten == 350)
  #expect(try fixture.rows("SELECT count(*), min(n) FROM t") == [[.integer(350), .integer(150)]])
}

@Test func allRowsGoneLeavesNoSegment() throws {
  let fixture = try Fixture()
  try fixture.publish("t", [try numbers(0, 300)])
  try fixture.session.connection.execute("DELETE FROM t")
  let report = try fixture.session.compact(table: "t")
  #expect(report.segmentsAfter == 0 && report.bytesAfter == 0 && files(fixture) == 0)
  try fixture.session.connection.execute("INSERT INTO t VALUES (1)")
  try fixture.publish("t", [try numbers(5, 2)], mode: .append)
  #expect(try fixture.rows("SELECT n FROM t ORDER BY n").count == 3)
}

/// A reader that began before keeps its segments, and their files, until it ends.
@Test func readersKeepWhatTheySee() throws {
  let fixture = try Fixture()
  try fixture.publish("t", [try numbers(0, 300)])
  let reader = try fixture.session.database.makeSession()
  let mark = reader.beginReading()
  let statement = try reader.connection.prepare("SELECT n FROM t")
  #expect(try statement.step())
  try fixture.session.connection.execute("DELETE FROM t WHERE n % 2 = 0")
  _ = try fixture.session.compact(table: "t")
  #expect(files(fixture) == 2)
  var rows = 1
  while try statement.step() { rows += 1 }
  #expect(rows == 300)
  reader.endReading(mark)
  #expect(files(fixture) == 1)
  #expect(try reader.connection.value("SELECT count(*) FROM t") == .integer(150))
}

@Test func everyTypeIsCompacted() throws {
  let fixture = try Fixture()
  var sample = AllTypes(seed: 8)
  for i in 0..<4 {
    try fixture.publish("t", [try sample.batch(rows: 70)], mode: i == 0 ? .create : .append)
  }
  let columns = AllTypes.schema.fields.map { quoted($0.name) }.joined(separator: ", ")
  try fixture.session.connection.execute(
    "DELETE FROM t WHERE rowid % 7 = 0; UPDATE t SET not_null = 5 WHERE rowid % 11 = 0")
  let before = try fixture.rows("SELECT \(columns) FROM t")
  #expect(try fixture.session.compact(table: "t").segmentsAfter == 1)
  let after = try fixture.rows("SELECT \(columns) FROM t")
  #expect(before.map { "\($0)" } == after.map { "\($0)" })
}
