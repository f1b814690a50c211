// Decimals as exact text, and read back from it.

import Memory

public enum DecimalText {
  /// Appends a decimal with exactly `scale` digits after the point; a negative scale appends zeros in front of it.
  public static func append(_ unscaled: Int256, scale: Int, to text: inout [UInt8]) {
    let isNegative = unscaled.isNegative
    if let small = unscaled.magnitude.word, scale >= 0, scale < 20 {
      appendSmall(small, isNegative: isNegative, scale: scale, to: &text)
      return
    }
    if isNegative { text.append(UInt8(ascii: "-")) }
    let digits = unscaled.magnitude.digits
    let zero = UInt8(ascii: "0")
    guard scale > 0 else {
      text.append(contentsOf: digits)
      if digits != [zero] { text.append(contentsOf: repeatElement(zero, count: -scale)) }
      return
    }
    if digits.count <= scale {
      text.append(zero)
      text.append(UInt8(ascii: "."))
      text.append(contentsOf: repeatElement(zero, count: scale - digits.count))
      text.append(contentsOf: digits)
    } else {
      text.append(contentsOf: digits.dropLast(scale))
      text.append(UInt8(ascii: "."))
      text.append(contentsOf: digits.suffix(scale))
    }
  }

  private static func appendSmall(_ value: UInt64, isNegative: Bool, scale: Int, to text: inout [UInt8]) {
    var short = ShortText()
    if isNegative { short.append("-") }
    if scale == 0 {
      short.append(UInt(value))
    } else {
      let power = powersOfTen[scale]
      let whole = value / power
      short.append(UInt(whole))
      short.append(".")
      short.appendLast(scale, of: UInt(value &- whole &* power))
    }
    short.append(to: &text)
  }

  /// The unscaled value of a number such as `-12.50` or `1e3` in a decimal type; nil for what is no number, has digits behind the
  /// scale that are not zero, or more digits than the precision. Nothing is ever rounded.
  public static func parse(_ bytes: RawSpan, precision: Int, scale: Int) -> Int256? {
    var text = TextCursor(bytes)
    guard let number = DecimalNumber(&text), text.isAtEnd else { return nil }
    guard number.digitCount > 0 else { return Int256(0) }
    // Digits behind the scale (all zero, or the number does not fit), or zeros that the type has and the text has not.
    let shift = number.exponent + scale
    let length = number.digitCount + shift
    guard length > 0, length <= min(precision, 76) else { return nil }
    var digits = TextCursor(bytes)
    digits.skip(number.start)
    var magnitude = Int256.Magnitude(words: .zero)
    var (group, groupLength) = (UInt64(0), 0)
    var left = min(number.digitCount, length)
    while left > 0 {
      guard let digit = digits.takeDigit() else {
        digits.skip()  // the point
        continue
      }
      group = group &* 10 &+ UInt64(digit)
      groupLength += 1
      left -= 1
      if groupLength == 19 || left == 0 {
        magnitude.multiply(by: powersOfTen[groupLength], adding: group)
        (group, groupLength) = (0, 0)
      }
    }
    for place in digits.place..<max(digits.place, number.end) {
      // SAFETY: the number ends inside of the bytes.
      let byte = bytes.unsafeLoad(fromUncheckedByteOffset: place, as: UInt8.self)
      guard byte == UInt8(ascii: "0") || byte == UInt8(ascii: ".") else { return nil }
    }
    var zeros = shift
    while zeros > 0 {
      magnitude.multiply(by: powersOfTen[min(zeros, 19)])
      zeros -= 19
    }
    return Int256(magnitude: magnitude, isNegative: number.isNegative)
  }

  /// 10 to the power of 0...19.
  static let powersOfTen: [UInt64] = {
    var powers: [UInt64] = [1]
    for _ in 0..<19 { powers.append(powers.last! * 10) }
    return powers
  }()
}

/// A number's parts as they stand in text: `[+-] digits [. digits] [e [+-] digits]`, at least one digit before the exponent.
struct DecimalNumber {
  private(set) var isNegative = false
  /// Where the first digit that is not zero stands, and where the digits end.
  private(set) var start = 0
  private(set) var end = 0
  /// Digits from the first that is not zero; 0 for zero.
  private(set) var digitCount = 0
  /// The power of ten of the last digit.
  private(set) var exponent = 0
  /// The digits as a whole number, as long as there are at most 19 of them.
  private(set) var mantissa: UInt64 = 0

  /// Reads the number that is next; nil when there is none.
  init?(_ text: inout TextCursor) {
    isNegative = text.take("-")
    if !isNegative { _ = text.take("+") }
    var hasDigits = false
    var isFraction = false
    while true {
      if let digit = text.takeDigit() {
        hasDigits = true
        if digitCount > 0 || digit != 0 {
          if digitCount == 0 { start = text.place - 1 }
          digitCount += 1
          mantissa = mantissa &* 10 &+ UInt64(digit)
        }
        if isFraction { exponent -= 1 }
      } else if !isFraction, text.take(".") {
        isFraction = true
      } else {
        break
      }
    }
    guard hasDigits else { return nil }
    end = text.place
    if digitCount == 0 { start = end }
    guard text.take("e") || text.take("E") else { return }
    let isBelow = text.take("-")
    if !isBelow { _ = text.take("+") }
    var power = 0
    var hasPower = false
    while let digit = text.takeDigit() {
      hasPower = true
      // More than any text has digits: what is beyond fits nowhere.
      power = min(power * 10 + digit, 1 << 50)
    }
    guard hasPower else { return nil }
    exponent += isBelow ? -power : power
  }
}
