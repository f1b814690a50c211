// Where values that ascend satisfy a condition: found by halving, without looking at the others.

import Arrow
import Memory

extension Column {
  /// The run of `rows` outside of which no value satisfies the condition; all of them where that cannot be told.
  ///
  /// The values of `rows` ascend and are not null, as `BlockStatistics.isAscending` says. Should they not – a file that was written to –
  /// the run is some part of `rows`.
  public func ascendingRows(_ rows: Range<Int>, matching predicate: RangePredicate) -> Range<Int> {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= count)
    guard case .fixed(let buffer) = layout else { return rows }
    switch predicate {
    case .integers(let range): return integerRun(buffer.base, rows, range)
    case .reals(let range):
      switch type {
      case .float32: return run(buffer.base, of: Float.self, rows, range) { Double($0) }
      case .float64: return run(buffer.base, of: Double.self, rows, range) { $0 }
      default: return rows
      }
    default: return rows
    }
  }

  private func integerRun(_ values: UnsafeRawPointer, _ rows: Range<Int>, _ range: ClosedRange<Int64>)
    -> Range<Int>
  {
    switch (type.valueDomain, type.byteWidth) {
    case (.integers, 1):
      type == .uint8 ? integers(values, UInt8.self, rows, range) : integers(values, Int8.self, rows, range)
    case (.integers, 2):
      type == .uint16 ? integers(values, UInt16.self, rows, range) : integers(values, Int16.self, rows, range)
    case (.integers, 4):
      type == .uint32 ? integers(values, UInt32.self, rows, range) : integers(values, Int32.self, rows, range)
    case (.integers, 8):
      type == .uint64 ? integers(values, UInt64.self, rows, range) : integers(values, Int64.self, rows, range)
    default: rows
    }
  }

  private func integers<T: FixedWidthInteger & BitwiseCopyable>(
    _ values: UnsafeRawPointer, _: T.Type, _ rows: Range<Int>, _ range: ClosedRange<Int64>
  ) -> Range<Int> {
    run(values, of: T.self, rows, range) { Int64(clamping: $0) }
  }

  /// SAFETY: `rows` are within the column's count, which its structure was checked against; halving does not leave them.
  private func run<T: BitwiseCopyable, V: Comparable>(
    _ values: UnsafeRawPointer, of _: T.Type, _ rows: Range<Int>, _ range: ClosedRange<V>, _ value: (T) -> V
  ) -> Range<Int> {
    func first(_ rows: Range<Int>, where isThere: (V) -> Bool) -> Int {
      var (low, high) = (rows.lowerBound, rows.upperBound)
      while low < high {
        let middle = low + (high - low) / 2
        if isThere(value(load(values, middle))) { high = middle } else { low = middle + 1 }
      }
      return low
    }
    let start = first(rows) { $0 >= range.lowerBound }
    return start..<first(start..<rows.upperBound) { $0 > range.upperBound }
  }
}
