// What an engine tells of its tables, and is told of rows to load.

import Arrow

public struct TableName: Hashable, Sendable {
  public var catalog: String?
  public var schema: String?
  public var table: String

  public init(catalog: String? = nil, schema: String? = nil, table: String) {
    self.catalog = catalog
    self.schema = schema
    self.table = table
  }
}

/// A table whose rows lie in columns.
public struct StoredTable: Sendable {
  public var schema: Schema
  public var rows: Int
  /// What its files take; rows in motion are not counted.
  public var bytes: Int
  /// How many pieces it lies in, each of which can be scanned by itself.
  public var parts: Int
}

public struct SchemaDescription: Hashable, Sendable {
  public var catalog: String
  public var schema: String
}

/// A table or view.
public struct TableDescription: Sendable {
  public enum Kind: String, Sendable, CaseIterable {
    case table = "TABLE"
    case view = "VIEW"
    case temporary = "LOCAL TEMPORARY"
    case system = "SYSTEM TABLE"
  }

  public var catalog: String
  public var schema: String
  public var name: String
  public var kind: Kind
  /// Nil when they were not asked for.
  public var columns: [ColumnDescription]?
}

public struct ColumnDescription: Sendable {
  /// Its nullability is the table's own, other than in results.
  public var field: Field
  /// The type in SQL's words.
  public var declaredType: String
  public var isAutoIncrement: Bool
  public var isReadOnly: Bool
}

public struct KeyColumn: Hashable, Sendable {
  public var table: TableName
  public var column: String
  /// From 1 on.
  public var sequence: Int
  public var keyName: String?
}

public struct ForeignKey: Hashable, Sendable {
  public enum Action: UInt8, Hashable, Sendable {
    case cascade, restrict, setNull, noAction, setDefault
  }

  /// What is referred to.
  public var primary: TableName
  public var primaryColumns: [String]
  public var foreign: TableName
  public var foreignColumns: [String]
  public var keyName: String?
  public var onUpdate: Action
  public var onDelete: Action
}

/// Where rows are to be loaded, and what to do about what is there.
public struct IngestRequest: Sendable {
  public enum IfExists: Sendable { case fail, append, replace }
  public enum IfMissing: Sendable { case create, fail }

  public var table: TableName
  public var schema: Schema
  public var ifExists: IfExists
  public var ifMissing: IfMissing
  public var isTemporary: Bool
  /// Options of the engine, by name.
  public var options: [String: String]

  public init(
    table: TableName, schema: Schema, ifExists: IfExists, ifMissing: IfMissing, isTemporary: Bool = false,
    options: [String: String] = [:]
  ) {
    self.table = table
    self.schema = schema
    self.ifExists = ifExists
    self.ifMissing = ifMissing
    self.isTemporary = isTemporary
    self.options = options
  }
}
