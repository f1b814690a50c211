// Text read back: dates, times and decimals are those that were written, and nothing else is one.

import Memory
import Samples
import Testing

@testable import Arrow

private func bytes(_ append: (inout [UInt8]) -> Void) -> [UInt8] {
  var bytes: [UInt8] = []
  append(&bytes)
  return bytes
}

private func date(_ text: String) -> Int? { TemporalText.parseDate(Array(text.utf8).span.bytes) }
private func time(_ text: String, _ unit: TimeUnit) -> Int? {
  TemporalText.parseTime(Array(text.utf8).span.bytes, unit)
}
private func timestamp(_ text: String, _ unit: TimeUnit) -> Int? {
  TemporalText.parseTimestamp(Array(text.utf8).span.bytes, unit)
}

/// Random ticks of every size, and the ends of the range.
private func someTicks(_ seed: UInt64) -> [Int] {
  var random = RandomSource(seed: seed)
  return [.max, .min, .min + 1, 0, -1, 1]
    + (0..<3000).map { _ in Int(truncatingIfNeeded: random.next()) >> random.below(60) }
}

@Suite struct TemporalReadingTests {
  @Test func datesReadBack() {
    for days in stride(from: -800_000, through: 3_000_000, by: 7) {
      let text = bytes { TemporalText.appendDate(days: days, to: &$0) }
      if TemporalText.parseDate(text.span.bytes) != days { Issue.record("day \(days)") }
    }
    for ticks in someTicks(1) {
      let days = ticks >> 14
      let text = bytes { TemporalText.appendDate(days: days, to: &$0) }
      #expect(TemporalText.parseDate(text.span.bytes) == days)
    }
  }

  @Test(arguments: TimeUnit.allCases)
  func timesReadBack(unit: TimeUnit) {
    for ticks in someTicks(2) {
      let text = bytes { TemporalText.appendTimestamp(ticks: ticks, unit, isInstant: false, to: &$0) }
      #expect(TemporalText.parseTimestamp(text.span.bytes, unit) == ticks)
      #expect(TemporalText.parseTimestamp((text + [UInt8(ascii: "Z")]).span.bytes, unit) == ticks)
      let sql = bytes { TemporalText.appendSQLTimestamp(ticks: ticks, unit, to: &$0) }
      #expect(TemporalText.parseTimestamp(sql.span.bytes, unit) == ticks)
      let inDay = unit == .second ? ticks >> 12 : ticks
      let time = bytes { TemporalText.appendTime(ticks: inDay, unit, to: &$0) }
      #expect(TemporalText.parseTime(time.span.bytes, unit) == inDay)
      let sqlTime = bytes { TemporalText.appendSQLTime(ticks: inDay, unit, to: &$0) }
      #expect(TemporalText.parseTime(sqlTime.span.bytes, unit) == inDay)
    }
  }

  @Test func theSQLFormIsThatOfDatetime() {
    func sql(_ ticks: Int, _ unit: TimeUnit) -> String {
      String(decoding: bytes { TemporalText.appendSQLTimestamp(ticks: ticks, unit, to: &$0) }, as: UTF8.self)
    }
    #expect(sql(1_709_208_000_000_000, .microsecond) == "2024-02-29 12:00:00")
    #expect(sql(1_709_208_000_000_001, .microsecond) == "2024-02-29 12:00:00.000001")
    #expect(sql(-1, .nanosecond) == "1969-12-31 23:59:59.999999999")
    #expect(sql(-1, .second) == "1969-12-31 23:59:59")
    #expect(
      String(
        decoding: bytes { TemporalText.appendSQLTime(ticks: 1500, .millisecond, to: &$0) }, as: UTF8.self)
        == "00:00:01.500")
  }

  @Test func whatPeopleWriteIsRead() {
    #expect(timestamp("2024-02-29", .second) == 1_709_164_800)
    #expect(timestamp("2024-02-29 12:00", .second) == 1_709_208_000)
    #expect(timestamp("2024-02-29T12:00:00.5", .millisecond) == 1_709_208_000_500)
    #expect(timestamp("2024-02-29T12:00:00.500000", .millisecond) == 1_709_208_000_500)
    #expect(timestamp("2024-02-29T12:00:00.000", .second) == 1_709_208_000)
    #expect(timestamp("2024-02-29T12:00:00+02:00", .second) == 1_709_200_800)
    #expect(timestamp("2024-02-29T23:30:00-05:30", .second) == 1_709_269_200)
    #expect(timestamp("1970-01-01 00:30+01", .second) == -1800)
    #expect(timestamp("-0001-12-31T00:00:00Z", .second) == -719_529 * 86_400)
    #expect(timestamp("+10000-01-01", .second) == 2_932_897 * 86_400)
    #expect(time("23:59", .second) == 86_340)
    #expect(time("00:00:00.25", .nanosecond) == 250_000_000)
  }

  @Test(arguments: [
    "", "2024", "2024-2-29", "2023-02-29", "1900-02-29", "2024-13-01", "2024-00-10", "2024-04-31",
    "2024-01-00",
    "10000-01-01", "24-01-01", "2024-01-01x", " 2024-01-01", "2024-01-01T", "2024-01-01 24:00:00",
    "2024-01-01 12:60:00", "2024-01-01 12:00:60", "2024-01-01 12:00:00.", "2024-01-01 12:00:00.0001",
    "2024-01-01 12:00:00+2", "2024-01-01 12:00:00 Z", "2024-01-01 12:00:00+24:00", "2024-01-01 1:00:00",
    "+999999999999999-01-01", "-999999999999999-01-01T00:00:00", "+9999999999999999-01-01", "now", "12:00:00",
    "2024-01-01\u{0}",
  ])
  func whatIsNoTimestampIsNone(text: String) {
    #expect(timestamp(text, .millisecond) == nil)
  }

  @Test func rangesEndWhereTheirIntegersDo() {
    #expect(timestamp("2262-04-11T23:47:16.854775807", .nanosecond) == .max)
    #expect(timestamp("2262-04-11T23:47:16.854775808", .nanosecond) == nil)
    #expect(timestamp("1677-09-21T00:12:43.145224192", .nanosecond) == .min)
    #expect(timestamp("1677-09-21T00:12:43.145224191", .nanosecond) == nil)
    #expect(timestamp("1677-09-20", .nanosecond) == nil)
    #expect(time("999999999999999:00", .nanosecond) == nil)
    #expect(date("2024-02-29") == 19_782)
    #expect(date("2024-02-30") == nil)
    #expect(date("2024-02-29 ") == nil)
    #expect(date("+999999999999999-12-31") != nil)
  }
}

@Suite struct DecimalReadingTests {
  private func parse(_ text: String, _ precision: Int, _ scale: Int) -> Int256? {
    DecimalText.parse(Array(text.utf8).span.bytes, precision: precision, scale: scale)
  }

  private func randomMagnitude(_ random: inout RandomSource) -> Int256 {
    var digits = (0..<1 + random.below(76)).map { _ in "\(random.below(10))" }.joined()
    if random.oneIn(3) { digits = "1" + String(repeating: "0", count: digits.count - 1) }
    return parse(digits, 76, 0)!
  }

  @Test(arguments: [-128, -3, 0, 1, 10, 38, 76, 127])
  func decimalsReadBack(scale: Int) {
    var random = RandomSource(seed: UInt64(200 + scale))
    for _ in 0..<1000 {
      let magnitude = randomMagnitude(&random).magnitude
      let value = Int256(magnitude: magnitude, isNegative: random.oneIn(2))
      let text = bytes { DecimalText.append(value, scale: scale, to: &$0) }
      #expect(DecimalText.parse(text.span.bytes, precision: 76, scale: scale) == value)
    }
  }

  @Test func numbersAreReadExactlyOrNotAtAll() {
    #expect(parse("-12.50", 4, 2) == Int256(-1250))
    #expect(parse("12.5", 4, 2) == Int256(1250))
    #expect(parse("12.500000", 4, 2) == Int256(1250))
    #expect(parse("1e3", 4, 0) == Int256(1000))
    #expect(parse("1.25E+2", 6, 3) == Int256(125_000))
    #expect(parse("12500e-4", 3, 2) == Int256(125))
    #expect(parse("-12000", 2, -3) == Int256(-12))
    #expect(parse(".5", 2, 1) == Int256(5))
    #expect(parse("5.", 2, 1) == Int256(50))
    #expect(parse("0e999999999999999999999", 1, 0) == Int256(0))
    #expect(parse("0.000", 1, 0) == Int256(0))
    for (text, precision, scale) in [
      ("12.505", 9, 2), ("100", 2, 0), ("12001", 9, -3), ("0.1", 9, 0), ("1e99999999999999999999", 76, 0),
      ("1e-99999999999999999999", 76, 76), ("99.9", 2, 1), ("", 9, 2), ("-", 9, 2), (".", 9, 2), ("1e", 9, 2),
      ("1.2.3", 9, 2), ("0x10", 9, 2), (" 1", 9, 2), ("1 ", 9, 2), ("--1", 9, 2), ("NaN", 9, 2),
      ("1e5e5", 9, 2),
    ] {
      #expect(parse(text, precision, scale) == nil, "\(text)")
    }
    #expect(
      parse(String(repeating: "9", count: 76), 76, 0)
        == parse("9." + String(repeating: "9", count: 75), 76, 75))
    #expect(parse(String(repeating: "9", count: 77), 76, 0) == nil)
    #expect(parse("1" + String(repeating: "0", count: 100) + "e-100", 1, 0) == Int256(1))
  }

  /// The standard library's reading of a number is the oracle: it rounds correctly.
  @Test(arguments: [-30, -3, 0, 2, 15, 22, 23, 60, 127])
  func doublesAreTheNearest(scale: Int) {
    var random = RandomSource(seed: UInt64(900 + scale))
    for _ in 0..<1000 {
      let value = randomMagnitude(&random)
      let text = String(decoding: value.magnitude.digits, as: UTF8.self) + "e\(-scale)"
      #expect(DecimalText.double(value, scale: scale) == Double(text)!)
      let negative = Int256(magnitude: value.magnitude, isNegative: true)
      #expect(DecimalText.double(negative, scale: scale) == -Double(text)!)
    }
  }

  @Test func doublesBecomeTheNearestDecimal() {
    func unscaled(_ value: Double, _ precision: Int, _ scale: Int) -> Int256? {
      DecimalText.unscaled(of: value, precision: precision, scale: scale)
    }
    #expect(unscaled(0.125, 9, 2) == Int256(13))
    #expect(unscaled(-0.125, 9, 2) == Int256(-13))
    #expect(unscaled(2.5, 9, 0) == Int256(3))
    // 1.005 is a little less than it says, 0.285 too; 1.115 as well.
    #expect(unscaled(1.005, 9, 2) == Int256(100))
    #expect(unscaled(1.115, 9, 2) == Int256(111))
    #expect(
      unscaled(0.1, 76, 60) == parse("0.1000000000000000055511151231257827021181583404541015625", 76, 60))
    #expect(unscaled(1e76, 76, 0) == nil)
    #expect(unscaled(1e75, 76, 0) != nil)
    #expect(unscaled(1e22, 76, 0) == parse("1e22", 76, 0))
    #expect(unscaled(12_345, 5, -3) == Int256(12))
    #expect(unscaled(500, 5, -3) == Int256(1))
    #expect(unscaled(499, 5, -3) == Int256(0))
    #expect(unscaled(99.96, 3, 1) == nil)
    #expect(unscaled(.nan, 9, 2) == nil && unscaled(.infinity, 9, 2) == nil && unscaled(1e300, 76, 0) == nil)
    #expect(unscaled(.leastNonzeroMagnitude, 76, 76) == Int256(0) && unscaled(-0.0, 9, 2) == Int256(0))
    #expect(unscaled(1e300, 76, -128) == nil)
    #expect(unscaled(1e200, 76, -128) != nil)
  }

  /// Numbers of up to 15 digits survive as doubles, and those that are told not to do not.
  @Test func decimalsSurviveAsDoublesWhereTheySaySo() {
    var random = RandomSource(seed: 77)
    for _ in 0..<3000 {
      let scale = random.below(20)
      let short = Int256(Int(random.next() % 1_000_000_000_000_000) - 500_000_000_000_000)
      #expect(
        DecimalText.unscaled(of: DecimalText.double(short, scale: scale), precision: 38, scale: scale)
          == short)
      #expect(DecimalText.isExact(asDouble: short, precision: 38, scale: scale))
      let double = Double(random.below(1 << 52)) / 1024 / Double(1 + random.below(1000))
      if let exact = DecimalText.unscaled(exactly: double, precision: 38, scale: scale) {
        #expect(DecimalText.double(exact, scale: scale) == double)
      }
      // A double is the nearest decimal's to within half a unit.
      if let near = DecimalText.unscaled(of: double, precision: 60, scale: 40) {
        #expect(DecimalText.double(near, scale: 40) == double)
      }
    }
    #expect(!DecimalText.isExact(asDouble: Int256(.max), precision: 38, scale: 0))
    #expect(DecimalText.isExact(asDouble: Int256(1 << 60), precision: 38, scale: 0))
    #expect(DecimalText.unscaled(exactly: 0.1, precision: 9, scale: 2) == Int256(10))
    #expect(DecimalText.unscaled(exactly: 0.125, precision: 9, scale: 2) == nil)
  }

  @Test func floatsReadAsTheStandardLibraryDoes() {
    var random = RandomSource(seed: 31)
    for _ in 0..<3000 {
      let double = Double(bitPattern: random.next())
      let float = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
      if double.isFinite { #expect(FloatText.double(Array("\(double)".utf8).span.bytes) == double) }
      if float.isFinite { #expect(FloatText.float(Array("\(float)".utf8).span.bytes) == float) }
      let digits = "\(random.below(.max))\(random.below(.max))e-\(random.below(60))"
      #expect(FloatText.double(Array(digits.utf8).span.bytes) == Double(digits))
      #expect(FloatText.float(Array(digits.utf8).span.bytes) == Float(digits))
    }
    #expect(FloatText.double(Array("NaN".utf8).span.bytes)?.isNaN == true)
    #expect(FloatText.double(Array("-Infinity".utf8).span.bytes) == -.infinity)
    for text in ["", "1e999", "0x1p3", "1.5 ", "nan(1)", "infinit", "e5", "1e+"] {
      #expect(FloatText.double(Array(text.utf8).span.bytes) == nil)
    }
  }
}
