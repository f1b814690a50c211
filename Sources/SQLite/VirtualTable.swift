// Tables that SQLite asks us about (https://sqlite.org/vtab.html): what a module, a table and a cursor have to say.
//
// These are classes with open methods rather than protocols: a call costs one indirect jump, and SQLite makes three or more
// for each row.

import CSQLite

/// A kind of virtual table, registered with one connection under a name.
open class VirtualTableModule {
  /// The connection that the module is registered with. It owns the module.
  public final unowned let connection: Connection

  public init(connection: Connection) { self.connection = connection }

  /// Makes a table for CREATE VIRTUAL TABLE, or opens one that is in the schema already.
  /// - Parameter arguments: what stands in the parentheses, as it was written.
  /// - Returns: the table, and a CREATE TABLE statement that declares its columns.
  open func connect(
    schema: String, name: String, arguments: [String], creates: Bool
  ) throws(SQLiteError) -> (table: VirtualTable, declaration: String) {
    throw SQLiteError(.error, "the module makes no tables")
  }
}

/// A virtual table as one connection sees it.
open class VirtualTable {
  public init() {}

  /// Chooses how to run a scan. False: this combination of constraints cannot be used.
  open func bestIndex(_ index: borrowing IndexRequest) throws(SQLiteError) -> Bool { true }

  open func makeCursor() throws(SQLiteError) -> VirtualCursor {
    throw SQLiteError(.error, "the table cannot be read")
  }

  /// The table was dropped.
  open func destroy() throws(SQLiteError) {}
  open func rename(to name: String) throws(SQLiteError) {}

  // MARK: Writing

  open func delete(row: Int64) throws(SQLiteError) { throw Self.isReadOnly }

  /// - Parameter row: the row id that the statement asks for; nil to choose one.
  /// - Returns: the row id.
  open func insert(row: Int64?, _ values: ArgumentList) throws(SQLiteError) -> Int64 { throw Self.isReadOnly }

  open func update(row: Int64, newRow: Int64, _ values: ArgumentList) throws(SQLiteError) {
    throw Self.isReadOnly
  }

  private static var isReadOnly: SQLiteError { SQLiteError(.readOnly, "the table is read-only") }

  // MARK: Transactions: called once the transaction writes to this table

  open func begin() throws(SQLiteError) {}
  /// The first phase of a commit, which may still fail.
  open func sync() throws(SQLiteError) {}
  open func commit() {}
  open func rollback() {}
  open func savepoint(_ number: Int) throws(SQLiteError) {}
  open func release(_ number: Int) throws(SQLiteError) {}
  open func rollback(toSavepoint number: Int) throws(SQLiteError) {}
}

/// A scan under way.
open class VirtualCursor {
  public init() {}

  /// Begins (again).
  /// - Parameter arguments: the values of the constraints that `bestIndex` asked for, in its order.
  open func filter(plan: Int, text: UnsafePointer<CChar>?, _ arguments: ArgumentList) throws(SQLiteError) {}
  open func next() throws(SQLiteError) {}
  open var isAtEnd: Bool { true }
  open func column(_ column: Int, _ result: ResultContext) throws(SQLiteError) {}
  open var row: Int64 { 0 }
}

/// Values that SQLite lends for one call.
public struct ArgumentList {
  let pointer: UnsafeMutablePointer<OpaquePointer?>?
  public let count: Int

  public subscript(_ index: Int) -> BorrowedValue {
    precondition(index >= 0 && index < count)
    return BorrowedValue(pointer![index]!)
  }
}

/// Where a value goes: the answer for one column, or of a function.
public struct ResultContext {
  @usableFromInline let pointer: OpaquePointer

  public init(_ pointer: OpaquePointer) { self.pointer = pointer }

  @inline(__always) public func setNull() { sqlite3_result_null(pointer) }
  @inline(__always) public func set(_ value: Int64) { sqlite3_result_int64(pointer, value) }
  /// SQLite has no NaN: it becomes NULL.
  @inline(__always) public func set(_ value: Double) { sqlite3_result_double(pointer, value) }
  public func set(_ value: BorrowedValue) { sqlite3_result_value(pointer, value.pointer) }

  /// - Parameter lasting: whether the bytes outlive every statement that may see them, so that long ones are not copied.
  @inline(__always)
  public func set(text: UnsafeRawPointer, count: Int, lasting: Bool) {
    let base = text.assumingMemoryBound(to: CChar.self)
    if count < 256 {
      fletch_result_text_short(pointer, base, UInt64(truncatingIfNeeded: count))
    } else if lasting {
      fletch_result_text_static(pointer, base, UInt64(truncatingIfNeeded: count))
    } else {
      fletch_result_text_copied(pointer, base, UInt64(truncatingIfNeeded: count))
    }
  }

  @inline(__always)
  public func set(blob: UnsafeRawPointer, count: Int, lasting: Bool) {
    if lasting {
      fletch_result_blob_static(pointer, blob, UInt64(truncatingIfNeeded: count))
    } else {
      fletch_result_blob_copied(pointer, blob, UInt64(truncatingIfNeeded: count))
    }
  }

  /// A text that is copied.
  public func set(text bytes: [UInt8]) {
    bytes.withUnsafeBytes {
      set(text: $0.baseAddress ?? UnsafeRawPointer(bitPattern: 8)!, count: $0.count, lasting: false)
    }
  }

  public func set(_ value: SQLValue) {
    switch value {
    case .null: setNull()
    case .integer(let integer): set(integer)
    case .real(let real): set(real)
    case .text(let text): set(text: Array(text.utf8))
    case .blob(let bytes):
      bytes.withUnsafeBytes {
        set(blob: $0.baseAddress ?? UnsafeRawPointer(bitPattern: 8)!, count: $0.count, lasting: false)
      }
    }
  }

  /// Whether the value is of a column that an UPDATE leaves alone, so that any value will do.
  public var isUnchangedColumn: Bool { sqlite3_vtab_nochange(pointer) != 0 }

  func fail(_ error: SQLiteError) {
    var message = error.message
    message.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) {
        sqlite3_result_error(pointer, $0.baseAddress, Int32(clamping: $0.count))
      }
    }
    sqlite3_result_error_code(pointer, error.code.rawValue)
  }
}
