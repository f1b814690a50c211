// Values of every type out of text, as SQL hands it over.

import Memory

extension ColumnBuilder {
  /// Appends a value given as SQL text: numbers, `true`, `false`, 0 and 1, dates and times, decimals; nested values and intervals as JSON.
  /// Text goes into binary columns byte by byte, as SQL's CAST does.
  ///
  /// Nothing is rounded but floating-point numbers. A NULL is no text: `appendNull()`.
  /// - Throws: `.invalid` for text that is no value of the type, `.limit` for more than the column holds. After an error inside of a nested
  ///   value the builder is to be thrown away.
  public final func append(text: RawSpan) throws(DataError) {
    switch type.valueType {
    case .list, .largeList, .listView, .largeListView, .fixedSizeList, .map, .structure, .union, .interval:
      do throws(DataError) { try appendJSON(text) } catch {
        throw error.within("\(ShortenedText(text)) is no \(type)")
      }
    case .binary, .largeBinary, .binaryView: try append(bytes: text)
    case .fixedSizeBinary(let width):
      guard text.byteCount == width else { throw notA(text) }
      try append(bytes: text)
    default: try append(scalar: text)
    }
  }

  /// Appends text as a value that is not nested; binary values are hexadecimal here.
  final func append(scalar text: RawSpan) throws(DataError) {
    let type = type.valueType
    switch type {
    case .bool:
      if text.isText("true") || text.isText("1") {
        try append(bool: true)
      } else if text.isText("false") || text.isText("0") {
        try append(bool: false)
      } else {
        throw notA(text)
      }
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64:
      guard let bits = IntegerText.parse(text, as: type.integerType!) else { throw notA(text) }
      try append(bits: bits, width: type.byteWidth!)
    case .float16:
      guard let value = FloatText.double(text), case let half = Float16(value),
        half.isFinite == value.isFinite
      else { throw notA(text) }
      try append(bits: UInt64(half.bitPattern), width: 2)
    case .float32:
      guard let value = FloatText.float(text) else { throw notA(text) }
      try append(bits: UInt64(value.bitPattern), width: 4)
    case .float64:
      guard let value = FloatText.double(text) else { throw notA(text) }
      try append(bits: value.bitPattern, width: 8)
    case .decimal32, .decimal64, .decimal128, .decimal256:
      let (precision, scale, width) = type.decimal!
      guard let value = DecimalText.parse(text, precision: precision, scale: scale) else { throw notA(text) }
      try append(
        bytes: InlineArray<1, SIMD4<UInt64>>(repeating: value.words).span.bytes.extracting(first: width))
    case .utf8, .largeUtf8, .utf8View:
      guard UTF8Check.isValid(text) else { throw notA(text) }
      try append(bytes: text)
    case .binary, .largeBinary, .binaryView, .fixedSizeBinary:
      guard let bytes = HexadecimalText.parse(text), type.byteWidth == nil || type.byteWidth == bytes.count
      else {
        throw notA(text)
      }
      try append(bytes: bytes.span.bytes)
    default: try append(bits: UInt64(bitPattern: Int64(temporal(text, type))), width: type.byteWidth!)
    }
  }

  /// The integer of a date, time, timestamp or duration.
  private func temporal(_ text: RawSpan, _ type: DataType) throws(DataError) -> Int {
    let value: Int?
    switch type {
    case .date32:
      value = (TemporalText.parseDate(text) ?? midnight(text)).flatMap { Int32(exactly: $0).map { Int($0) } }
    case .date64:
      let days = TemporalText.parseDate(text)
      if let days {
        let (ticks, overflow) = days.multipliedReportingOverflow(by: 86_400_000)
        value = overflow ? nil : ticks
      } else {
        value = TemporalText.parseTimestamp(text, .millisecond)
      }
    case .time32(let unit):
      value = TemporalText.parseTime(text, unit).flatMap { Int32(exactly: $0).map { Int($0) } }
    case .time64(let unit): value = TemporalText.parseTime(text, unit)
    case .timestamp(let unit, _): value = TemporalText.parseTimestamp(text, unit)
    case .duration(let unit): value = DurationText.parse(text, unit)
    default: value = nil
    }
    guard let value else { throw notA(text) }
    return value
  }

  /// The day of a timestamp that has no time.
  private func midnight(_ text: RawSpan) -> Int? {
    guard let seconds = TemporalText.parseTimestamp(text, .second) else { return nil }
    let (days, rest) = TemporalText.divide(seconds, by: 86_400)
    return rest == 0 ? days : nil
  }

  /// Appends the lowest bytes of a word.
  final func append(bits: UInt64, width: Int) throws(DataError) {
    try append(bytes: InlineArray<1, UInt64>(repeating: bits).span.bytes.extracting(first: width))
  }

  final func notA(_ text: RawSpan) -> DataError {
    DataError(.invalid, "\(ShortenedText(text)) is no \(type)")
  }
}

extension DataType {
  /// What the values of dictionaries and runs are; for other types the type itself.
  var valueType: DataType {
    switch self {
    case .dictionary(_, let values, _): values.valueType
    case .runEndEncoded(_, let values): values.type.valueType
    default: self
    }
  }
}

/// Text as it stands in messages: its beginning, in quotes.
struct ShortenedText: CustomStringConvertible {
  let description: String

  init(_ text: RawSpan) {
    let limit = 40
    let shown = text.extracting(first: min(text.byteCount, limit))
    let start = shown.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    description = "'\(start)\(text.byteCount > limit ? "…" : "")'"
  }
}

/// Durations as a count and a unit.
enum DurationText {
  /// The ticks of `1500 ms`, or of a bare `1500`; nil for what is none or not a whole number of ticks.
  static func parse(_ bytes: RawSpan, _ unit: TimeUnit) -> Int? {
    for i in 0..<bytes.byteCount
    // SAFETY: `i` is below byteCount.
    where bytes.unsafeLoad(fromUncheckedByteOffset: i, as: UInt8.self) == UInt8(ascii: " ") {
      guard let count = IntegerText.parse(bytes.extracting(first: i), as: .int64),
        let from = TimeUnit.allCases.first(where: {
          bytes.extracting(droppingFirst: i + 1).isEqual(to: $0.symbol)
        })
      else { return nil }
      let ticks = Int(Int64(bitPattern: count))
      if from.rawValue <= unit.rawValue {
        let (product, overflow) = ticks.multipliedReportingOverflow(by: Int(unit.perSecond / from.perSecond))
        return overflow ? nil : product
      }
      let (quotient, rest) = ticks.quotientAndRemainder(dividingBy: Int(from.perSecond / unit.perSecond))
      return rest == 0 ? quotient : nil
    }
    return IntegerText.parse(bytes, as: .int64).map { Int(Int64(bitPattern: $0)) }
  }
}

extension RawSpan {
  func isEqual(to text: String) -> Bool {
    var text = text
    return text.withUTF8 { utf8 in
      withUnsafeBytes { bytes in bytes.count == utf8.count && bytes.elementsEqual(utf8) }
    }
  }
}
