// One value of SQLite by itself: for parameters, and wherever a few values pass by.

import CSQLite

/// A value of one of SQLite's five storage classes. Rows by the million go from columns to columns without it.
public enum SQLValue: Hashable, Sendable {
  case null
  case integer(Int64)
  case real(Double)
  case text(String)
  case blob([UInt8])
}

/// The storage classes, by SQLite's numbers.
public enum StorageClass: Int32, Sendable {
  case integer = 1
  case real = 2
  case text = 3
  case blob = 4
  case null = 5
}

/// A value that SQLite lends for the length of a call: an argument of a function, a constraint, a new column.
public struct BorrowedValue {
  let pointer: OpaquePointer

  public init(_ pointer: OpaquePointer) { self.pointer = pointer }

  @inlinable @inline(__always)
  public var storage: StorageClass { StorageClass(rawValue: rawStorage)! }

  @usableFromInline var rawStorage: Int32 { sqlite3_value_type(pointer) }
  public var integer: Int64 { sqlite3_value_int64(pointer) }
  public var real: Double { sqlite3_value_double(pointer) }
  public var isNull: Bool { sqlite3_value_type(pointer) == SQLITE_NULL }

  /// The value with NUMERIC affinity: text that looks like a number as that number.
  public var numericValue: SQLValue? {
    switch sqlite3_value_numeric_type(pointer) {
    case SQLITE_INTEGER: .integer(integer)
    case SQLITE_FLOAT: .real(real)
    default: exactValue
    }
  }

  /// The value as a row id: an integer, or what INTEGER affinity makes one of. Nil for anything else.
  var rowID: Int64? {
    switch sqlite3_value_numeric_type(pointer) {
    case SQLITE_INTEGER: integer
    case SQLITE_FLOAT: Int64(exactly: real)
    default: nil
    }
  }

  /// The bytes of a text or blob, for the length of `body`. Other values are turned into text.
  public func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    let isBlob = sqlite3_value_type(pointer) == SQLITE_BLOB
    // The pointer first, then the count: SQLite may convert in between (https://sqlite.org/c3ref/value_blob.html).
    let start =
      isBlob ? sqlite3_value_blob(pointer) : sqlite3_value_text(pointer).map { UnsafeRawPointer($0) }
    let count = Int(sqlite3_value_bytes(pointer))
    return try body(UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
  }

  /// The value, copied.
  public var value: SQLValue {
    switch storage {
    case .null: .null
    case .integer: .integer(integer)
    case .real: .real(real)
    case .text: .text(withBytes { String(decoding: $0, as: UTF8.self) })
    case .blob: .blob(withBytes { Array($0) })
    }
  }

  /// The value, copied; nil for text that a `String` cannot hold as it is, because it is not UTF-8.
  public var exactValue: SQLValue? {
    guard storage == .text else { return value }
    return withBytes { String(validating: $0, as: UTF8.self) }.map { .text($0) }
  }

  /// All values of the right side of an IN that the table was given at once (https://sqlite.org/c3ref/vtab_in_first.html).
  public var listValues: [SQLValue]? {
    var values: [SQLValue] = []
    var item: OpaquePointer?
    var code = sqlite3_vtab_in_first(pointer, &item)
    while code == SQLITE_OK, let value = item {
      guard let value = BorrowedValue(value).exactValue else { return nil }
      values.append(value)
      code = sqlite3_vtab_in_next(pointer, &item)
    }
    return code == SQLITE_DONE || code == SQLITE_OK ? values : nil
  }
}
