// Published tables against ordinary ones of the same rows: publishing, scans, selective filters, joins, appending.

import Arrow
import ArrowIPC
import Glibc
import Memory
import SQLite
import Samples
import Tables

struct TablesBench {
  let rows: Int
  let rounds: Int
  let folder: String
  let only: String
  /// A statement of one's own, to be profiled.
  let ownStatement: String?

  init(_ options: Options) {
    rows = options["rows", default: 10_000_000]
    rounds = options["rounds", default: 5]
    folder = options["folder"] ?? "/tmp/fletch-bench-\(getpid())"
    only = options["only"] ?? ""
    ownStatement = options["statement"]
  }

  func run() throws {
    mkdir(folder, 0o777)
    defer { removeFolder() }
    say("\(rows) rows, \(rounds) rounds; load \(loadAverage())\n")
    let plain = "\(folder)/plain.feather"
    let packed = "\(folder)/packed.feather"
    try writeFile(plain, codec: nil)
    try writeFile(packed, codec: .lz4)
    let database = try Database(path: "\(folder)/db")
    let session = try database.makeSession()
    if only.isEmpty || only == "publish" {
      for _ in 0..<2 {
        try publish(session, "in_place", plain, inPlace: true, "publish in place")
        try publish(session, "copied", plain, inPlace: false, "publish a copy")
        try publish(session, "unpacked", packed, inPlace: false, "publish LZ4")
      }
    }
    try publish(session, "p", plain, inPlace: true, "publish in place")
    try statistics(session)
    let load = try seconds {
      try session.connection.execute(
        """
        CREATE TABLE o (id BIGINT, k INTEGER, g TEXT, v DOUBLE, name TEXT, at TEXT);
        INSERT INTO o SELECT * FROM p;
        """)
    }
    line("load into an ordinary table", load)
    if only.isEmpty || only == "scan" { try scans(session) }
    if only.isEmpty || only == "join" { try joins(session) }
    if only.isEmpty || only == "append" { try append(session) }
    say("load \(loadAverage())\n")
  }

  // MARK: Data

  private var schema: Schema {
    Schema([
      Field("id", .int64), Field("k", .int32),
      Field("g", .dictionary(indices: .int16, values: .utf8, isOrdered: false)),
      Field("v", .float64), Field("name", .utf8), Field("at", .timestamp(.second, zone: nil)),
    ])
  }

  private func writeFile(_ path: String, codec: Codec?) throws {
    var random = RandomSource(seed: 1)
    let groups = BinaryBuilder<Int32>(type: .utf8)
    for i in 0..<100 { try groups.append("group \(i)") }
    let entries = groups.finish()
    let file = try AtomicFile(path: path)
    let writer = try FileWriter(file.sink, schema: schema, options: WriteOptions(codec: codec))
    var first = 0
    while first < rows {
      let count = min(rows - first, 1 << 20)
      let id = FixedBuilder<Int64>(type: .int64)
      let k = FixedBuilder<Int32>(type: .int32)
      let codes = FixedBuilder<Int16>(type: .int16)
      let v = FixedBuilder<Double>(type: .float64)
      let name = BinaryBuilder<Int32>(type: .utf8)
      let at = FixedBuilder<Int64>(type: .timestamp(.second, zone: nil))
      for i in 0..<count {
        id.append(Int64(first + i))
        k.append(Int32(random.below(1_000_000)))
        codes.append(Int16(random.below(100)))
        v.append(random.unit() * 1000)
        try name.append("name \(random.below(1_000_000))")
        at.append(1_500_000_000 + Int64(first + i))
      }
      guard case .fixed(let indices) = codes.finish().layout else { return }
      let g = try Column(
        type: schema.fields[2].type, count: count, layout: .dictionary(indices: indices, values: entries))
      try writer.write(
        try RecordBatch(
          schema: schema, columns: [id.finish(), k.finish(), g, v.finish(), name.finish(), at.finish()]))
      first += count
    }
    try writer.finish()
    try file.commit(durable: false)
  }

  private func publish(
    _ session: TableSession, _ name: String, _ path: String, inPlace: Bool, _ label: String
  ) throws {
    let time = try seconds {
      try session.connection.execute("BEGIN IMMEDIATE")
      let publication = try session.publish(name, schema: schema, mode: .replace)
      try publication.append(file: path, inPlace: inPlace)
      try publication.finish()
      try session.connection.execute("COMMIT")
    }
    try session.settle()
    line(label, time)
  }

  private func statistics(_ session: TableSession) throws {
    guard let snapshot = try session.snapshot(of: "p") else { return }
    for (i, field) in schema.fields.enumerated() {
      let time = try seconds { for placed in snapshot.segments { _ = try placed.segment.statistics(i) } }
      line("statistics of \(field.name) \(field.type), with its check", time)
    }
  }

  // MARK: Queries

  private func scans(_ session: TableSession) throws {
    let middle = rows / 2
    say("\n| query | published | ordinary | ordinary/published |\n|---|---|---|---|\n")
    if let sql = ownStatement {
      for _ in 0..<rounds { try compare(session, sql) }
      return
    }
    for sql in [
      "SELECT count(*) FROM @", "SELECT sum(k) FROM @", "SELECT sum(v) FROM @", "SELECT max(name) FROM @",
      "SELECT sum(length(name)) FROM @", "SELECT g, count(*), sum(k) FROM @ GROUP BY g",
      "SELECT * FROM @", "SELECT count(*) FROM @ WHERE v > 900", "SELECT count(*) FROM @ WHERE g = 'group 7'",
      "SELECT sum(v) FROM @ WHERE k = 4711", "SELECT sum(v) FROM @ WHERE k IN (1, 22, 333)",
      "SELECT sum(v) FROM @ WHERE id BETWEEN \(middle) AND \(middle + 1000)",
      "SELECT count(*) FROM @ WHERE name LIKE 'name 12345%'", "SELECT sum(v) FROM @ WHERE v < 0.05",
      "SELECT count(*) FROM @ WHERE at BETWEEN '2017-07-14 12:00:00' AND '2017-07-14 13:00:00'",
      "SELECT sum(v) FROM @ WHERE name = 'name 4711'", "SELECT v FROM @ WHERE rowid = \(middle)",
      "SELECT * FROM @ ORDER BY v LIMIT 10",
    ] { try compare(session, sql) }
    say("anonymous memory \(anonymousMemory() >> 20) MB\n")
  }

  private func joins(_ session: TableSession) throws {
    // A fact table of a million rows and a dimension of a hundred thousand, each published and ordinary.
    for (name, count) in [("big", min(rows, 1_000_000)), ("small", min(rows, 100_000))] {
      let statement = try session.connection.prepare("SELECT * FROM p WHERE rowid <= \(count)")
      let reader = RowReader(statement, schema: schema)
      try session.connection.execute("BEGIN IMMEDIATE")
      let publication = try session.publish("p\(name)", schema: schema, mode: .replace)
      while let batch = try reader.next(rowLimit: 65_536, byteLimit: .max) { try publication.append(batch) }
      try publication.finish()
      try session.connection.execute(
        "CREATE TABLE o\(name) (id BIGINT, k INTEGER, g TEXT, v DOUBLE, name TEXT, at TEXT); INSERT INTO o\(name) SELECT * FROM p\(name); COMMIT"
      )
      try session.settle()
    }
    say("\n| join | published | ordinary | ordinary/published |\n|---|---|---|---|\n")
    for sql in [
      "SELECT count(*), sum(a.v) FROM @small a JOIN @big b ON a.k = b.k",
      "SELECT count(*), sum(a.v) FROM @big b CROSS JOIN @small a ON a.k = b.k",
      "SELECT count(*), sum(a.v) FROM @small a CROSS JOIN @big b ON a.k = b.k",
      "SELECT count(*), sum(a.v) FROM @small a JOIN @big b ON a.name = b.name",
      "SELECT count(*), sum(a.v) FROM @big b CROSS JOIN @small a ON a.name = b.name",
      "SELECT count(*), sum(b.v) FROM @small a JOIN @big b ON a.id = b.id",
      "SELECT count(*) FROM @small a LEFT JOIN @big b ON a.at = b.at",
      "SELECT count(*), sum(b.v) FROM (SELECT g, min(id) AS id FROM @small GROUP BY g) a JOIN @big b ON a.g = b.g",
      "SELECT count(*), sum(b.v) FROM @small a JOIN obig b ON a.k = b.k",
      "SELECT count(*), sum(b.v) FROM osmall a JOIN @big b ON a.k = b.k",
      "SELECT count(*) FROM @big WHERE k IN (SELECT k FROM @small)",
      "SELECT count(*), sum(b.v) FROM @small a JOIN @big b ON b.rowid = a.k",
    ] { try compare(session, sql) }
    say("anonymous memory \(anonymousMemory() >> 20) MB\n")
  }

  /// The same statement on both tables in turns, with the same answer.
  private func compare(_ session: TableSession, _ sql: String) throws {
    var times: [[Double]] = [[], []]
    var answers: [UInt64] = [0, 0]
    for round in 0..<rounds {
      for (i, table) in ["p", "o"].enumerated() where round == 0 || times[i][0] < 20 {
        let statement = try session.connection.prepare(sql.replacing("@", with: table))
        var digest: UInt64 = 0
        let start = now()
        while try statement.step() {
          for column in 0..<statement.columnCount {
            // Reads every value as a client would have it, and adds up without regard to order.
            switch statement.storage(column) {
            case .integer: digest &+= UInt64(bitPattern: statement.integer(column))
            case .real: digest &+= UInt64(abs(statement.real(column)) * 16)
            default: digest &+= UInt64(statement.withBytes(column) { $0.count })
            }
          }
        }
        times[i].append(now() - start)
        answers[i] = digest
      }
    }
    let medians = times.map { $0.sorted()[$0.count / 2] }
    let isSame = answers[0] == answers[1] ? "" : " DIFFERS"
    say(
      "| \(sql)\(isSame) | \(text(medians[0])) | \(text(medians[1])) | \(ratio(medians[1] / medians[0])) |\n")
  }

  private func append(_ session: TableSession) throws {
    let schema = Schema([Field("a", .int64), Field("b", .float64)])
    var random = RandomSource(seed: 5)
    var batches: [RecordBatch] = []
    for _ in 0..<16 {
      let a = FixedBuilder<Int64>(type: .int64)
      let b = FixedBuilder<Double>(type: .float64)
      for _ in 0..<65_536 {
        a.append(Int64(random.below(1 << 40)))
        b.append(random.unit())
      }
      batches.append(try RecordBatch(schema: schema, columns: [a.finish(), b.finish()]))
    }
    var times: [Double] = []
    for _ in 0..<max(rounds, 5) {
      times.append(
        try seconds {
          try session.connection.execute("BEGIN IMMEDIATE")
          let publication = try session.publish("appended", schema: schema, mode: .createOrAppend)
          for batch in batches { try publication.append(batch) }
          try publication.finish()
          try session.connection.execute("COMMIT")
        })
      try session.settle()
    }
    let median = times.sorted()[times.count / 2]
    say(
      "\nappend of \(16 * 65_536) rows, durable: \(text(median)), \(Int(16 * 65.536 / median)) thousand rows/s\n"
    )
    line(
      "compaction of \(times.count) such segments", try seconds { _ = try session.compact(table: "appended") }
    )
  }

  // MARK: Measuring

  /// Seconds of a processor for statements, which need no other; by the wall where the disk is waited for.
  private func now(_ clock: clockid_t = CLOCK_PROCESS_CPUTIME_ID) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  private func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = now(CLOCK_MONOTONIC)
    try body()
    return now(CLOCK_MONOTONIC) - start
  }

  private func text(_ seconds: Double) -> String {
    seconds < 0.01 ? "\((seconds * 1e5).rounded() / 100) ms" : "\((seconds * 1000).rounded()) ms"
  }

  private func ratio(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
  private func line(_ label: String, _ seconds: Double) { say("\(label): \(text(seconds))\n") }

  private func loadAverage() -> String {
    var loads = [0.0, 0.0, 0.0]
    getloadavg(&loads, 3)
    return "\(loads[0])"
  }

  private func anonymousMemory() -> Int {
    guard let file = fopen("/proc/self/status", "r") else { return 0 }
    defer { fclose(file) }
    var buffer = [CChar](repeating: 0, count: 256)
    while fgets(&buffer, 256, file) != nil {
      let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      if text.hasPrefix("RssAnon:") {
        return (Int(text.filter { $0.isNumber }) ?? 0) * 1024
      }
    }
    return 0
  }

  /// Removes the folder and all in it, by the system's own program.
  private func removeFolder() {
    var pid: pid_t = 0
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("rm"), strdup("-rf"), strdup(folder), nil]
    posix_spawnp(&pid, "rm", nil, nil, &arguments, environ)
    var status: Int32 = 0
    waitpid(pid, &status, 0)
  }
}
