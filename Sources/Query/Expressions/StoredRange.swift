// Decimals compared as they are stored, without a division for each.

import Arrow
import Memory

/// Whether the unscaled values of decimals are within a range.
final class StoredRangePredicate: Predicate {
  private let column: ColumnNode
  private let range: ClosedRange<Int64>?
  private let negated: Bool

  init(_ column: ColumnNode, _ range: ClosedRange<Int64>?, negated: Bool) {
    self.column = column
    self.range = range
    self.negated = negated
  }

  override func test(_ frame: Frame) throws(QueryError) -> UnsafePointer<UInt8> {
    let (base, valid, part) = try column.stored(frame)
    let n = part.count
    guard let range else {
      scratch.update(repeating: negated ? 2 : 0, count: n)
      mask(scratch, valid, n)
      return UnsafePointer(scratch)
    }
    switch column.type.byteWidth {
    case 4: compare(base, part, range, Int32.self, stride: 4)
    case 8: compare(base, part, range, Int64.self, stride: 8)
    // Values of the precisions that are computed with are in the lowest eight bytes.
    default: compare(base, part, range, Int64.self, stride: column.type.byteWidth!)
    }
    mask(scratch, valid, n)
    return UnsafePointer(scratch)
  }

  @inline(__always)
  private func compare<T: FixedWidthInteger & BitwiseCopyable>(
    _ base: UnsafeRawPointer, _ frame: Frame, _ range: ClosedRange<Int64>, _: T.Type, stride: Int
  ) {
    let n = frame.count
    let scratch = scratch
    let (inside, outside): (UInt8, UInt8) = negated ? (0, 2) : (2, 0)
    guard range.upperBound >= Int64(T.min), range.lowerBound <= Int64(T.max) else {
      return scratch.update(repeating: outside, count: n)
    }
    let low = T(clamping: range.lowerBound)
    let high = T(clamping: range.upperBound)
    if frame.isRun {
      let start = base + frame.first &* stride
      for i in 0..<n {
        let value = start.loadUnaligned(fromByteOffset: i &* stride, as: T.self)
        scratch[i] = (value >= low) != (value > high) ? inside : outside
      }
    } else {
      let rows = frame.rows
      for i in 0..<n {
        let value = base.loadUnaligned(fromByteOffset: Int(rows[i]) &* stride, as: T.self)
        scratch[i] = (value >= low) != (value > high) ? inside : outside
      }
    }
  }
}

extension DataType {
  /// The unscaled values of this decimal that compare so with a real; nil for none.
  ///
  /// The real of an unscaled value never falls while it rises, so the ends are found by halving.
  func unscaled(_ order: Order, _ constant: Double) -> ClosedRange<Int64>? {
    var divisor = 1.0
    for _ in 0..<decimal!.scale { divisor *= 10 }
    /// The least value of which `holds` is true, and so of all above it; nil when of none.
    func first(_ holds: (Double) -> Bool) -> Int64? {
      guard holds(Double(Int64.max) / divisor) else { return nil }
      var (low, high) = (Int64.min, Int64.max)
      while low < high {
        let middle = low + Int64(UInt64(bitPattern: high &- low) / 2)
        if holds(Double(middle) / divisor) { high = middle } else { low = middle + 1 }
      }
      return low
    }
    let atLeast = first { $0 >= constant }
    let above = first { $0 > constant }
    switch order {
    case .equal, .notEqual:
      guard let atLeast, atLeast != above else { return nil }
      return atLeast...(above.map { $0 - 1 } ?? .max)
    case .less: return atLeast == .min ? nil : Int64.min...(atLeast.map { $0 - 1 } ?? .max)
    case .lessOrEqual: return above == .min ? nil : Int64.min...(above.map { $0 - 1 } ?? .max)
    case .greater: return above.map { $0...(.max) }
    case .greaterOrEqual: return atLeast.map { $0...(.max) }
    }
  }
}
