// JSON read back: every value of every type becomes itself again, and no text makes the reader trap.

import Memory
import Samples
import Testing

@testable import Arrow

private func readJSON(_ type: DataType, _ values: [[UInt8]]) throws -> Column {
  let builder = type.makeBuilder()
  for value in values { try builder.appendJSON(value.span.bytes) }
  return builder.finish()
}

private func readJSON(_ type: DataType, _ values: String...) throws -> Column {
  try readJSON(type, values.map { Array($0.utf8) })
}

private func jsonRows(_ column: Column) -> [[UInt8]] {
  (0..<column.count).map { row in
    var text: [UInt8] = []
    column.appendJSON(at: row, to: &text)
    return text
  }
}

/// A type out of others, so many levels deep.
private func randomType(_ random: inout RandomSource, depth: Int) -> DataType {
  if depth == 0 { return random.pick(AllTypes.simpleTypes) }
  func field(_ name: String) -> Field { Field(name, randomType(&random, depth: depth - 1)) }
  switch random.below(9) {
  case 0: return .list(field("item"))
  case 1: return .largeListView(field("item"))
  case 2: return .fixedSizeList(field("item"), random.below(3))
  // The same name twice, and a name that JSON must escape.
  case 3: return .structure([field("a"), field("\"\u{0}é"), field("a")])
  case 4:
    return .map(
      entries: Field(
        "entries", .structure([Field("k", .utf8, isNullable: false), field("v")]), isNullable: false),
      keysSorted: false)
  case 5: return .union(.dense, fields: [field("x"), field("y"), field("x")], ids: [3, 0, 9])
  case 6: return .union(.sparse, fields: [field("x"), field("")], ids: [1, 0])
  case 7:
    return .runEndEncoded(runEnds: Field("run_ends", .int32, isNullable: false), values: field("values"))
  // A null value and a null index are the same JSON: dictionaries of nulls are left out.
  default:
    return .dictionary(
      indices: .int16, values: random.pick(Array(AllTypes.simpleTypes.dropFirst())), isOrdered: false)
  }
}

@Suite struct JSONReadingTests {
  @Test(arguments: allTypes.indices)
  func everyValueOfEveryTypeReadsBack(index: Int) throws {
    for seed: UInt64 in 1...4 {
      let column = try randomColumn(allTypes[index], rows: 120, seed: seed)
      let back = try readJSON(allTypes[index], jsonRows(column))
      try back.check(.full)
      #expect(back.hasEqualValues(to: column), "\(allTypes[index])")
    }
  }

  @Test func generatedNestedTypesReadBack() throws {
    var random = RandomSource(seed: 8)
    for round in 0..<150 {
      let type = randomType(&random, depth: 1 + round % 4)
      let column = try randomColumn(type, rows: 30, seed: random.next())
      let rows = jsonRows(column)
      let back = try readJSON(type, rows)
      try back.check(.full)
      #expect(jsonRows(back) == rows, "\(type)")
      #expect(back.hasEqualValues(to: column), "\(type)")
    }
  }

  @Test func changedTextNeverTraps() throws {
    var random = RandomSource(seed: 9)
    for type in allTypes {
      let rows = jsonRows(try randomColumn(type, rows: 12, seed: random.next()))
      for row in rows {
        for _ in 0..<12 {
          var changed = row
          for _ in 0..<1 + random.below(3) {
            switch random.below(4) {
            case 0 where !changed.isEmpty: changed.remove(at: random.below(changed.count))
            case 1 where !changed.isEmpty: changed.removeLast(random.below(changed.count))
            case 2:
              changed.insert(
                random.pick(Array("{}[]\",:\\u0e-+.1nft \u{0}".utf8)), at: random.below(changed.count + 1))
            default:
              if !changed.isEmpty {
                changed[random.below(changed.count)] = UInt8(truncatingIfNeeded: random.next())
              }
            }
          }
          let builder = type.makeBuilder()
          if (try? builder.appendJSON(changed.span.bytes)) != nil { try builder.finish().check(.full) }
          let other = type.makeBuilder()
          if (try? other.append(text: changed.span.bytes)) != nil { try other.finish().check(.full) }
        }
      }
    }
  }

  @Test func stringsKeepEveryCharacter() throws {
    let column = try readJSON(
      .utf8, #""a\u0000b""#, #""\ud83c\udff9\/\b\f\n\r\t\"\\\u00e9é""#, #" "" "#, "null")
    #expect(column.string(at: 0) == "a\u{0}b")
    #expect(column.string(at: 1) == "🏹/\u{8}\u{C}\n\r\t\"\\éé")
    #expect(column.string(at: 2) == "" && column.isNull(3))
  }

  @Test func numbersLoseNoDigit() throws {
    let whole = try readJSON(.uint64, "18446744073709551615", "\"7\"", "1e3", "5.0")
    #expect(
      Array(whole.values(of: UInt64.self).indices.map { whole.values(of: UInt64.self)[$0] }) == [
        .max, 7, 1000, 5,
      ])
    #expect(
      try readJSON(.decimal128(precision: 38, scale: 1), "1234567890123456789012345678901234567.5").json
        == ["\"1234567890123456789012345678901234567.5\""])
    #expect(try readJSON(.int8, "-128", "127").json == ["-128", "127"])
    #expect(
      try readJSON(.float32, "0.1", "\"NaN\"", "\"-Infinity\"").json == ["0.1", "\"NaN\"", "\"-Infinity\""])
  }

  @Test func fieldsMayComeInAnyOrderAndBeMissing() throws {
    let type = DataType.structure([Field("a", .int8), Field("b", .utf8), Field("a", .int8)])
    #expect(
      try readJSON(type, #"{"b":"x","a":1,"a":2}"#, #"{ "a" : 1 }"#, "{}").json == [
        #"{"a":1,"b":"x","a":2}"#, #"{"a":1,"b":null,"a":null}"#, #"{"a":null,"b":null,"a":null}"#,
      ])
  }

  @Test func unionsSayWhichChild() throws {
    let type = DataType.union(
      .dense, fields: [Field("n", .int8), Field("t", .utf8), Field("n", .int8)], ids: [4, 5, 6])
    let column = try readJSON(type, #"{"t":"x"}"#, #"{"n":1}"#, "[6,2]", "null", "[4,3]")
    #expect(column.json == [#"{"t":"x"}"#, #"{"n":1}"#, "[6,2]", #"{"n":null}"#, #"{"n":3}"#])
  }

  @Test(arguments: [
    (DataType.int8, "128"), (.int8, "\"\""), (.uint8, "-1"), (.int32, "1.5"), (.int32, "01"),
    (.int32, "true"),
    (.int32, "1 2"), (.int32, ""), (.int32, "[1]"), (.bool, "2"), (.bool, "tru"), (.utf8, "1"),
    (.utf8, "\"a"),
    (.utf8, "\"\\ud800\""), (.utf8, "\"\\x\""), (.utf8, "\"\n\""), (.binary, "\"abc\""), (.binary, "\"zz\""),
    (.binary, "12"), (.fixedSizeBinary(2), "\"00\""), (.float64, "1e999"), (.float64, "NaN"),
    (.float64, ".5"),
    (.float16, "70000"), (.date32, "\"2023-02-29\""), (.date32, "5"), (.time32(.second), "\"00:00:00.5\""),
    (.timestamp(.second, zone: nil), "\"2024-01-01T00:00:00.1\""), (.duration(.second), "\"5 ms\""),
    (.decimal128(precision: 3, scale: 1), "1000.5"), (.decimal128(precision: 9, scale: 1), "0.25"),
    (.list(Field("item", .int8)), "[1,]"), (.list(Field("item", .int8)), "[1 2]"),
    (.list(Field("item", .int8)), "[1"),
    (.list(Field("item", .int8, isNullable: false)), "[null]"),
    (.fixedSizeList(Field("item", .int8), 2), "[1]"),
    (.structure([Field("a", .int8)]), #"{"a":1,"a":2}"#), (.structure([Field("a", .int8)]), #"{"b":1}"#),
    (.structure([Field("a", .int8)]), #"{"a" 1}"#),
    (.structure([Field("a", .int8, isNullable: false)]), "{}"),
    (.interval(.yearMonth), #"{"months":1,"days":2}"#), (.interval(.yearMonth), "5"), (.null, "0"),
    (.union(.dense, fields: [], ids: []), "null"), (.union(.dense, fields: [], ids: []), "{}"),
    (.union(.dense, fields: [Field("a", .int8)], ids: [0]), #"{"a":1,"a":2}"#),
  ])
  func whatIsNoValueIsAnErrorThatNamesIt(type: DataType, text: String) throws {
    let error = #expect(throws: DataError.self) { try readJSON(type, text) }
    #expect(error?.code == .invalid)
  }

  @Test func depthIsBounded() throws {
    let deep = Array(String(repeating: "[", count: 1_000_000).utf8)
    var reader = try JSONReader(deep.span.bytes)
    var failure: DataError?
    do throws(DataError) { try reader.skipValue() } catch { failure = error }
    #expect(failure?.code == .limit)
  }
}

@Suite struct SQLTextTests {
  private func value(_ type: DataType, _ text: String) throws -> String {
    let builder = type.makeBuilder()
    try builder.append(text: Array(text.utf8).span.bytes)
    return builder.finish().json[0]
  }

  @Test func sqlTextBecomesValues() throws {
    #expect(try value(.bool, "1") == "true" && value(.bool, "FALSE") == "false")
    #expect(try value(.int64, "-5") == "-5")
    #expect(try value(.float64, "-1e300") == "-1e+300")
    #expect(try value(.decimal64(precision: 9, scale: 2), "12.5") == "\"12.50\"")
    #expect(try value(.date32, "2024-02-29") == "\"2024-02-29\"")
    #expect(try value(.date32, "2024-02-29 00:00:00") == "\"2024-02-29\"")
    #expect(
      try value(.timestamp(.millisecond, zone: "UTC"), "2024-02-29 12:00:00")
        == "\"2024-02-29T12:00:00.000Z\"")
    #expect(try value(.time64(.nanosecond), "12:00:00.5") == "\"12:00:00.500000000\"")
    #expect(try value(.duration(.microsecond), "1500 ms") == "\"1500000 us\"")
    #expect(try value(.duration(.microsecond), "1500") == "\"1500 us\"")
    #expect(try value(.interval(.dayTime), #"{"days":1}"#) == #"{"days":1,"milliseconds":0}"#)
    #expect(try value(.list(Field("item", .int8)), "[1, 2]") == "[1,2]")
    #expect(try value(.utf8, "[1]") == "\"[1]\"")
    #expect(try value(.binary, "ab") == "\"6162\"")
    #expect(try value(.dictionary(indices: .int8, values: .utf8, isOrdered: false), "x") == "\"x\"")
  }

  @Test(arguments: allTypes.indices)
  func everyValueReadsBackFromTheTextThatSQLShows(index: Int) throws {
    let type = allTypes[index]
    // Binary values are shown as hexadecimal digits, and text becomes binary byte by byte.
    if type.valueType.isBinary { return }
    for seed: UInt64 in 20...22 {
      let column = try randomColumn(type, rows: 100, seed: seed)
      let json = column.json
      let builder = type.makeBuilder()
      for row in 0..<column.count {
        var text: [UInt8] = []
        column.appendSQLText(at: row, to: &text)
        let isNull = json[row] == "null"
        if isNull {
          builder.appendNull()
        } else {
          try builder.append(text: text.span.bytes)
        }
      }
      #expect(builder.finish().hasEqualValues(to: column), "\(type)")
    }
  }

  @Test func messagesNameTheTypeAndTheText() throws {
    func message(_ type: DataType, _ text: String) -> String? {
      #expect(throws: DataError.self) { try value(type, text) }?.message
    }
    #expect(message(.timestamp(.microsecond, zone: nil), "soon") == "'soon' is no timestamp[us]")
    #expect(
      message(.int8, String(repeating: "9", count: 50))
        == "'\(String(repeating: "9", count: 40))…' is no int8")
    #expect(
      message(.list(Field("item", .int8)), "[1,x]")?.hasPrefix("'[1,x]' is no list<item: int8>") == true)
  }
}
