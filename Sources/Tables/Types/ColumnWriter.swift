// SQL values as values of an Arrow type: without loss, or not at all. docs/types.md says the same in words.

import Arrow
import Memory
import SQLite

/// Appends SQL values to a column of a given type.
///
/// A number that fits is converted, text is read as the type writes it; what does not fit is an error that names
/// the value and the type – never a zero, never something cut off.
final class ColumnWriter {
  let type: DataType
  private let append: Appender

  /// One case for each builder, so that the common types cost a switch and a call that needs no dispatch.
  private enum Appender {
    case null(NullBuilder)
    case bits(BooleanBuilder)
    case int8(FixedBuilder<Int8>), int16(FixedBuilder<Int16>), int32(FixedBuilder<Int32>)
    case int64(FixedBuilder<Int64>)
    case uint8(FixedBuilder<UInt8>), uint16(FixedBuilder<UInt16>), uint32(FixedBuilder<UInt32>)
    case uint64(FixedBuilder<UInt64>)
    case float16(FixedBuilder<Float16>), float32(FixedBuilder<Float>), float64(FixedBuilder<Double>)
    case text32(BinaryBuilder<Int32>), text64(BinaryBuilder<Int64>), textView(BinaryViewBuilder)
    case blob32(BinaryBuilder<Int32>), blob64(BinaryBuilder<Int64>), blobView(BinaryViewBuilder)
    case fixedBlob(FixedSizeBinaryBuilder, width: Int)
    case timestamp(FixedBuilder<Int64>, TimeUnit)
    case date(ColumnBuilder)
    case dictionary(DictionaryBuilder, ColumnWriter)
    case runs(RunEndBuilder, ColumnWriter)
    case decimal(ColumnBuilder, precision: Int, scale: Int)
    /// By way of text.
    case other(ColumnBuilder)

    var builder: ColumnBuilder {
      switch self {
      case .null(let builder): builder
      case .bits(let builder): builder
      case .int8(let builder): builder
      case .int16(let builder): builder
      case .int32(let builder): builder
      case .int64(let builder): builder
      case .uint8(let builder): builder
      case .uint16(let builder): builder
      case .uint32(let builder): builder
      case .uint64(let builder): builder
      case .float16(let builder): builder
      case .float32(let builder): builder
      case .float64(let builder): builder
      case .text32(let builder), .blob32(let builder): builder
      case .text64(let builder), .blob64(let builder): builder
      case .textView(let builder), .blobView(let builder): builder
      case .fixedBlob(let builder, _): builder
      case .timestamp(let builder, _): builder
      case .dictionary(let builder, _): builder
      case .runs(let builder, _): builder
      case .date(let builder), .decimal(let builder, _, _), .other(let builder): builder
      }
    }
  }

  init(_ type: DataType) {
    self.type = type
    append =
      switch type {
      case .null: .null(NullBuilder())
      case .bool: .bits(BooleanBuilder())
      case .int8: .int8(FixedBuilder(type: type))
      case .int16: .int16(FixedBuilder(type: type))
      case .int32: .int32(FixedBuilder(type: type))
      case .int64, .duration: .int64(FixedBuilder(type: type))
      case .uint8: .uint8(FixedBuilder(type: type))
      case .uint16: .uint16(FixedBuilder(type: type))
      case .uint32: .uint32(FixedBuilder(type: type))
      case .uint64: .uint64(FixedBuilder(type: type))
      case .float16: .float16(FixedBuilder(type: type))
      case .float32: .float32(FixedBuilder(type: type))
      case .float64: .float64(FixedBuilder(type: type))
      case .utf8: .text32(BinaryBuilder(type: type))
      case .largeUtf8: .text64(BinaryBuilder(type: type))
      case .utf8View: .textView(BinaryViewBuilder(type: type))
      case .binary: .blob32(BinaryBuilder(type: type))
      case .largeBinary: .blob64(BinaryBuilder(type: type))
      case .binaryView: .blobView(BinaryViewBuilder(type: type))
      case .fixedSizeBinary(let width): .fixedBlob(FixedSizeBinaryBuilder(type: type), width: width)
      case .timestamp(let unit, _): .timestamp(FixedBuilder(type: type), unit)
      case .date32, .date64: .date(type.makeBuilder())
      case .dictionary(_, let values, _): .dictionary(DictionaryBuilder(type: type), ColumnWriter(values))
      case .runEndEncoded(_, let values): .runs(RunEndBuilder(type: type), ColumnWriter(values.type))
      case .decimal32(let precision, let scale), .decimal64(let precision, let scale),
        .decimal128(let precision, let scale), .decimal256(let precision, let scale):
        .decimal(type.makeBuilder(), precision: precision, scale: scale)
      default: .other(type.makeBuilder())
      }
  }

  /// Whether values differ in length.
  var isVariable: Bool { type.byteWidth == nil && type != .bool && type != .null }

  /// The column so far; the writer begins anew.
  func finish() -> Column { append.builder.finish() }

  func appendNull() { append.builder.appendNull() }

  /// Appends one value.
  /// - Throws: `.invalid` when the type has no such value.
  func append<S: ValueSource>(_ source: S) throws(DataError) {
    let storage = source.storage
    if storage == .null { return appendNull() }
    switch append {
    case .int64(let builder): builder.append(try integer(source, storage))
    case .float64(let builder): builder.append(try real(source, storage))
    case .text32(let builder):
      try appendText(source, storage) { bytes throws(DataError) in try builder.append(bytes) }
    case .int32(let builder): builder.append(try narrow(source, storage))
    case .null: throw refusal(source)
    case .bits(let builder):
      if storage == .text { return try appendThroughText(builder, source) }
      switch try integer(source, storage) {
      case 0: builder.append(false)
      case 1: builder.append(true)
      default: throw refusal(source)
      }
    case .int8(let builder): builder.append(try narrow(source, storage))
    case .int16(let builder): builder.append(try narrow(source, storage))
    case .uint8(let builder): builder.append(try narrow(source, storage))
    case .uint16(let builder): builder.append(try narrow(source, storage))
    case .uint32(let builder): builder.append(try narrow(source, storage))
    case .uint64(let builder): builder.append(try unsigned(source, storage))
    case .float16(let builder): builder.append(Float16(try finite(source, storage, Float16.self)))
    case .float32(let builder): builder.append(Float(try finite(source, storage, Float.self)))
    case .text64(let builder):
      try appendText(source, storage) { bytes throws(DataError) in try builder.append(bytes) }
    case .textView(let builder):
      try appendText(source, storage) { bytes throws(DataError) in try builder.append(bytes) }
    case .blob32(let builder):
      try appendBlob(source, storage) { bytes throws(DataError) in try builder.append(bytes) }
    case .blob64(let builder):
      try appendBlob(source, storage) { bytes throws(DataError) in try builder.append(bytes) }
    case .blobView(let builder):
      try appendBlob(source, storage) { bytes throws(DataError) in try builder.append(bytes) }
    case .fixedBlob(let builder, let width):
      try appendBlob(source, storage) { bytes throws(DataError) in
        guard bytes.byteCount == width else { throw refusal(source) }
        builder.append(bytes)
      }
    case .timestamp(let builder, let unit): builder.append(try ticks(source, storage, unit))
    case .date(let builder): try appendDate(builder, source, storage)
    case .dictionary(let builder, let values):
      try values.append(source)
      try builder.append(value: values.finish(), at: 0)
    case .runs(let builder, let values):
      try values.append(source)
      try builder.append(value: values.finish(), at: 0)
    case .decimal(let builder, let precision, let scale):
      try appendDecimal(builder, source, storage, precision: precision, scale: scale)
    case .other(let builder):
      guard storage == .text else { throw refusal(source) }
      try appendThroughText(builder, source)
    }
  }
}
