// Catalogs, schemas, tables and table types, as rows.

import Arrow
import ArrowIPC
import Flight
import Memory

/// A row of GetCatalogs.
public struct CatalogRow: MetadataRow {
  public var catalog: String

  public init(_ catalog: String) { self.catalog = catalog }

  public static let schema = Schema([Field("catalog_name", .utf8, isNullable: false)])

  public func write(to row: inout MetadataRowWriter) throws(DataError) { try row.add(catalog) }

  public init(from row: inout MetadataRowReader) throws(DataError) { catalog = try row.text() }

  public var sortKey: [String] { [catalog] }
}

/// A row of GetDbSchemas.
public struct DbSchemaRow: MetadataRow {
  /// Nil for a schema that is in no catalog.
  public var catalog: String?
  public var dbSchema: String

  public init(catalog: String?, dbSchema: String) {
    self.catalog = catalog
    self.dbSchema = dbSchema
  }

  public static let schema = Schema([
    Field("catalog_name", .utf8), Field("db_schema_name", .utf8, isNullable: false),
  ])

  public func write(to row: inout MetadataRowWriter) throws(DataError) {
    try row.add(catalog)
    try row.add(dbSchema)
  }

  public init(from row: inout MetadataRowReader) throws(DataError) {
    catalog = try row.optionalText()
    dbSchema = try row.text()
  }

  public var sortKey: [String] { [catalog ?? "", dbSchema] }
}

/// A row of GetTables.
public struct TableRow: MetadataRow {
  public var catalog: String?
  public var dbSchema: String?
  public var table: String
  /// `TABLE`, `VIEW` and the like.
  public var type: String
  /// The table's columns, with their metadata (see `ColumnMetadata`) and true nullability. Needed only where the request asks
  /// for it.
  public var tableSchema: Schema?

  public init(catalog: String?, dbSchema: String?, table: String, type: String, tableSchema: Schema? = nil) {
    self.catalog = catalog
    self.dbSchema = dbSchema
    self.table = table
    self.type = type
    self.tableSchema = tableSchema
  }

  /// With the columns' schema as an IPC message.
  public static let schema = Schema(
    withoutSchema.fields + [Field("table_schema", .binary, isNullable: false)])

  public static let withoutSchema = Schema([
    Field("catalog_name", .utf8), Field("db_schema_name", .utf8),
    Field("table_name", .utf8, isNullable: false),
    Field("table_type", .utf8, isNullable: false),
  ])

  public func write(to row: inout MetadataRowWriter) throws(DataError) {
    try row.add(catalog)
    try row.add(dbSchema)
    try row.add(table)
    try row.add(type)
    try row.add(try SchemaMessage.encode(tableSchema ?? Schema([])))
  }

  public init(from row: inout MetadataRowReader) throws(DataError) {
    catalog = try row.optionalText()
    dbSchema = try row.optionalText()
    table = try row.text()
    type = try row.text()
    if row.hasMore { tableSchema = try SchemaMessage.decode(try row.bytes()) }
  }

  public var sortKey: [String] { [catalog ?? "", dbSchema ?? "", table, type] }

  /// A batch of the rows, in order, with or without the schemas.
  static func batch(_ rows: [TableRow], includeSchema: Bool) throws(DataError) -> RecordBatch {
    let whole = try batch(rows)
    if includeSchema { return whole }
    return try RecordBatch(
      schema: withoutSchema, columns: Array(whole.columns.dropLast()), count: whole.count)
  }
}

/// A row of GetTableTypes.
public struct TableTypeRow: MetadataRow {
  public var type: String

  public init(_ type: String) { self.type = type }

  public static let schema = Schema([Field("table_type", .utf8, isNullable: false)])

  public func write(to row: inout MetadataRowWriter) throws(DataError) { try row.add(type) }

  public init(from row: inout MetadataRowReader) throws(DataError) { type = try row.text() }

  public var sortKey: [String] { [type] }
}
