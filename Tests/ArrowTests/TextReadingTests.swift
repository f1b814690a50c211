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
