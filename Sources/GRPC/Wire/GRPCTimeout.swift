// `grpc-timeout`: at most eight digits and a unit.

/// Reads and writes the header (PROTOCOL-HTTP2.md, "Timeout").
enum GRPCTimeout {
  private static let units: [(letter: UInt8, nanoseconds: Int64)] = [
    (UInt8(ascii: "n"), 1), (UInt8(ascii: "u"), 1000), (UInt8(ascii: "m"), 1_000_000),
    (UInt8(ascii: "S"), 1_000_000_000), (UInt8(ascii: "M"), 60_000_000_000),
    (UInt8(ascii: "H"), 3_600_000_000_000),
  ]

  /// - Returns: nil for anything that the specification does not allow.
  static func parse(_ text: ArraySlice<UInt8>) -> Duration? {
    guard (2...9).contains(text.count), let letter = text.last,
      let unit = units.first(where: { $0.letter == letter })
    else { return nil }
    var value: Int64 = 0
    for digit in text.dropLast() {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      value = value * 10 + Int64(digit - UInt8(ascii: "0"))
    }
    let (nanoseconds, overflow) = value.multipliedReportingOverflow(by: unit.nanoseconds)
    // 99999999 hours are 11,000 years.
    return .nanoseconds(overflow ? Int64.max : nanoseconds)
  }

  /// The finest unit that has room, rounded up: a deadline must not pass earlier at the peer than here.
  static func format(_ timeout: Duration) -> String {
    let wanted = max(0, clampedNanoseconds(timeout))
    for unit in units {
      let value = wanted / unit.nanoseconds + (wanted % unit.nanoseconds == 0 ? 0 : 1)
      if value <= 99_999_999 { return "\(value)\(Character(Unicode.Scalar(unit.letter)))" }
    }
    return "99999999H"
  }

  /// Seconds as people give them, without trapping on what is no number of them.
  static func duration(seconds: Double) -> Duration {
    guard seconds > 0 else { return .zero }
    return seconds < 9e9 ? .nanoseconds(Int64(seconds * 1e9)) : .nanoseconds(Int64.max)
  }

  static func clampedNanoseconds(_ duration: Duration) -> Int64 {
    let (seconds, attoseconds) = duration.components
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    if overflow { return seconds < 0 ? .min : .max }
    let (sum, overflow2) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
    return overflow2 ? .max : sum
  }
}
