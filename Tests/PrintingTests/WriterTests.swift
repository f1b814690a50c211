// Results as tables, CSV and JSON lines: what a reader of them sees.

import Arrow
import Memory
import Samples
import Testing

@testable import Printing

private func written(
  _ format: ResultFormat, _ batches: [RecordBatch], _ options: ResultOptions = ResultOptions()
)
  throws -> String
{
  let sink = MemorySink()
  var writer = format.makeWriter(to: sink, options)!
  try writer.begin(batches[0].schema)
  for batch in batches { try writer.append(batch) }
  try writer.end()
  return String(decoding: sink.finish().array, as: UTF8.self)
}

/// A batch out of SQL texts, nil for nulls.
private func batch(_ columns: (name: String, type: DataType, values: [String?])...) throws -> RecordBatch {
  let schema = Schema(columns.map { Field($0.name, $0.type) })
  let built = try columns.map { column in
    let builder = column.type.makeBuilder()
    for value in column.values {
      if let value { try builder.append(text: Array(value.utf8).span.bytes) } else { builder.appendNull() }
    }
    return builder.finish()
  }
  return try RecordBatch(schema: schema, columns: built)
}

@Suite struct TableWriterTests {
  @Test func columnsAreAlignedAndNumbersStandAtTheRight() throws {
    let rows = try batch(
      ("id", .int32, ["1", "20"]), ("name", .utf8, ["Zoë", nil]),
      ("amount", .decimal64(precision: 9, scale: 2), ["12.5", nil]),
      ("at", .timestamp(.microsecond, zone: nil), [nil, "2024-02-29"]))
    #expect(
      try written(.table, [rows]) == """
         id │ name │ amount │ at
        ────┼──────┼────────┼─────────────────────
          1 │ Zoë  │  12.50 │ NULL
         20 │ NULL │   NULL │ 2024-02-29 00:00:00
        (2 rows)

        """)
  }

  @Test func wideAndUnseenCharactersKeepTheLines() throws {
    let values = ["日本", "a\nb", "\u{1B}[31mred", "e\u{301}", "👨‍👩‍👧", "🏹", "", "NULL", "\u{202E}x", "가"]
    let rows = try batch(("t", .utf8, values), ("u", .utf8, values.map { _ in "|" }))
    let lines = try written(.table, [rows]).split(separator: "\n").map(String.init)
    #expect(lines[2] == " 日本     │ |")
    #expect(lines[3] == " a\\nb     │ |")
    #expect(lines[4] == " \u{FFFD}[31mred │ |")
    #expect(lines[5] == " e\u{301}        │ |")
    #expect(lines[6] == " 👨‍👩‍👧       │ |")
    #expect(lines[7] == " 🏹       │ |")
    #expect(lines[8] == "          │ |")
    #expect(lines[9] == " \"NULL\"   │ |")
    #expect(lines[10] == " \u{FFFD}x       │ |")
    #expect(lines[11] == " 가       │ |")
  }

  @Test func nullsAreDimmedWhereStylesAreKnown() throws {
    let rows = try batch(("a", .utf8, [nil]))
    #expect(try written(.table, [rows], ResultOptions(usesStyles: true)).contains("\u{1B}[2mNULL\u{1B}[0m"))
  }

  @Test(arguments: 1...120)
  func linesFitTheTerminal(width: Int) throws {
    let long = String(repeating: "word ", count: 30)
    let rows = try batch(
      ("a name that is long", .int8, ["1", nil]), ("text", .utf8, [long, "日本日本日本日本日本日本"]),
      ("n", .int64, ["1234567890", nil]),
      ("more", .utf8, [long, long]), ("last", .bool, ["true", "0"]))
    let lines = try written(.table, [rows], ResultOptions(terminalWidth: width)).split(separator: "\n")
    for line in lines.dropLast() where width >= 13 {
      let columns = line.unicodeScalars.reduce(0) { $0 + DisplayText.columns(of: $1) }
      #expect(columns <= width, "\(line)")
    }
    if width >= 50 { #expect(lines[2].contains("1234567890")) }
    if width == 120 { #expect(lines.last == "(2 rows)") }
    if width == 20 {
      #expect(lines.last == "(2 rows, 1 of 5 columns)" || lines.last == "(2 rows, 2 of 5 columns)")
    }
  }

  @Test func rowsBeyondTheSampleAreWrittenAsTheyCome() throws {
    let small = try batch(
      ("n", .int64, (0..<TableWriter.sampleRows).map { _ in "1" }),
      ("t", .utf8, (0..<TableWriter.sampleRows).map { _ in "abc" }))
    let large = try batch(("n", .int64, ["123456"]), ("t", .utf8, ["abcdef"]))
    let lines = try written(.table, [small, large, large]).split(separator: "\n")
    #expect(lines.count == TableWriter.sampleRows + 5)
    #expect(lines[2] == " 1 │ abc" && lines[TableWriter.sampleRows + 2] == " 123456 │ ab…")
    #expect(lines.last == "(1002 rows)")
  }

  @Test func resultsWithoutRowsOrColumnsSaySo() throws {
    #expect(try written(.table, [batch(("a", .utf8, []))]) == " a\n───\n(0 rows)\n")
    #expect(try written(.table, [RecordBatch(schema: Schema([]), columns: [], count: 3)]) == "(3 rows)\n")
    #expect(try written(.table, [batch(("a", .int8, ["1"]))]).hasSuffix("(1 row)\n"))
  }

  @Test func everyTypeIsShown() throws {
    var table = AllTypes(seed: 3)
    let rows = try table.batch(rows: 50)
    for width in [nil, 40, 200] {
      let text = try written(.table, [rows, rows], ResultOptions(terminalWidth: width))
      #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count == 104)
    }
  }
}

@Suite struct CSVWriterTests {
  @Test func fieldsAreQuotedWhereTheyMustBe() throws {
    let rows = try batch(
      ("a,b", .utf8, ["", nil, "x", "\"", "a\"\"b", "1,2", "line\nend", "é"]),
      ("", .int32, ["1", "2", nil, "4", "5", "6", "7", "8"]),
      ("l", .list(Field("item", .utf8)), ["[]", nil, #"["a","b"]"#, "[null]", nil, nil, nil, nil]))
    #expect(
      try written(.csv, [rows])
        == "\"a,b\",\"\",l\r\n\"\",1,[]\r\n,2,\r\nx,,\"[\"\"a\"\",\"\"b\"\"]\"\r\n\"\"\"\",4,[null]\r\n"
        + "\"a\"\"\"\"b\",5,\r\n\"1,2\",6,\r\n\"line\nend\",7,\r\né,8,\r\n")
  }

  @Test func valuesAreInTheFormOfSQL() throws {
    let rows = try batch(
      ("b", .bool, ["1"]), ("t", .timestamp(.millisecond, zone: "UTC"), ["2024-02-29T12:00:00+01:00"]),
      ("h", .time32(.millisecond), ["01:02:03.5"]), ("d", .date32, ["2024-02-29"]), ("x", .binary, ["az"]),
      ("n", .decimal128(precision: 9, scale: 3), ["1.5"]), ("f", .float64, ["-inf"]),
      ("i", .interval(.yearMonth), [#"{"months":1}"#]))
    #expect(
      try written(.csv, [rows]).split(separator: "\r\n")[1]
        == "true,2024-02-29 11:00:00,01:02:03.500,2024-02-29,617a,1.500,-Infinity,\"{\"\"months\"\":1}\"")
  }

  @Test(arguments: [ResultFormat.csv, .json])
  func rowsBeyondTheLimitAreErrors(format: ResultFormat) throws {
    let rows = try batch(("a", .utf8, ["x", String(repeating: "y", count: 1000)]))
    let error = #expect(throws: DataError.self) { try written(format, [rows], ResultOptions(rowLimit: 500)) }
    #expect(error?.code == .limit && error?.message.hasPrefix("row 1 ") == true)
    #expect(throws: Never.self) { try written(format, [rows], ResultOptions(rowLimit: 1100)) }
  }
}

@Suite struct JSONLinesWriterTests {
  @Test func rowsAreObjects() throws {
    let rows = try batch(("a", .int8, ["1", nil]), ("b", .utf8, ["x\n", ""]))
    #expect(
      try written(.json, [rows, rows.slice(1..<2)])
        == "{\"a\":1,\"b\":\"x\\n\"}\n{\"a\":null,\"b\":\"\"}\n{\"a\":null,\"b\":\"\"}\n")
  }
}

@Suite struct ExpandedWriterTests {
  @Test func everyValueHasALine() throws {
    let rows = try batch(("id", .int32, ["1", "20"]), ("größe", .utf8, ["a\tb", nil]))
    let sink = MemorySink()
    var writer = ExpandedWriter(to: sink)
    try writer.begin(rows.schema)
    try writer.append(rows)
    try writer.end()
    let text = String(decoding: sink.finish().array, as: UTF8.self)
    let lines = text.split(separator: "\n").map(String.init)
    #expect(lines[0] == "─[ row 1 ]─")
    #expect(lines[1] == "id    │ 1")
    #expect(lines[2].hasPrefix("größe │ a") && !lines[2].contains("\t"))
    #expect(lines[5] == "größe │ NULL")
    #expect(lines[6] == "(2 rows)")
  }
}
