// Looks for a few bytes in a text, ASCII letters of either case.

/// A text to be found, in lower case.
struct ByteSearch: Sendable {
  private let bytes: [UInt8]
  /// For the first and the last byte: the bit that tells upper from lower case, where they are letters.
  private let firstFold: UInt8
  private let lastFold: UInt8

  init(_ lowercase: [UInt8]) {
    bytes = lowercase
    func fold(_ byte: UInt8) -> UInt8 { byte &- 0x61 < 26 ? 0x20 : 0 }
    firstFold = fold(lowercase.first!)
    lastFold = fold(lowercase.last!)
  }

  var count: Int { bytes.count }

  /// Where it comes first at or behind `start`, ending before `end`.
  ///
  /// SAFETY: reads nothing at or behind `end`.
  func find(_ base: UnsafeRawPointer, _ start: Int, _ end: Int) -> Int? {
    let n = bytes.count
    var place = start
    // Sixteen places at once: most of them differ in the first byte or the last.
    let first = SIMD16<UInt8>(repeating: bytes[0])
    let last = SIMD16<UInt8>(repeating: bytes[n - 1])
    let folds = (SIMD16<UInt8>(repeating: firstFold), SIMD16<UInt8>(repeating: lastFold))
    while place &+ n &+ 15 <= end {
      let a = (base + place).loadUnaligned(as: SIMD16<UInt8>.self) | folds.0
      let b = (base + (place &+ n &- 1)).loadUnaligned(as: SIMD16<UInt8>.self) | folds.1
      let difference = (a ^ first) | (b ^ last)
      if difference.min() == 0 {
        for lane in 0..<16 where difference[lane] == 0 && isThere(base + (place &+ lane)) {
          return place &+ lane
        }
      }
      place &+= 16
    }
    while place &+ n <= end {
      if isThere(base + place) { return place }
      place &+= 1
    }
    return nil
  }

  @inline(__always)
  private func isThere(_ place: UnsafeRawPointer) -> Bool {
    for i in 0..<bytes.count where lowered(place.load(fromByteOffset: i, as: UInt8.self)) != bytes[i] {
      return false
    }
    return true
  }
}
