// The values of a column as SQL sees them. docs/types.md says the same in words.

import Arrow
import Kernels
import Memory
import SQLite

/// Reads values of a column as SQL values. The column must have passed `check(.access)`.
///
/// What there is to know of the type is found out once, in `init`; a value costs one switch.
struct ColumnReader {
  private enum Kind {
    case null, bits
    case int8, int16, int32, int64, uint8, uint16, uint32, uint64
    case float16, float32, float64
    case decimal(precision: Int, scale: Int, width: Int)
    case date32, date64
    case time(TimeUnit, isLong: Bool)
    case timestamp(TimeUnit)
    case text, blob
    case dictionary, runs
    case json
  }

  private let column: Column
  private let kind: Kind
  private let values: UnsafeRawPointer
  private let validity: Bitmap?
  private let bytes: ByteValues?
  /// The reader of a dictionary's or of the runs' values.
  private let inner: IndirectReader?

  init(_ column: Column) {
    self.column = column
    validity = column.validity
    if case .fixed(let buffer) = column.layout {
      values = buffer.base
    } else {
      values = UnsafeRawPointer(bitPattern: 8)!
    }
    bytes = ByteValues(column)
    switch column.layout {
    case .dictionary(_, let values): inner = IndirectReader(ColumnReader(values))
    case .runs(_, let values, _): inner = IndirectReader(ColumnReader(values))
    default: inner = nil
    }
    kind =
      switch column.type {
      case .null: .null
      case .bool: .bits
      case .int8: .int8
      case .int16: .int16
      case .int32: .int32
      case .int64, .duration: .int64
      case .uint8: .uint8
      case .uint16: .uint16
      case .uint32: .uint32
      case .uint64: .uint64
      case .float16: .float16
      case .float32: .float32
      case .float64: .float64
      case .decimal32(let precision, let scale): .decimal(precision: precision, scale: scale, width: 4)
      case .decimal64(let precision, let scale): .decimal(precision: precision, scale: scale, width: 8)
      case .decimal128(let precision, let scale): .decimal(precision: precision, scale: scale, width: 16)
      case .decimal256(let precision, let scale): .decimal(precision: precision, scale: scale, width: 32)
      case .date32: .date32
      case .date64: .date64
      case .time32(let unit): .time(unit, isLong: false)
      case .time64(let unit): .time(unit, isLong: true)
      case .timestamp(let unit, _): .timestamp(unit)
      case .utf8, .largeUtf8, .utf8View: .text
      case .binary, .largeBinary, .binaryView, .fixedSizeBinary: .blob
      case .dictionary: .dictionary
      case .runEndEncoded: .runs
      case .interval, .list, .largeList, .listView, .largeListView, .fixedSizeList, .structure, .map, .union:
        .json
      }
  }

  /// Hands one value over.
  @inline(__always)
  func read<S: ValueSink>(_ row: Int, into sink: inout S) {
    if let validity, !validity[row] { return sink.putNull() }
    switch kind {
    case .int64: sink.put(load(row, Int64.self))
    case .float64: sink.put(load(row, Double.self))
    case .int32: sink.put(Int64(load(row, Int32.self)))
    case .text: sink.put(text: bytes.unsafelyUnwrapped[row], lasting: true)
    case .null: sink.putNull()
    case .bits: sink.put(Int64(column.bool(at: row) ? 1 : 0))
    case .int8: sink.put(Int64(load(row, Int8.self)))
    case .int16: sink.put(Int64(load(row, Int16.self)))
    case .uint8: sink.put(Int64(load(row, UInt8.self)))
    case .uint16: sink.put(Int64(load(row, UInt16.self)))
    case .uint32: sink.put(Int64(load(row, UInt32.self)))
    case .float32: sink.put(Double(load(row, Float.self)))
    case .blob: sink.put(blob: bytes.unsafelyUnwrapped[row], lasting: true)
    default: readOther(row, into: &sink)
    }
  }

  private func readOther<S: ValueSink>(_ row: Int, into sink: inout S) {
    switch kind {
    case .uint64:
      let value = load(row, UInt64.self)
      if let small = Int64(exactly: value) {
        sink.put(small)
      } else {
        putText(&sink) { SQLText.append(beyondInt64: value, to: &$0) }
      }
    case .float16: sink.put(Double(load(row, Float16.self)))
    case .decimal(let precision, let scale, let width):
      readDecimal(row, precision: precision, scale: scale, width: width, into: &sink)
    case .date32:
      let days = Int(load(row, Int32.self))
      putText(&sink) { TemporalText.appendDate(days: days, to: &$0) }
    case .date64:
      // Whole days by the format; a time that is there nevertheless must not be lost.
      let milliseconds = Int(load(row, Int64.self))
      putText(&sink) { SQLText.append(date64: milliseconds, to: &$0) }
    case .time(let unit, let isLong):
      let ticks = isLong ? Int(load(row, Int64.self)) : Int(load(row, Int32.self))
      putText(&sink) { TemporalText.appendSQLTime(ticks: ticks, unit, to: &$0) }
    case .timestamp(let unit):
      let ticks = Int(load(row, Int64.self))
      putText(&sink) { TemporalText.appendSQLTimestamp(ticks: ticks, unit, to: &$0) }
    case .dictionary: inner.unsafelyUnwrapped.reader.read(column.integer(at: row), into: &sink)
    case .runs: inner.unsafelyUnwrapped.reader.read(column.run(at: row), into: &sink)
    case .json:
      if column.isNullValue(row) { return sink.putNull() }
      putText(&sink) { column.appendJSON(at: row, to: &$0, limit: SQLText.limit) }
    default: preconditionFailure("the common kinds are read elsewhere")
    }
  }

  /// Integers stay integers; others are the nearest real where that says which decimal it was, and text elsewhere.
  private func readDecimal<S: ValueSink>(
    _ row: Int, precision: Int, scale: Int, width: Int, into sink: inout S
  ) {
    guard case .fixed(let buffer) = column.layout else { return sink.putNull() }
    let unscaled = Int256(in: buffer, at: row * width, byteWidth: width)
    if scale <= 0 {
      if let integer = SQLText.integer(unscaled, scale: scale) { return sink.put(integer) }
    } else {
      let real = DecimalText.double(unscaled, scale: scale)
      if precision <= 15 || DecimalText.unscaled(of: real, precision: precision, scale: scale) == unscaled {
        return sink.put(real)
      }
    }
    putText(&sink) { DecimalText.append(unscaled, scale: scale, to: &$0) }
  }

  private func putText<S: ValueSink>(_ sink: inout S, _ append: (inout [UInt8]) -> Void) {
    var text: [UInt8] = []
    text.reserveCapacity(32)
    append(&text)
    text.withUnsafeBytes { sink.put(text: $0, lasting: false) }
  }

  /// SAFETY: rows are below the column's count, which its structure was checked against.
  @inline(__always)
  private func load<T: BitwiseCopyable>(_ row: Int, _: T.Type) -> T {
    values.loadUnaligned(fromByteOffset: row &* MemoryLayout<T>.stride, as: T.self)
  }
}

/// A reader within a reader.
private final class IndirectReader {
  let reader: ColumnReader

  init(_ reader: ColumnReader) { self.reader = reader }
}
