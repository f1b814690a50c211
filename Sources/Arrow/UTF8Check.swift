// Whether bytes are UTF-8, at the speed of memory where they are ASCII.

import Memory

public enum UTF8Check {
  enum Kind { case ascii, utf8, invalid }

  public static func isValid(_ bytes: RawSpan) -> Bool { kind(bytes) != .invalid }

  static func kind(_ bytes: RawSpan) -> Kind {
    var place = firstNonASCII(bytes, from: 0)
    if place == bytes.byteCount { return .ascii }
    while place < bytes.byteCount {
      let length = characterLength(bytes, at: place)
      if length == 0 { return .invalid }
      place += length
      // Text in other scripts is seldom followed by a long run of ASCII: look for one only where it may begin.
      if place < bytes.byteCount, byte(bytes, place) < 0x80 { place = firstNonASCII(bytes, from: place) }
    }
    return .utf8
  }

  @inline(__always)
  private static func byte(_ bytes: RawSpan, _ index: Int) -> UInt8 {
    // SAFETY: every caller has compared with byteCount.
    bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
  }

  private static func firstNonASCII(_ bytes: RawSpan, from start: Int) -> Int {
    var place = start
    let count = bytes.byteCount
    while place + 64 <= count {
      // SAFETY: 64 bytes from `place` are inside.
      let block = bytes.unsafeLoadUnaligned(fromByteOffset: place, as: SIMD8<UInt64>.self)
      if block.wrappedOr & 0x8080_8080_8080_8080 != 0 { break }
      place += 64
    }
    while place < count, byte(bytes, place) < 0x80 { place += 1 }
    return place
  }

  /// The length of the well-formed character at `place`, or 0 (Unicode 15, table 3-7).
  private static func characterLength(_ bytes: RawSpan, at place: Int) -> Int {
    let first = byte(bytes, place)
    if first < 0x80 { return 1 }
    let length: Int
    var low: UInt8 = 0x80
    var high: UInt8 = 0xBF
    switch first {
    case 0xC2...0xDF: length = 2
    case 0xE0: (length, low) = (3, 0xA0)
    case 0xED: (length, high) = (3, 0x9F)
    case 0xE1...0xEF: length = 3
    case 0xF0: (length, low) = (4, 0x90)
    case 0xF4: (length, high) = (4, 0x8F)
    case 0xF1...0xF3: length = 4
    default: return 0
    }
    guard place + length <= bytes.byteCount else { return 0 }
    let second = byte(bytes, place + 1)
    guard second >= low, second <= high else { return 0 }
    for i in 2..<max(length, 2) where byte(bytes, place + i) & 0xC0 != 0x80 { return 0 }
    return length
  }
}

extension SIMD8<UInt64> {
  /// All eight lanes, or-ed together.
  @inline(__always)
  fileprivate var wrappedOr: UInt64 {
    let four = lowHalf | highHalf
    let two = four.lowHalf | four.highHalf
    return two[0] | two[1]
  }
}
