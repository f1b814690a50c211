// Tables of the differential test: several segments, a delta and tombstones each, with values that are likely to be trouble.

import Arrow
import SQLite
import Tables

/// The columns of both tables: names tell the kind.
enum TestColumn: String, CaseIterable {
  case dec, dec0, i8, i32, i64, big, u16, flag, d, f, skew, t, s, day, ts, b, dict, none
  /// Texts of dates and times, of numbers, JSON, any characters, and a struct.
  case iso, num, j, u, st

  var field: Field {
    let type: DataType =
      switch self {
      case .dec: .decimal128(precision: 12, scale: 2)
      case .dec0: .decimal64(precision: 9, scale: 0)
      case .i8: .int8
      case .i32, .skew: .int32
      case .i64, .big: .int64
      case .u16: .uint16
      case .flag: .bool
      case .d: .float64
      case .f: .float32
      case .t, .s, .iso, .num, .j, .u: .utf8
      case .st:
        .structure([
          Field("a", .int64), Field("b", .utf8), Field("c", .float64),
          Field("d", .structure([Field("k", .utf8), Field("flag", .bool)])),
        ])
      case .day: .date32
      case .ts: .timestamp(.microsecond, zone: "UTC")
      case .b: .binary
      case .dict: .dictionary(indices: .int16, values: .utf8, isOrdered: false)
      case .none: .float64
      }
    return Field(rawValue, type)
  }
}

enum TestData {
  static let words = [
    "", "a", "A", "ab", "aB", "abc", "b", "zebra", "Zebra", "10", "9", "-1", "1e3", " x ", "été", "ÉTÉ",
    "日本語", "😀", "a%b",
    "a_b", "north", "south", "east", "west", "longer than sixteen bytes of text",
    "longer than sixteen bytes of texts",
  ]

  static let times = [
    "2024-02-29", "2024-02-29 23:59:59", "2023-12-31T12:30", "2024-01-01 00:00:00.123", "12:34",
    "12:34:56.789", "2024-13-01", "now?",
    "2000-01-01 00:00:00Z", "2000-01-01 10:00:00+05:30", "0000-01-01", "9999-12-31 23:59:59.999", "2460311.5",
    "1704067200", "",
    "-4713-11-24", "2024-01-31", "1969-12-31 23:59:59", "2024-1-1", " 2024-01-01",
  ]
  static let numbers = [
    "0", "1", "-1", "12", "3.75", "-0.5", "1e3", "1.5e-3", "0x10", " 7", "7 ", "+5", "9223372036854775807",
    "9223372036854775808", "-0",
    "1e400", "abc", "5abc", "", ".5", "5.", "-", "1_000", "12345678901234567890", "0.1", "1e", "٣",
  ]
  static let documents = [
    #"{"a":1,"b":"x"}"#, #"{"a":null,"b":[1,2,3]}"#, #"{"a":2.5,"b":{"c":true}}"#, "[1,2.5,\"drei\",null]",
    "7", "\"text\"", "null", "{",
    #"{"a":"é\u00e9\n"}"#, "", #"{"b":"a'b","a":9223372036854775808}"#, "[]", #"{"a":"5"}"#, "true",
  ]
  static let characters = [
    "ß", "é", "É", "𝄞", "👩‍👩‍👧", "\u{FFFD}", "\u{FEFF}", "日本", "abc ", "ABC", "Abc  ", "abc", "\t", "a\u{0}b",
    "\u{0}", "A\u{0}C", "a\u{0}c", " ",
    "  ", "", "𐐀x", "İ", "Z", "[", "z", "{", "_", "%", "ab", "AB ", "aB  ",
  ]

  static func batch(
    _ columns: [TestColumn], rows: Int, _ dice: inout Dice, extremes: Bool, isSmall: Bool = false
  ) throws
    -> RecordBatch
  {
    var built: [Column] = []
    for column in columns {
      let builder = column.field.type.makeBuilder()
      let nullRate = dice.pick([0, 0, 3, 10])
      var ascending = dice.below(100)
      let (isNull, isConstant, isSorted) = (dice.oneIn(25), dice.oneIn(20), dice.oneIn(5))
      let frozen = dice
      for _ in 0..<rows {
        if column == .none || isNull || (nullRate > 0 && dice.oneIn(nullRate)) {
          builder.appendNull()
          continue
        }
        if isConstant { dice = frozen }
        ascending += dice.below(3)
        switch column {
        case .dec: append(builder, Int128(dice.below(100_000) - 20_000))
        case .dec0: append(builder, Int64(dice.below(1000) - 500))
        case .i8:
          append(builder, Int8(truncatingIfNeeded: extremes && dice.oneIn(20) ? -128 : dice.below(21) - 10))
        case .i32:
          append(
            builder, extremes && dice.oneIn(50) ? dice.pick([Int32.min, .max]) : Int32(dice.below(1000)))
        case .skew: append(builder, Int32(dice.oneIn(4) ? dice.below(500) : dice.below(3)))
        case .i64: append(builder, Int64(ascending))
        case .big:
          append(
            builder,
            extremes
              ? dice.pick([Int64.min, .max, .max - 1, 0, -1, 1 << 53, 1 << 53 + 1, 1 << 62])
              : Int64(dice.below(1 << 40)))
        case .u16: append(builder, UInt16(dice.below(65536)))
        case .flag: (builder as! BooleanBuilder).append(dice.oneIn(2))
        case .d, .none:
          let value: Double =
            extremes && dice.oneIn(10)
            ? dice.pick([
              .nan, .infinity, -.infinity, 0, -0.0, 0.5, .leastNonzeroMagnitude, -2.5e-308 / 64, 1e308,
              -1.7e308,
              1e15, 123456789.125, 1e-5,
            ]) : isSorted ? Double(ascending) / 8 : Double(dice.below(2000)) / 8 - 100
          append(builder, value)
        case .f:
          append(builder, dice.oneIn(20) && extremes ? Float.nan : Float(dice.below(1000)) / 4)
        case .t, .dict: try append(builder, dice.pick(words))
        case .s: try append(builder, dice.oneIn(3) ? dice.pick(words) : "value \(dice.below(2000))")
        case .day: append(builder, Int32(extremes && dice.oneIn(300) ? 3_000_000 : 19_000 + dice.below(800)))
        case .ts:
          let ticks = 1_704_067_200_000_000 + Int64(dice.below(100)) * 86_400_000_000 / 7
          append(builder, dice.oneIn(3) ? ticks - ticks % 1_000_000 : ticks)
        case .iso: try append(builder, dice.pick(times))
        case .num: try append(builder, dice.pick(numbers))
        case .j: try append(builder, dice.pick(documents))
        case .u: try append(builder, dice.pick(characters) + (dice.oneIn(3) ? dice.pick(characters) : ""))
        case .st:
          let text =
            dice.oneIn(10) ? "null" : "\"\(dice.pick(["", "b", "é", "B", "\\u0000x", "\\n\\\"", "😀"]))\""
          let inner = dice.oneIn(6) ? "null" : #"{"k":\#(text),"flag":\#(dice.oneIn(2))}"#
          try builder.appendJSON(
            Array(#"{"a":\#(dice.below(9) - 3),"b":\#(text),"c":\#(dice.below(40))e-1,"d":\#(inner)}"#.utf8)
              .span.bytes)
        case .b: try builder.append(bytes: Array(dice.pick(words).utf8.prefix(3)).span.bytes)
        }
      }
      built.append(builder.finish())
    }
    return try RecordBatch(schema: Schema(columns.map(\.field)), columns: built, count: rows)
  }

  private static func append<T: BitwiseCopyable>(_ builder: ColumnBuilder, _ value: T) {
    withUnsafeBytes(of: value) { bytes in
      try! builder.append(bytes: RawSpan(_unsafeBytes: bytes))
    }
  }

  private static func append(_ builder: ColumnBuilder, _ value: String) throws {
    try builder.append(bytes: Array(value.utf8).span.bytes)
  }

  /// Makes table `name`: some segments, of which rows were deleted, replaced and added by SQL.
  static func publish(
    _ name: String, on session: TableSession, _ dice: inout Dice, extremes: Bool, isSmall: Bool = false
  ) throws
    -> [TestColumn]
  {
    let columns = TestColumn.allCases
    let connection = session.connection
    for part in 0..<dice.below(3) + 1 {
      try connection.execute("BEGIN IMMEDIATE")
      let rows = isSmall ? dice.pick([1, 10, 40]) : dice.pick([1, 60, 300, 300, 2500])
      let batch = try batch(columns, rows: rows, &dice, extremes: extremes)
      let publication = try session.publish(name, schema: batch.schema, mode: part == 0 ? .create : .append)
      try publication.append(batch)
      try publication.finish()
      try connection.execute("COMMIT")
      try session.settle()
    }
    try connection.execute("BEGIN IMMEDIATE")
    if dice.oneIn(2) { try connection.execute("DELETE FROM \(name) WHERE rowid % \(dice.below(20) + 2) = 1") }
    if dice.oneIn(2) {
      try connection.execute("UPDATE \(name) SET i32 = i32 / 2, t = 'new ' || t WHERE rowid % 37 = 5")
    }
    if dice.oneIn(2) {
      try connection.execute("INSERT INTO \(name) SELECT * FROM \(name) WHERE rowid % 50 = 3")
      try connection.execute("INSERT INTO \(name) (i64, t, d) VALUES (7, 'only', 1.5), (NULL, NULL, NULL)")
    }
    try connection.execute("COMMIT")
    try session.settle()
    return columns
  }
}
