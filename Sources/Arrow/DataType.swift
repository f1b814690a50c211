// Arrow's logical types: what the bytes of a column mean.

/// The unit of times, timestamps and durations.
public enum TimeUnit: UInt8, Hashable, Sendable, CaseIterable {
  case second, millisecond, microsecond, nanosecond

  /// Ticks in a second.
  public var perSecond: Int64 {
    switch self {
    case .second: 1
    case .millisecond: 1000
    case .microsecond: 1_000_000
    case .nanosecond: 1_000_000_000
    }
  }

  /// Digits after the decimal point of a second.
  public var fractionDigits: Int { Int(rawValue) * 3 }

  public var symbol: String { ["s", "ms", "us", "ns"][Int(rawValue)] }
}

public enum IntervalUnit: UInt8, Hashable, Sendable, CaseIterable {
  case yearMonth, dayTime, monthDayNano
}

public enum UnionMode: UInt8, Hashable, Sendable {
  case sparse, dense
}

/// The integers, by themselves: as dictionary indices and run ends, and to switch on once.
public enum IntegerType: UInt8, Hashable, Sendable, CaseIterable {
  case int8, int16, int32, int64, uint8, uint16, uint32, uint64

  public var byteWidth: Int { 1 << Int(rawValue & 3) }
  public var isSigned: Bool { rawValue < 4 }

  public var dataType: DataType {
    switch self {
    case .int8: .int8
    case .int16: .int16
    case .int32: .int32
    case .int64: .int64
    case .uint8: .uint8
    case .uint16: .uint16
    case .uint32: .uint32
    case .uint64: .uint64
    }
  }

  /// The largest value, as far as an `Int` can tell.
  public var maximum: Int {
    let bits = byteWidth * 8 - (isSigned ? 1 : 0)
    return bits >= 63 ? .max : (1 << bits) - 1
  }
}

/// A logical type of the Arrow columnar format. Extension types are their storage type plus metadata of the field.
public indirect enum DataType: Hashable, Sendable {
  case null
  case bool
  case int8, int16, int32, int64
  case uint8, uint16, uint32, uint64
  case float16, float32, float64
  case decimal32(precision: Int, scale: Int)
  case decimal64(precision: Int, scale: Int)
  case decimal128(precision: Int, scale: Int)
  case decimal256(precision: Int, scale: Int)
  /// Days since 1970-01-01.
  case date32
  /// Milliseconds since 1970-01-01, whole days.
  case date64
  /// Since midnight: seconds or milliseconds.
  case time32(TimeUnit)
  /// Since midnight: microseconds or nanoseconds.
  case time64(TimeUnit)
  /// Since 1970-01-01T00:00:00: of UTC when there is a zone, else of an unnamed clock.
  case timestamp(TimeUnit, zone: String?)
  case duration(TimeUnit)
  case interval(IntervalUnit)
  case utf8, largeUtf8, utf8View
  case binary, largeBinary, binaryView
  case fixedSizeBinary(Int)
  case list(Field), largeList(Field)
  case listView(Field), largeListView(Field)
  case fixedSizeList(Field, Int)
  case structure([Field])
  /// A list of structs of a key and a value.
  case map(entries: Field, keysSorted: Bool)
  /// `ids[i]` is what the type buffer says for `fields[i]`.
  case union(UnionMode, fields: [Field], ids: [Int8])
  case dictionary(indices: IntegerType, values: DataType, isOrdered: Bool)
  case runEndEncoded(runEnds: Field, values: Field)

  /// The width of one value in a column of fixed-width values; nil for bits, and for what is not such a column.
  public var byteWidth: Int? {
    switch self {
    case .int8, .uint8: 1
    case .int16, .uint16, .float16: 2
    case .int32, .uint32, .float32, .decimal32, .date32, .time32, .interval(.yearMonth): 4
    case .int64, .uint64, .float64, .decimal64, .date64, .time64, .timestamp, .duration,
      .interval(.dayTime):
      8
    case .decimal128, .interval(.monthDayNano): 16
    case .decimal256: 32
    case .fixedSizeBinary(let width): width
    default: nil
    }
  }

  /// How the bytes lie; the logical types that share a layout share every kernel on it.
  public enum LayoutKind: Hashable, Sendable {
    case null, bits, fixed, variable, views, list, listView, fixedList, structure, union, dictionary, runs
  }

  public var layoutKind: LayoutKind {
    switch self {
    case .null: .null
    case .bool: .bits
    case .utf8, .largeUtf8, .binary, .largeBinary: .variable
    case .utf8View, .binaryView: .views
    case .list, .largeList, .map: .list
    case .listView, .largeListView: .listView
    case .fixedSizeList: .fixedList
    case .structure: .structure
    case .union: .union
    case .dictionary: .dictionary
    case .runEndEncoded: .runs
    default: .fixed
    }
  }

  /// Whether offsets (and sizes of list views) are 64-bit.
  public var hasLargeOffsets: Bool {
    switch self {
    case .largeUtf8, .largeBinary, .largeList, .largeListView: true
    default: false
    }
  }

  /// Whether the bytes must be UTF-8.
  public var isText: Bool {
    switch self {
    case .utf8, .largeUtf8, .utf8View: true
    default: false
    }
  }

  /// Whether a column of this type may have a validity bitmap.
  public var hasValidity: Bool {
    switch self {
    case .null, .union, .runEndEncoded: false
    default: true
    }
  }

  /// The fields of a nested type, in the format's order; empty for the others (a dictionary is not nested).
  public var children: [Field] {
    switch self {
    case .list(let child), .largeList(let child), .listView(let child), .largeListView(let child),
      .fixedSizeList(let child, _):
      [child]
    case .map(let entries, _): [entries]
    case .structure(let fields), .union(_, let fields, _): fields
    case .runEndEncoded(let runEnds, let values): [runEnds, values]
    default: []
    }
  }

  /// This type when it is one of the integers.
  public var integerType: IntegerType? {
    switch self {
    case .int8: .int8
    case .int16: .int16
    case .int32: .int32
    case .int64: .int64
    case .uint8: .uint8
    case .uint16: .uint16
    case .uint32: .uint32
    case .uint64: .uint64
    default: nil
    }
  }

  /// Precision, scale and the bytes of a value, when this is a decimal.
  public var decimal: (precision: Int, scale: Int, byteWidth: Int)? {
    switch self {
    case .decimal32(let precision, let scale): (precision, scale, 4)
    case .decimal64(let precision, let scale): (precision, scale, 8)
    case .decimal128(let precision, let scale): (precision, scale, 16)
    case .decimal256(let precision, let scale): (precision, scale, 32)
    default: nil
    }
  }
}
