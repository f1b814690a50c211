// Primary and foreign keys, as rows: one for each column of a key.

import Arrow
import Memory

/// A row of GetPrimaryKeys.
public struct PrimaryKeyRow: MetadataRow {
  public var catalog: String?
  public var dbSchema: String?
  public var table: String
  public var column: String
  public var keyName: String?
  /// The column's place in the key, from 1.
  public var keySequence: Int32

  public init(
    catalog: String?, dbSchema: String?, table: String, column: String, keyName: String? = nil,
    keySequence: Int32
  ) {
    self.catalog = catalog
    self.dbSchema = dbSchema
    self.table = table
    self.column = column
    self.keyName = keyName
    self.keySequence = keySequence
  }

  /// The last two are in FlightSql.proto's order; the C++ and Go servers have them the other way round, and clients read
  /// them by name.
  public static let schema = Schema([
    Field("catalog_name", .utf8), Field("db_schema_name", .utf8),
    Field("table_name", .utf8, isNullable: false),
    Field("column_name", .utf8, isNullable: false), Field("key_name", .utf8),
    Field("key_sequence", .int32, isNullable: false),
  ])

  public func write(to row: inout MetadataRowWriter) throws(DataError) {
    try row.add(catalog)
    try row.add(dbSchema)
    try row.add(table)
    try row.add(column)
    try row.add(keyName)
    row.add(keySequence)
  }

  public init(from row: inout MetadataRowReader) throws(DataError) {
    catalog = try row.optionalText()
    dbSchema = try row.optionalText()
    table = try row.text()
    column = try row.text()
    keyName = try row.optionalText()
    keySequence = try row.number()
  }

  public var sortKey: [String] {
    [catalog ?? "", dbSchema ?? "", table, keyName ?? "", ordered(keySequence)]
  }
}

/// What becomes of rows whose key is changed or deleted.
public enum UpdateDeleteRule: UInt8, Hashable, Sendable {
  case cascade = 0
  case restrict = 1
  case setNull = 2
  case noAction = 3
  case setDefault = 4
}

/// A row of GetExportedKeys, GetImportedKeys and GetCrossReference.
public struct ForeignKeyRow: MetadataRow {
  /// A column, by all of its names.
  public struct Column: Hashable, Sendable {
    public var catalog: String?
    public var dbSchema: String?
    public var table: String
    public var column: String

    public init(catalog: String?, dbSchema: String?, table: String, column: String) {
      self.catalog = catalog
      self.dbSchema = dbSchema
      self.table = table
      self.column = column
    }

    fileprivate var tableKey: [String] { [catalog ?? "", dbSchema ?? "", table] }

    fileprivate func write(to row: inout MetadataRowWriter) throws(DataError) {
      try row.add(catalog)
      try row.add(dbSchema)
      try row.add(table)
      try row.add(column)
    }

    fileprivate init(from row: inout MetadataRowReader) throws(DataError) {
      catalog = try row.optionalText()
      dbSchema = try row.optionalText()
      table = try row.text()
      column = try row.text()
    }
  }

  /// The column that is referred to.
  public var primary: Column
  /// The column that refers to it.
  public var foreign: Column
  /// The column's place in the key, from 1.
  public var keySequence: Int32
  public var foreignKeyName: String?
  public var primaryKeyName: String?
  public var updateRule: UpdateDeleteRule
  public var deleteRule: UpdateDeleteRule

  public init(
    primary: Column, foreign: Column, keySequence: Int32, foreignKeyName: String? = nil,
    primaryKeyName: String? = nil, updateRule: UpdateDeleteRule, deleteRule: UpdateDeleteRule
  ) {
    self.primary = primary
    self.foreign = foreign
    self.keySequence = keySequence
    self.foreignKeyName = foreignKeyName
    self.primaryKeyName = primaryKeyName
    self.updateRule = updateRule
    self.deleteRule = deleteRule
  }

  public static let schema = Schema([
    Field("pk_catalog_name", .utf8), Field("pk_db_schema_name", .utf8),
    Field("pk_table_name", .utf8, isNullable: false), Field("pk_column_name", .utf8, isNullable: false),
    Field("fk_catalog_name", .utf8), Field("fk_db_schema_name", .utf8),
    Field("fk_table_name", .utf8, isNullable: false), Field("fk_column_name", .utf8, isNullable: false),
    Field("key_sequence", .int32, isNullable: false), Field("fk_key_name", .utf8),
    Field("pk_key_name", .utf8),
    Field("update_rule", .uint8, isNullable: false), Field("delete_rule", .uint8, isNullable: false),
  ])

  public func write(to row: inout MetadataRowWriter) throws(DataError) {
    try primary.write(to: &row)
    try foreign.write(to: &row)
    row.add(keySequence)
    try row.add(foreignKeyName)
    try row.add(primaryKeyName)
    row.add(updateRule.rawValue)
    row.add(deleteRule.rawValue)
  }

  public init(from row: inout MetadataRowReader) throws(DataError) {
    primary = try Column(from: &row)
    foreign = try Column(from: &row)
    keySequence = try row.number()
    foreignKeyName = try row.optionalText()
    primaryKeyName = try row.optionalText()
    updateRule = try ForeignKeyRow.rule(row.byte())
    deleteRule = try ForeignKeyRow.rule(row.byte())
  }

  private static func rule(_ number: UInt8) throws(DataError) -> UpdateDeleteRule {
    guard let rule = UpdateDeleteRule(rawValue: number) else {
      throw DataError(.malformed, "\(number) is no rule for updates and deletes")
    }
    return rule
  }

  /// By the foreign table, as exported keys are ordered.
  public var sortKey: [String] { foreign.tableKey + [foreignKeyName ?? "", ordered(keySequence)] }

  /// By the primary table, as imported keys and cross references are ordered.
  var primarySortKey: [String] { primary.tableKey + [primaryKeyName ?? "", ordered(keySequence)] }
}

/// A number as text that sorts as the number does.
func ordered(_ number: Int32) -> String {
  let digits = String(Int64(number) - Int64(Int32.min))
  return String(repeating: "0", count: 10 - digits.count) + digits
}
