// The names that SQL tools know types by.

import Arrow

extension DataType {
  /// The type's name in SQL, as the metadata of results has it.
  var sqlTypeName: String {
    switch self {
    case .null: "NULL"
    case .bool: "BOOLEAN"
    case .int8, .uint8: "TINYINT"
    case .int16, .uint16: "SMALLINT"
    case .int32, .uint32: "INTEGER"
    case .int64, .uint64, .duration: "BIGINT"
    case .float16, .float32: "FLOAT"
    case .float64: "DOUBLE"
    case .decimal32, .decimal64, .decimal128, .decimal256: "DECIMAL"
    case .date32, .date64: "DATE"
    case .time32, .time64: "TIME"
    case .timestamp(_, let zone): zone == nil ? "TIMESTAMP" : "TIMESTAMP WITH TIME ZONE"
    case .interval: "INTERVAL"
    case .utf8, .largeUtf8, .utf8View: "VARCHAR"
    case .binary, .largeBinary, .binaryView, .fixedSizeBinary: "BLOB"
    case .list, .largeList, .listView, .largeListView, .fixedSizeList: "ARRAY"
    case .structure: "STRUCT"
    case .map: "MAP"
    case .union: "UNION"
    case .dictionary(_, let values, _): values.sqlTypeName
    case .runEndEncoded(_, let values): values.type.sqlTypeName
    }
  }
}
