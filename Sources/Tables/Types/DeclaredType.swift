// What SQLite is told of an Arrow type: a declared type, from which it takes the affinity.

import Arrow

extension DataType {
  /// The type that a published column is declared with. Its affinity (https://sqlite.org/datatype3.html#determination_of_column_affinity)
  /// is the one of the values that the column has in SQL, so that comparisons with literals and parameters do what they say.
  public var declaredSQLType: String {
    switch self {
    case .bool: "BOOLEAN"
    case .int8: "TINYINT"
    case .int16: "SMALLINT"
    case .int32: "INTEGER"
    case .int64: "BIGINT"
    case .uint8: "UNSIGNED TINYINT"
    case .uint16: "UNSIGNED SMALLINT"
    case .uint32: "UNSIGNED INTEGER"
    case .uint64: "UNSIGNED BIGINT"
    case .float16: "FLOAT16"
    case .float32: "FLOAT"
    case .float64: "DOUBLE"
    case .decimal32(let precision, let scale), .decimal64(let precision, let scale),
      .decimal128(let precision, let scale), .decimal256(let precision, let scale):
      "DECIMAL(\(precision),\(scale))"
    // Their values are text: with NUMERIC affinity, which DATE alone would have, `day > '2024'` would compare with a number.
    case .date32, .date64: "DATE TEXT"
    case .time32, .time64: "TIME TEXT"
    case .timestamp: "TIMESTAMP TEXT"
    case .duration: "DURATION INTEGER"
    // Not INTERVAL: a name with INT in it has INTEGER affinity.
    case .interval: "PERIOD TEXT"
    case .utf8, .largeUtf8, .utf8View: "TEXT"
    case .binary, .largeBinary, .binaryView: "BLOB"
    case .fixedSizeBinary(let width): "BLOB(\(width))"
    case .list, .largeList, .listView, .largeListView, .fixedSizeList, .structure, .map, .union: "JSON TEXT"
    case .dictionary(_, let values, _): values.declaredSQLType
    case .runEndEncoded(_, let values): values.type.declaredSQLType
    case .null: ""
    }
  }
}
