// Scans whose blocks are read by several threads ahead of the one that takes them.

import Arrow
import Glibc
import Memory
import SQL
import SQLite
import Synchronization
import Tables
import Testing

@testable import Query
@testable import fletch_differential

/// A table `t` of many small batches; some numbers are NULL or NaN, and the day of the last row is beyond year 9999 where asked for.
private func table(batches: Int, rows: Int, lastDay: Int32 = 0) throws -> TableSession {
  let session = try Database(path: nil).makeSession()
  let schema = Schema([Field("id", .int64), Field("real", .float64), Field("day", .date32)])
  try session.connection.execute("BEGIN IMMEDIATE")
  let publication = try session.publish("t", schema: schema, mode: .create)
  for batch in 0..<batches {
    let id = FixedBuilder<Int64>(type: .int64)
    let real = FixedBuilder<Double>(type: .float64)
    let day = FixedBuilder<Int32>(type: .date32)
    for row in batch * rows..<(batch + 1) * rows {
      id.append(Int64(row))
      if row % 7 == 3 { real.appendNull() } else { real.append(row % 11 == 5 ? .nan : Double(row % 100)) }
      day.append(row == batches * rows - 1 ? lastDay : 0)
    }
    try publication.append(
      RecordBatch(schema: schema, columns: [id.finish(), real.finish(), day.finish()], count: rows))
  }
  try publication.finish()
  try session.connection.execute("COMMIT")
  try session.settle()
  return session
}

private func stream(_ sql: String, _ session: TableSession, _ options: QueryOptions) throws -> QueryStream {
  let bound = try Binder.bind(Statement(sql)!, text: sql, catalog: SessionCatalog(session: session))
  guard case .columns(let query) = ColumnarQuery.plan(bound, parameters: []) else {
    throw QueryError(.leftToSQLite, "not mine: \(sql)")
  }
  return query.run(try TableInput.read(query.tableNames, on: session), options)
}

private func options(_ threads: Int) -> QueryOptions {
  var options = QueryOptions()
  options.threads = threads
  return options
}

private func integer(_ column: Column, _ row: Int) -> Int64 { column.values(of: Int64.self)[row] }

private func hasReal(_ id: Int64) -> Bool { id % 7 != 3 && id % 11 != 5 }

private let filters: [(String, @Sendable (Int64) -> Bool)] = [
  ("real > 98", { id in hasReal(id) && id % 100 == 99 }),
  ("real BETWEEN 10 AND 90 AND id % 2 = 0", { id in hasReal(id) && id % 2 == 0 && 10...90 ~= id % 100 }),
  ("real <> 5", { id in hasReal(id) && id % 100 != 5 }),
  ("1", { _ in true }),
  ("id < 0 AND real = 1", { _ in false }),
]

@Test(arguments: [1, 2, 4])
func rowsComeInTheOrderOfTheTable(_ threads: Int) throws {
  let session = try table(batches: 300, rows: 40)
  for (filter, holds) in filters {
    let stream = try stream("SELECT id FROM t WHERE \(filter)", session, options(threads))
    var ids: [Int64] = []
    while let batch = try stream.next() {
      #expect(batch.count > 0)
      for i in 0..<batch.count { ids.append(integer(batch.columns[0], i)) }
    }
    #expect(stream.isAtEnd)
    let expected = (0..<12_000).filter { holds($0) }
    #expect(ids == expected, "\(filter)")
  }
}

@Test func whatIsNotTakenIsNotRead() throws {
  let session = try table(batches: 300, rows: 5000)
  let asked = Atomic(0)
  var options = options(2)
  options.isCancelled = {
    asked.add(1, ordering: .relaxed)
    return false
  }
  var stream: QueryStream? = try stream("SELECT id + 1 FROM t WHERE real > 5", session, options)
  let first = try #require(try stream!.next())
  #expect(integer(first.columns[0], 0) == 7)
  // The threads stop when enough is ahead, and for good when nobody is there to take it.
  usleep(200_000)
  #expect(asked.load(ordering: .relaxed) < 100)
  stream = nil
  usleep(50_000)
  let before = asked.load(ordering: .relaxed)
  usleep(100_000)
  #expect(asked.load(ordering: .relaxed) == before)
}

@Test(arguments: [1, 3])
func cancelAndErrorsReachWhoTakes(_ threads: Int) throws {
  let session = try table(batches: 200, rows: 5000, lastDay: .max)
  let isCancelled = Atomic(false)
  var options = options(threads)
  options.isCancelled = { isCancelled.load(ordering: .relaxed) }
  let cancelled = try stream("SELECT id + 1 FROM t WHERE real > 5", session, options)
  _ = try cancelled.next()
  isCancelled.store(true, ordering: .relaxed)
  #expect { while try cancelled.next() != nil {} } throws: { ($0 as? QueryError)?.code == .cancelled }
  #expect(try cancelled.next() == nil)
  isCancelled.store(false, ordering: .relaxed)
  let left = try stream("SELECT id FROM t WHERE day >= '1970-01-01'", session, options)
  #expect { while try left.next() != nil {} } throws: { ($0 as? QueryError)?.code == .leftToSQLite }
}
