// Sizes and times as people write them: 64K, 15m.

/// Reads and writes the values of settings.
public enum SettingText {
  private static let sizes: [(letter: Character, factor: Int)] = [
    ("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10),
  ]
  private static let times: [(unit: String, nanoseconds: Int64)] = [
    ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000),
  ]

  /// A number of bytes such as `512M`, `4G`, `64KB` or `1000000`; nil for anything else.
  public static func bytes(_ text: String) -> Int? {
    var digits = Substring(text)
    if digits.last == "B" || digits.last == "b" { digits = digits.dropLast() }
    var factor = 1
    if let last = digits.last, let size = sizes.first(where: { $0.letter == Character(last.uppercased()) }) {
      factor = size.factor
      digits = digits.dropLast()
    }
    guard let number = Int(digits), number > 0,
      case let (bytes, overflow) = number.multipliedReportingOverflow(by: factor),
      !overflow
    else { return nil }
    return bytes
  }

  /// In the largest unit that is exact.
  public static func bytes(_ count: Int) -> String {
    for size in sizes where count > 0 && count.isMultiple(of: size.factor) {
      return "\(count / size.factor)\(size.letter)"
    }
    return "\(count)"
  }

  /// A time such as `500ms`, `30s`, `15m` or `24h`; a number alone is seconds. Nil for anything else.
  public static func time(_ text: String) -> Duration? {
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let unit = digits.count == text.count ? "s" : String(text.dropFirst(digits.count))
    if digits.contains("."), digits.first != ".", let number = Double(digits), number < 1e9,
      let factor = times.first(where: { $0.unit == unit })?.nanoseconds
    {
      return .nanoseconds(Int64(number * Double(factor)))
    }
    guard let number = Int64(digits), let factor = times.first(where: { $0.unit == unit })?.nanoseconds,
      case let (nanoseconds, overflow) = number.multipliedReportingOverflow(by: factor), !overflow
    else { return nil }
    return .nanoseconds(nanoseconds)
  }

  /// In the largest unit that is exact; fractions of a millisecond are dropped.
  public static func time(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    if attoseconds != 0 { return "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000)ms" }
    for (unit, nanoseconds) in times where seconds > 0 {
      let factor = nanoseconds / 1_000_000_000
      if factor > 0, seconds.isMultiple(of: factor) { return "\(seconds / factor)\(unit)" }
    }
    return "\(seconds)s"
  }
}
