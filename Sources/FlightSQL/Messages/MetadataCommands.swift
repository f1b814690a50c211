// Questions about the database: its catalogs, schemas, tables, keys, types, and what the server can do.

import Memory
import Protobuf

/// The `optional string`s and the rest that metadata commands are made of, by field number.
private func texts(_ message: ProtobufReader, _ numbers: ClosedRange<Int>) throws(DataError) -> [Int: String]
{
  var reader = message
  var found: [Int: String] = [:]
  while let field = try reader.next() {
    if numbers.contains(field.number) { found[field.number] = try field.string() }
  }
  return found
}

public struct CommandGetCatalogs: FlightSQLMessage {
  public static let name = "CommandGetCatalogs"

  public init() {}

  public init(_ message: ProtobufReader) throws(DataError) { try onlyUnknownFields(message) }

  public func write(to writer: inout ProtobufWriter) {}
}

public struct CommandGetTableTypes: FlightSQLMessage {
  public static let name = "CommandGetTableTypes"

  public init() {}

  public init(_ message: ProtobufReader) throws(DataError) { try onlyUnknownFields(message) }

  public func write(to writer: inout ProtobufWriter) {}
}

public struct CommandGetDbSchemas: FlightSQLMessage {
  public static let name = "CommandGetDbSchemas"

  /// Nil for every catalog; empty for what is in none.
  public var catalog: String?
  /// A pattern of `LIKE`; nil for every schema.
  public var dbSchemaPattern: String?

  public init(catalog: String? = nil, dbSchemaPattern: String? = nil) {
    self.catalog = catalog
    self.dbSchemaPattern = dbSchemaPattern
  }

  // catalog:1 db_schema_filter_pattern:2
  public init(_ message: ProtobufReader) throws(DataError) {
    let texts = try texts(message, 1...2)
    self.init(catalog: texts[1], dbSchemaPattern: texts[2])
  }

  public func write(to writer: inout ProtobufWriter) {
    if let catalog { writer.string(1, catalog, isPresent: true) }
    if let dbSchemaPattern { writer.string(2, dbSchemaPattern, isPresent: true) }
  }
}

public struct CommandGetTables: FlightSQLMessage {
  public static let name = "CommandGetTables"

  /// Nil for every catalog; empty for what is in none.
  public var catalog: String?
  /// A pattern of `LIKE`; nil for every schema.
  public var dbSchemaPattern: String?
  /// A pattern of `LIKE`; nil for every table.
  public var tablePattern: String?
  /// Empty for every type.
  public var tableTypes: [String]
  public var includeSchema: Bool

  public init(
    catalog: String? = nil, dbSchemaPattern: String? = nil, tablePattern: String? = nil,
    tableTypes: [String] = [], includeSchema: Bool = false
  ) {
    self.catalog = catalog
    self.dbSchemaPattern = dbSchemaPattern
    self.tablePattern = tablePattern
    self.tableTypes = tableTypes
    self.includeSchema = includeSchema
  }

  // catalog:1 db_schema_filter_pattern:2 table_name_filter_pattern:3 table_types:4 include_schema:5
  public init(_ message: ProtobufReader) throws(DataError) {
    self.init()
    var reader = message
    while let field = try reader.next() {
      switch field.number {
      case 1: catalog = try field.string()
      case 2: dbSchemaPattern = try field.string()
      case 3: tablePattern = try field.string()
      case 4: tableTypes.append(try field.string())
      case 5: includeSchema = try field.bool()
      default: break
      }
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    if let catalog { writer.string(1, catalog, isPresent: true) }
    if let dbSchemaPattern { writer.string(2, dbSchemaPattern, isPresent: true) }
    if let tablePattern { writer.string(3, tablePattern, isPresent: true) }
    for type in tableTypes { writer.string(4, type, isPresent: true) }
    writer.bool(5, includeSchema)
  }
}

/// One table, as the commands about keys name it.
public struct TableReference: Hashable, Sendable {
  /// Nil for every catalog; empty for what is in none.
  public var catalog: String?
  /// Nil for every schema; empty for what is in none.
  public var dbSchema: String?
  public var table: String

  public init(catalog: String? = nil, dbSchema: String? = nil, table: String) {
    self.catalog = catalog
    self.dbSchema = dbSchema
    self.table = table
  }

  // catalog:1 db_schema:2 table:3, or the three after them
  fileprivate init(_ message: ProtobufReader, from first: Int = 1) throws(DataError) {
    let texts = try texts(message, 1...6)
    self.init(catalog: texts[first], dbSchema: texts[first + 1], table: texts[first + 2] ?? "")
    guard !table.isEmpty else { throw DataError(.malformed, "no table is named") }
  }

  fileprivate func write(to writer: inout ProtobufWriter, from first: Int = 1) {
    if let catalog { writer.string(first, catalog, isPresent: true) }
    if let dbSchema { writer.string(first + 1, dbSchema, isPresent: true) }
    writer.string(first + 2, table)
  }
}

public struct CommandGetPrimaryKeys: FlightSQLMessage {
  public static let name = "CommandGetPrimaryKeys"

  public var table: TableReference

  public init(_ table: TableReference) { self.table = table }

  public init(_ message: ProtobufReader) throws(DataError) { table = try TableReference(message) }

  public func write(to writer: inout ProtobufWriter) { table.write(to: &writer) }
}

/// The foreign keys that refer to the table's primary key.
public struct CommandGetExportedKeys: FlightSQLMessage {
  public static let name = "CommandGetExportedKeys"

  public var table: TableReference

  public init(_ table: TableReference) { self.table = table }

  public init(_ message: ProtobufReader) throws(DataError) { table = try TableReference(message) }

  public func write(to writer: inout ProtobufWriter) { table.write(to: &writer) }
}

/// The table's own foreign keys.
public struct CommandGetImportedKeys: FlightSQLMessage {
  public static let name = "CommandGetImportedKeys"

  public var table: TableReference

  public init(_ table: TableReference) { self.table = table }

  public init(_ message: ProtobufReader) throws(DataError) { table = try TableReference(message) }

  public func write(to writer: inout ProtobufWriter) { table.write(to: &writer) }
}

/// The foreign keys of one table that refer to another.
public struct CommandGetCrossReference: FlightSQLMessage {
  public static let name = "CommandGetCrossReference"

  /// The table whose primary key is referred to.
  public var parent: TableReference
  /// The table that refers to it.
  public var foreign: TableReference

  public init(parent: TableReference, foreign: TableReference) {
    self.parent = parent
    self.foreign = foreign
  }

  // pk_catalog:1 pk_db_schema:2 pk_table:3 fk_catalog:4 fk_db_schema:5 fk_table:6
  public init(_ message: ProtobufReader) throws(DataError) {
    parent = try TableReference(message)
    foreign = try TableReference(message, from: 4)
  }

  public func write(to writer: inout ProtobufWriter) {
    parent.write(to: &writer)
    foreign.write(to: &writer, from: 4)
  }
}

public struct CommandGetXdbcTypeInfo: FlightSQLMessage {
  public static let name = "CommandGetXdbcTypeInfo"

  /// A number of `XdbcDataType`; nil for every type.
  public var dataType: Int32?

  public init(dataType: Int32? = nil) { self.dataType = dataType }

  // data_type:1
  public init(_ message: ProtobufReader) throws(DataError) {
    var reader = message
    while let field = try reader.next() {
      if field.number == 1 { dataType = Int32(truncatingIfNeeded: try field.integer()) }
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    if let dataType { writer.integer(1, Int64(dataType), isPresent: true) }
  }
}

public struct CommandGetSqlInfo: FlightSQLMessage {
  public static let name = "CommandGetSqlInfo"

  /// Codes of `SqlInfo`; empty for all.
  public var info: [UInt32]

  public init(info: [UInt32] = []) { self.info = info }

  // info:1
  public init(_ message: ProtobufReader) throws(DataError) {
    info = []
    var reader = message
    while let field = try reader.next() {
      if field.number == 1 { info += try field.integers().map { UInt32(truncatingIfNeeded: $0) } }
    }
  }

  public func write(to writer: inout ProtobufWriter) { writer.integers(1, info.map { Int64($0) }) }
}
