// Decimals as exact text.

public enum DecimalText {
  /// Appends a decimal with exactly `scale` digits after the point; a negative scale appends zeros in front of it.
  public static func append(_ unscaled: Int256, scale: Int, to text: inout [UInt8]) {
    if unscaled.isNegative { text.append(UInt8(ascii: "-")) }
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
}
