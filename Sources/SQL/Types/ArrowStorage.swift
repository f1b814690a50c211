// What an Arrow type is inside SQL: the storage classes of its values, and its affinity.

import Arrow

extension StorageClasses {
  /// The classes of a published column's values, NULL aside. Floats are NULL where they are NaN.
  public init(arrow type: DataType) {
    switch type {
    case .null: self = .null
    case .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .duration: self = .integer
    // Beyond int64: text.
    case .uint64: self = [.integer, .text]
    case .float16, .float32, .float64: self = [.real, .null]
    case .decimal32, .decimal64, .decimal128, .decimal256:
      let decimal = type.decimal!
      if decimal.scale <= 0 {
        self = [.integer, .text]
      } else {
        self = decimal.precision <= 15 ? .real : [.real, .text]
      }
    case .date32, .date64, .time32, .time64, .timestamp, .interval, .utf8, .largeUtf8, .utf8View: self = .text
    case .list, .largeList, .listView, .largeListView, .fixedSizeList, .structure, .map: self = .text
    case .binary, .largeBinary, .binaryView, .fixedSizeBinary: self = .blob
    case .union: self = .any
    case .dictionary(_, let values, _): self.init(arrow: values)
    case .runEndEncoded(_, let values): self.init(arrow: values.type)
    }
  }
}

extension Affinity {
  /// The affinity that a published column of this type has. Values that may be of two classes get none, so that nothing is converted.
  public init(arrow type: DataType) {
    let classes = StorageClasses(arrow: type).withoutNull
    switch classes {
    case .integer: self = .integer
    case .real: self = .real
    case .text: self = .text
    case [.integer, .text], [.real, .text]: self = .numeric
    default: self = .blob
    }
  }
}
