// A disk that is full, or broken: clean errors, nothing lost, and service goes on when it is well again.

import Arrow
import CSQLite
import Glibc
import Memory
import SQLite
import Samples
import Tables
import Testing

private func pairs(_ first: Int, _ count: Int) throws -> RecordBatch {
  let (a, b) = (FixedBuilder<Int64>(type: .int64), FixedBuilder<Int64>(type: .int64))
  for i in 0..<count {
    a.append(Int64(first + i))
    b.append(Int64(i % 7))
  }
  return try RecordBatch(
    schema: Schema([Field("a", .int64), Field("b", .int64)]), columns: [a.finish(), b.finish()])
}

private func state(_ session: TableSession) throws -> [SQLValue?] {
  try ["SELECT count(*) FROM t", "SELECT sum(a) FROM t", "SELECT sum(b) FROM t"].map {
    try session.connection.value($0)
  }
}

/// One transaction with everything in it, and a compaction.
private func work(_ session: TableSession) throws -> Bool {
  try session.connection.execute("BEGIN IMMEDIATE")
  do {
    let publication = try session.publish("t", schema: try pairs(0, 1).schema, mode: .append)
    try publication.append(try pairs(1000, 50))
    try publication.finish()
    try session.connection.execute(
      "UPDATE t SET b = b + 1 WHERE a % 3 = 0; DELETE FROM t WHERE a % 5 = 0; INSERT INTO t VALUES (7777, 1)")
    try session.connection.execute("COMMIT")
  } catch {
    if session.connection.isInTransaction { try? session.connection.execute("ROLLBACK") }
    try? session.settle()
    throw error
  }
  try session.settle()
  return true
}

// One after the other: the faults are for the whole process.
@Suite(.serialized) struct FaultTests {
  @Test(arguments: [SQLITE_FULL, SQLITE_IOERR | 3 << 8])
  func writesThatFailLoseNothing(_ code: Int32) throws {
    #expect(FaultyFiles.isInstalled)
    let folder = "/tmp/\(FaultyFiles.marker)-\(getpid())-\(code)"
    defer { remove(folder) }
    var n = 0
    var failures = 0
    while n < 400 {
      remove(folder)
      let database = try Database(path: folder)
      let session = try database.makeSession()
      try session.connection.execute("BEGIN")
      let publication = try session.publish("t", schema: try pairs(0, 1).schema, mode: .create)
      try publication.append(try pairs(0, 300))
      try publication.finish()
      try session.connection.execute("COMMIT")
      try session.settle()
      try session.connection.execute("DELETE FROM t WHERE a < 10")
      let before = try state(session)
      FaultyFiles.arm(after: n, with: code)
      var isDone = false
      var isCompacted = false
      do {
        isDone = try work(session)
        _ = try session.compact(table: "t")
        isCompacted = true
      } catch {
        let text = "\(error)"
        #expect(text.contains("disk I/O error") || text.contains("full") || text.contains("I/O"), "\(text)")
      }
      let hasFailed = FaultyFiles.disarm()
      if hasFailed { failures += 1 }
      let after = try state(session)
      if isDone { #expect(after != before) } else { #expect(after == before, "after fault \(n)") }
      // Service goes on, on this connection and on another.
      let other = try database.makeSession()
      #expect(try state(other) == after)
      if isDone { try session.connection.execute("DELETE FROM t WHERE a >= 1000") }
      #expect(try work(session))
      _ = try session.compact(table: "t")
      #expect(try state(other) == (try state(session)))
      #expect(try session.connection.value("PRAGMA integrity_check") == .text("ok"))
      if isDone, isCompacted, !hasFailed { break }
      n += n < 30 ? 1 : 7
    }
    #expect(failures > 5)
  }
}

private func remove(_ folder: String) {
  for part in ["\(folder)/segments", folder] {
    guard let open = opendir(part) else { continue }
    while let entry = readdir(open) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { unlink("\(part)/\(name)") }
    }
    closedir(open)
    rmdir(part)
  }
}
