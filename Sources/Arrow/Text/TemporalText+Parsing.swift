// Dates, times and timestamps read back from ISO 8601 text: what the writers write, and what SQLite's date functions do.

extension TemporalText {
  /// The days since 1970-01-01 of `YYYY-MM-DD`; nil for what is no date of the calendar. Years beyond 9999 and before 0 need
  /// their sign.
  public static func parseDate(_ bytes: RawSpan) -> Int? {
    var text = TextCursor(bytes)
    guard let days = takeDate(&text), text.isAtEnd else { return nil }
    return days
  }

  /// The ticks of `HH:MM`, `HH:MM:SS` or `HH:MM:SS.fraction`; nil for what is none or not a whole number of ticks.
  ///
  /// What the writer makes of columns that hold no times of day is read too: a sign, and hours beyond 23.
  public static func parseTime(_ bytes: RawSpan, _ unit: TimeUnit) -> Int? {
    var text = TextCursor(bytes)
    let isNegative = text.take("-")
    guard let hours = text.takeDigits(2, 15),
      let (rest, fraction) = takeMinutes(&text, unit), text.isAtEnd
    else { return nil }
    let seconds = hours &* 3600 &+ rest
    // Downwards the range reaches one further.
    let (ticks, overflow) = (isNegative ? -seconds : seconds).multipliedReportingOverflow(
      by: Int(unit.perSecond))
    let (sum, overflow2) = ticks.addingReportingOverflow(isNegative ? -fraction : fraction)
    return overflow || overflow2 ? nil : sum
  }

  /// The ticks since 1970-01-01T00:00:00 of a date, or of a date and a time with `T` or a space between them; nil for what is none,
  /// is not a whole number of ticks, or lies outside of what 64 bits hold.
  ///
  /// A time may end in `Z` or an offset such as `+02:00`, which is taken away: the ticks are those of UTC.
  public static func parseTimestamp(_ bytes: RawSpan, _ unit: TimeUnit) -> Int? {
    var text = TextCursor(bytes)
    guard var days = takeDate(&text) else { return nil }
    var (seconds, fraction) = (0, 0)
    if !text.isAtEnd {
      guard text.take("T") || text.take(" ") || text.take("t"), let hours = text.takeTwoDigits(), hours < 24,
        let (rest, part) = takeMinutes(&text, unit), let offset = takeOffset(&text), text.isAtEnd
      else { return nil }
      fraction = part
      let (more, inDay) = divide(hours &* 3600 &+ rest &- offset, by: 86_400)
      days += more
      seconds = inDay
    }
    let perDay = 86_400 * Int(unit.perSecond)
    var ticks = seconds &* Int(unit.perSecond) &+ fraction
    // The first day of the range is there only in part: from its end it can be reached without leaving the range.
    if days < 0 {
      days += 1
      ticks -= perDay
    }
    let (start, overflow) = days.multipliedReportingOverflow(by: perDay)
    let (sum, overflow2) = start.addingReportingOverflow(ticks)
    return overflow || overflow2 ? nil : sum
  }

  @inline(__always)
  private static func takeDate(_ text: inout TextCursor) -> Int? {
    let isNegative = text.take("-")
    let isSigned = isNegative || text.take("+")
    // 15 digits: more than 64 bits of seconds reach, and nothing below overflows.
    guard let number = text.takeDigits(4, isSigned ? 15 : 4), text.take("-"),
      let month = text.takeTwoDigits(), month >= 1, month <= 12, text.take("-"),
      let day = text.takeTwoDigits(), day >= 1
    else { return nil }
    let year = isNegative ? -number : number
    if day > 28 {
      let isLeap = year & 3 == 0 && (year % 100 != 0 || year % 400 == 0)
      let last =
        switch month {
        case 2: isLeap ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
      guard day <= last else { return nil }
    }
    // Howard Hinnant's days_from_civil: eras of 400 years, years that begin in March.
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  /// What follows the hours: `:MM`, and `:SS` with a fraction where they are there.
  @inline(__always)
  private static func takeMinutes(_ text: inout TextCursor, _ unit: TimeUnit) -> (
    seconds: Int, fraction: Int
  )? {
    guard text.take(":"), let minutes = text.takeTwoDigits(), minutes < 60 else { return nil }
    guard text.take(":") else { return (minutes &* 60, 0) }
    guard let seconds = text.takeTwoDigits(), seconds < 60 else { return nil }
    let whole = minutes &* 60 &+ seconds
    guard text.take(".") else { return (whole, 0) }
    var fraction = 0
    var digits = 0
    while let digit = text.takeDigit() {
      digits &+= 1
      if digits <= unit.fractionDigits {
        fraction = fraction &* 10 &+ digit
      } else if digit != 0 {
        return nil
      }
    }
    guard digits > 0 else { return nil }
    while digits < unit.fractionDigits {
      fraction &*= 10
      digits &+= 1
    }
    return (whole, fraction)
  }

  /// Seconds east of UTC: of nothing, `Z`, `±HH:MM`, `±HHMM` or `±HH`.
  @inline(__always)
  private static func takeOffset(_ text: inout TextCursor) -> Int? {
    if text.isAtEnd || text.take("Z") || text.take("z") { return 0 }
    let isWest = text.take("-")
    guard isWest || text.take("+"), let hours = text.takeTwoDigits(), hours < 24 else { return nil }
    var minutes = 0
    if !text.isAtEnd {
      _ = text.take(":")
      guard let more = text.takeTwoDigits(), more < 60 else { return nil }
      minutes = more
    }
    let seconds = hours &* 3600 &+ minutes &* 60
    return isWest ? -seconds : seconds
  }
}
