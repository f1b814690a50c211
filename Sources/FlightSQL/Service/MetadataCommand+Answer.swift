// Metadata answered: the service's rows, filtered and ordered as the specification has it.

import Arrow
import Flight
import Memory

extension MetadataCommand {
  var schema: Schema {
    switch self {
    case .catalogs: CatalogRow.schema
    case .dbSchemas: DbSchemaRow.schema
    case .tables(let command): command.includeSchema ? TableRow.schema : TableRow.withoutSchema
    case .tableTypes: TableTypeRow.schema
    case .primaryKeys: PrimaryKeyRow.schema
    case .exportedKeys, .importedKeys, .crossReference: ForeignKeyRow.schema
    case .typeInfo: XdbcTypeInfo.schema
    case .sqlInfo: SqlInfo.schema
    }
  }

  func answer(_ service: any FlightSQLService, _ context: CallContext) throws -> RecordBatch {
    switch self {
    case .catalogs: return try CatalogRow.batch(try service.catalogs(context))
    case .dbSchemas(let command):
      let filter = MetadataFilter(command)
      let rows = try service.dbSchemas(command, context)
      return try DbSchemaRow.batch(rows.filter { filter.matches(catalog: $0.catalog, dbSchema: $0.dbSchema) })
    case .tables(let command):
      let filter = MetadataFilter(command)
      let rows = try service.tables(command, context).filter { row in
        filter.matches(catalog: row.catalog, dbSchema: row.dbSchema, table: row.table, type: row.type)
      }
      return try TableRow.batch(rows, includeSchema: command.includeSchema)
    case .tableTypes: return try TableTypeRow.batch(try service.tableTypes(context))
    case .primaryKeys(let command):
      return try PrimaryKeyRow.batch(try service.primaryKeys(command.table, context))
    case .exportedKeys(let command):
      return try ForeignKeyRow.batch(try service.exportedKeys(command.table, context))
    case .importedKeys(let command):
      return try ForeignKeyRow.batch(try service.importedKeys(command.table, context), by: \.primarySortKey)
    case .crossReference(let command):
      return try ForeignKeyRow.batch(try service.crossReference(command, context), by: \.primarySortKey)
    case .typeInfo(let command):
      let rows = try service.typeInfo(context)
      return try XdbcTypeInfo.batch(
        rows.filter { command.dataType == nil || $0.dataType == command.dataType })
    case .sqlInfo(let command): return try service.sqlInfo(context).selecting(command.info).batch()
    }
  }
}

/// Which catalogs, schemas and tables a command asks for. Services may use it to do less; what they return passes it anyway.
public struct MetadataFilter: Sendable {
  private let catalog: String?
  private let dbSchema: LikePattern?
  private let table: LikePattern?
  private let types: Set<String>

  public init(_ command: CommandGetDbSchemas) {
    catalog = command.catalog
    dbSchema = command.dbSchemaPattern.map(LikePattern.init)
    table = nil
    types = []
  }

  public init(_ command: CommandGetTables) {
    catalog = command.catalog
    dbSchema = command.dbSchemaPattern.map(LikePattern.init)
    table = command.tablePattern.map(LikePattern.init)
    types = Set(command.tableTypes)
  }

  /// What is in no catalog, or in no schema, is asked for by the empty name.
  public func matches(catalog: String?, dbSchema: String?) -> Bool {
    (self.catalog == nil || self.catalog == catalog ?? "")
      && (self.dbSchema == nil || self.dbSchema!.matches(dbSchema ?? ""))
  }

  public func matches(catalog: String?, dbSchema: String?, table: String, type: String) -> Bool {
    matches(catalog: catalog, dbSchema: dbSchema) && (self.table == nil || self.table!.matches(table))
      && (types.isEmpty || types.contains(type))
  }
}
