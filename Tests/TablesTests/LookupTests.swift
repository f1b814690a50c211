// Equalities that are looked up often enough for an index: the same rows as from an ordinary table, whatever has changed since.

import Arrow
import Memory
import SQLite
import Samples
import Tables
import Testing

private let schema = Schema([
  Field("k", .int32), Field("s", .utf8),
  Field("d", .dictionary(indices: .int16, values: .utf8, isOrdered: false)),
  Field("day", .date32), Field("u", .uint64), Field("f", .float32),
])

private func batch(_ random: inout RandomSource, rows: Int) throws -> RecordBatch {
  let builders = schema.fields.map { $0.type.makeBuilder() }
  for _ in 0..<rows {
    let number = random.below(rows)
    let texts = [
      "\(number)", "name \(number % 500)", "d\(number % 40)", "2024-01-\(10 + number % 20)", "\(number)",
      "\(number % 300).5",
    ]
    for (i, text) in texts.enumerated() {
      if random.oneIn(20) {
        builders[i].appendNull()
      } else if let dictionary = builders[i] as? DictionaryBuilder {
        let entry = BinaryBuilder<Int32>(type: .utf8)
        try entry.append(text)
        try dictionary.append(value: entry.finish(), at: 0)
      } else {
        try builders[i].append(text: text.utf8.span.bytes)
      }
    }
  }
  return try RecordBatch(schema: schema, columns: builders.map { $0.finish() }, count: rows)
}

@Test func lookupsFindWhatScansFind() throws {
  var random = RandomSource(seed: 4)
  let fixture = try Fixture()
  try fixture.publish("p", [try batch(&random, rows: 700)])
  try fixture.publish("p", [try batch(&random, rows: 500)], mode: .append)
  let connection = fixture.session.connection
  try connection.execute("CREATE TABLE q AS SELECT rowid AS r, * FROM p")
  func check(_ when: String) throws {
    // The ordinary copy is made anew: its rows are those of a scan.
    try connection.execute("DELETE FROM q; INSERT INTO q SELECT rowid, * FROM p")
    for column in schema.fields.map(\.name) {
      let sql =
        "SELECT count(*), sum(a.r), sum(b.ROW) FROM q a CROSS JOIN T b ON a.COLUMN = b.COLUMN WHERE a.r % 3 = 0"
        .replacing("COLUMN", with: column)
      let found = try fixture.rows(sql.replacing("T b", with: "p b").replacing("ROW", with: "rowid"))
      let expected = try fixture.rows(sql.replacing("T b", with: "q b").replacing("ROW", with: "r"))
      #expect(found == expected, "\(when), by \(column)")
    }
  }
  try check("at first")
  try connection.execute(
    "DELETE FROM p WHERE rowid % 4 = 0; UPDATE p SET k = k + 1, s = 'name 3' WHERE rowid % 5 = 0")
  try connection.execute(
    "INSERT INTO p (k, s, d, day, u, f) SELECT k, s, d, day, u, f FROM p WHERE rowid < 300")
  try check("with a delta and tombstones")
  try connection.execute("BEGIN; DELETE FROM p WHERE k < 200; SAVEPOINT s; UPDATE p SET d = 'd1'")
  try check("within a transaction")
  try connection.execute("ROLLBACK TO s")
  try check("behind a savepoint")
  try connection.execute("ROLLBACK")
  try check("rolled back")
  _ = try fixture.session.compact(table: "p")
  try check("compacted")
}
