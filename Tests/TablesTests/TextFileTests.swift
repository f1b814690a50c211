// SQL's behaviour, told by the text files in Tests/TablesTests/SQL: each begins with a table of five people.

import Arrow
import Glibc
import SQLite
import Samples
import Tables
import Testing

@Test(arguments: ["changes", "comparisons", "refused"])
func textFile(_ name: String) throws {
  let fixture = try Fixture()
  try fixture.publish("people", [try People.five()])
  let here = #filePath
  let path = "\(here[..<here.lastIndex(of: "/")!])/SQL/\(name).test"
  for record in try records(path) {
    var got = ""
    var message: String?
    do throws(SQLiteError) { got = try run(record.sql, fixture) } catch {
      message = error.aboutPublishedTables.message
      // A statement that fails within BEGIN … COMMIT leaves its transaction open.
      if fixture.session.connection.isInTransaction { try fixture.session.connection.execute("ROLLBACK") }
    }
    let place = "\(name).test, line \(record.line)"
    switch record.kind {
    case "error":
      #expect(message?.contains(record.argument) == true, "\(place): \(message ?? "no error")")
    case "query": #expect(message == nil && got == record.expected, "\(place): \(message ?? got)")
    default: #expect(message == nil, "\(place): \(message ?? "")")
    }
  }
}

private struct Record {
  var kind: String
  var argument: String
  var sql: String
  var expected: String
  var line: Int
}

private func records(_ path: String) throws -> [Record] {
  guard let file = fopen(path, "r") else { throw SQLiteError(.cannotOpen, "cannot open '\(path)'") }
  defer { fclose(file) }
  var bytes = [UInt8](repeating: 0, count: 1 << 20)
  let count = fread(&bytes, 1, bytes.count, file)
  let lines = String(decoding: bytes[..<count], as: UTF8.self).split(
    separator: "\n", omittingEmptySubsequences: false)
  var records: [Record] = []
  var number = 0
  for block in lines.split(separator: "", omittingEmptySubsequences: false) {
    let text = block.filter { !$0.hasPrefix("#") }
    let first = number + 1
    number += block.count + 1
    guard let head = text.first else { continue }
    let words = head.split(separator: " ", maxSplits: 1).map(String.init)
    let body = text.dropFirst().split(separator: "----", maxSplits: 1, omittingEmptySubsequences: false)
    records.append(
      Record(
        kind: words[0], argument: words.count > 1 ? words[1] : "", sql: body[0].joined(separator: "\n"),
        expected: body.count > 1 ? body[1].joined(separator: "\n") : "", line: first))
  }
  return records
}

private func run(_ sql: String, _ fixture: Fixture) throws(SQLiteError) -> String {
  var rows: [String] = []
  var text = sql
  while let statement = try Statement(fixture.session.connection, text) {
    text = statement.rest
    while try statement.step() {
      rows.append(
        (0..<statement.columnCount).map { statement.isNull($0) ? "NULL" : statement.text($0) }.joined(
          separator: " | "))
    }
  }
  try fixture.session.settle()
  return rows.joined(separator: "\n")
}
