// The types that users of SQLite declare, for GetXdbcTypeInfo.

extension XdbcTypeInfo {
  /// SQLite takes any name for a type; these are the ones that its documentation gives examples of and that tools know.
  public static let sqlite: [XdbcTypeInfo] =
    [
      integer("BOOLEAN", .bit, digits: 1), integer("TINYINT", .tinyint, digits: 3),
      integer("SMALLINT", .smallint, digits: 5), integer("INTEGER", .integer, digits: 19, isKey: true),
      integer("INT", .integer, digits: 10), integer("BIGINT", .bigint, digits: 19),
      floating("REAL", .real, bits: 53), floating("FLOAT", .float, bits: 53),
      floating("DOUBLE", .double, bits: 53), decimal("NUMERIC", .numeric), decimal("DECIMAL", .decimal),
      text("TEXT", .longVarchar, parameters: nil), text("CLOB", .longVarchar, parameters: nil),
      text("CHAR", .char, parameters: ["length"]), text("VARCHAR", .varchar, parameters: ["length"]),
      blob("BLOB", .longVarbinary, parameters: nil), blob("BINARY", .binary, parameters: ["length"]),
      blob("VARBINARY", .varbinary, parameters: ["length"]),
      moment("DATE", .date, .date, size: 10), moment("TIME", .time, .time, size: 15),
      moment("TIMESTAMP", .timestamp, .timestamp, size: 26),
      moment("DATETIME", .timestamp, .timestamp, size: 26),
    ]

  private static func integer(
    _ name: String, _ type: XdbcDataType, digits: Int32, isKey: Bool = false
  ) -> XdbcTypeInfo {
    var info = XdbcTypeInfo(name, type)
    info.columnSize = digits
    info.isUnsigned = false
    // Only INTEGER PRIMARY KEY numbers its rows.
    info.isAutoIncrement = isKey
    info.searchability = XdbcSearchability.full.rawValue
    (info.minimumScale, info.maximumScale) = (0, 0)
    info.numericRadix = 10
    return info
  }

  private static func floating(_ name: String, _ type: XdbcDataType, bits: Int32) -> XdbcTypeInfo {
    var info = XdbcTypeInfo(name, type)
    info.columnSize = bits
    info.isUnsigned = false
    info.isAutoIncrement = false
    info.numericRadix = 2
    return info
  }

  private static func decimal(_ name: String, _ type: XdbcDataType) -> XdbcTypeInfo {
    var info = XdbcTypeInfo(name, type)
    info.columnSize = 38
    info.createParameters = ["precision", "scale"]
    info.isUnsigned = false
    info.isAutoIncrement = false
    (info.minimumScale, info.maximumScale) = (0, 38)
    info.numericRadix = 10
    return info
  }

  private static func text(_ name: String, _ type: XdbcDataType, parameters: [String]?) -> XdbcTypeInfo {
    var info = XdbcTypeInfo(name, type)
    // SQLITE_MAX_LENGTH, as it is built by default.
    info.columnSize = 1_000_000_000
    (info.literalPrefix, info.literalSuffix) = ("'", "'")
    info.createParameters = parameters
    info.isCaseSensitive = true
    return info
  }

  private static func blob(_ name: String, _ type: XdbcDataType, parameters: [String]?) -> XdbcTypeInfo {
    var info = XdbcTypeInfo(name, type)
    info.columnSize = 1_000_000_000
    (info.literalPrefix, info.literalSuffix) = ("X'", "'")
    info.createParameters = parameters
    info.searchability = XdbcSearchability.basic.rawValue
    return info
  }

  private static func moment(
    _ name: String, _ type: XdbcDataType, _ subcode: XdbcDatetimeSubcode, size: Int32
  ) -> XdbcTypeInfo {
    var info = XdbcTypeInfo(name, type)
    info.columnSize = size
    (info.literalPrefix, info.literalSuffix) = ("'", "'")
    info.sqlDataType = XdbcDataType.datetime.rawValue
    info.datetimeSubcode = subcode.rawValue
    (info.minimumScale, info.maximumScale) = type == .date ? (nil, nil) : (0, 6)
    return info
  }
}
