// Where one SQL value comes from: a statement's row, an argument, or one of ours.

import SQLite

/// A value that can be looked at. Generic code over it is specialised here, within `Tables`.
protocol ValueSource {
  var storage: StorageClass { get }
  var integer: Int64 { get }
  var real: Double { get }
  /// The bytes of a text or blob; of a number, its text.
  func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R
}

extension BorrowedValue: ValueSource {}

/// One column of a statement's current row.
struct RowValue: ValueSource {
  let statement: Statement
  let column: Int

  @inline(__always) var storage: StorageClass { statement.storage(column) }
  @inline(__always) var integer: Int64 { statement.integer(column) }
  @inline(__always) var real: Double { statement.real(column) }

  @inline(__always)
  func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    try statement.withBytes(column, body)
  }
}

extension SQLValue: ValueSource {
  public var storage: StorageClass {
    switch self {
    case .null: .null
    case .integer: .integer
    case .real: .real
    case .text: .text
    case .blob: .blob
    }
  }

  var integer: Int64 { if case .integer(let value) = self { value } else { 0 } }
  var real: Double { if case .real(let value) = self { value } else { Double(integer) } }

  func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    switch self {
    case .null: return try body(UnsafeRawBufferPointer(start: nil, count: 0))
    case .integer(let value): return try SQLValue.lend(Array(String(value).utf8), body)
    case .real(let value): return try SQLValue.lend(Array(String(value).utf8), body)
    case .text(let text): return try SQLValue.lend(Array(text.utf8), body)
    case .blob(let bytes): return try SQLValue.lend(bytes, body)
    }
  }

  private static func lend<R, E: Error>(
    _ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    // Typed throws do not pass through withUnsafeBytes of arrays as such: the result carries the error.
    let result = bytes.withUnsafeBytes { bytes -> Result<R, E> in
      do throws(E) { return .success(try body(bytes)) } catch { return .failure(error) }
    }
    return try result.get()
  }
}
