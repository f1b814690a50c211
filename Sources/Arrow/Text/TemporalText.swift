// Dates, times and timestamps as ISO 8601 text, over the whole range of their integers.

import Memory

/// Appends ISO 8601 text. The calendar is the proleptic Gregorian one, with a year 0.
public enum TemporalText {
  /// `YYYY-MM-DD` of a number of days since 1970-01-01; years beyond 9999 get a sign.
  public static func appendDate(days: Int, to text: inout [UInt8]) {
    var short = ShortText()
    appendDate(days: days, to: &short)
    short.append(to: &text)
  }

  @inline(__always)
  private static func appendDate(days: Int, to text: inout ShortText) {
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
    if year < 0 { text.append("-") }
    if year > 9999 { text.append("+") }
    text.append(year.magnitude, digits: 4)
    text.append("-")
    text.appendTwo(UInt(bitPattern: month))
    text.append("-")
    text.appendTwo(UInt(bitPattern: day))
  }

  /// `HH:MM:SS` and as many digits of the fraction as the unit has.
  public static func appendTime(ticks: Int, _ unit: TimeUnit, to text: inout [UInt8]) {
    var short = ShortText()
    appendTime(ticks: ticks, unit, to: &short)
    short.append(to: &text)
  }

  @inline(__always)
  private static func appendTime(
    ticks: Int, _ unit: TimeUnit, omitsZeroFraction: Bool = false, to text: inout ShortText
  ) {
    // No time of day is negative, but bytes from outside may be.
    if ticks < 0 { text.append("-") }
    let (seconds, fraction) = ticks.magnitude.quotientAndRemainder(dividingBy: UInt(unit.perSecond))
    let minutes = seconds / 60
    text.append(minutes / 60, digits: 2)
    text.append(":")
    text.appendTwo(minutes % 60)
    text.append(":")
    text.appendTwo(seconds % 60)
    if unit != .second, fraction != 0 || !omitsZeroFraction {
      text.append(".")
      text.appendLast(unit.fractionDigits, of: fraction)
    }
  }

  /// `YYYY-MM-DDTHH:MM:SS` with a fraction, and `Z` for the instants of timestamps with a zone.
  public static func appendTimestamp(
    ticks: Int, _ unit: TimeUnit, isInstant: Bool, separator: UInt8 = UInt8(ascii: "T"),
    to text: inout [UInt8]
  ) {
    let (days, rest) = divide(ticks, by: 86_400 * Int(unit.perSecond))
    var short = ShortText()
    appendDate(days: days, to: &short)
    short.append(separator)
    appendTime(ticks: rest, unit, to: &short)
    if isInstant { short.append("Z") }
    short.append(to: &text)
  }

  /// `YYYY-MM-DD HH:MM:SS`, as SQLite's `datetime()` writes it, so that equal times are equal text. A fraction that is not zero
  /// follows with all the digits of the unit: text in order is time in order, from year 0 to 9999.
  public static func appendSQLTimestamp(ticks: Int, _ unit: TimeUnit, to text: inout [UInt8]) {
    let (days, rest) = divide(ticks, by: 86_400 * Int(unit.perSecond))
    var short = ShortText()
    appendDate(days: days, to: &short)
    short.append(" ")
    appendTime(ticks: rest, unit, omitsZeroFraction: true, to: &short)
    short.append(to: &text)
  }

  /// `HH:MM:SS`, as SQLite's `time()` writes it, with the fraction where it is not zero.
  public static func appendSQLTime(ticks: Int, _ unit: TimeUnit, to text: inout [UInt8]) {
    var short = ShortText()
    appendTime(ticks: ticks, unit, omitsZeroFraction: true, to: &short)
    short.append(to: &text)
  }

  /// Quotient rounded down, and a remainder that is not negative.
  static func divide(_ value: Int, by divisor: Int) -> (quotient: Int, remainder: Int) {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}
