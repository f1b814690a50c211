// Literals of numbers and blobs.

import Glibc

enum NumberText {
  /// Integers beyond 64 bits are reals, as in SQLite; hexadecimal ones are two's complement.
  static func literal(_ text: [UInt8], _ range: SourceRange, isInteger: Bool) throws(SQLError) -> Literal {
    let start = range.offset
    let end = Int(range.end)
    guard isInteger else { return .real(real(text, start, end)) }
    if end - start > 2, text[start + 1] | 0x20 == UInt8(ascii: "x") {
      var value: UInt64 = 0
      var digits = 0
      for byte in text[(start + 2)..<end] {
        if digits > 0 || byte != UInt8(ascii: "0") { digits += 1 }
        value = value << 4 | UInt64(hexValue(byte))
      }
      guard digits <= 16 else {
        throw SQLError(
          .syntax, "hex literal too big: \(String(decoding: text[start..<end], as: UTF8.self))", at: start)
      }
      return .integer(Int64(bitPattern: value))
    }
    var value: UInt64 = 0
    for byte in text[start..<end] {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt64(byte - 48))
      if overflow || carry || sum > UInt64(Int64.max) + 1 { return .real(real(text, start, end)) }
      value = sum
    }
    return value > UInt64(Int64.max) ? .integerMagnitude : .integer(Int64(value))
  }

  private static func real(_ text: [UInt8], _ start: Int, _ end: Int) -> Double {
    var bytes = text[start..<end].map { CChar(bitPattern: $0) }
    bytes.append(0)
    return strtod(bytes, nil)
  }

  /// The bytes of `x'…'`, which the lexer has checked.
  static func blob(_ text: [UInt8], _ range: SourceRange) -> [UInt8] {
    let first = range.offset + 2
    let count = (Int(range.end) - 1 - first) / 2
    return (0..<count).map { hexValue(text[first + 2 * $0]) << 4 | hexValue(text[first + 2 * $0 + 1]) }
  }

  private static func hexValue(_ byte: UInt8) -> UInt8 {
    byte.isDigit ? byte - 48 : (byte | 0x20) - 87
  }
}
