// A query that is cancelled ends, wherever it is, in an error and in nothing else.

import Arrow
import Memory
import SQL
import SQLite
import Synchronization
import Tables
import Testing

@testable import Query
@testable import fletch_differential

/// Says yes from some question on.
private final class Canceller: Sendable {
  private let left: Atomic<Int>

  init(after questions: Int) { left = Atomic(questions) }

  func isCancelled() -> Bool { left.subtract(1, ordering: .relaxed).newValue < 0 }
  var isReached: Bool { left.load(ordering: .relaxed) < 0 }
}

/// A table `t` whose rows are all different, as many as make hash tables of texts grow in steps that ask.
private func session(rows: Int) throws -> TableSession {
  let session = try Database(path: nil).makeSession()
  let schema = Schema([Field("id", .int64), Field("text", .utf8), Field("real", .float64)])
  try session.connection.execute("BEGIN IMMEDIATE")
  let publication = try session.publish("t", schema: schema, mode: .create)
  let id = FixedBuilder<Int64>(type: .int64)
  let text = BinaryBuilder<Int32>(type: .utf8)
  let real = FixedBuilder<Double>(type: .float64)
  for row in 0..<rows {
    id.append(Int64(row))
    try text.append("text \(row &* 7919 % rows)")
    real.append(Double(row &* 104_729 % rows))
  }
  try publication.append(
    RecordBatch(schema: schema, columns: [id.finish(), text.finish(), real.finish()], count: rows))
  try publication.finish()
  try session.connection.execute("COMMIT")
  try session.settle()
  return session
}

@Test(
  arguments: [
    "SELECT text, id FROM t ORDER BY text", "SELECT real FROM t ORDER BY real",
    "SELECT text, count(*) FROM t GROUP BY text", "SELECT id + 1, sum(real) FROM t GROUP BY id + 1",
    "SELECT count(DISTINCT text), count(DISTINCT real) FROM t", "SELECT DISTINCT text FROM t",
    "SELECT count(*) FROM t AS a JOIN t AS b ON a.text = b.text",
    "SELECT count(*) FROM t AS a JOIN t AS b ON a.id = b.id",
    "SELECT count(*) FROM t WHERE id IN (SELECT id * 2 FROM t)",
    "SELECT count(*) FROM t WHERE real IN (SELECT real + 1 FROM t)",
    "SELECT text FROM t UNION SELECT text || 'x' FROM t",
    "SELECT id, row_number() OVER (PARTITION BY id % 7 ORDER BY text), sum(id) OVER (ORDER BY real), max(text) OVER (PARTITION BY id % 5), lag(id) OVER (ORDER BY real DESC) FROM t",
    "SELECT n, count(*) FROM (SELECT text, count(*) AS n FROM t GROUP BY text HAVING count(*) > 0) GROUP BY n",
  ], [1, 2])
func cancelledAnywhere(_ sql: String, _ threads: Int) throws {
  let session = try session(rows: 40_000)
  let bound = try Binder.bind(Statement(sql)!, text: sql, catalog: SessionCatalog(session: session))
  guard case .columns(let query) = ColumnarQuery.plan(bound, parameters: []) else {
    Issue.record("not on columns: \(sql)")
    return
  }
  let inputs = try TableInput.read(query.tableNames, on: session)
  func rows(_ canceller: Canceller) throws -> Int {
    var options = QueryOptions()
    options.threads = threads
    options.isCancelled = { canceller.isCancelled() }
    let stream = query.run(inputs, options)
    var rows = 0
    while let batch = try stream.next() { rows += batch.count }
    return rows
  }
  let expected = try rows(Canceller(after: .max))
  #expect(expected > 0)
  var (questions, cancelled) = (0, 0)
  while true {
    let canceller = Canceller(after: questions)
    do {
      #expect(try rows(canceller) == expected)
      // With two threads, one may be asked for the last time when nothing is left to do.
      if !canceller.isReached { break }
    } catch let error as QueryError {
      #expect(error.code == .cancelled, "after \(questions): \(error)")
      cancelled += 1
    }
    questions = questions * 3 + 1
  }
  #expect(cancelled > 2)
}

/// A sort of many rows is one step of the plan: within it, it asks.
@Test func theSortOfAWindowAsks() throws {
  let session = try session(rows: 300_000)
  let sql = "SELECT id, row_number() OVER (ORDER BY text) AS n FROM t"
  let bound = try Binder.bind(Statement(sql)!, text: sql, catalog: SessionCatalog(session: session))
  guard case .columns(let query) = ColumnarQuery.plan(bound, parameters: []) else {
    Issue.record("not on columns")
    return
  }
  let asked = Atomic<Int>(0)
  var options = QueryOptions()
  options.isCancelled = {
    asked.add(1, ordering: .relaxed)
    return false
  }
  let stream = query.run(try TableInput.read(query.tableNames, on: session), options)
  _ = try stream.next()
  // Five million comparisons and more, of which one in 16,384 asks.
  #expect(asked.load(ordering: .relaxed) > 250)
}

@Test func arraysAreMadeInParts() throws {
  let never = Checkpoint { false }
  #expect(try Array(0, never) { $0 } == [])
  #expect(try Array(200_000, never) { $0 } == Array(0..<200_000))
  #expect(try Array(joining: [[1, 2], [], [3]], never) == [1, 2, 3])
  #expect(throws: QueryError.self) { _ = try Array(200_000, Checkpoint { true }) { $0 } }
  #expect(throws: QueryError.self) { _ = try Array(joining: [[1], [2]], Checkpoint { true }) }
  // Large enough for huge pages.
  var large = [UInt64](capacity: 5 << 20)
  large.append(contentsOf: repeatElement(7, count: 5 << 20))
  #expect(large.count == 5 << 20 && large.allSatisfy { $0 == 7 })
}
