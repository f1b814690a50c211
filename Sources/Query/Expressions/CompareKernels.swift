// Comparisons of many numbers with one, on values as they are stored.

import Arrow
import Kernels

/// A byte for each value: 2 where it compares to `other` so, else 0.
///
/// The compiler makes vectors of these loops; written with `SIMD16` they take three times as long, because its masks are narrowed to bytes
/// lane by lane.
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

/// The same for `low <= value && value <= high`.
@inline(__always)
func compareRun<T: Comparable & BitwiseCopyable>(
  between low: T, _ high: T, _ values: UnsafeRawPointer, _ n: Int, _ target: UnsafeMutablePointer<UInt8>
) {
  for i in 0..<n {
    let value = load(values, i, as: T.self)
    target[i] = (value >= low) != (value > high) ? 2 : 0
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
    case .int32: compareNarrow(Int32.self, order, values, constant, n, target)
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
