// Questions about the database, answered as Swift values.

import Arrow
import Flight
import Memory

extension FlightSQLClient {
  public func catalogs() throws -> [String] {
    try rows(CommandGetCatalogs(), CatalogRow.self).map(\.catalog)
  }

  public func dbSchemas(_ command: CommandGetDbSchemas = CommandGetDbSchemas()) throws -> [DbSchemaRow] {
    try rows(command, DbSchemaRow.self)
  }

  public func tables(_ command: CommandGetTables = CommandGetTables()) throws -> [TableRow] {
    try rows(command, TableRow.self)
  }

  public func tableTypes() throws -> [String] {
    try rows(CommandGetTableTypes(), TableTypeRow.self).map(\.type)
  }

  public func primaryKeys(_ table: TableReference) throws -> [PrimaryKeyRow] {
    try rows(CommandGetPrimaryKeys(table), PrimaryKeyRow.self)
  }

  /// The keys that refer to the table.
  public func exportedKeys(_ table: TableReference) throws -> [ForeignKeyRow] {
    try rows(CommandGetExportedKeys(table), ForeignKeyRow.self)
  }

  /// The keys by which the table refers to others.
  public func importedKeys(_ table: TableReference) throws -> [ForeignKeyRow] {
    try rows(CommandGetImportedKeys(table), ForeignKeyRow.self)
  }

  public func crossReference(parent: TableReference, foreign: TableReference) throws -> [ForeignKeyRow] {
    try rows(CommandGetCrossReference(parent: parent, foreign: foreign), ForeignKeyRow.self)
  }

  /// - Parameter dataType: nil for every type.
  public func typeInfo(_ dataType: XdbcDataType? = nil) throws -> [XdbcTypeInfo] {
    try rows(CommandGetXdbcTypeInfo(dataType: dataType?.rawValue), XdbcTypeInfo.self)
  }

  /// What the server says of itself.
  /// - Parameter codes: none for everything.
  public func sqlInfo(_ codes: [UInt32] = []) throws -> SqlInfo {
    let result = try result(CommandGetSqlInfo(info: codes).wrapped())
    var info = SqlInfo()
    while let batch = try result.next() { try info.add(batch) }
    return info
  }

  private func rows<Row: MetadataRow>(_ command: some FlightSQLMessage, _ type: Row.Type) throws -> [Row] {
    let result = try result(command.wrapped())
    var rows: [Row] = []
    while let batch = try result.next() { rows += try Row.rows(batch) }
    return rows
  }
}
