// Work on a database that somebody kills at any moment: each acknowledged step is said at once.

import Arrow
import Glibc
import Memory
import SQLite
import Tables

/// Publishes, appends, changes, compacts and drops, again and again. Every transaction leaves a state that its number tells, and says
/// `begin N` before and `done N` once it is acknowledged:
///
///     rows of t: N·3 − 1 in sum of `step` … all rows of table t have step N
///
/// so that after a crash the tables hold the state of the last acknowledged step or of the one behind it, and nothing in between.
struct CrashWork {
  private let folder: String
  private let steps: Int
  private let seed: UInt64
  /// Ends the process within a step at the n-th call of a system function that changes files, where asked.
  private let checkOnly: Bool

  init(_ options: Options) {
    folder = options["database"] ?? "crash.db"
    steps = options["steps", default: 1_000_000]
    seed = UInt64(options["seed", default: 1])
    checkOnly = options["check"] != nil
  }

  static let schema = Schema([Field("step", .int64), Field("part", .int64), Field("text", .utf8)])

  func run() throws {
    let database = try Database(path: folder)
    let session = try database.makeSession()
    if checkOnly { return try check(session) }
    try session.connection.execute("CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY, step)")
    var step = try lastStep(session)
    say("open \(step)\n")
    let end = step + steps
    while step < end {
      step += 1
      say("begin \(step)\n")
      try work(session, step)
      say("done \(step)\n")
      // Compaction changes no state, and may be killed like anything else.
      if step % 3 == 0, try session.snapshot(of: "t") != nil {
        var policy = CompactionPolicy()
        policy.smallRows = 1000
        policy.targetRows = 700
        _ = try session.compact(table: "t", policy: policy)
        say("compacted\n")
      }
    }
  }

  private func lastStep(_ session: TableSession) throws -> Int {
    guard case .integer(let step)? = try session.connection.value("SELECT max(step) FROM log") else {
      return 0
    }
    return Int(step)
  }

  /// One transaction: whatever it does, all rows of `t` have its number in the end, and there are `rows(step)` of them.
  private func work(_ session: TableSession, _ step: Int) throws {
    let connection = session.connection
    try connection.execute("BEGIN IMMEDIATE")
    let count = CrashWork.rows(step)
    switch step % 7 {
    case 0:
      try publish(session, .replace, rows: 0..<count, step)
    case 1:
      // The number of rows is another: those behind the end go, those that lack come by SQL and by a stream.
      try resize(session, step, count)
      try connection.execute("UPDATE t SET step = \(step) WHERE step <> \(step)")
    case 2:
      try connection.execute("DROP TABLE IF EXISTS t")
      try publish(session, .create, rows: 0..<count, step)
    case 3:
      try connection.execute("SAVEPOINT s; DELETE FROM t; ROLLBACK TO s")
      try resize(session, step, count)
      try connection.execute("UPDATE t SET step = \(step) WHERE step <> \(step)")
    case 4:
      try connection.execute("DELETE FROM t")
      try publish(session, .append, rows: 0..<count, step)
    default:
      try resize(session, step, count)
      try connection.execute("UPDATE t SET step = \(step), text = 'changed' WHERE step <> \(step)")
    }
    try connection.execute("INSERT INTO log (step) VALUES (\(step))")
    try connection.execute("COMMIT")
    try session.settle()
  }

  private func resize(_ session: TableSession, _ step: Int, _ count: Int) throws {
    if try session.snapshot(of: "t") == nil { try publish(session, .create, rows: 0..<0, step) }
    guard case .integer(let have)? = try session.connection.value("SELECT count(*) FROM t") else { return }
    try session.connection.execute("DELETE FROM t WHERE part >= \(count)")
    guard have < count else { return }
    if step % 2 == 0 {
      try publish(session, .append, rows: Int(have)..<count, step)
    } else {
      for part in Int(have)..<count {
        try session.connection.execute("INSERT INTO t VALUES (\(step), \(part), 'inserted')")
      }
    }
  }

  private func publish(_ session: TableSession, _ mode: PublishMode, rows: Range<Int>, _ step: Int) throws {
    let publication = try session.publish("t", schema: CrashWork.schema, mode: mode)
    let (steps, parts) = (FixedBuilder<Int64>(type: .int64), FixedBuilder<Int64>(type: .int64))
    let texts = BinaryBuilder<Int32>(type: .utf8)
    for part in rows {
      steps.append(Int64(step))
      parts.append(Int64(part))
      try texts.append("published \(part)")
    }
    try publication.append(
      try RecordBatch(
        schema: CrashWork.schema, columns: [steps.finish(), parts.finish(), texts.finish()], count: rows.count
      ))
    try publication.finish()
  }

  static func rows(_ step: Int) -> Int { 20 + step * 37 % 400 }

  // MARK: Afterwards

  /// Says the state that is there; throws when it is none.
  private func check(_ session: TableSession) throws {
    func number(_ sql: String) throws -> Int {
      guard case .integer(let value)? = try session.connection.value(sql) else { return 0 }
      return Int(value)
    }
    guard case .text("ok")? = try session.connection.value("PRAGMA integrity_check") else {
      throw SQLiteError(.corrupt, "PRAGMA integrity_check finds faults")
    }
    let hasLog = try number("SELECT count(*) FROM sqlite_schema WHERE name = 'log'") == 1
    let step = hasLog ? try lastStep(session) : 0
    if step > 0 {
      let count = CrashWork.rows(step)
      let found = (
        try number("SELECT count(*) FROM t"), try number("SELECT count(DISTINCT part) FROM t"),
        try number("SELECT count(*) FROM t WHERE step = \(step)"), try number("SELECT max(part) + 1 FROM t")
      )
      guard found == (count, count, count, count) else {
        throw SQLiteError(.corrupt, "step \(step) has \(count) rows, but the table \(found)")
      }
      if let snapshot = try session.snapshot(of: "t") {
        for placed in snapshot.segments { for c in 0..<3 { _ = try placed.segment.statistics(c) } }
      }
    }
    // Every file of a segment has its row in the catalog, and the other way round.
    var files: Set<String> = []
    if let folder = opendir(session.database.path + "/segments") {
      while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { files.insert(name) }
      }
      closedir(folder)
    }
    var known: Set<String> = []
    let statement = try session.connection.prepare("SELECT path FROM fletch_segments")
    while try statement.step() { known.insert(statement.text(0)) }
    guard files == known else {
      throw SQLiteError(.corrupt, "segments in the catalog: \(known.sorted()), files: \(files.sorted())")
    }
    say("state \(step)\n")
  }
}
