// Where one SQL value goes: into SQLite's hands, or into one of ours.

import SQLite

/// Takes one value. Generic code over it is specialised here, within `Tables`.
protocol ValueSink {
  mutating func putNull()
  mutating func put(_ integer: Int64)
  mutating func put(_ real: Double)
  /// - Parameter lasting: whether the bytes live as long as the column that they are of.
  mutating func put(text: UnsafeRawBufferPointer, lasting: Bool)
  mutating func put(blob: UnsafeRawBufferPointer, lasting: Bool)
}

/// An address for values without bytes: SQLite takes a nil pointer for NULL.
private var somewhere: UnsafeRawPointer { UnsafeRawPointer(bitPattern: 8)! }

extension ResultContext: ValueSink {
  @inline(__always) mutating func putNull() { setNull() }
  @inline(__always) mutating func put(_ integer: Int64) { set(integer) }
  @inline(__always) mutating func put(_ real: Double) { set(real) }

  @inline(__always)
  mutating func put(text: UnsafeRawBufferPointer, lasting: Bool) {
    set(
      text: text.baseAddress ?? somewhere, count: text.count, lasting: lasting)
  }

  @inline(__always)
  mutating func put(blob: UnsafeRawBufferPointer, lasting: Bool) {
    set(
      blob: blob.baseAddress ?? somewhere, count: blob.count, lasting: lasting)
  }
}

/// Keeps one value.
struct SingleValue: ValueSink {
  var value = SQLValue.null

  mutating func putNull() { value = .null }
  mutating func put(_ integer: Int64) { value = .integer(integer) }
  mutating func put(_ real: Double) { value = real.isNaN ? .null : .real(real) }
  mutating func put(text: UnsafeRawBufferPointer, lasting: Bool) {
    value = .text(String(decoding: text, as: UTF8.self))
  }
  mutating func put(blob: UnsafeRawBufferPointer, lasting: Bool) { value = .blob(Array(blob)) }
}
