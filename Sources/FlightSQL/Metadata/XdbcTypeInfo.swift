// The types that a database has, in the words of ODBC and JDBC.

import Arrow
import Memory

/// Numbers of types, the same as in JDBC and ODBC.
public enum XdbcDataType: Int32, Hashable, Sendable {
  case unknown = 0
  case char = 1
  case numeric = 2
  case decimal = 3
  case integer = 4
  case smallint = 5
  case float = 6
  case real = 7
  case double = 8
  case datetime = 9
  case interval = 10
  case varchar = 12
  case date = 91
  case time = 92
  case timestamp = 93
  case longVarchar = -1
  case binary = -2
  case varbinary = -3
  case longVarbinary = -4
  case bigint = -5
  case tinyint = -6
  case bit = -7
  case wchar = -8
  case wvarchar = -9
}

/// What a `datetime` is exactly. Intervals have numbers of their own, from 101.
public enum XdbcDatetimeSubcode: Int32, Hashable, Sendable {
  case date = 1
  case time = 2
  case timestamp = 3
  case timeWithTimezone = 4
  case timestampWithTimezone = 5
}

public enum XdbcNullability: Int32, Hashable, Sendable {
  case noNulls = 0
  case nullable = 1
  case unknown = 2
}

/// How a type may stand in a WHERE clause.
public enum XdbcSearchability: Int32, Hashable, Sendable {
  case none = 0
  /// With LIKE only.
  case char = 1
  /// With everything but LIKE.
  case basic = 2
  case full = 3
}

/// A row of GetXdbcTypeInfo. Numbers are not held to their enumerations, as other servers have others.
public struct XdbcTypeInfo: MetadataRow {
  public var typeName: String
  public var dataType: Int32
  /// Digits of numbers, characters of texts and times.
  public var columnSize: Int32?
  public var literalPrefix: String?
  public var literalSuffix: String?
  /// What may stand in brackets behind the name.
  public var createParameters: [String]?
  public var nullability = XdbcNullability.nullable.rawValue
  public var isCaseSensitive = false
  public var searchability = XdbcSearchability.full.rawValue
  public var isUnsigned: Bool?
  public var hasFixedPrecisionScale = false
  public var isAutoIncrement: Bool?
  public var localTypeName: String?
  public var minimumScale: Int32?
  public var maximumScale: Int32?
  /// `dataType`, but `datetime` for what has a subcode.
  public var sqlDataType: Int32
  public var datetimeSubcode: Int32?
  /// What `columnSize` counts: decimal digits (10) or bits (2).
  public var numericRadix: Int32?
  public var intervalPrecision: Int32?

  public init(_ typeName: String, _ type: XdbcDataType) {
    self.typeName = typeName
    dataType = type.rawValue
    sqlDataType = type.rawValue
    localTypeName = typeName
  }

  public static let schema = Schema([
    Field("type_name", .utf8, isNullable: false), Field("data_type", .int32, isNullable: false),
    Field("column_size", .int32), Field("literal_prefix", .utf8), Field("literal_suffix", .utf8),
    Field("create_params", .list(Field("item", .utf8, isNullable: false))),
    Field("nullable", .int32, isNullable: false), Field("case_sensitive", .bool, isNullable: false),
    Field("searchable", .int32, isNullable: false), Field("unsigned_attribute", .bool),
    Field("fixed_prec_scale", .bool, isNullable: false), Field("auto_increment", .bool),
    Field("local_type_name", .utf8), Field("minimum_scale", .int32), Field("maximum_scale", .int32),
    Field("sql_data_type", .int32, isNullable: false), Field("datetime_subcode", .int32),
    Field("num_prec_radix", .int32), Field("interval_precision", .int32),
  ])

  public func write(to row: inout MetadataRowWriter) throws(DataError) {
    try row.add(typeName)
    row.add(dataType)
    row.add(columnSize)
    try row.add(literalPrefix)
    try row.add(literalSuffix)
    try row.add(createParameters)
    row.add(nullability)
    row.add(isCaseSensitive)
    row.add(searchability)
    row.add(isUnsigned)
    row.add(hasFixedPrecisionScale)
    row.add(isAutoIncrement)
    try row.add(localTypeName)
    row.add(minimumScale)
    row.add(maximumScale)
    row.add(sqlDataType)
    row.add(datetimeSubcode)
    row.add(numericRadix)
    row.add(intervalPrecision)
  }

  public init(from row: inout MetadataRowReader) throws(DataError) {
    typeName = try row.text()
    dataType = try row.number()
    columnSize = try row.optionalNumber()
    literalPrefix = try row.optionalText()
    literalSuffix = try row.optionalText()
    createParameters = try row.optionalTexts()
    nullability = try row.number()
    isCaseSensitive = try row.truth()
    searchability = try row.number()
    isUnsigned = try row.optionalTruth()
    hasFixedPrecisionScale = try row.truth()
    isAutoIncrement = try row.optionalTruth()
    localTypeName = try row.optionalText()
    minimumScale = try row.optionalNumber()
    maximumScale = try row.optionalNumber()
    sqlDataType = try row.number()
    datetimeSubcode = try row.optionalNumber()
    numericRadix = try row.optionalNumber()
    intervalPrecision = try row.optionalNumber()
  }

  public var sortKey: [String] { [ordered(dataType), typeName] }
}
