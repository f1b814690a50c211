// Sessions on several threads for the thread sanitizer: readers, and a writer that changes, publishes and compacts.

import Arrow
import Glibc
import Memory
import SQLite
import Synchronization
import Tables

/// What `Tests/TablesTests/ConcurrencyTests` checks, as a program of its own: threads are POSIX threads, which the sanitizer knows.
final class ThreadWork: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): constants, and an atomic.
  private let database: Database
  private let end: Int
  private let reads = Atomic(0)
  private static let total: Int64 = 50_000

  init(_ options: Options) throws {
    database = try Database(path: nil)
    end = time(nil) + options["seconds", default: 5]
  }

  func run() throws {
    let session = try database.makeSession()
    try session.connection.execute("BEGIN")
    try publish(session, .create, 0..<500, balance: 100)
    try session.connection.execute("COMMIT")
    try session.settle()
    var threads: [pthread_t] = []
    for _ in 0..<3 {
      var thread = pthread_t()
      pthread_create(
        &thread, nil,
        { context in
          do { try Unmanaged<ThreadWork>.fromOpaque(context!).takeUnretainedValue().read() } catch {
            say("reader: \(error)\n", to: 2)
            exit(1)
          }
          return nil
        }, Unmanaged.passUnretained(self).toOpaque())
      threads.append(thread)
    }
    var round = 0
    while time(nil) < end {
      round += 1
      try session.connection.execute("BEGIN IMMEDIATE")
      switch round % 6 {
      case 0: try publish(session, .replace, 0..<500, balance: 100)
      case 1: try publish(session, .append, 500..<550, balance: 0)
      default:
        try session.connection.execute(
          "UPDATE accounts SET balance = balance - 5 WHERE id = \(round % 500); UPDATE accounts SET balance = balance + 5 WHERE id = \(round * 3 % 500)"
        )
      }
      try session.connection.execute("COMMIT")
      try session.settle()
      if round % 4 == 0 { _ = try session.compact(table: "accounts") }
    }
    for thread in threads { pthread_join(thread, nil) }
    say("\(round) changes, \(reads.load(ordering: .relaxed)) reads\n")
  }

  private func read() throws {
    let session = try database.makeSession()
    while time(nil) < end {
      let mark = session.beginReading()
      defer { session.endReading(mark) }
      for sql in [
        "SELECT sum(balance) FROM accounts",
        "SELECT sum(a.balance) FROM accounts a JOIN accounts b ON a.id = b.id",
        "SELECT sum(balance) FROM accounts WHERE name > 'a'",
      ] {
        let sum = try session.connection.value(sql)
        guard sum == .integer(ThreadWork.total) else {
          throw SQLiteError(.corrupt, "\(sql) gives \(sum ?? .null)")
        }
      }
      reads.wrappingAdd(3, ordering: .relaxed)
    }
  }

  private func publish(_ session: TableSession, _ mode: PublishMode, _ rows: Range<Int>, balance: Int) throws
  {
    let schema = Schema([Field("id", .int64), Field("balance", .int64), Field("name", .utf8)])
    let (id, money) = (FixedBuilder<Int64>(type: .int64), FixedBuilder<Int64>(type: .int64))
    let name = BinaryBuilder<Int32>(type: .utf8)
    for row in rows {
      id.append(Int64(row))
      money.append(Int64(balance))
      try name.append("name \(row)")
    }
    let publication = try session.publish("accounts", schema: schema, mode: mode)
    try publication.append(
      try RecordBatch(
        schema: schema, columns: [id.finish(), money.finish(), name.finish()], count: rows.count))
    try publication.finish()
  }
}
