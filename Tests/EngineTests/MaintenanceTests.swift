// What the engine does by itself, and when it does not.

import Arrow
import Glibc
import Memory
import Samples
import Synchronization
import Tables
import Testing

@testable import Engine

private final class Events: Sendable {
  let compacted = Mutex<[String]>([])
}

private func fixture(_ events: Events, interval: Double?) throws -> EngineFixture {
  var options = EngineOptions()
  options.maintenanceInterval = interval
  options.compaction?.deltaRows = 3
  options.onMaintenance = { event in
    if case .compacted(let table, _, _) = event { events.compacted.withLock { $0.append(table) } }
  }
  let fixture = try EngineFixture(options)
  try fixture.load("people", try People.five())
  try fixture.load("other", try People.five())
  return fixture
}

@Test func changedTablesAreCompacted() throws {
  let events = Events()
  let fixture = try fixture(events, interval: 0.02)
  // The first round only looks at what there is.
  usleep(200_000)
  let before = try fixture.query("SELECT * FROM people WHERE id <> 5 ORDER BY id").1
  let transaction = try fixture.session.begin()
  let reading = try fixture.session.prepare("SELECT * FROM people", in: transaction, fixture.control)
    .query(nil, fixture.control)
  try fixture.update("DELETE FROM people WHERE id = 5")
  try fixture.update("UPDATE people SET id = id")
  let deadline = StatementControl.now + 20_000_000_000
  while events.compacted.withLock({ $0.isEmpty }), StatementControl.now < deadline { usleep(10_000) }
  #expect(events.compacted.withLock { $0 } == ["people"])
  let stored = try fixture.session.storage(fixture.control).first { $0.name == "people" }
  #expect(stored?.deltaCount == 0 && stored?.tombstoneCount == 0 && stored?.rowCount == 4)
  #expect(try fixture.query("SELECT * FROM people ORDER BY id").1 == before)
  // Who was reading goes on with what there was.
  #expect(try reading.next()?.count == 5)
  reading.close()
  try fixture.session.rollback(transaction)
  // Nothing more to do.
  usleep(200_000)
  #expect(events.compacted.withLock { $0 } == ["people"])
  fixture.engine.shutDown()
}

@Test func underLoadItWaits() throws {
  let events = Events()
  let fixture = try fixture(events, interval: nil)
  let (engine, maintenance) = (fixture.engine, fixture.engine.maintenance)
  maintenance.compactChanged(engine)
  try fixture.update("UPDATE people SET id = id")
  let transaction = try fixture.session.begin()
  try fixture.update("DELETE FROM other", in: transaction)
  // Somebody is writing.
  for _ in 0..<5 { maintenance.compactChanged(engine) }
  #expect(events.compacted.withLock { $0 } == [])
  try fixture.session.commit(transaction, fixture.control)
  maintenance.compactChanged(engine)
  #expect(events.compacted.withLock { $0 } == ["other", "people"])
  // Many are reading, and do not stop.
  let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
  let streams = try (0..<4).map { _ in
    try fixture.session.prepare(sql, in: nil, fixture.control).query(nil, fixture.control)
  }
  try fixture.update("UPDATE people SET id = id")
  for _ in 0..<5 { maintenance.compactChanged(engine) }
  #expect(events.compacted.withLock { $0 }.count == 2)
  for _ in 0..<10 { maintenance.compactChanged(engine) }
  #expect(events.compacted.withLock { $0 }.count == 3)
  for stream in streams { stream.close() }
}

@Test func aCompactionEndsWhenItIsCancelled() throws {
  let fixture = try fixture(Events(), interval: nil)
  try fixture.update("DELETE FROM people WHERE id = 1")
  let control = StatementControl()
  control.cancel()
  #expect(code { _ = try fixture.engine.compact("people", control) } == .cancelled)
  // Cancelled while it is at it: asked before each block of rows.
  let connection = try fixture.engine.pool.take(StatementControl())
  var asked = 0
  connection.connection.setProgress(every: 1_000_000) {
    asked += 1
    return true
  }
  #expect(throws: TableError.self) { _ = try connection.tables.compact(table: "people") }
  #expect(asked > 0)
  connection.connection.setProgress(every: 0, nil)
  fixture.engine.pool.giveBack(connection)
  #expect(try fixture.query("SELECT count(*) AS n FROM people").1 == [#"{"n":4}"#])
  #expect(try fixture.engine.compact("people").tombstones == 1)
}

@Test func aLongLogBeginsAnew() throws {
  let fixture = try EngineFixture()
  func length() -> Int {
    var status = stat()
    return stat(fixture.engine.database.filePath + "-wal", &status) == 0 ? Int(status.st_size) : 0
  }
  try fixture.update("CREATE TABLE t (a)")
  let transaction = try fixture.session.begin()
  #expect(try fixture.query("SELECT count(*) AS n FROM t", in: transaction).1 == [#"{"n":0}"#])
  for i in 0..<50 { try fixture.update("INSERT INTO t VALUES (\(i))") }
  let before = length()
  #expect(before > 50_000)
  fixture.engine.shortenLog(beyond: 1 << 30)
  // Somebody reads what there was.
  fixture.engine.shortenLog(beyond: 1000, patience: 10)
  #expect(length() == before)
  // It was tried: not again before there is as much more, unless nobody is there.
  let began = StatementControl.now
  fixture.engine.shortenLog(beyond: before - 1, patience: 10_000)
  #expect(StatementControl.now - began < 5_000_000_000)
  #expect(try fixture.query("SELECT count(*) AS n FROM t", in: transaction).1 == [#"{"n":0}"#])
  try fixture.session.rollback(transaction)
  fixture.engine.shortenLog(beyond: 1000, patience: 10)
  #expect(length() == 0)
  #expect(try fixture.query("SELECT count(*) AS n FROM t").1 == [#"{"n":50}"#])
  #expect(fixture.engine.pool.inUse == 0 && !fixture.engine.writers.isTaken)
}
