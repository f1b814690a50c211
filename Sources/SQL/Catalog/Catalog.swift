// What the binder must know of the tables that a statement names.

import Arrow

public protocol Catalog {
  /// The table or view of that name, without regard to ASCII case; without a schema, the one that SQLite would take (temp, main, then the others).
  func relation(schema: String?, name: String) throws(SQLError) -> Relation?
}

public struct Relation: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    /// Columns at rest: segments, delta and tombstones.
    case published
    /// An ordinary table of SQLite's.
    case rows
    /// The text of its SELECT, and its list of columns if CREATE VIEW gave one.
    case view(sql: String, columns: [String]?)
    /// Another virtual table, a table-valued function, or anything else that only SQLite can read.
    case other
  }

  public var schema: String
  public var name: String
  public var kind: Kind
  /// Empty for a view: its columns follow from its text.
  public var columns: [CatalogColumn]
  /// Whether `rowid`, `oid` and `_rowid_` name something.
  public var hasRowid: Bool
  /// The INTEGER PRIMARY KEY, which is the row id.
  public var rowidColumn: Int?

  public init(
    schema: String = "main", name: String, kind: Kind, columns: [CatalogColumn], hasRowid: Bool = true,
    rowidColumn: Int? = nil
  ) {
    self.schema = schema
    self.name = name
    self.kind = kind
    self.columns = columns
    self.hasRowid = hasRowid
    self.rowidColumn = rowidColumn
  }
}

public struct CatalogColumn: Hashable, Sendable {
  public var name: String
  /// The Arrow field, if the table is a published one or the column has a recorded type.
  public var field: Field?
  public var declaredType: String?
  /// The classes of its values; `null` among them unless the column cannot have it.
  public var storage: StorageClasses
  public var affinity: Affinity
  public var collation: Collation
  /// Not part of `*`.
  public var isHidden: Bool

  public var isNotNull: Bool { !storage.contains(.null) }

  public init(
    _ name: String, field: Field? = nil, declaredType: String? = nil, storage: StorageClasses,
    affinity: Affinity,
    collation: Collation = .binary, isHidden: Bool = false
  ) {
    self.name = name
    self.field = field
    self.declaredType = declaredType
    self.storage = storage
    self.affinity = affinity
    self.collation = collation
    self.isHidden = isHidden
  }

  /// A column of a published table.
  public init(published field: Field) {
    var storage = StorageClasses(arrow: field.type)
    if field.isNullable { storage.insert(.null) }
    self.init(field.name, field: field, storage: storage, affinity: Affinity(arrow: field.type))
  }

  /// A column of a row table. SQLite holds a value to its declared type only in STRICT tables; what else it does is to convert by affinity
  /// where that loses nothing, so that a REAL column has no integers, and a TEXT column no numbers.
  public init(
    declared name: String, _ type: String, isRowid: Bool = false, isStrict: Bool = false,
    isNotNull: Bool = false,
    collation: Collation = .binary, isHidden: Bool = false
  ) {
    let affinity = Affinity.declared(type)
    var storage: StorageClasses
    if isRowid {
      storage = .integer
    } else if isStrict {
      storage = Self.strictStorage(type)
    } else {
      switch affinity {
      case .real: storage = [.real, .text, .blob]
      case .text: storage = [.text, .blob]
      default: storage = [.integer, .real, .text, .blob]
      }
    }
    if !isNotNull, !isRowid { storage.insert(.null) }
    let isAny = isStrict && type.sqlFolded == "any"
    self.init(
      name, declaredType: type.isEmpty ? nil : type, storage: storage, affinity: isAny ? .blob : affinity,
      collation: collation, isHidden: isHidden)
  }

  private static func strictStorage(_ type: String) -> StorageClasses {
    switch type.sqlFolded {
    case "int", "integer": .integer
    case "real": .real
    case "text": .text
    case "blob": .blob
    default: [.integer, .real, .text, .blob]
    }
  }
}
