// What the database holds, as Flight SQL's metadata commands tell it.

import Arrow
import Engine
import Flight
import FlightSQL
import GRPC

extension SQLService {
  /// There is one catalog, and it has no name.
  public func catalogs(_ context: CallContext) throws -> [CatalogRow] { [] }

  public func dbSchemas(_ command: CommandGetDbSchemas, _ context: CallContext) throws -> [DbSchemaRow] {
    let session = try sessions.session(context)
    return try grpc { () throws(EngineError) in
      try session.engine.schemas().map {
        DbSchemaRow(catalog: SQLService.catalog($0.catalog), dbSchema: $0.schema)
      }
    }
  }

  public func tables(_ command: CommandGetTables, _ context: CallContext) throws -> [TableRow] {
    let session = try sessions.session(context)
    return try grpc { () throws(EngineError) in
      try session.engine.tables(withColumns: command.includeSchema).map { table in
        TableRow(
          catalog: SQLService.catalog(table.catalog), dbSchema: table.schema, table: table.name,
          type: table.kind.rawValue,
          tableSchema: table.columns.map { columns in
            Schema(columns.map { SQLService.field($0, table) })
          })
      }
    }
  }

  private static func catalog(_ name: String) -> String? { name.isEmpty ? nil : name }

  private static func field(_ column: ColumnDescription, _ table: TableDescription) -> Field {
    var field = column.field
    field.flightSQL.dbSchemaName = table.schema
    field.flightSQL.tableName = table.name
    field.flightSQL.typeName = column.declaredType.isEmpty ? field.type.sqlTypeName : column.declaredType
    field.flightSQL.isAutoIncrement = column.isAutoIncrement
    field.flightSQL.isReadOnly = column.isReadOnly
    field.flightSQL.isSearchable = true
    field.flightSQL.isCaseSensitive = field.type.isText
    if let decimal = field.type.decimal {
      field.flightSQL.precision = decimal.precision
      field.flightSQL.scale = decimal.scale
    }
    return field
  }

  public func tableTypes(_ context: CallContext) throws -> [TableTypeRow] {
    TableDescription.Kind.allCases.map { TableTypeRow($0.rawValue) }
  }

  public func primaryKeys(_ table: TableReference, _ context: CallContext) throws -> [PrimaryKeyRow] {
    let session = try sessions.session(context)
    return try grpc { () throws(EngineError) in
      try session.engine.primaryKey(of: TableName(table: table.table)).map {
        PrimaryKeyRow(
          catalog: nil, dbSchema: $0.table.schema, table: $0.table.table, column: $0.column,
          keyName: $0.keyName,
          keySequence: Int32($0.sequence))
      }
    }
  }

  public func exportedKeys(_ table: TableReference, _ context: CallContext) throws -> [ForeignKeyRow] {
    try foreignKeys(context).filter { SQLService.isSame($0.primary.table, table.table) }
  }

  public func importedKeys(_ table: TableReference, _ context: CallContext) throws -> [ForeignKeyRow] {
    try foreignKeys(context).filter { SQLService.isSame($0.foreign.table, table.table) }
  }

  public func crossReference(_ command: CommandGetCrossReference, _ context: CallContext) throws
    -> [ForeignKeyRow]
  {
    try foreignKeys(context).filter {
      SQLService.isSame($0.primary.table, command.parent.table)
        && SQLService.isSame($0.foreign.table, command.foreign.table)
    }
  }

  private static func isSame(_ left: String, _ right: String) -> Bool {
    left.lowercased() == right.lowercased()
  }

  private func foreignKeys(_ context: CallContext) throws -> [ForeignKeyRow] {
    let session = try sessions.session(context)
    let keys = try grpc { () throws(EngineError) in try session.engine.foreignKeys() }
    return keys.flatMap { key in
      zip(key.primaryColumns, key.foreignColumns).enumerated().map { i, columns in
        ForeignKeyRow(
          primary: .init(
            catalog: nil, dbSchema: key.primary.schema, table: key.primary.table, column: columns.0),
          foreign: .init(
            catalog: nil, dbSchema: key.foreign.schema, table: key.foreign.table, column: columns.1),
          keySequence: Int32(i + 1), foreignKeyName: key.keyName, primaryKeyName: nil,
          updateRule: UpdateDeleteRule(rawValue: key.onUpdate.rawValue)!,
          deleteRule: UpdateDeleteRule(rawValue: key.onDelete.rawValue)!)
      }
    }
  }

  public func typeInfo(_ context: CallContext) throws -> [XdbcTypeInfo] { XdbcTypeInfo.sqlite }

  public func sqlInfo(_ context: CallContext) throws -> SqlInfo {
    let about = engine.information
    var info = SqlInfo()
    info[.serverName] = about.name
    info[.serverVersion] = options.version
    info[.serverArrowVersion] = "1.5"
    info[.serverReadOnly] = about.isReadOnly
    info[.serverSql] = true
    info[.serverSubstrait] = false
    info[.serverTransaction] = .savepoint
    info[.serverCancel] = true
    info[.serverBulkIngestion] = !about.isReadOnly
    info[.serverIngestTransactionsSupported] = !about.isReadOnly
    info[.serverStatementTimeout] = Int32(clamping: Int((options.statementTimeout ?? 0) * 1000))
    info[.serverTransactionTimeout] = 0
    info[.ddlCatalog] = false
    info[.ddlSchema] = false
    info[.ddlTable] = !about.isReadOnly
    info[.identifierCase] = .caseInsensitive
    info[.identifierQuoteChar] = "\""
    info[.quotedIdentifierCase] = .caseInsensitive
    info[.allTablesAreSelectable] = true
    info[.nullOrdering] = .sortedLow
    info[.keywords] = SQLWords.keywords
    info[.numericFunctions] = SQLWords.numericFunctions
    info[.stringFunctions] = SQLWords.stringFunctions
    info[.systemFunctions] = SQLWords.systemFunctions
    info[.datetimeFunctions] = SQLWords.datetimeFunctions
    info[.searchStringEscape] = "\\"
    info[.extraNameCharacters] = "$"
    info[.supportsColumnAliasing] = true
    info[.nullPlusNullIsNull] = true
    info[.supportsTableCorrelationNames] = true
    info[.supportsDifferentTableCorrelationNames] = false
    info[.supportsExpressionsInOrderBy] = true
    info[.supportsOrderByUnrelated] = true
    info[.supportsLikeEscapeClause] = true
    info[.supportsNonNullableColumns] = true
    info[.supportsIntegrityEnhancementFacility] = true
    info[.schemaTerm] = "schema"
    info[.procedureTerm] = ""
    info[.catalogTerm] = ""
    info[.catalogAtStart] = false
    info[.selectForUpdateSupported] = false
    info[.storedProceduresSupported] = false
    info[.correlatedSubqueriesSupported] = true
    info[.transactionsSupported] = true
    info[.dataDefinitionCausesTransactionCommit] = false
    info[.dataDefinitionsInTransactionsIgnored] = false
    info[.batchUpdatesSupported] = true
    info[.savepointsSupported] = true
    info[.namedParametersSupported] = true
    info[.supportedUnions] = [.union, .unionAll]
    return info
  }
}
