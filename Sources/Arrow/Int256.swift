// 256-bit integers, as far as decimals need them: comparing, printing and reading.

import Memory

/// A signed 256-bit integer: how any decimal's unscaled value is looked at.
public struct Int256: Hashable, Sendable {
  /// Two's complement, lowest word first.
  public var words: SIMD4<UInt64>

  public init(words: SIMD4<UInt64>) { self.words = words }

  public init(_ value: Int) {
    let sign: UInt64 = value < 0 ? .max : 0
    words = SIMD4(UInt64(bitPattern: Int64(value)), sign, sign, sign)
  }

  /// A little-endian two's complement number of 4, 8, 16 or 32 bytes.
  public init(in buffer: Buffer, at offset: Int, byteWidth: Int) {
    switch byteWidth {
    case 4: self.init(Int(buffer.load(at: offset, as: Int32.self)))
    case 8: self.init(Int(buffer.load(at: offset, as: Int64.self)))
    case 16:
      let high = buffer.load(at: offset + 8, as: UInt64.self)
      let sign: UInt64 = high >> 63 == 1 ? .max : 0
      self.init(words: SIMD4(buffer.load(at: offset, as: UInt64.self), high, sign, sign))
    default: self.init(words: buffer.load(at: offset, as: SIMD4<UInt64>.self))
    }
  }

  /// The number of that magnitude and sign; the magnitude must be below 2^255.
  public init(magnitude: Magnitude, isNegative: Bool) {
    words = magnitude.words
    if isNegative { words = Int256.negated(words) }
  }

  public var isNegative: Bool { words[3] >> 63 == 1 }

  private static func negated(_ words: SIMD4<UInt64>) -> SIMD4<UInt64> {
    var result = ~words
    for i in 0..<4 {
      result[i] &+= 1
      if result[i] != 0 { break }
    }
    return result
  }

  /// The number without its sign. The lowest number's is right too, read as unsigned.
  public var magnitude: Magnitude {
    Magnitude(words: isNegative ? Int256.negated(words) : words)
  }

  /// Four unsigned words, lowest first.
  public struct Magnitude: Hashable, Comparable, Sendable {
    public var words: SIMD4<UInt64>

    public init(words: SIMD4<UInt64>) { self.words = words }

    /// The number where one word holds it.
    public var word: UInt64? { words[1] | words[2] | words[3] == 0 ? words[0] : nil }

    public static func < (left: Magnitude, right: Magnitude) -> Bool {
      for i in (0..<4).reversed() where left.words[i] != right.words[i] {
        return left.words[i] < right.words[i]
      }
      return false
    }

    /// Divides in place and returns the remainder.
    public mutating func divide(by divisor: UInt64) -> UInt64 {
      var remainder: UInt64 = 0
      for i in (0..<4).reversed() {
        (words[i], remainder) = divisor.dividingFullWidth((remainder, words[i]))
      }
      return remainder
    }

    /// Multiplies in place and adds; what does not fit in 256 bits is lost.
    mutating func multiply(by factor: UInt64, adding addend: UInt64 = 0) {
      var carry = addend
      for i in 0..<4 {
        let (high, low) = words[i].multipliedFullWidth(by: factor)
        let (sum, overflow) = low.addingReportingOverflow(carry)
        words[i] = sum
        carry = high &+ (overflow ? 1 : 0)
      }
    }

    /// Decimal digits as ASCII, at least one.
    public var digits: [UInt8] {
      var rest = self
      var groups: [UInt64] = []
      while rest.words != .zero { groups.append(rest.divide(by: 10_000_000_000_000_000_000)) }
      var digits: [UInt8] = []
      IntegerText.append(groups.last ?? 0, to: &digits)
      for group in groups.dropLast().reversed() {
        var short = ShortText()
        short.appendLast(19, of: UInt(group))
        short.append(to: &digits)
      }
      return digits
    }
  }

  /// 10 to the power of 0...76.
  public static func powerOfTen(_ exponent: Int) -> Int256 { powersOfTen[exponent] }

  private static let powersOfTen: [Int256] = {
    var value = Magnitude(words: SIMD4(1, 0, 0, 0))
    var powers = [Int256(words: value.words)]
    for _ in 0..<76 {
      value.multiply(by: 10)
      powers.append(Int256(words: value.words))
    }
    return powers
  }()
}
