// Decimals as the nearest floating-point number, and the other way round.

import Memory

extension DecimalText {
  /// The double that is nearest to `unscaled` / 10^`scale`; of two as near, the even one.
  public static func double(_ unscaled: Int256, scale: Int) -> Double {
    let magnitude = unscaled.magnitude
    if let small = magnitude.word, small < 1 << 53, scale >= -22, scale <= 22 {
      // Both are exact, so that the one division rounds correctly.
      let value = Double(small)
      let result = scale >= 0 ? value / FloatText.exactPowers[scale] : value * FloatText.exactPowers[-scale]
      return unscaled.isNegative ? -result : result
    }
    var text = magnitude.digits
    text.append(UInt8(ascii: "e"))
    IntegerText.append(-scale, to: &text)
    // At most 256 bits times a power of 128: far inside of what a double reaches.
    let result = FloatText.correctlyRounded(text.span.bytes)
    return unscaled.isNegative ? -result : result
  }

  /// The decimal of that scale nearest to a double, the exact value of which counts; of two as near, the one farther from zero, as
  /// SQL's `round` does. Nil for NaN, infinities, and what has more digits than the precision.
  public static func unscaled(of value: Double, precision: Int, scale: Int) -> Int256? {
    guard value.isFinite else { return nil }
    if value == 0 { return Int256(0) }
    if let fast = fastUnscaled(of: value, precision: precision, scale: scale) { return fast }
    // mantissa · 2^exponent · 10^scale, doubled so that its last bit says whether to round up.
    let exponent = Int(value.exponent) - 52
    let mantissa = value.significandBitPattern | (value.isNormal ? 1 << 52 : 0)
    let shift = (value.isNormal ? exponent : -1074) + 1
    var number = WideNumber(mantissa)
    // 76 digits are less than 253 bits: a shift beyond that cannot fit, whatever the scale takes away.
    guard shift <= 960 else { return nil }
    if scale >= 0 { number.multiply(byPowerOfTen: scale) }
    if shift > 0 { number.shiftLeft(shift) }
    if scale < 0 { number.divide(byPowerOfTen: -scale) }
    if shift < 0 { number.shiftRight(-shift) }
    let roundsUp = number.words[0] & 1 == 1
    number.shiftRight(1)
    guard number.words[4...].allSatisfy({ $0 == 0 }), number.words[3] < .max else { return nil }
    var magnitude = Int256.Magnitude(
      words: SIMD4(number.words[0], number.words[1], number.words[2], number.words[3]))
    if roundsUp { magnitude.multiply(by: 1, adding: 1) }
    guard magnitude < Int256.powerOfTen(precision).magnitude else { return nil }
    return Int256(magnitude: magnitude, isNegative: value < 0)
  }

  /// The same where the decimal, read as a double again, is this very double; else nil.
  public static func unscaled(exactly value: Double, precision: Int, scale: Int) -> Int256? {
    guard let result = unscaled(of: value, precision: precision, scale: scale),
      double(result, scale: scale) == value
    else { return nil }
    return result
  }

  /// Whether a decimal survives as a double: whether the decimal nearest to its double is the same one.
  public static func isExact(asDouble value: Int256, precision: Int, scale: Int) -> Bool {
    // Up to 15 digits always do.
    if let small = value.magnitude.word, small < 1_000_000_000_000_000 { return true }
    return unscaled(of: double(value, scale: scale), precision: precision, scale: scale) == value
  }

  /// Where the product is below 2^52 and its rounding error says which whole number is nearest.
  private static func fastUnscaled(of value: Double, precision: Int, scale: Int) -> Int256? {
    guard scale >= 0, scale <= 22, precision >= 16 || abs(value) < FloatText.exactPowers[precision] else {
      return nil
    }
    let power = FloatText.exactPowers[scale]
    let product = value * power
    guard abs(product) < 0x1p52 else { return nil }
    // The product's own error is known exactly: product + error = value · power.
    let error = (-product).addingProduct(value, power)
    let rounded = product.rounded(.toNearestOrAwayFromZero)
    // A tie, or so near to one that the error decides, is left to whole numbers.
    guard abs(abs(product - product.rounded(.towardZero)) - 0.5) > abs(error) else { return nil }
    let result = Int(rounded)
    guard precision >= 19 || result.magnitude < powersOfTen[precision] else { return nil }
    return Int256(result)
  }
}

/// A number of up to 1,536 bits, as far as the conversion needs it. What is shifted or divided away is forgotten: the bits that stay
/// are those of the exact quotient rounded down.
private struct WideNumber {
  var words: [UInt64]

  init(_ value: UInt64) {
    words = [UInt64](repeating: 0, count: 24)
    words[0] = value
  }

  mutating func multiply(byPowerOfTen exponent: Int) {
    var left = exponent
    while left > 0 {
      let factor = DecimalText.powersOfTen[min(left, 19)]
      var carry: UInt64 = 0
      for i in words.indices {
        let (high, low) = words[i].multipliedFullWidth(by: factor)
        let (sum, overflow) = low.addingReportingOverflow(carry)
        words[i] = sum
        carry = high &+ (overflow ? 1 : 0)
      }
      left -= 19
    }
  }

  mutating func divide(byPowerOfTen exponent: Int) {
    var left = exponent
    while left > 0 {
      let divisor = DecimalText.powersOfTen[min(left, 19)]
      var remainder: UInt64 = 0
      for i in words.indices.reversed() {
        (words[i], remainder) = divisor.dividingFullWidth((remainder, words[i]))
      }
      left -= 19
    }
  }

  mutating func shiftLeft(_ count: Int) {
    let (whole, bits) = (count / 64, UInt64(count % 64))
    for i in words.indices.reversed() {
      let low = i - whole >= 0 ? words[i - whole] : 0
      let below = i - whole - 1 >= 0 ? words[i - whole - 1] : 0
      words[i] = bits == 0 ? low : low << bits | below >> (64 - bits)
    }
  }

  mutating func shiftRight(_ count: Int) {
    let (whole, bits) = (count / 64, UInt64(count % 64))
    for i in words.indices {
      let high = i + whole < words.count ? words[i + whole] : 0
      let above = i + whole + 1 < words.count ? words[i + whole + 1] : 0
      words[i] = bits == 0 ? high : high >> bits | above << (64 - bits)
    }
  }
}
