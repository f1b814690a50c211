// Floating-point numbers read from text, correctly rounded.

import Glibc

public enum FloatText {
  /// The double nearest to a number such as `-1.5e3`, or what `NaN`, `Infinity` and `-Infinity` say; nil for other text, and for numbers
  /// beyond the largest double.
  public static func double(_ bytes: RawSpan) -> Double? {
    var text = TextCursor(bytes)
    guard let number = DecimalNumber(&text), text.isAtEnd else { return special(bytes) }
    if number.digitCount <= 19, number.mantissa <= 1 << 53, number.exponent >= -22, number.exponent <= 22 {
      // Both are exact, so that the one operation rounds correctly (Clinger's fast path).
      let value = Double(number.mantissa)
      let result =
        number.exponent < 0 ? value / exactPowers[-number.exponent] : value * exactPowers[number.exponent]
      return number.isNegative ? -result : result
    }
    let result = correctlyRounded(bytes)
    return result.isFinite ? result : nil
  }

  /// The same for single precision: rounded once, not by way of a double.
  public static func float(_ bytes: RawSpan) -> Float? {
    var text = TextCursor(bytes)
    guard let number = DecimalNumber(&text), text.isAtEnd else { return special(bytes).map { Float($0) } }
    if number.digitCount <= 19, number.mantissa <= 1 << 24, number.exponent >= -10, number.exponent <= 10 {
      let value = Float(number.mantissa)
      let power = Float(exactPowers[abs(number.exponent)])
      let result = number.exponent < 0 ? value / power : value * power
      return number.isNegative ? -result : result
    }
    let result = withTerminated(bytes) { strtof($0, nil) }
    return result.isFinite ? result : nil
  }

  /// `double` of text that is known to be a number.
  static func correctlyRounded(_ bytes: RawSpan) -> Double { withTerminated(bytes) { strtod($0, nil) } }

  private static func special(_ bytes: RawSpan) -> Double? {
    if bytes.isText("nan") { return .nan }
    if bytes.isText("infinity") || bytes.isText("inf") || bytes.isText("+infinity") || bytes.isText("+inf") {
      return .infinity
    }
    return bytes.isText("-infinity") || bytes.isText("-inf") ? -.infinity : nil
  }

  /// Calls with a copy that ends in NUL, as C's functions want it. The program never sets a locale, so that the point is a point.
  private static func withTerminated<R>(_ bytes: RawSpan, _ body: (UnsafePointer<CChar>) -> R) -> R {
    withUnsafeTemporaryAllocation(byteCount: bytes.byteCount + 1, alignment: 1) { copy in
      // SAFETY: the copy has room for the bytes and the NUL, and lives as long as the call.
      bytes.withUnsafeBytes { copy.copyMemory(from: $0) }
      copy[bytes.byteCount] = 0
      return body(copy.baseAddress!.assumingMemoryBound(to: CChar.self))
    }
  }

  /// The powers of ten that a double holds exactly: 0...22.
  static let exactPowers: [Double] = {
    var powers = [1.0]
    for _ in 0..<22 { powers.append(powers.last! * 10) }
    return powers
  }()
}
