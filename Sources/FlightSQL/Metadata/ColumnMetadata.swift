// What Flight SQL says of a column beside its Arrow type, in the metadata of its field.

import Arrow

/// The `ARROW:FLIGHT:SQL:` entries of a field's metadata. Power BI wants the type's name, DBeaver what makes a row unique.
public struct ColumnMetadata: Hashable, Sendable {
  public var metadata: Metadata

  public init(_ metadata: Metadata = Metadata()) { self.metadata = metadata }

  private static let prefix = "ARROW:FLIGHT:SQL:"

  private subscript(text key: String) -> String? {
    get { metadata[ColumnMetadata.prefix + key] }
    set { metadata[ColumnMetadata.prefix + key] = newValue }
  }

  private subscript(number key: String) -> Int? {
    get { self[text: key].flatMap { Int($0) } }
    set { self[text: key] = newValue.map { String($0) } }
  }

  private subscript(truth key: String) -> Bool? {
    get { self[text: key].flatMap { $0 == "1" ? true : $0 == "0" ? false : nil } }
    set { self[text: key] = newValue.map { $0 ? "1" : "0" } }
  }

  public var catalogName: String? {
    get { self[text: "CATALOG_NAME"] }
    set { self[text: "CATALOG_NAME"] = newValue }
  }

  public var dbSchemaName: String? {
    get { self[text: "DB_SCHEMA_NAME"] }
    set { self[text: "DB_SCHEMA_NAME"] = newValue }
  }

  public var tableName: String? {
    get { self[text: "TABLE_NAME"] }
    set { self[text: "TABLE_NAME"] = newValue }
  }

  /// The database's own name of the type, as it was declared.
  public var typeName: String? {
    get { self[text: "TYPE_NAME"] }
    set { self[text: "TYPE_NAME"] = newValue }
  }

  /// Digits of a number, characters of a text.
  public var precision: Int? {
    get { self[number: "PRECISION"] }
    set { self[number: "PRECISION"] = newValue }
  }

  /// Digits behind the decimal point.
  public var scale: Int? {
    get { self[number: "SCALE"] }
    set { self[number: "SCALE"] = newValue }
  }

  public var isAutoIncrement: Bool? {
    get { self[truth: "IS_AUTO_INCREMENT"] }
    set { self[truth: "IS_AUTO_INCREMENT"] = newValue }
  }

  public var isCaseSensitive: Bool? {
    get { self[truth: "IS_CASE_SENSITIVE"] }
    set { self[truth: "IS_CASE_SENSITIVE"] = newValue }
  }

  public var isReadOnly: Bool? {
    get { self[truth: "IS_READ_ONLY"] }
    set { self[truth: "IS_READ_ONLY"] = newValue }
  }

  public var isSearchable: Bool? {
    get { self[truth: "IS_SEARCHABLE"] }
    set { self[truth: "IS_SEARCHABLE"] = newValue }
  }

  /// A comment on the column.
  public var remarks: String? {
    get { self[text: "REMARKS"] }
    set { self[text: "REMARKS"] = newValue }
  }
}

extension Field {
  /// The field's metadata as Flight SQL reads it; what is set here stands beside entries of other kinds.
  public var flightSQL: ColumnMetadata {
    get { ColumnMetadata(metadata) }
    set { metadata = newValue.metadata }
  }
}
