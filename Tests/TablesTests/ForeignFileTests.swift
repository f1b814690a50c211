// Files that are used where they are, and what others do to them while they are read.

import Arrow
import ArrowIPC
import Glibc
import Memory
import SQLite
import Samples
import Tables
import Testing

private enum Attack: CaseIterable {
  case truncate, truncateToNothing, overwrite, zero, replace, remove
}

/// Batches of every type, with enough rows that a scan is in their middle when the file changes.
private func publish(_ fixture: Fixture, rows: Int) throws -> String {
  let path = "\(fixture.session.database.path)/foreign.feather"
  var sample = AllTypes(seed: 3)
  let file = try AtomicFile(path: path)
  let writer = try FileWriter(file.sink, schema: AllTypes.schema)
  for _ in 0..<3 { try writer.write(try sample.batch(rows: rows)) }
  try writer.finish()
  try file.commit(durable: false)
  try fixture.session.connection.execute("BEGIN IMMEDIATE")
  let publication = try fixture.session.publish("t", schema: AllTypes.schema, mode: .create)
  try publication.append(file: path, inPlace: true)
  try publication.finish()
  try fixture.session.connection.execute("COMMIT")
  try fixture.session.settle()
  return path
}

private func strike(_ attack: Attack, _ path: String) throws {
  var random = RandomSource(seed: 9)
  var status = stat()
  #expect(stat(path, &status) == 0)
  switch attack {
  case .truncate: #expect(truncate(path, status.st_size / 3) == 0)
  case .truncateToNothing: #expect(truncate(path, 0) == 0)
  case .overwrite, .zero:
    let descriptor = open(path, O_WRONLY)
    defer { close(descriptor) }
    let bytes = (0..<Int(status.st_size)).map { _ in
      attack == .zero ? 0 : UInt8(truncatingIfNeeded: random.next())
    }
    #expect(bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) } == bytes.count)
  case .replace:
    let other = path + ".other"
    let file = try AtomicFile(path: other)
    try file.commit(durable: false)
    #expect(rename(other, path) == 0)
  case .remove: #expect(unlink(path) == 0)
  }
}

/// Reads a statement to its end, and strikes after some rows. The rows are right, or there is an error – here or from `checkSources`.
@Test(arguments: Attack.allCases, [1, 250])
private func aFileIsChangedUnderAQuery(_ attack: Attack, after: Int) throws {
  for text in [
    "SELECT rowid, * FROM t", "SELECT * FROM t WHERE utf8 > 'a'",
    "SELECT utf8_view FROM t WHERE utf8_view IS NOT NULL AND utf8_view NOT LIKE 'b%'",
    "SELECT a.rowid, b.* FROM t a JOIN t b ON a.int8 = b.int8 AND a.utf8 = b.utf8",
  ] {
    let fixture = try Fixture()
    let path = try publish(fixture, rows: 150)
    let expected = try fixture.rows(text)
    #expect(expected.count > 3)
    let mark = fixture.session.beginReading()
    let statement = try fixture.session.connection.prepare(text)
    var rows: [[SQLValue]] = []
    do {
      while try statement.step() {
        rows.append((0..<statement.columnCount).map { statement.value($0) })
        if rows.count == min(after, expected.count - 2) { try strike(attack, path) }
      }
      try fixture.session.checkSources()
      #expect(rows == expected, "\(attack): rows that are not those of the file")
    } catch {
      #expect("\(error)".contains("foreign.feather"), "\(attack): \(error)")
      #expect(attack != .remove && attack != .replace)
    }
    statement.reset()
    fixture.session.endReading(mark)
    // Other tables are as usable as before.
    try fixture.session.connection.execute(
      "CREATE TABLE other (a); INSERT INTO other VALUES (1); DROP TABLE t")
    try fixture.session.settle()
  }
}
