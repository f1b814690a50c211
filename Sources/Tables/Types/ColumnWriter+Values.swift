// The conversions of single values, one for each kind of type.

import Arrow
import Memory
import SQLite

extension ColumnWriter {
  func refusal<S: ValueSource>(_ source: S) -> DataError {
    let text = source.withBytes { bytes in
      source.storage == .blob
        ? "\(bytes.count) bytes"
        : String(decoding: bytes.prefix(60), as: UTF8.self) + (bytes.count > 60 ? "…" : "")
    }
    let value =
      switch source.storage {
      case .null: "NULL"
      case .integer: "the integer \(text)"
      case .real: "the real \(text)"
      case .text: "the text '\(text)'"
      case .blob: "a blob of \(text)"
      }
    return DataError(.invalid, "\(value) is no value of type \(type)")
  }

  // MARK: Integers

  @inline(__always)
  func integer<S: ValueSource>(_ source: S, _ storage: StorageClass) throws(DataError) -> Int64 {
    if storage == .integer { return source.integer }
    return try otherInteger(source, storage)
  }

  /// A real that is whole, or text that is an integer: what SQLite's INTEGER affinity converts.
  private func otherInteger<S: ValueSource>(_ source: S, _ storage: StorageClass) throws(DataError) -> Int64 {
    switch storage {
    case .real:
      if let integer = Int64(exactly: source.real) { return integer }
    case .text:
      if let integer = source.withBytes({ Int64(String(decoding: $0, as: UTF8.self)) }) { return integer }
    default: break
    }
    throw refusal(source)
  }

  @inline(__always)
  func narrow<S: ValueSource, T: FixedWidthInteger>(_ source: S, _ storage: StorageClass) throws(DataError)
    -> T
  {
    guard let value = T(exactly: try integer(source, storage)) else { throw refusal(source) }
    return value
  }

  func unsigned<S: ValueSource>(_ source: S, _ storage: StorageClass) throws(DataError) -> UInt64 {
    if storage == .text, let value = source.withBytes({ UInt64(String(decoding: $0, as: UTF8.self)) }) {
      return value
    }
    // Beyond 2^53 a real is what SQLite has made of an integer, and need not be the one that it was.
    if storage == .real, source.real < 9_007_199_254_740_992, let value = UInt64(exactly: source.real) {
      return value
    }
    return try narrow(source, storage)
  }

  // MARK: Reals

  @inline(__always)
  func real<S: ValueSource>(_ source: S, _ storage: StorageClass) throws(DataError) -> Double {
    if storage == .real { return source.real }
    return try otherReal(source, storage)
  }

  private func otherReal<S: ValueSource>(_ source: S, _ storage: StorageClass) throws(DataError) -> Double {
    switch storage {
    case .integer:
      if let real = Double(exactly: source.integer) { return real }
    case .text:
      let real = source.withBytes { bytes in FloatText.double(RawSpan(_unsafeBytes: bytes)) }
      if let real { return real }
    default: break
    }
    throw refusal(source)
  }

  /// A real for a narrower type, which rounds it as every database does; but not to infinity.
  func finite<S: ValueSource, T: BinaryFloatingPoint>(
    _ source: S, _ storage: StorageClass, _: T.Type
  ) throws(DataError) -> Double {
    let value = try real(source, storage)
    guard T(value).isFinite || !value.isFinite else { throw refusal(source) }
    return value
  }

  func appendDecimal<S: ValueSource>(
    _ builder: ColumnBuilder, _ source: S, _ storage: StorageClass, precision: Int, scale: Int
  ) throws(DataError) {
    switch storage {
    case .integer, .text: try appendThroughText(builder, source)
    case .real:
      guard let unscaled = DecimalText.unscaled(of: source.real, precision: precision, scale: scale) else {
        throw refusal(source)
      }
      var text: [UInt8] = []
      DecimalText.append(unscaled, scale: scale, to: &text)
      try builder.append(text: text.span.bytes)
    default: throw refusal(source)
    }
  }

  // MARK: Bytes

  @inline(__always)
  func appendText<S: ValueSource>(
    _ source: S, _ storage: StorageClass, _ append: (RawSpan) throws(DataError) -> Void
  ) throws(DataError) {
    if storage == .blob { throw refusal(source) }
    try source.withBytes { bytes throws(DataError) in
      let span = RawSpan(_unsafeBytes: bytes)
      guard UTF8Check.isValid(span) else {
        throw DataError(
          .invalid, "a text of \(bytes.count) bytes is not UTF-8; CAST it AS BLOB to have its bytes")
      }
      try append(span)
    }
  }

  @inline(__always)
  func appendBlob<S: ValueSource>(
    _ source: S, _ storage: StorageClass, _ append: (RawSpan) throws(DataError) -> Void
  ) throws(DataError) {
    guard storage == .blob || storage == .text else { throw refusal(source) }
    try source.withBytes { bytes throws(DataError) in try append(RawSpan(_unsafeBytes: bytes)) }
  }

  func appendThroughText<S: ValueSource>(_ builder: ColumnBuilder, _ source: S) throws(DataError) {
    try source.withBytes { bytes throws(DataError) in try builder.append(text: RawSpan(_unsafeBytes: bytes)) }
  }

  // MARK: Times

  /// ISO 8601 text, or SQLite's other two ways to write a time: seconds since 1970 as an integer, a Julian day as a real.
  func ticks<S: ValueSource>(_ source: S, _ storage: StorageClass, _ unit: TimeUnit) throws(DataError)
    -> Int64
  {
    switch storage {
    case .text:
      let parsed = source.withBytes { TemporalText.parseTimestamp(RawSpan(_unsafeBytes: $0), unit) }
      if let parsed { return Int64(parsed) }
      let days = source.withBytes { TemporalText.parseDate(RawSpan(_unsafeBytes: $0)) }
      if let days {
        let (ticks, overflow) = Int64(days).multipliedReportingOverflow(by: 86_400 * unit.perSecond)
        if !overflow { return ticks }
      }
    case .integer:
      let (ticks, overflow) = source.integer.multipliedReportingOverflow(by: unit.perSecond)
      if !overflow { return ticks }
    case .real:
      // Julian days have about 0.04 ms of precision: milliseconds, as SQLite's own functions round them.
      let milliseconds = ((source.real - 2_440_587.5) * 86_400_000).rounded()
      if let whole = Int64(exactly: milliseconds) {
        if unit == .second { return whole / 1000 }
        let (ticks, overflow) = whole.multipliedReportingOverflow(by: unit.perSecond / 1000)
        if !overflow { return ticks }
      }
    default: break
    }
    throw refusal(source)
  }

  func appendDate<S: ValueSource>(_ builder: ColumnBuilder, _ source: S, _ storage: StorageClass)
    throws(DataError)
  {
    switch storage {
    case .text: try appendThroughText(builder, source)
    case .integer, .real:
      let seconds = try ticks(source, storage, .second)
      guard seconds % 86_400 == 0 || storage == .integer else { throw refusal(source) }
      var text: [UInt8] = []
      let days = seconds / 86_400 - (seconds % 86_400 < 0 ? 1 : 0)
      TemporalText.appendDate(days: Int(days), to: &text)
      try builder.append(text: text.span.bytes)
    default: throw refusal(source)
    }
  }
}
