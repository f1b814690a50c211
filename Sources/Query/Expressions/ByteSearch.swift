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
    // Compared with a vector: with a number, the compiler goes lane by lane.
    let zero = SIMD16<UInt8>(repeating: 0)
    @inline(__always)
    func candidates(_ place: Int) -> SIMD2<UInt64> {
      let a = (base + place).loadUnaligned(as: SIMD16<UInt8>.self) | folds.0
      let b = (base + (place &+ n &- 1)).loadUnaligned(as: SIMD16<UInt8>.self) | folds.1
      return unsafeBitCast(((a ^ first) | (b ^ last)) .== zero, to: SIMD2<UInt64>.self)
    }
    while place &+ n &+ 63 <= end {
      let four = (
        candidates(place), candidates(place &+ 16), candidates(place &+ 32), candidates(place &+ 48)
      )
      let any = (four.0 | four.1) | (four.2 | four.3)
      if any[0] | any[1] != 0 {
        if let found = check(base, place, four.0) { return found }
        if let found = check(base, place &+ 16, four.1) { return found }
        if let found = check(base, place &+ 32, four.2) { return found }
        if let found = check(base, place &+ 48, four.3) { return found }
      }
      place &+= 64
    }
    while place &+ n &+ 15 <= end {
      let lanes = candidates(place)
      if lanes[0] | lanes[1] != 0, let found = check(base, place, lanes) { return found }
      place &+= 16
    }
    while place &+ n <= end {
      if isThere(base + place) { return place }
      place &+= 1
    }
    return nil
  }

  /// The first of the candidates that is one: they are bytes of ones among the sixteen places from `place` on.
  private func check(_ base: UnsafeRawPointer, _ place: Int, _ lanes: SIMD2<UInt64>) -> Int? {
    for half in 0..<2 {
      var word = lanes[half]
      while word != 0 {
        let lane = word.trailingZeroBitCount &>> 3
        let candidate = place &+ half &* 8 &+ lane
        if isThere(base + candidate) { return candidate }
        word &= ~(0xFF &<< UInt64(lane &* 8))
      }
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
