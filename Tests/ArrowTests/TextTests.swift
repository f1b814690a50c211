// Values as text: dates against a slow calendar, decimals against wider integers, JSON against its rules.

import Memory
import Samples
import Testing

@testable import Arrow

private func text(_ append: (inout [UInt8]) -> Void) -> String {
  var bytes: [UInt8] = []
  append(&bytes)
  return String(decoding: bytes, as: UTF8.self)
}

private func padded(_ number: Int, _ digits: Int) -> String {
  let text = String(number)
  return String(repeating: "0", count: max(0, digits - text.count)) + text
}

/// The calendar as it is taught: leap years by their three rules, months by a table.
private enum SlowCalendar {
  static func isLeap(_ year: Int) -> Bool {
    year.isMultiple(of: 4) && !year.isMultiple(of: 100) || year.isMultiple(of: 400)
  }

  /// The first of January of a year, in days since 1970-01-01.
  static func firstDay(of year: Int) -> Int {
    func floored(_ value: Int, _ by: Int) -> Int { value >= 0 ? value / by : -((-value + by - 1) / by) }
    let before = year - 1
    let days = 365 * before + floored(before, 4) - floored(before, 100) + floored(before, 400)
    return days - 719_162
  }

  static func date(days: Int) -> String {
    var (low, high) = (-6_000_000_000_000, 6_000_000_000_000)
    while high - low > 1 {
      let middle = (low + high) / 2
      if firstDay(of: middle) <= days { low = middle } else { high = middle }
    }
    var day = days - firstDay(of: low)
    var month = 0
    let lengths = [31, isLeap(low) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    while day >= lengths[month] {
      day -= lengths[month]
      month += 1
    }
    let sign = low < 0 ? "-" : low > 9999 ? "+" : ""
    return "\(sign)\(padded(abs(low), 4))-\(padded(month + 1, 2))-\(padded(day + 1, 2))"
  }
}

@Suite struct TemporalTextTests {
  @Test func everyDayOfFourCenturiesIsItsDate() {
    for days in stride(from: -100_000, to: 100_000, by: 1) {
      let date = text { TemporalText.appendDate(days: days, to: &$0) }
      if date != SlowCalendar.date(days: days) { Issue.record("day \(days) is \(date)") }
    }
  }

  @Test func daysOfAnySizeAreTheirDates() {
    var random = RandomSource(seed: 1)
    for bits in 20...50 {
      for _ in 0..<50 {
        let days = random.below(1 << bits) * (random.oneIn(2) ? 1 : -1)
        #expect(text { TemporalText.appendDate(days: days, to: &$0) } == SlowCalendar.date(days: days))
      }
    }
    for days in [Int(Int32.max), Int(Int32.min)] {
      #expect(text { TemporalText.appendDate(days: days, to: &$0) } == SlowCalendar.date(days: days))
    }
  }

  @Test func datesThatAreKnown() {
    let known = [
      (0, "1970-01-01"), (-1, "1969-12-31"), (19_782, "2024-02-29"), (2_932_896, "9999-12-31"),
      (2_932_897, "+10000-01-01"),
      (-719_528, "0000-01-01"), (-719_529, "-0001-12-31"), (-25_509, "1900-02-28"), (-25_508, "1900-03-01"),
    ]
    for (days, date) in known { #expect(text { TemporalText.appendDate(days: days, to: &$0) } == date) }
  }

  @Test(arguments: TimeUnit.allCases)
  func timestampsAreTheirDaysAndTheRest(unit: TimeUnit) {
    var random = RandomSource(seed: 2)
    let perDay = 86_400 * Int(unit.perSecond)
    var cases = [Int.max, .min, 0, -1, 1, perDay, -perDay, perDay - 1]
    for _ in 0..<500 { cases.append(Int(truncatingIfNeeded: random.next()) >> random.below(50)) }
    for ticks in cases {
      // Floored division, by way of wider integers.
      let rest = Int(((Int128(ticks) % Int128(perDay)) + Int128(perDay)) % Int128(perDay))
      let days = Int((Int128(ticks) - Int128(rest)) / Int128(perDay))
      let second = rest / Int(unit.perSecond)
      var time = "\(padded(second / 3600, 2)):\(padded(second % 3600 / 60, 2)):\(padded(second % 60, 2))"
      if unit != .second { time += "." + padded(rest % Int(unit.perSecond), unit.fractionDigits) }
      let expected = "\(SlowCalendar.date(days: days))T\(time)"
      #expect(
        text { TemporalText.appendTimestamp(ticks: ticks, unit, isInstant: true, to: &$0) } == expected + "Z")
      #expect(
        text { TemporalText.appendTimestamp(ticks: ticks, unit, isInstant: false, to: &$0) } == expected)
      #expect(text { TemporalText.appendTime(ticks: rest, unit, to: &$0) } == time)
    }
  }
}

@Suite struct DecimalTextTests {
  private func text(_ value: Int256, scale: Int) -> String {
    ArrowTests.text { DecimalText.append(value, scale: scale, to: &$0) }
  }

  @Test(arguments: [-3, 0, 1, 2, 10, 38, 50])
  func decimalsAreThoseOfWiderIntegers(scale: Int) {
    var random = RandomSource(seed: UInt64(scale + 10))
    var values: [Int128] = [0, 1, -1, 9, 10, -10, .max, .min, .max - 1]
    for _ in 0..<600 {
      values.append(
        Int128(truncatingIfNeeded: UInt128(random.next()) << 64 | UInt128(random.next())) >> random.below(127)
      )
    }
    for value in values {
      let bytes = withUnsafeBytes(of: value.littleEndian) { Buffer(copying: $0) }
      var digits = String(value.magnitude)
      if scale > 0 {
        digits = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
        digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -scale))
      } else if value != 0 {
        digits += String(repeating: "0", count: -scale)
      }
      #expect(text(Int256(in: bytes, at: 0, byteWidth: 16), scale: scale) == (value < 0 ? "-" : "") + digits)
    }
  }

  @Test func numbersOfEveryWidthAreReadWithTheirSign() {
    for value in [0, 1, -1, 127, -128, Int(Int32.max), Int(Int32.min)] {
      let narrow = Buffer(copying: [Int32(value)])
      let wide = Buffer(copying: [Int64(value), value < 0 ? -1 : 0, value < 0 ? -1 : 0, value < 0 ? -1 : 0])
      #expect(Int256(in: narrow, at: 0, byteWidth: 4) == Int256(value))
      for width in [8, 16, 32] { #expect(Int256(in: wide, at: 0, byteWidth: width) == Int256(value)) }
    }
  }

  @Test func theExtremesOf256BitsAreExact() {
    let largest = "57896044618658097711785492504343953926634992332820282019728792003956564819967"
    let smallest = "-57896044618658097711785492504343953926634992332820282019728792003956564819968"
    #expect(text(Int256(words: SIMD4(.max, .max, .max, .max >> 1)), scale: 0) == largest)
    #expect(text(Int256(words: SIMD4(0, 0, 0, 1 << 63)), scale: 0) == smallest)
    #expect(text(Int256(words: SIMD4(repeating: .max)), scale: 3) == "-0.001")
    for exponent in 0...76 {
      #expect(text(Int256.powerOfTen(exponent), scale: 0) == "1" + String(repeating: "0", count: exponent))
      #expect(text(Int256.powerOfTen(exponent), scale: exponent).hasPrefix("1"))
      if exponent > 0 {
        #expect(Int256.powerOfTen(exponent - 1).magnitude < Int256.powerOfTen(exponent).magnitude)
      }
    }
  }
}

@Suite struct JSONTextTests {
  @Test func everyCharacterBelow128IsWrittenAsJSONAllows() {
    for byte: UInt8 in 0..<128 {
      let character = String(UnicodeScalar(byte))
      let expected =
        switch byte {
        case 0x22: "\\\""
        case 0x5C: "\\\\"
        case 0x0A: "\\n"
        case 0x0D: "\\r"
        case 0x09: "\\t"
        case 0..<0x20, 0x7F: "\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        default: character
        }
      #expect(text { JSONText.appendString("a\(character)é", to: &$0) } == "\"a\(expected)é\"")
    }
  }

  @Test func bytesThatAreNoTextAreReplaced() {
    let bytes = Buffer(copying: [0x61, 0xFF, 0x22] as [UInt8])
    #expect(text { JSONText.appendString(bytes, to: &$0) } == "\"a\u{FFFD}\\\"\"")
  }

  @Test func numbersReadBackAsThemselves() throws {
    var random = RandomSource(seed: 4)
    for _ in 0..<2000 {
      let number = Double(bitPattern: random.next())
      let json = text { JSONText.appendNumber(number, to: &$0) }
      if number.isFinite { #expect(Double(json) == number) } else { #expect(json.hasPrefix("\"")) }
    }
    #expect(text { JSONText.appendNumber(Float.nan, to: &$0) } == "\"NaN\"")
    #expect(text { JSONText.appendNumber(-Float.infinity, to: &$0) } == "\"-Infinity\"")
    #expect(try column(.uint64, [UInt64.max]).json == ["18446744073709551615"])
    #expect(try column(.int64, [Int64.min]).json == ["-9223372036854775808"])
  }

  @Test func rowsAreObjectsWithTheColumnsInOrder() throws {
    let schema = Schema([Field("b\"", .utf8), Field("a", .list(Field("item", .int8))), Field("", .null)])
    let list = ListBuilder<Int32>(type: schema.fields[1].type)
    for count in [2, 0] {
      for _ in 0..<count { try list.child.append(column(.int8, [-5] as [Int8])) }
      try list.closeList()
    }
    let null = try Column(type: .null, count: 2, layout: .null)
    let batch = try RecordBatch(schema: schema, columns: [texts(["x", "\u{1}"]), list.finish(), null])
    #expect(text { batch.appendJSON(row: 0, to: &$0) } == #"{"b\"":"x","a":[-5,-5],"":null}"#)
    #expect(text { batch.appendJSON(row: 1, to: &$0) } == #"{"b\"":"\u0001","a":[],"":null}"#)
  }
}
