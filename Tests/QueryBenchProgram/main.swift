// Runs statements over a Feather file both ways, or on columns alone, and tells the time: what `Query` is measured with.
//
//     fletch-query-bench FILE [--rounds N] [--threads N] [--sqlite] [SQL …]
//
// The table is `t`; without statements it runs those that issue 6 names, over `fletch sample --kind readings`.

import Arrow
import Glibc
import Memory
import Query
import SQL
import SQLite
import Tables

struct SessionCatalog: Catalog {
  let session: TableSession

  func relation(schema: String?, name: String) throws(SQLError) -> Relation? {
    guard let published = try? session.publishedSchema(of: name) else { return nil }
    return Relation(
      name: name, kind: .published, columns: published.fields.map { CatalogColumn(published: $0) })
  }
}

func now() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) * 1000 + Double(time.tv_nsec) / 1e6
}

var arguments = Array(CommandLine.arguments.dropFirst())
@MainActor func option(_ name: String) -> String? {
  guard let place = arguments.firstIndex(of: name), place + 1 < arguments.count else { return nil }
  defer { arguments.removeSubrange(place...place + 1) }
  return arguments[place + 1]
}
let rounds = option("--rounds").flatMap { Int($0) } ?? 7
var options = QueryOptions()
options.threads = option("--threads").flatMap { Int($0) } ?? 2
let showsSQLite = arguments.firstIndex(of: "--sqlite").map { arguments.remove(at: $0) } != nil
guard !arguments.isEmpty else {
  print("a file is needed")
  exit(2)
}
let path = arguments.removeFirst()
let statements =
  arguments.isEmpty
  ? [
    "SELECT * FROM t WHERE qty < 100",
    "SELECT id, device, value FROM t WHERE device LIKE '%7%'",
    "SELECT count(*), sum(qty), avg(value), min(value), max(value) FROM t",
    "SELECT count(*), sum(qty), avg(value) FROM t WHERE value > 500 AND region = 'north'",
    "SELECT device, region, count(*), avg(value) FROM t GROUP BY device, region",
    "SELECT bucket, count(*), sum(qty) FROM t GROUP BY bucket",
    "SELECT id, device, value FROM t ORDER BY value DESC LIMIT 10",
    "SELECT count(DISTINCT bucket) FROM t",
    "SELECT * FROM t WHERE id = 1234567",
    "SELECT * FROM t",
  ] : arguments

let session = try Database(path: nil).makeSession()
try session.connection.execute("BEGIN IMMEDIATE")
let reader = try Segment(path: path)
let publication = try session.publish("t", schema: reader.schema, mode: .create)
try publication.append(file: path, inPlace: true)
try publication.finish()
try session.connection.execute("COMMIT")
let inputs = try TableInput.read(["t"], on: session)

for sql in statements {
  let started = now()
  let bound = try Binder.bind(Statement(sql)!, text: sql, catalog: SessionCatalog(session: session))
  guard case .columns(let query) = ColumnarQuery.plan(bound, parameters: []) else {
    print("not mine: \(sql) \(ColumnarQuery.plan(bound, parameters: []))")
    continue
  }
  let planned = now() - started
  var times: [Double] = []
  var rows = 0
  for _ in 0..<rounds + 1 {
    let started = now()
    rows = 0
    let stream = query.run(inputs, options)
    while let batch = try stream.next() { rows += batch.count }
    times.append(now() - started)
  }
  let first = times.removeFirst()
  times.sort()
  func text(_ time: Double) -> String { "\((time * 100).rounded() / 100)" }
  var line =
    "\(text(times[times.count / 2])) ms (first \(text(first)), plan \(text(planned))), \(rows) rows: \(sql)"
  if showsSQLite {
    let started = now()
    let statement = try session.connection.prepare(sql)
    while try statement.step() {}
    line += " | SQLite \(text(now() - started)) ms"
  }
  print(line)
}
