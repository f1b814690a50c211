// Rows selected by a condition on a column.

import Arrow
import Memory

extension Column {
  /// Keeps those rows of a selection whose value satisfies the condition. The column must have passed `check(.access)`.
  ///
  /// A condition of another domain than the column's keeps all: whoever asks checks again, or has made sure.
  public func select(_ predicate: RangePredicate, _ selection: inout Selection) {
    if selection.count == 0 { return }
    switch predicate {
    case .nothing: return selection.removeAll()
    case .isNull: return selectNulls(true, &selection)
    case .isNotNull: return selectNulls(false, &selection)
    default: break
    }
    guard predicate.domain == type.valueDomain else { return }
    if case .dictionary(_, let values) = layout {
      return selectCodes(of: values, predicate, &selection)
    }
    // Values of null slots are arbitrary bytes within their buffers: compared like others, and dropped before.
    selectNulls(false, &selection)
    selectValues(predicate, &selection)
  }

  private func selectNulls(_ wanted: Bool, _ selection: inout Selection) {
    if case .null = layout {
      if !wanted { selection.removeAll() }
      return
    }
    if case .dictionary(_, let values) = layout, values.nullCount > 0 || values.type == .null {
      return selection.filter { row in
        (isNull(row) || values.isNullEntry(integer(at: row))) == wanted
      }
    }
    guard let validity else {
      if wanted, type.hasValidity { selection.removeAll() }
      return
    }
    selection.filter { validity[unchecked: $0] != wanted }
  }

  private func selectValues(_ predicate: RangePredicate, _ selection: inout Selection) {
    switch predicate {
    case .integers(let range):
      if case .bits(let bits) = layout {
        return selection.filter { range.contains(bits[unchecked: $0] ? 1 : 0) }
      }
      select(IntegerRangeFilter(lower: range.lowerBound, upper: range.upperBound), &selection)
    case .integerSet(let set):
      if case .bits(let bits) = layout {
        return selection.filter { set.contains(bits[unchecked: $0] ? 1 : 0) }
      }
      guard let low = set.min(), let high = set.max() else { return selection.removeAll() }
      select(IntegerRangeFilter(lower: low, upper: high), &selection)
      if set.count > 1 { select(IntegerSetFilter(set: set), &selection) }
    case .reals(let range):
      select(RealRangeFilter(lower: range.lowerBound, upper: range.upperBound), &selection)
    case .realSet(let set):
      guard let low = set.min(), let high = set.max() else { return selection.removeAll() }
      select(RealRangeFilter(lower: low, upper: high), &selection)
      if set.count > 1 { select(RealSetFilter(set: set), &selection) }
    default:
      guard let values = ByteValues(self) else { return }
      if case .bytes(let lower?, let upper?) = predicate, lower == upper, lower.isInclusive {
        return lower.bytes.withUnsafeBytes { wanted in
          let leading = leadingBytes(wanted)
          selection.filter { row in
            let value = values[row]
            // Nearly all values differ in length or in their first bytes.
            return value.count == wanted.count && leadingBytes(value) == leading
              && compareBytes(value, wanted) == 0
          }
        }
      }
      if case .prefix(let prefix, let foldsCase) = predicate {
        return prefix.withUnsafeBytes { wanted in
          selection.filter { hasPrefix(values[$0], wanted, foldsCase: foldsCase) }
        }
      }
      selection.filter { predicate.matches(values[$0]) }
    }
  }

  /// Asks once for each entry of the dictionary.
  private func selectCodes(of values: Column, _ predicate: RangePredicate, _ selection: inout Selection) {
    if values.count > 2 * selection.count, values.nullCount == 0, let bytes = ByteValues(values) {
      // A dictionary with more entries than there are rows to look at: those that the rows have will do.
      return selection.filter { row in
        guard !isNull(row), case let entry = integer(at: row), entry >= 0, entry < values.count else {
          return false
        }
        return predicate.matches(bytes[entry])
      }
    }
    var matching = Selection(capacity: values.count)
    matching.reset(to: 0..<values.count)
    values.select(predicate, &matching)
    if matching.count == 0 { return selection.removeAll() }
    // Indices of null slots need not be in bounds: those rows go first.
    if let validity { selection.filter { validity[unchecked: $0] } }
    guard case .dictionary(let codes, _) = layout, case .dictionary(let indices, _, _) = type else { return }
    let wanted = UnsafeMutablePointer<Bool>.allocate(capacity: values.count)
    defer { wanted.deallocate() }
    wanted.initialize(repeating: false, count: values.count)
    for i in 0..<matching.count { wanted[matching[i]] = true }
    switch indices {
    case .int8: filter(codes.base, of: Int8.self, wanted, values.count, &selection)
    case .int16: filter(codes.base, of: Int16.self, wanted, values.count, &selection)
    case .int32: filter(codes.base, of: Int32.self, wanted, values.count, &selection)
    case .int64: filter(codes.base, of: Int64.self, wanted, values.count, &selection)
    case .uint8: filter(codes.base, of: UInt8.self, wanted, values.count, &selection)
    case .uint16: filter(codes.base, of: UInt16.self, wanted, values.count, &selection)
    case .uint32: filter(codes.base, of: UInt32.self, wanted, values.count, &selection)
    case .uint64: filter(codes.base, of: UInt64.self, wanted, values.count, &selection)
    }
  }

  private func filter<T: FixedWidthInteger & BitwiseCopyable>(
    _ codes: UnsafeRawPointer, of type: T.Type, _ wanted: UnsafePointer<Bool>, _ entries: Int,
    _ selection: inout Selection
  ) {
    // Indices were checked by `check(.access)`; but a mapped file may be written to since (see `ByteValues`).
    selection.filter { row in
      let code = Int(truncatingIfNeeded: load(codes, row, as: T.self))
      return UInt(bitPattern: code) < UInt(bitPattern: entries) && wanted[code]
    }
  }

  private func select<F: SelectingIntegers>(_ filter: F, _ selection: inout Selection) {
    guard case .fixed(let buffer) = layout else { return }
    switch type {
    case .int8: filter.run(buffer.base, of: Int8.self, &selection)
    case .int16: filter.run(buffer.base, of: Int16.self, &selection)
    case .int32, .date32, .time32, .decimal32: filter.run(buffer.base, of: Int32.self, &selection)
    case .int64, .date64, .time64, .timestamp, .duration, .decimal64:
      filter.run(buffer.base, of: Int64.self, &selection)
    case .uint8: filter.run(buffer.base, of: UInt8.self, &selection)
    case .uint16: filter.run(buffer.base, of: UInt16.self, &selection)
    case .uint32: filter.run(buffer.base, of: UInt32.self, &selection)
    case .uint64: filter.run(buffer.base, of: UInt64.self, &selection)
    case .decimal128: filter.run(buffer.base, of: Int128.self, &selection)
    default: preconditionFailure("\(type) has no integers")
    }
  }

  private func select<F: SelectingReals>(_ filter: F, _ selection: inout Selection) {
    guard case .fixed(let buffer) = layout else { return }
    switch type {
    case .float16: filter.run(buffer.base, of: Float16.self, &selection)
    case .float32: filter.run(buffer.base, of: Float.self, &selection)
    case .float64: filter.run(buffer.base, of: Double.self, &selection)
    default: preconditionFailure("\(type) has no reals")
    }
  }
}

extension Column {
  /// Whether an entry of a dictionary is null; one that is not there is.
  func isNullEntry(_ index: Int) -> Bool { index < 0 || index >= count || isNull(index) }
}

private protocol SelectingIntegers {
  func run<T: FixedWidthInteger & BitwiseCopyable>(
    _ values: UnsafeRawPointer, of type: T.Type, _ selection: inout Selection)
}

private protocol SelectingReals {
  func run<T: BinaryFloatingPoint & BitwiseCopyable>(
    _ values: UnsafeRawPointer, of type: T.Type, _ selection: inout Selection)
}

private struct IntegerRangeFilter: SelectingIntegers {
  let lower: Int64
  let upper: Int64

  func run<T: FixedWidthInteger & BitwiseCopyable>(
    _ values: UnsafeRawPointer, of type: T.Type, _ selection: inout Selection
  ) {
    // The bounds in the values' own width: at the ends of Int64 there may be more beyond (`ValueDomain.integers`).
    guard upper >= Int64(clamping: T.min), lower <= Int64(clamping: T.max) else {
      return selection.removeAll()
    }
    let low: T = lower == .min ? .min : T(clamping: lower)
    let high: T = upper == .max ? .max : T(clamping: upper)
    selection.filter { row in
      let value = load(values, row, as: T.self)
      return (value >= low) != (value > high)
    }
  }
}

private struct IntegerSetFilter: SelectingIntegers {
  let set: Set<Int64>

  func run<T: FixedWidthInteger & BitwiseCopyable>(
    _ values: UnsafeRawPointer, of type: T.Type, _ selection: inout Selection
  ) {
    selection.filter { set.contains(Int64(clamping: load(values, $0, as: T.self))) }
  }
}

private struct RealRangeFilter: SelectingReals {
  let lower: Double
  let upper: Double

  func run<T: BinaryFloatingPoint & BitwiseCopyable>(
    _ values: UnsafeRawPointer, of type: T.Type, _ selection: inout Selection
  ) {
    selection.filter { row in
      let value = Double(load(values, row, as: T.self))
      // Both are false for NaN.
      return (value >= lower) != (value > upper)
    }
  }
}

private struct RealSetFilter: SelectingReals {
  let set: Set<Double>

  func run<T: BinaryFloatingPoint & BitwiseCopyable>(
    _ values: UnsafeRawPointer, of type: T.Type, _ selection: inout Selection
  ) {
    selection.filter { set.contains(Double(load(values, $0, as: T.self))) }
  }
}
