// Dates, times and timestamps as ISO 8601 text, over the whole range of their integers.

import Memory

/// Appends ISO 8601 text. The calendar is the proleptic Gregorian one, with a year 0.
public enum TemporalText {
  /// `YYYY-MM-DD` of a number of days since 1970-01-01; years beyond 9999 get a sign.
  public static func appendDate(days: Int, to text: inout [UInt8]) {
    // Howard Hinnant's civil_from_days: eras of 400 years, years that begin in March.
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    if year < 0 { text.append(UInt8(ascii: "-")) }
    if year > 9999 { text.append(UInt8(ascii: "+")) }
    append(abs(year), digits: 4, to: &text)
    text.append(UInt8(ascii: "-"))
    append(month, digits: 2, to: &text)
    text.append(UInt8(ascii: "-"))
    append(day, digits: 2, to: &text)
  }

  /// `HH:MM:SS` and as many digits of the fraction as the unit has.
  public static func appendTime(ticks: Int, _ unit: TimeUnit, to text: inout [UInt8]) {
    // No time of day is negative, but bytes from outside may be.
    if ticks < 0 { text.append(UInt8(ascii: "-")) }
    let (wholeSeconds, fractionTicks) = ticks.magnitude.quotientAndRemainder(dividingBy: UInt(unit.perSecond))
    let (seconds, fraction) = (Int(wholeSeconds), Int(fractionTicks))
    append(seconds / 3600, digits: 2, to: &text)
    text.append(UInt8(ascii: ":"))
    append(seconds / 60 % 60, digits: 2, to: &text)
    text.append(UInt8(ascii: ":"))
    append(seconds % 60, digits: 2, to: &text)
    if unit.fractionDigits > 0 {
      text.append(UInt8(ascii: "."))
      append(fraction, digits: unit.fractionDigits, to: &text)
    }
  }

  /// `YYYY-MM-DDTHH:MM:SS` with a fraction, and `Z` for the instants of timestamps with a zone.
  public static func appendTimestamp(
    ticks: Int, _ unit: TimeUnit, isInstant: Bool, separator: UInt8 = UInt8(ascii: "T"),
    to text: inout [UInt8]
  ) {
    let (days, rest) = divide(ticks, by: 86_400 * Int(unit.perSecond))
    appendDate(days: days, to: &text)
    text.append(separator)
    appendTime(ticks: rest, unit, to: &text)
    if isInstant { text.append(UInt8(ascii: "Z")) }
  }

  /// Quotient rounded down, and a remainder that is not negative.
  static func divide(_ value: Int, by divisor: Int) -> (quotient: Int, remainder: Int) {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }

  private static func append(_ value: Int, digits: Int, to text: inout [UInt8]) {
    let number = String(value).utf8
    text.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: max(0, digits - number.count)))
    text.append(contentsOf: number)
  }
}
