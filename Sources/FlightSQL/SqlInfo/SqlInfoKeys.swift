// Every code of the specification's SqlInfo, with the type of its value.

// MARK: Texts

extension SqlInfoKey where Value == String {
  public static var serverName: Self { Self(0, "FLIGHT_SQL_SERVER_NAME") }
  public static var serverVersion: Self { Self(1, "FLIGHT_SQL_SERVER_VERSION") }
  public static var serverArrowVersion: Self { Self(2, "FLIGHT_SQL_SERVER_ARROW_VERSION") }
  public static var serverSubstraitMinVersion: Self { Self(6, "FLIGHT_SQL_SERVER_SUBSTRAIT_MIN_VERSION") }
  public static var serverSubstraitMaxVersion: Self { Self(7, "FLIGHT_SQL_SERVER_SUBSTRAIT_MAX_VERSION") }
  public static var identifierQuoteChar: Self { Self(504, "SQL_IDENTIFIER_QUOTE_CHAR") }
  public static var searchStringEscape: Self { Self(513, "SQL_SEARCH_STRING_ESCAPE") }
  public static var extraNameCharacters: Self { Self(514, "SQL_EXTRA_NAME_CHARACTERS") }
  public static var schemaTerm: Self { Self(529, "SQL_SCHEMA_TERM") }
  public static var procedureTerm: Self { Self(530, "SQL_PROCEDURE_TERM") }
  public static var catalogTerm: Self { Self(531, "SQL_CATALOG_TERM") }
}

// MARK: Yes or no

extension SqlInfoKey where Value == Bool {
  public static var serverReadOnly: Self { Self(3, "FLIGHT_SQL_SERVER_READ_ONLY") }
  public static var serverSql: Self { Self(4, "FLIGHT_SQL_SERVER_SQL") }
  public static var serverSubstrait: Self { Self(5, "FLIGHT_SQL_SERVER_SUBSTRAIT") }
  public static var serverCancel: Self { Self(9, "FLIGHT_SQL_SERVER_CANCEL") }
  public static var serverBulkIngestion: Self { Self(10, "FLIGHT_SQL_SERVER_BULK_INGESTION") }
  public static var serverIngestTransactionsSupported: Self {
    Self(11, "FLIGHT_SQL_SERVER_INGEST_TRANSACTIONS_SUPPORTED")
  }
  public static var ddlCatalog: Self { Self(500, "SQL_DDL_CATALOG") }
  public static var ddlSchema: Self { Self(501, "SQL_DDL_SCHEMA") }
  public static var ddlTable: Self { Self(502, "SQL_DDL_TABLE") }
  public static var allTablesAreSelectable: Self { Self(506, "SQL_ALL_TABLES_ARE_SELECTABLE") }
  public static var supportsColumnAliasing: Self { Self(515, "SQL_SUPPORTS_COLUMN_ALIASING") }
  public static var nullPlusNullIsNull: Self { Self(516, "SQL_NULL_PLUS_NULL_IS_NULL") }
  public static var supportsTableCorrelationNames: Self { Self(518, "SQL_SUPPORTS_TABLE_CORRELATION_NAMES") }
  public static var supportsDifferentTableCorrelationNames: Self {
    Self(519, "SQL_SUPPORTS_DIFFERENT_TABLE_CORRELATION_NAMES")
  }
  public static var supportsExpressionsInOrderBy: Self { Self(520, "SQL_SUPPORTS_EXPRESSIONS_IN_ORDER_BY") }
  public static var supportsOrderByUnrelated: Self { Self(521, "SQL_SUPPORTS_ORDER_BY_UNRELATED") }
  public static var supportsLikeEscapeClause: Self { Self(523, "SQL_SUPPORTS_LIKE_ESCAPE_CLAUSE") }
  public static var supportsNonNullableColumns: Self { Self(524, "SQL_SUPPORTS_NON_NULLABLE_COLUMNS") }
  public static var supportsIntegrityEnhancementFacility: Self {
    Self(527, "SQL_SUPPORTS_INTEGRITY_ENHANCEMENT_FACILITY")
  }
  public static var catalogAtStart: Self { Self(532, "SQL_CATALOG_AT_START") }
  public static var selectForUpdateSupported: Self { Self(536, "SQL_SELECT_FOR_UPDATE_SUPPORTED") }
  public static var storedProceduresSupported: Self { Self(537, "SQL_STORED_PROCEDURES_SUPPORTED") }
  public static var correlatedSubqueriesSupported: Self { Self(539, "SQL_CORRELATED_SUBQUERIES_SUPPORTED") }
  public static var maxRowSizeIncludesBlobs: Self { Self(556, "SQL_MAX_ROW_SIZE_INCLUDES_BLOBS") }
  public static var transactionsSupported: Self { Self(563, "SQL_TRANSACTIONS_SUPPORTED") }
  public static var dataDefinitionCausesTransactionCommit: Self {
    Self(565, "SQL_DATA_DEFINITION_CAUSES_TRANSACTION_COMMIT")
  }
  public static var dataDefinitionsInTransactionsIgnored: Self {
    Self(566, "SQL_DATA_DEFINITIONS_IN_TRANSACTIONS_IGNORED")
  }
  public static var batchUpdatesSupported: Self { Self(572, "SQL_BATCH_UPDATES_SUPPORTED") }
  public static var savepointsSupported: Self { Self(573, "SQL_SAVEPOINTS_SUPPORTED") }
  public static var namedParametersSupported: Self { Self(574, "SQL_NAMED_PARAMETERS_SUPPORTED") }
  public static var locatorsUpdateCopy: Self { Self(575, "SQL_LOCATORS_UPDATE_COPY") }
  public static var storedFunctionsUsingCallSyntaxSupported: Self {
    Self(576, "SQL_STORED_FUNCTIONS_USING_CALL_SYNTAX_SUPPORTED")
  }
}

// MARK: Ordinals and sets of `SqlSupportedTransaction`

extension SqlInfoKey where Value == SqlSupportedTransaction {
  public static var serverTransaction: Self { Self(8, "FLIGHT_SQL_SERVER_TRANSACTION") }
}

// MARK: Milliseconds until a handle that is not used is dropped; 0 for never

extension SqlInfoKey where Value == Int32 {
  public static var serverStatementTimeout: Self { Self(100, "FLIGHT_SQL_SERVER_STATEMENT_TIMEOUT") }
  public static var serverTransactionTimeout: Self { Self(101, "FLIGHT_SQL_SERVER_TRANSACTION_TIMEOUT") }
}

// MARK: Ordinals and sets of `SqlSupportedCaseSensitivity`

extension SqlInfoKey where Value == SqlSupportedCaseSensitivity {
  public static var identifierCase: Self { Self(503, "SQL_IDENTIFIER_CASE") }
  public static var quotedIdentifierCase: Self { Self(505, "SQL_QUOTED_IDENTIFIER_CASE") }
}

// MARK: Ordinals and sets of `SqlNullOrdering`

extension SqlInfoKey where Value == SqlNullOrdering {
  public static var nullOrdering: Self { Self(507, "SQL_NULL_ORDERING") }
}

// MARK: Lists of words

extension SqlInfoKey where Value == [String] {
  public static var keywords: Self { Self(508, "SQL_KEYWORDS") }
  public static var numericFunctions: Self { Self(509, "SQL_NUMERIC_FUNCTIONS") }
  public static var stringFunctions: Self { Self(510, "SQL_STRING_FUNCTIONS") }
  public static var systemFunctions: Self { Self(511, "SQL_SYSTEM_FUNCTIONS") }
  public static var datetimeFunctions: Self { Self(512, "SQL_DATETIME_FUNCTIONS") }
}

// MARK: Ordinals and sets of `SqlSupportsConvert`

extension SqlInfoKey where Value == SqlSupportsConvert {
  public static var supportsConvert: Self { Self(517, "SQL_SUPPORTS_CONVERT") }
}

// MARK: Ordinals and sets of `SqlSupportedGroupBy`

extension SqlInfoKey where Value == SqlSupportedGroupBy {
  public static var supportedGroupBy: Self { Self(522, "SQL_SUPPORTED_GROUP_BY") }
}

// MARK: Ordinals and sets of `SupportedSqlGrammar`

extension SqlInfoKey where Value == SupportedSqlGrammar {
  public static var supportedGrammar: Self { Self(525, "SQL_SUPPORTED_GRAMMAR") }
}

// MARK: Ordinals and sets of `SupportedAnsi92SqlGrammarLevel`

extension SqlInfoKey where Value == SupportedAnsi92SqlGrammarLevel {
  public static var ansi92SupportedLevel: Self { Self(526, "SQL_ANSI92_SUPPORTED_LEVEL") }
}

// MARK: Ordinals and sets of `SqlOuterJoinsSupportLevel`

extension SqlInfoKey where Value == SqlOuterJoinsSupportLevel {
  public static var outerJoinsSupportLevel: Self { Self(528, "SQL_OUTER_JOINS_SUPPORT_LEVEL") }
}

// MARK: Ordinals and sets of `SqlSupportedElementActions`

extension SqlInfoKey where Value == SqlSupportedElementActions {
  public static var schemasSupportedActions: Self { Self(533, "SQL_SCHEMAS_SUPPORTED_ACTIONS") }
  public static var catalogsSupportedActions: Self { Self(534, "SQL_CATALOGS_SUPPORTED_ACTIONS") }
}

// MARK: Ordinals and sets of `SqlSupportedPositionedCommands`

extension SqlInfoKey where Value == SqlSupportedPositionedCommands {
  public static var supportedPositionedCommands: Self { Self(535, "SQL_SUPPORTED_POSITIONED_COMMANDS") }
}

// MARK: Ordinals and sets of `SqlSupportedSubqueries`

extension SqlInfoKey where Value == SqlSupportedSubqueries {
  public static var supportedSubqueries: Self { Self(538, "SQL_SUPPORTED_SUBQUERIES") }
}

// MARK: Ordinals and sets of `SqlSupportedUnions`

extension SqlInfoKey where Value == SqlSupportedUnions {
  public static var supportedUnions: Self { Self(540, "SQL_SUPPORTED_UNIONS") }
}

// MARK: Limits; 0 where there is none or it is not known

extension SqlInfoKey where Value == Int64 {
  public static var maxBinaryLiteralLength: Self { Self(541, "SQL_MAX_BINARY_LITERAL_LENGTH") }
  public static var maxCharLiteralLength: Self { Self(542, "SQL_MAX_CHAR_LITERAL_LENGTH") }
  public static var maxColumnNameLength: Self { Self(543, "SQL_MAX_COLUMN_NAME_LENGTH") }
  public static var maxColumnsInGroupBy: Self { Self(544, "SQL_MAX_COLUMNS_IN_GROUP_BY") }
  public static var maxColumnsInIndex: Self { Self(545, "SQL_MAX_COLUMNS_IN_INDEX") }
  public static var maxColumnsInOrderBy: Self { Self(546, "SQL_MAX_COLUMNS_IN_ORDER_BY") }
  public static var maxColumnsInSelect: Self { Self(547, "SQL_MAX_COLUMNS_IN_SELECT") }
  public static var maxColumnsInTable: Self { Self(548, "SQL_MAX_COLUMNS_IN_TABLE") }
  public static var maxConnections: Self { Self(549, "SQL_MAX_CONNECTIONS") }
  public static var maxCursorNameLength: Self { Self(550, "SQL_MAX_CURSOR_NAME_LENGTH") }
  public static var maxIndexLength: Self { Self(551, "SQL_MAX_INDEX_LENGTH") }
  public static var dbSchemaNameLength: Self { Self(552, "SQL_DB_SCHEMA_NAME_LENGTH") }
  public static var maxProcedureNameLength: Self { Self(553, "SQL_MAX_PROCEDURE_NAME_LENGTH") }
  public static var maxCatalogNameLength: Self { Self(554, "SQL_MAX_CATALOG_NAME_LENGTH") }
  public static var maxRowSize: Self { Self(555, "SQL_MAX_ROW_SIZE") }
  public static var maxStatementLength: Self { Self(557, "SQL_MAX_STATEMENT_LENGTH") }
  public static var maxStatements: Self { Self(558, "SQL_MAX_STATEMENTS") }
  public static var maxTableNameLength: Self { Self(559, "SQL_MAX_TABLE_NAME_LENGTH") }
  public static var maxTablesInSelect: Self { Self(560, "SQL_MAX_TABLES_IN_SELECT") }
  public static var maxUsernameLength: Self { Self(561, "SQL_MAX_USERNAME_LENGTH") }
}

// MARK: Ordinals and sets of `SqlTransactionIsolationLevel`

extension SqlInfoKey where Value == SqlTransactionIsolationLevel {
  public static var defaultTransactionIsolation: Self { Self(562, "SQL_DEFAULT_TRANSACTION_ISOLATION") }
}

// MARK: Ordinals and sets of `SqlTransactionIsolationLevels`

extension SqlInfoKey where Value == SqlTransactionIsolationLevels {
  public static var supportedTransactionsIsolationLevels: Self {
    Self(564, "SQL_SUPPORTED_TRANSACTIONS_ISOLATION_LEVELS")
  }
}

// MARK: Ordinals and sets of `SqlSupportedResultSetType`

extension SqlInfoKey where Value == SqlSupportedResultSetType {
  public static var supportedResultSetTypes: Self { Self(567, "SQL_SUPPORTED_RESULT_SET_TYPES") }
}

// MARK: Ordinals and sets of `SqlSupportedResultSetConcurrency`

extension SqlInfoKey where Value == SqlSupportedResultSetConcurrency {
  public static var supportedConcurrenciesForResultSetUnspecified: Self {
    Self(568, "SQL_SUPPORTED_CONCURRENCIES_FOR_RESULT_SET_UNSPECIFIED")
  }
  public static var supportedConcurrenciesForResultSetForwardOnly: Self {
    Self(569, "SQL_SUPPORTED_CONCURRENCIES_FOR_RESULT_SET_FORWARD_ONLY")
  }
  public static var supportedConcurrenciesForResultSetScrollSensitive: Self {
    Self(570, "SQL_SUPPORTED_CONCURRENCIES_FOR_RESULT_SET_SCROLL_SENSITIVE")
  }
  public static var supportedConcurrenciesForResultSetScrollInsensitive: Self {
    Self(571, "SQL_SUPPORTED_CONCURRENCIES_FOR_RESULT_SET_SCROLL_INSENSITIVE")
  }
}
