// A few characters of ASCII on the stack: how numbers and dates become text without an allocation.

/// Up to 48 characters, appended to a text all at once. The longest of this module are a decimal's 41: a sign, 20 digits, a point, 19
/// digits; a timestamp has up to 39.
struct ShortText {
  private var bytes = InlineArray<48, UInt8>(repeating: 0)
  private var count = 0

  @inline(__always)
  mutating func append(_ byte: UInt8) {
    // SAFETY: nothing here is longer than the room (see above).
    bytes[unchecked: count] = byte
    count &+= 1
  }

  @inline(__always)
  mutating func append(_ character: Unicode.Scalar) { append(UInt8(truncatingIfNeeded: character.value)) }

  /// Two digits of a number below 100.
  @inline(__always)
  mutating func appendTwo(_ value: UInt) {
    append(48 &+ UInt8(truncatingIfNeeded: value / 10))
    append(48 &+ UInt8(truncatingIfNeeded: value % 10))
  }

  /// The last `digits` digits of a number.
  @inline(__always)
  mutating func appendLast(_ digits: Int, of value: UInt) {
    var rest = value
    var place = count &+ digits
    while place > count {
      place &-= 1
      let tenth = rest / 10
      // SAFETY: as in `append`; no caller asks for more than 19 digits.
      bytes[unchecked: place] = 48 &+ UInt8(truncatingIfNeeded: rest &- tenth &* 10)
      rest = tenth
    }
    count &+= digits
  }

  /// A number, with zeros in front of it up to so many digits.
  @inline(__always)
  mutating func append(_ value: UInt, digits: Int = 1) {
    var length = 1
    var rest = value
    while rest >= 10 {
      rest /= 10
      length &+= 1
    }
    appendLast(max(length, digits), of: value)
  }

  @inline(__always)
  func append(to text: inout [UInt8]) {
    bytes.span.extracting(first: count).withUnsafeBufferPointer { text.append(contentsOf: $0) }
  }
}

/// Whole numbers as text.
public enum IntegerText {
  public static func append(_ value: Int, to text: inout [UInt8]) {
    var short = ShortText()
    if value < 0 { short.append("-") }
    short.append(value.magnitude)
    short.append(to: &text)
  }

  public static func append(_ value: UInt64, to text: inout [UInt8]) {
    var short = ShortText()
    short.append(UInt(value))
    short.append(to: &text)
  }

  /// The bits of a whole number, sign-extended; nil for what is none or does not fit the type. `1e3` and `5.0` are whole too.
  static func parse(_ bytes: RawSpan, as type: IntegerType) -> UInt64? {
    var text = TextCursor(bytes)
    guard let number = DecimalNumber(&text), text.isAtEnd else { return nil }
    var magnitude = number.mantissa
    if number.exponent != 0 || number.digitCount > 19 {
      guard let value = DecimalText.parse(bytes, precision: 20, scale: 0)?.magnitude.word else { return nil }
      magnitude = value
    }
    let bits = type.byteWidth * 8
    if !type.isSigned {
      guard !number.isNegative || magnitude == 0, magnitude <= UInt64.max >> UInt64(64 - bits) else {
        return nil
      }
      return magnitude
    }
    let limit: UInt64 = 1 << UInt64(bits - 1)
    guard magnitude < limit || magnitude == limit && number.isNegative else { return nil }
    return number.isNegative ? 0 &- magnitude : magnitude
  }
}
