// Sums of values as they are stored, without widening them and without a byte for each bit of validity.

import Arrow
import Memory

extension Column {
  /// The sum of the values of `rows` that are not null, wrapping, and how many they are; nil where they are neither int32 nor int64.
  public func integerSum(_ rows: Range<Int>) -> (sum: Int64, count: Int)? {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= count)
    guard case .fixed(let buffer) = layout else { return nil }
    let bits = nullCount > 0 ? validity?.slice(rows) : nil
    let sum: Int64
    switch type {
    case .int32: sum = sumOfInt32(buffer.base + rows.lowerBound * 4, rows.count, bits)
    case .int64: sum = sumOfInt64(buffer.base + rows.lowerBound * 8, rows.count, bits)
    default: return nil
    }
    return (sum, bits?.countOnes() ?? rows.count)
  }

  /// The sum of the doubles of `rows` that are not null, and how many they are; nil where they are none.
  public func realSum(_ rows: Range<Int>) -> (sum: Double, count: Int)? {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= count)
    guard case .fixed(let buffer) = layout, type == .float64 else { return nil }
    let bits = nullCount > 0 ? validity?.slice(rows) : nil
    let sum = sumOfDoubles(buffer.base + rows.lowerBound * 8, rows.count, bits)
    return (sum, bits?.countOnes() ?? rows.count)
  }
}

/// Calls `body` for every eight values with the bits of those that count, and `rest` for each single one behind them that does.
///
/// SAFETY: hands out places below `n` only.
@inline(__always)
private func forEachEight(
  _ n: Int, _ bits: Bitmap?, all: (Int) -> Void, some: (Int, Int) -> Void, rest: (Int) -> Void
) {
  let whole = n & ~7
  guard let bits else {
    var i = 0
    while i < whole {
      all(i)
      i &+= 8
    }
    for i in whole..<n { rest(i) }
    return
  }
  var i = 0
  while i < whole {
    var word = bits.word(i &>> 6)
    let end = min(i &+ 64, whole)
    if word == .max, end == i &+ 64 {
      while i < end {
        all(i)
        i &+= 8
      }
      continue
    }
    while i < end {
      some(i, Int(truncatingIfNeeded: word & 0xFF))
      word &>>= 8
      i &+= 8
    }
  }
  for i in whole..<n where bits[unchecked: i] { rest(i) }
}

/// Halves of the values are added up apart: both sums stay within 32 bits for as many as are added at once, so that nothing is widened.
private func sumOfInt32(_ values: UnsafeRawPointer, _ n: Int, _ bits: Bitmap?) -> Int64 {
  // 8,192 additions of 65,535 are below 2^31.
  let step = 65_536
  if n > step {
    var total: Int64 = 0
    for start in stride(from: 0, to: n, by: step) {
      let end = min(start + step, n)
      total &+= sumOfInt32(values + start * 4, end - start, bits?.slice(start..<end))
    }
    return total
  }
  let masks = ByteMasks.shared.of32
  var low = SIMD8<Int32>(repeating: 0)
  var high = SIMD8<Int32>(repeating: 0)
  var total: Int64 = 0
  forEachEight(n, bits) { i in
    let block = (values + i &* 4).loadUnaligned(as: SIMD8<Int32>.self)
    low = low &+ (block & 0xFFFF)
    high = high &+ (block &>> 16)
  } some: { i, byte in
    let block = (values + i &* 4).loadUnaligned(as: SIMD8<Int32>.self) & masks[byte]
    low = low &+ (block & 0xFFFF)
    high = high &+ (block &>> 16)
  } rest: { i in
    total &+= Int64(load(values, i, as: Int32.self))
  }
  for lane in 0..<8 { total &+= Int64(low[lane]) &+ Int64(high[lane]) << 16 }
  return total
}

private func sumOfInt64(_ values: UnsafeRawPointer, _ n: Int, _ bits: Bitmap?) -> Int64 {
  let masks = ByteMasks.shared.of64
  var sums = SIMD8<Int64>(repeating: 0)
  var total: Int64 = 0
  forEachEight(n, bits) { i in
    sums = sums &+ (values + i &* 8).loadUnaligned(as: SIMD8<Int64>.self)
  } some: { i, byte in
    sums = sums &+ ((values + i &* 8).loadUnaligned(as: SIMD8<Int64>.self) & masks[byte])
  } rest: { i in
    total &+= load(values, i, as: Int64.self)
  }
  return total &+ sums.wrappedSum()
}

/// Eight sums side by side, because one addition waits for the one before.
private func sumOfDoubles(_ values: UnsafeRawPointer, _ n: Int, _ bits: Bitmap?) -> Double {
  let masks = ByteMasks.shared.of64
  var sums = SIMD8<Double>(repeating: 0)
  var total = 0.0
  forEachEight(n, bits) { i in
    sums += (values + i &* 8).loadUnaligned(as: SIMD8<Double>.self)
  } some: { i, byte in
    // What does not count becomes zero by its bits.
    let block = (values + i &* 8).loadUnaligned(as: SIMD8<Int64>.self) & masks[byte]
    sums += unsafeBitCast(block, to: SIMD8<Double>.self)
  } rest: { i in
    total += load(values, i, as: Double.self)
  }
  return total + sums.sum()
}

/// For every eight bits, a lane of ones for each that is set.
private final class ByteMasks: Sendable {
  static let shared = ByteMasks()
  // SAFETY: written here only, and never freed.
  nonisolated(unsafe) let of32: UnsafePointer<SIMD8<Int32>>
  nonisolated(unsafe) let of64: UnsafePointer<SIMD8<Int64>>

  private init() {
    let of32 = UnsafeMutablePointer<SIMD8<Int32>>.allocate(capacity: 256)
    let of64 = UnsafeMutablePointer<SIMD8<Int64>>.allocate(capacity: 256)
    for bits in 0..<256 {
      var mask = SIMD8<Int32>(repeating: 0)
      for bit in 0..<8 where bits >> bit & 1 == 1 { mask[bit] = -1 }
      of32.advanced(by: bits).initialize(to: mask)
      of64.advanced(by: bits).initialize(to: SIMD8<Int64>(truncatingIfNeeded: mask))
    }
    self.of32 = UnsafePointer(of32)
    self.of64 = UnsafePointer(of64)
  }
}
