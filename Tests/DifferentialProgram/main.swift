// The differential test of queries on columns, as a program: so that it is built with optimisation and runs on all cores.
//
//     fletch-differential [--statements N] [--seconds N] [--seed N] [--threads N]
//     fletch-differential --seed N --data-set N --sql 'SELECT …'      shows both answers
//
// It prints its seed first, which repeats the run, and ends with 1 when the two ways disagree.

import Dispatch
import Glibc
import Query
import Synchronization

var arguments = Array(CommandLine.arguments.dropFirst())
@MainActor func option(_ name: String) -> String? {
  guard let place = arguments.firstIndex(of: name), place + 1 < arguments.count else { return nil }
  defer { arguments.removeSubrange(place...place + 1) }
  return arguments[place + 1]
}

func now() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

let seed = option("--seed").flatMap { UInt64($0) } ?? UInt64(UInt32.random(in: 0 ... .max))
let seconds = option("--seconds").flatMap { Double($0) }
let statements = option("--statements").flatMap { Int($0) } ?? (seconds == nil ? 10_000 : .max)
let threads = option("--threads").flatMap { Int($0) } ?? max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
let only = option("--data-set").flatMap { Int($0) }
let sql = option("--sql")
if !arguments.isEmpty {
  print("fletch-differential: what is '\(arguments[0])'?")
  exit(2)
}

if let sql {
  let data = try DataSet(seed: seed, number: only ?? 0)
  switch try data.plan(sql, []) {
  case .notMine(let reason): print("not on columns: \(reason)")
  case .columns(let query):
    let mine = try data.onColumns(query, QueryOptions())
    let theirs = Outcome.bySQLite(sql, query.schema, data.session)
    print("columns: \(mine?.error ?? mine.map { "\($0.rows.count) rows" } ?? "left to SQLite")")
    print("SQLite:  \(theirs.error ?? "\(theirs.rows.count) rows")")
    for i in 0..<min(20, max(mine?.rows.count ?? 0, theirs.rows.count)) {
      let row = { (outcome: Outcome?) in
        outcome.flatMap { i < $0.rows.count ? "\($0.rows[i])" : nil } ?? "-"
      }
      print("  \(row(mine))   \(row(theirs))")
    }
  }
  exit(0)
}

print("fletch-differential: seed \(seed)")
let run = Differential(seed: seed)
let started = now()
let total = Mutex(Report())
let next = Atomic<Int>(0)
let perDataSet = run.statementsPerDataSet
let sets = statements == .max ? Int.max : (statements + perDataSet - 1) / perDataSet
let (first, last) = only.map { ($0, $0 + 1) } ?? (0, sets)
next.store(first, ordering: .relaxed)
DispatchQueue.concurrentPerform(iterations: only == nil ? threads : 1) { _ in
  while true {
    let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
    if number >= last || seconds.map({ now() - started > $0 }) ?? false { break }
    if total.withLock({ $0.problems.count > 20 }) { break }
    do {
      let report = try run.run(dataSet: number, statements: min(perDataSet, statements))
      total.withLock { $0.add(report) }
    } catch {
      total.withLock { $0.problems.append("data set \(number): \(error)") }
    }
  }
}
let report = total.withLock { $0 }
for problem in report.problems { print(problem) }
for (reason, count) in report.reasons.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }).prefix(20) {
  print("  \(count) not on columns: \(reason)")
}
print(
  "\(report.statements) statements in \(Int(now() - started)) s: \(report.onColumns) on columns, "
    + "\(report.leftWhileRunning) left to SQLite while running, \(report.inEngine) in an engine, \(report.problems.count) disagree (seed \(seed))"
)
exit(report.problems.isEmpty ? 0 : 1)
