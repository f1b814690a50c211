// Comparisons of many numbers with one, on values as they are stored.

import Arrow
import Kernels

/// A byte for each value: 2 where it compares to `other` so, else 0.
///
/// SAFETY: `values` has room for `n` values at any address, `target` for `n` bytes.
@inline(__always)
func compareRun<T: Comparable & BitwiseCopyable>(
  _ order: Order, _ values: UnsafeRawPointer, _ other: T, _ n: Int, _ target: UnsafeMutablePointer<UInt8>
) {
  switch order {
  case .equal: for i in 0..<n { target[i] = load(values, i, as: T.self) == other ? 2 : 0 }
  case .notEqual: for i in 0..<n { target[i] = load(values, i, as: T.self) != other ? 2 : 0 }
  case .less: for i in 0..<n { target[i] = load(values, i, as: T.self) < other ? 2 : 0 }
  case .lessOrEqual: for i in 0..<n { target[i] = load(values, i, as: T.self) <= other ? 2 : 0 }
  case .greater: for i in 0..<n { target[i] = load(values, i, as: T.self) > other ? 2 : 0 }
  case .greaterOrEqual: for i in 0..<n { target[i] = load(values, i, as: T.self) >= other ? 2 : 0 }
  }
}

/// The same for doubles, eight at a time: each lane of the comparison keeps the bit of its byte, and all eight together are the answer.
/// Three times as fast as what the compiler makes of the loop, which narrows masks to bytes two by two. It takes concrete types:
/// generic SIMD goes lane by lane.
func compareDoubles(
  _ order: Order, _ values: UnsafeRawPointer, _ other: Double, _ n: Int, _ target: UnsafeMutablePointer<UInt8>
) {
  let others = SIMD8<Double>(repeating: other)
  switch order {
  case .equal: compareDoubles(values, n, target, { $0 .== others }, { $0 == other })
  case .notEqual: compareDoubles(values, n, target, { $0 .!= others }, { $0 != other })
  case .less: compareDoubles(values, n, target, { $0 .< others }, { $0 < other })
  case .lessOrEqual: compareDoubles(values, n, target, { $0 .<= others }, { $0 <= other })
  case .greater: compareDoubles(values, n, target, { $0 .> others }, { $0 > other })
  case .greaterOrEqual: compareDoubles(values, n, target, { $0 .>= others }, { $0 >= other })
  }
}

/// The same for `low <= value && value <= high`.
func compareDoubles(
  between low: Double, _ high: Double, _ values: UnsafeRawPointer, _ n: Int,
  _ target: UnsafeMutablePointer<UInt8>
) {
  let (lows, highs) = (SIMD8<Double>(repeating: low), SIMD8<Double>(repeating: high))
  compareDoubles(values, n, target, { ($0 .>= lows) .& ($0 .<= highs) }, { $0 >= low && $0 <= high })
}

@inline(__always)
private func compareDoubles(
  _ values: UnsafeRawPointer, _ n: Int, _ target: UnsafeMutablePointer<UInt8>,
  _ eight: (SIMD8<Double>) -> SIMDMask<SIMD8<Int64>>, _ one: (Double) -> Bool
) {
  let bytes = UnsafeMutableRawPointer(target)
  let places = SIMD8<UInt64>(
    0x02, 0x0200, 0x02_0000, 0x0200_0000, 0x02_0000_0000, 0x0200_0000_0000, 0x02_0000_0000_0000,
    0x0200_0000_0000_0000)
  var i = 0
  while i &+ 8 <= n {
    let block = (values + i &* 8).loadUnaligned(as: SIMD8<Double>.self)
    // Lanes of a mask are all ones or all zeroes.
    let lanes = unsafeBitCast(eight(block), to: SIMD8<UInt64>.self) & places
    let four = lanes.lowHalf | lanes.highHalf
    let two = four.lowHalf | four.highHalf
    bytes.storeBytes(of: two.x | two.y, toByteOffset: i, as: UInt64.self)
    i &+= 8
  }
  while i < n {
    target[i] = one(load(values, i, as: Double.self)) ? 2 : 0
    i &+= 1
  }
}

/// The same for 32-bit integers.
func compareInt32(
  _ order: Order, _ values: UnsafeRawPointer, _ other: Int32, _ n: Int, _ target: UnsafeMutablePointer<UInt8>
) {
  let others = SIMD8<Int32>(repeating: other)
  switch order {
  case .equal: compareInt32(values, n, target, { $0 .== others }, { $0 == other })
  case .notEqual: compareInt32(values, n, target, { $0 .!= others }, { $0 != other })
  case .less: compareInt32(values, n, target, { $0 .< others }, { $0 < other })
  case .lessOrEqual: compareInt32(values, n, target, { $0 .<= others }, { $0 <= other })
  case .greater: compareInt32(values, n, target, { $0 .> others }, { $0 > other })
  case .greaterOrEqual: compareInt32(values, n, target, { $0 .>= others }, { $0 >= other })
  }
}

/// The same for `low <= value && value <= high`.
func compareInt32(
  between low: Int32, _ high: Int32, _ values: UnsafeRawPointer, _ n: Int,
  _ target: UnsafeMutablePointer<UInt8>
) {
  let (lows, highs) = (SIMD8<Int32>(repeating: low), SIMD8<Int32>(repeating: high))
  compareInt32(values, n, target, { ($0 .>= lows) .& ($0 .<= highs) }, { $0 >= low && $0 <= high })
}

@inline(__always)
private func compareInt32(
  _ values: UnsafeRawPointer, _ n: Int, _ target: UnsafeMutablePointer<UInt8>,
  _ eight: (SIMD8<Int32>) -> SIMDMask<SIMD8<Int32>>, _ one: (Int32) -> Bool
) {
  let bytes = UnsafeMutableRawPointer(target)
  let places = SIMD8<UInt32>(0x02, 0x0200, 0x02_0000, 0x0200_0000, 0x02, 0x0200, 0x02_0000, 0x0200_0000)
  var i = 0
  while i &+ 8 <= n {
    let block = (values + i &* 4).loadUnaligned(as: SIMD8<Int32>.self)
    let lanes = unsafeBitCast(eight(block), to: SIMD8<UInt32>.self) & places
    let four = unsafeBitCast(lanes, to: SIMD4<UInt64>.self)
    let (first, second) = (four.lowHalf, four.highHalf)
    let (low, high) = (first.x | first.y, second.x | second.y)
    let (left, right) = (
      UInt32(truncatingIfNeeded: low | low &>> 32), UInt32(truncatingIfNeeded: high | high &>> 32)
    )
    bytes.storeBytes(of: UInt64(left) | UInt64(right) &<< 32, toByteOffset: i, as: UInt64.self)
    i &+= 8
  }
  while i < n {
    target[i] = one(load(values, i, as: Int32.self)) ? 2 : 0
    i &+= 1
  }
}

/// For each code 2 where it is in the range, 1 where it is 0, which is NULL, else 0.
func compareCodes(
  in range: ClosedRange<UInt16>, _ codes: UnsafeRawPointer, _ n: Int, _ target: UnsafeMutablePointer<UInt8>
) {
  let (low, span) = (range.lowerBound, range.upperBound &- range.lowerBound)
  let (lows, spans) = (SIMD16<UInt16>(repeating: low), SIMD16<UInt16>(repeating: span))
  var i = 0
  while i &+ 16 <= n {
    let block = (codes + i &* 2).loadUnaligned(as: SIMD16<UInt16>.self)
    let inside = unsafeBitCast((block &- lows) .<= spans, to: SIMD16<UInt16>.self) & 2
    let null = unsafeBitCast(block .== SIMD16<UInt16>(repeating: 0), to: SIMD16<UInt16>.self) & 1
    UnsafeMutableRawPointer(target).storeBytes(
      of: SIMD16<UInt8>(truncatingIfNeeded: inside | null), toByteOffset: i, as: SIMD16<UInt8>.self)
    i &+= 16
  }
  while i < n {
    let code = load(codes, i, as: UInt16.self)
    target[i] = code &- low <= span ? 2 : code == 0 ? 1 : 0
    i &+= 1
  }
}

/// The answer of each code.
///
/// SAFETY: codes are below the count of the answers.
func lookUpCodes(
  _ answers: UnsafePointer<UInt8>, _ codes: UnsafeRawPointer, _ n: Int, _ target: UnsafeMutablePointer<UInt8>
) {
  var i = 0
  while i &+ 4 <= n {
    let four = (codes + i &* 2).loadUnaligned(as: UInt64.self)
    let (a, b) = (answers[Int(four & 0xFFFF)], answers[Int((four &>> 16) & 0xFFFF)])
    let (c, d) = (answers[Int((four &>> 32) & 0xFFFF)], answers[Int(four &>> 48)])
    let both = (UInt32(a) | UInt32(b) &<< 8) | (UInt32(c) | UInt32(d) &<< 8) &<< 16
    UnsafeMutableRawPointer(target).storeBytes(of: both, toByteOffset: i, as: UInt32.self)
    i &+= 4
  }
  while i < n {
    target[i] = answers[Int(load(codes, i, as: UInt16.self))]
    i &+= 1
  }
}

/// A comparison with one number in the terms of a narrower type.
enum NarrowBound<T: FixedWidthInteger> {
  case compare(Order, T)
  /// Every value is on the same side of it.
  case always(Bool)

  init(_ order: Order, _ constant: Int64) {
    if let narrow = T(exactly: constant) {
      self = .compare(order, narrow)
      return
    }
    let isBelowAll = constant < 0
    self =
      switch order {
      case .equal: .always(false)
      case .notEqual: .always(true)
      case .less, .lessOrEqual: .always(!isBelowAll)
      case .greater, .greaterOrEqual: .always(isBelowAll)
      }
  }
}

extension ColumnNode {
  /// Compares the frame's rows, a run, with an integer without widening them; false where the column's values have another form.
  func compareStored(
    _ frame: Frame, _ order: Order, _ constant: Int64, _ target: UnsafeMutablePointer<UInt8>
  ) throws(QueryError) -> Bool {
    guard frame.isRun, let values = try storedRun(frame) else { return false }
    let n = frame.count
    switch type {
    case .int8: compareNarrow(Int8.self, order, values, constant, n, target)
    case .int16: compareNarrow(Int16.self, order, values, constant, n, target)
    case .int32:
      switch NarrowBound<Int32>(order, constant) {
      case .compare(let order, let narrow): compareInt32(order, values, narrow, n, target)
      case .always(let truth): target.update(repeating: truth ? 2 : 0, count: n)
      }
    case .uint8: compareNarrow(UInt8.self, order, values, constant, n, target)
    case .uint16: compareNarrow(UInt16.self, order, values, constant, n, target)
    case .uint32: compareNarrow(UInt32.self, order, values, constant, n, target)
    default: return false
    }
    return true
  }

  @inline(__always)
  private func compareNarrow<T: FixedWidthInteger & BitwiseCopyable>(
    _: T.Type, _ order: Order, _ values: UnsafeRawPointer, _ constant: Int64, _ n: Int,
    _ target: UnsafeMutablePointer<UInt8>
  ) {
    switch NarrowBound<T>(order, constant) {
    case .compare(let order, let narrow): compareRun(order, values, narrow, n, target)
    case .always(let truth): target.update(repeating: truth ? 2 : 0, count: n)
    }
  }
}

extension Order {
  /// The same comparison of numbers with a constant of the left side's own class, where there is one: reals and integers are compared
  /// exactly, which takes a call for each value.
  func inTermsOf(_ kind: ValueKind, _ right: Node) -> (Order, Node) {
    switch (kind, right.constant) {
    case (.real, .integer(let value)?):
      guard let real = Double(exactly: value) else { break }
      return (self, ConstantNode(.real(real)))
    case (.integer, .real(let value)?):
      guard abs(value) < 0x1p62 else { break }
      if let whole = Int64(exactly: value) { return (self, ConstantNode(.integer(whole))) }
      switch self {
      case .less, .lessOrEqual: return (.lessOrEqual, ConstantNode(.integer(Int64(value.rounded(.down)))))
      case .greater, .greaterOrEqual:
        return (.greaterOrEqual, ConstantNode(.integer(Int64(value.rounded(.up)))))
      default: break
      }
    default: break
    }
    return (self, right)
  }
}
