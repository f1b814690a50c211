// The values of a column as SQL sees them. docs/types.md says the same in words.

import Arrow
import Kernels
import Memory
import SQLite

/// Reads values of a column as SQL values. The column must have passed `check(.access)`.
///
/// What there is to know of the type is found out once, in `init`; a value costs one switch. A class of constants, so that reading
/// a value from a scan moves no references.
final class ColumnReader {
  private enum Kind: UInt8 {
    case null, bits
    case int8, int16, int32, int64, uint8, uint16, uint32, uint64
    case float16, float32, float64
    case text32, text, blob
    case codes8, codes16, codes32, codes64, codesU8, codesU16, codesU32, runs
    case decimal, date32, date64, time32, time64, timestamp
    case json
  }

  private let kind: Kind
  /// The validity bitmap's bytes and the bit of the first value; nil when no value is null.
  private let validity: UnsafeRawPointer?
  private let validityOffset: Int
  /// Fixed-width values, booleans, offsets, or indices of a dictionary.
  private let values: UnsafeRawPointer
  private let bitOffset: Int
  /// The bytes behind 32-bit offsets.
  private let data: UnsafeRawPointer
  private let dataCount: Int
  private let count: Int
  /// What the column's bytes are mapped from, where that may be written to by others.
  private let source: Segment?
  /// The reader of a dictionary's or of the runs' values.
  private let innerKeeper: ColumnReader?
  // SAFETY (Unmanaged): `innerKeeper` keeps it.
  private let inner: Unmanaged<ColumnReader>?
  /// Of times and timestamps.
  private let unit: TimeUnit
  /// Where texts are written that are not stored as such.
  @exclusivity(unchecked) private var text: [UInt8] = []
  private let column: Column
  private let bytes: ByteValues?
  /// The run that was read last: rows come in order mostly.
  @exclusivity(unchecked) private var run = (rows: 0..<0, value: 0)

  init(_ column: Column, of source: Segment? = nil) {
    self.column = column
    self.source = source
    count = column.count
    validity = column.validity.map { $0.buffer.base }
    validityOffset = column.validity?.offset ?? 0
    var bitOffset = 0
    var data = UnsafeRawPointer(bitPattern: 8)!
    var dataCount = 0
    switch column.layout {
    case .fixed(let buffer): values = buffer.base
    case .bits(let bits):
      values = bits.buffer.base
      bitOffset = bits.offset
    case .variable(let offsets, let bytes):
      values = offsets.base
      data = bytes.base
      dataCount = bytes.count
    case .dictionary(let indices, _): values = indices.base
    default: values = data
    }
    self.bitOffset = bitOffset
    self.data = data
    self.dataCount = dataCount
    bytes = ByteValues(column)
    switch column.layout {
    case .dictionary(_, let values): innerKeeper = ColumnReader(values, of: source)
    case .runs(_, let values, _): innerKeeper = ColumnReader(values, of: source)
    default: innerKeeper = nil
    }
    inner = innerKeeper.map { .passUnretained($0) }
    switch column.type {
    case .time32(let unit), .time64(let unit), .timestamp(let unit, _): self.unit = unit
    default: unit = .second
    }
    kind = ColumnReader.kind(column.type)
  }

  private static func kind(_ type: DataType) -> Kind {
    switch type {
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
    case .decimal32, .decimal64, .decimal128, .decimal256: .decimal
    case .date32: .date32
    case .date64: .date64
    case .time32: .time32
    case .time64: .time64
    case .timestamp: .timestamp
    case .utf8: .text32
    case .largeUtf8, .utf8View: .text
    case .binary, .largeBinary, .binaryView, .fixedSizeBinary: .blob
    case .dictionary(let indices, _, _):
      switch indices {
      case .int8: .codes8
      case .int16: .codes16
      case .int32: .codes32
      case .int64, .uint64: .codes64
      case .uint8: .codesU8
      case .uint16: .codesU16
      case .uint32: .codesU32
      }
    case .runEndEncoded: .runs
    case .interval, .list, .largeList, .listView, .largeListView, .fixedSizeList, .structure, .map, .union:
      .json
    }
  }

  /// Hands one value over.
  @inline(__always)
  func read<S: ValueSink>(_ row: Int, into sink: inout S) {
    if let validity, !ColumnReader.bit(validity, row &+ validityOffset) { return sink.putNull() }
    switch kind {
    case .int64: sink.put(load(row, Int64.self))
    case .float64: sink.put(load(row, Double.self))
    case .int32: sink.put(Int64(load(row, Int32.self)))
    case .text32:
      let start = Int(load(row, Int32.self))
      let end = Int(load(row &+ 1, Int32.self))
      // Checked by `check(.access)`; but a mapped file may be written to since (see `ByteValues`).
      guard UInt(bitPattern: start) <= UInt(bitPattern: end), end >= 0, end <= dataCount else {
        return sink.putNull()
      }
      sink.put(text: UnsafeRawBufferPointer(start: data + start, count: end &- start), lasting: true)
    case .codes8: readInner(Int(load(row, Int8.self)), into: &sink)
    case .codes16: readInner(Int(load(row, Int16.self)), into: &sink)
    case .codes32: readInner(Int(load(row, Int32.self)), into: &sink)
    case .null: sink.putNull()
    case .bits: sink.put(ColumnReader.bit(values, row &+ bitOffset) ? 1 as Int64 : 0)
    case .int8: sink.put(Int64(load(row, Int8.self)))
    case .int16: sink.put(Int64(load(row, Int16.self)))
    case .uint8: sink.put(Int64(load(row, UInt8.self)))
    case .uint16: sink.put(Int64(load(row, UInt16.self)))
    case .uint32: sink.put(Int64(load(row, UInt32.self)))
    case .float32: sink.put(Double(load(row, Float.self)))
    default: readOther(row, into: &sink)
    }
  }

  /// A value of the dictionary or of the runs.
  @inline(__always)
  private func readInner<S: ValueSink>(_ row: Int, into sink: inout S) {
    inner.unsafelyUnwrapped._withUnsafeGuaranteedRef {
      if UInt(bitPattern: row) >= UInt(bitPattern: $0.count) { return sink.putNull() }
      $0.readApart(row, into: &sink)
    }
  }

  @inline(never)
  private func readApart<S: ValueSink>(_ row: Int, into sink: inout S) { read(row, into: &sink) }

  @inline(never)
  private func readOther<S: ValueSink>(_ row: Int, into sink: inout S) {
    switch kind {
    case .text: sink.put(text: bytes.unsafelyUnwrapped[row], lasting: true)
    case .blob: sink.put(blob: bytes.unsafelyUnwrapped[row], lasting: true)
    case .uint64:
      let value = load(row, UInt64.self)
      if let small = Int64(exactly: value) {
        sink.put(small)
      } else {
        putText(&sink) { SQLText.append(beyondInt64: value, to: &$0) }
      }
    case .float16: sink.put(Double(load(row, Float16.self)))
    case .decimal: readDecimal(row, into: &sink)
    case .date32:
      let days = Int(load(row, Int32.self))
      putText(&sink) { TemporalText.appendDate(days: days, to: &$0) }
    case .date64:
      // Whole days by the format; a time that is there nevertheless is not lost.
      let milliseconds = Int(load(row, Int64.self))
      putText(&sink) { SQLText.append(date64: milliseconds, to: &$0) }
    case .time32, .time64:
      let ticks = kind == .time32 ? Int(load(row, Int32.self)) : Int(load(row, Int64.self))
      putText(&sink) { TemporalText.appendSQLTime(ticks: ticks, unit, to: &$0) }
    case .timestamp:
      let ticks = Int(load(row, Int64.self))
      putText(&sink) { TemporalText.appendSQLTimestamp(ticks: ticks, unit, to: &$0) }
    case .codes64: readInner(Int(truncatingIfNeeded: load(row, Int64.self)), into: &sink)
    case .codesU8: readInner(Int(load(row, UInt8.self)), into: &sink)
    case .codesU16: readInner(Int(load(row, UInt16.self)), into: &sink)
    case .codesU32: readInner(Int(load(row, UInt32.self)), into: &sink)
    case .runs:
      if !run.rows.contains(row) { findRun(row) }
      readInner(run.value, into: &sink)
    case .json:
      // Nested values go by offsets within offsets: none are followed in a file that was written to.
      if let source, !source.isUnchanged() { return sink.putNull() }
      if column.isNullValue(row) { return sink.putNull() }
      putText(&sink) { column.appendJSON(at: row, to: &$0, limit: SQLText.limit) }
    default: preconditionFailure("the common kinds are read elsewhere")
    }
  }

  private func findRun(_ row: Int) {
    guard case .runs(let ends, _, let offset) = column.layout else { return }
    let value = column.run(at: row)
    guard value < ends.count else {
      run = (row..<row + 1, -1)
      return
    }
    let start = max(0, value == 0 ? 0 : ends.integer(at: value - 1) - offset)
    run = (start..<max(start, ends.integer(at: value) - offset), value)
  }

  /// Integers stay integers; others are the nearest real where that says which decimal it was, and text elsewhere.
  private func readDecimal<S: ValueSink>(_ row: Int, into sink: inout S) {
    guard case .fixed(let buffer) = column.layout, let (precision, scale, width) = column.type.decimal
    else { return sink.putNull() }
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

  @inline(__always)
  private func putText<S: ValueSink>(_ sink: inout S, _ append: (inout [UInt8]) -> Void) {
    text.removeAll(keepingCapacity: true)
    append(&text)
    text.withUnsafeBytes { sink.put(text: $0, lasting: false) }
  }

  /// SAFETY: rows are below the column's count, which its structure was checked against.
  @inline(__always)
  private func load<T: BitwiseCopyable>(_ row: Int, _: T.Type) -> T {
    values.loadUnaligned(fromByteOffset: row &* MemoryLayout<T>.stride, as: T.self)
  }

  @inline(__always)
  private static func bit(_ bytes: UnsafeRawPointer, _ bit: Int) -> Bool {
    bytes.load(fromByteOffset: bit &>> 3, as: UInt8.self) &>> UInt8(truncatingIfNeeded: bit & 7) & 1 != 0
  }
}
