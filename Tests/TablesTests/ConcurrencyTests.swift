// Sessions on several threads: what each sees is one state of the table, whatever the others do.

import Arrow
import Dispatch
import Glibc
import Memory
import SQLite
import Synchronization
import Tables
import Testing

private let seconds = getenv("FLETCH_CONCURRENCY_SECONDS").flatMap { Double(String(cString: $0)) } ?? 2

private func accounts(_ rows: Range<Int>, _ balance: Int) throws -> RecordBatch {
  let (id, money) = (FixedBuilder<Int64>(type: .int64), FixedBuilder<Int64>(type: .int64))
  for row in rows {
    id.append(Int64(row))
    money.append(Int64(balance))
  }
  return try RecordBatch(
    schema: Schema([Field("id", .int64), Field("balance", .int64)]), columns: [id.finish(), money.finish()])
}

private func monotonic() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// One writer moves money, publishes, compacts and changes its mind; readers always find all the money.
@Test func readersSeeOneState() throws {
  let database = try Database(path: nil)
  let total: Int64 = 200_000
  @Sendable func publish(_ session: TableSession, _ batch: RecordBatch, _ mode: PublishMode) throws {
    let publication = try session.publish("accounts", schema: batch.schema, mode: mode)
    try publication.append(batch)
    try publication.finish()
  }
  let first = try database.makeSession()
  try first.connection.execute("BEGIN")
  try publish(first, try accounts(0..<2000, 100), .create)
  try first.connection.execute("COMMIT")
  try first.settle()
  let end = monotonic() + seconds
  let failures = Mutex<[String]>([])
  let reads = Atomic(0)
  let writes = Atomic(0)

  @Sendable func read(_ thread: Int) throws {
    let session = try database.makeSession()
    var round = thread
    // A few rounds each, however slow the machine is.
    while monotonic() < end || round < thread + 4 {
      round += 1
      let mark = session.beginReading()
      defer { session.endReading(mark) }
      let sql =
        switch round % 4 {
        case 0: "SELECT sum(balance), count(DISTINCT id) FROM accounts"
        case 1: "SELECT sum(balance), 0 FROM (SELECT * FROM accounts ORDER BY balance)"
        case 2: "SELECT sum(a.balance), 0 FROM accounts a JOIN accounts b ON a.id = b.id"
        default: "SELECT sum(b), 0 FROM (SELECT sum(balance) AS b FROM accounts GROUP BY id % 10)"
        }
      // Two statements in one transaction see the same.
      try session.connection.execute("BEGIN")
      let sums = try (0..<2).map { _ in try session.connection.value(sql) }
      try session.connection.execute("COMMIT")
      if sums != [.integer(total), .integer(total)] { failures.withLock { $0.append("\(sums): \(sql)") } }
      reads.wrappingAdd(1, ordering: .relaxed)
    }
  }

  @Sendable func write() throws {
    let session = try database.makeSession()
    let connection = session.connection
    var round = 0
    while monotonic() < end || round < 12 {
      round += 1
      let (from, to, sum) = (round * 7 % 2000, round * 13 % 2000, round % 50)
      try connection.execute("BEGIN IMMEDIATE")
      switch round % 12 {
      case 5:
        // Rows without money, and some of them go again.
        try publish(session, try accounts(2000..<2100, 0), .append)
        try connection.execute("DELETE FROM accounts WHERE id >= 2050")
      case 9:
        guard case .integer(let sum)? = try connection.value("SELECT sum(balance) FROM accounts") else {
          break
        }
        if sum != total { failures.withLock { $0.append("the writer sees \(sum)") } }
        try publish(session, try accounts(0..<2000, 100), .replace)
      case 11:
        try connection.execute("DELETE FROM accounts; ROLLBACK; BEGIN")
      default:
        try connection.execute(
          """
          UPDATE accounts SET balance = balance - \(sum) WHERE id = \(from);
          SAVEPOINT s; UPDATE accounts SET balance = 0; ROLLBACK TO s;
          UPDATE accounts SET balance = balance + \(sum) WHERE id = \(to);
          """)
      }
      try connection.execute("COMMIT")
      try session.settle()
      if round % 10 == 0 { _ = try session.compact(table: "accounts") }
      writes.wrappingAdd(1, ordering: .relaxed)
    }
  }

  DispatchQueue.concurrentPerform(iterations: 5) { thread in
    do { if thread == 0 { try write() } else { try read(thread) } } catch {
      failures.withLock { $0.append("thread \(thread): \(error)") }
    }
  }
  print(
    "readersSeeOneState: \(reads.load(ordering: .relaxed)) reads, \(writes.load(ordering: .relaxed)) writes")
  #expect(failures.withLock { Array($0.prefix(5)) } == [])
  #expect(reads.load(ordering: .relaxed) > 0 && writes.load(ordering: .relaxed) > 0)
  // Nothing but the segments that are in the catalog is left.
  var files = 0
  if let folder = opendir(database.path + "/segments") {
    while let entry = readdir(folder) { files += entry.pointee.d_name.0 == CChar(UInt8(ascii: ".")) ? 0 : 1 }
    closedir(folder)
  }
  #expect(try first.connection.value("SELECT count(*) FROM fletch_segments") == .integer(Int64(files)))
}
