// A place in text that is being read: every look is checked, none traps.

/// Bytes and how far they were read.
struct TextCursor: ~Escapable {
  let bytes: RawSpan
  private(set) var place = 0

  @_lifetime(copy bytes)
  init(_ bytes: RawSpan) { self.bytes = bytes }

  var isAtEnd: Bool { place >= bytes.byteCount }

  /// The byte at the place; 0 behind the end (where the text has a NUL, no rule of a grammar matches it either).
  @inline(__always)
  var next: UInt8 { peek(0) }

  @inline(__always)
  func peek(_ ahead: Int) -> UInt8 {
    let index = place &+ ahead
    // SAFETY: compared with the length; any byte is a UInt8.
    return index < bytes.byteCount ? bytes.unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self) : 0
  }

  @inline(__always)
  mutating func skip(_ count: Int = 1) { place = min(place &+ count, bytes.byteCount) }

  /// Moves past one character if it is next.
  @inline(__always)
  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard !isAtEnd, next == UInt8(truncatingIfNeeded: character.value) else { return false }
    place &+= 1
    return true
  }

  /// The digit that is next, moved past.
  @inline(__always)
  mutating func takeDigit() -> Int? {
    let digit = next &- 48
    guard digit < 10 else { return nil }
    place &+= 1
    return Int(digit)
  }

  /// A number of exactly two digits.
  @inline(__always)
  mutating func takeTwoDigits() -> Int? {
    let (high, low) = (peek(0) &- 48, peek(1) &- 48)
    guard high < 10, low < 10 else { return nil }
    place &+= 2
    return Int(high) &* 10 &+ Int(low)
  }

  /// A number of all the digits that follow, at least `least` and at most `most`.
  mutating func takeDigits(_ least: Int, _ most: Int) -> Int? {
    var value = 0
    let start = place
    while let digit = takeDigit() {
      guard place - start <= most else { return nil }
      value = value &* 10 &+ digit
    }
    return place - start >= least ? value : nil
  }
}

extension RawSpan {
  /// Whether the bytes are those of an ASCII literal, upper or lower case.
  func isText(_ literal: StaticString) -> Bool {
    guard byteCount == literal.utf8CodeUnitCount else { return false }
    for i in 0..<byteCount {
      // SAFETY: both have byteCount bytes.
      let byte = unsafeLoad(fromUncheckedByteOffset: i, as: UInt8.self)
      let expected = literal.utf8Start[i]
      let isUpper = byte >= 65 && byte <= 90
      guard (isUpper ? byte | 32 : byte) == (expected >= 65 && expected <= 90 ? expected | 32 : expected)
      else {
        return false
      }
    }
    return true
  }
}
