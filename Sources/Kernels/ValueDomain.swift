// In what terms a column's values are compared: integers, reals, or bytes.

import Arrow
import Memory

/// What the values of a type are ordered by. Within a domain, the order of what is stored is the order of what it means.
public enum ValueDomain: Sendable, Equatable {
  /// Integers, booleans, dates, times, timestamps, durations and the unscaled values of decimals. Those beyond Int64 count as
  /// its ends, so that comparisons with them select too much, never too little.
  case integers
  case reals
  /// Text and binary, by their bytes.
  case bytes
}

extension DataType {
  /// Nil for types whose values have no order here. A dictionary is what its values are.
  public var valueDomain: ValueDomain? {
    switch self {
    case .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .date32, .date64, .time32,
      .time64, .timestamp, .duration, .decimal32, .decimal64, .decimal128:
      .integers
    case .float16, .float32, .float64: .reals
    case .utf8, .largeUtf8, .utf8View, .binary, .largeBinary, .binaryView, .fixedSizeBinary: .bytes
    case .dictionary(_, let values, _): values.valueDomain
    default: nil
    }
  }
}

/// Value `index` of values that may stand at any address.
///
/// SAFETY: as for the pointer; the caller stays within the column's count, which its structure was checked against.
@inline(__always)
func load<T: BitwiseCopyable>(_ values: UnsafeRawPointer, _ index: Int, as type: T.Type = T.self) -> T {
  values.loadUnaligned(fromByteOffset: index &* MemoryLayout<T>.stride, as: T.self)
}
