// Values of every type as JSON.

import Memory

extension Column {
  /// Appends one value as JSON. The column must have passed `check(.access)`.
  ///
  /// Numbers are numbers, however large; what JSON has no number for (NaN and the infinities) and dates, times, durations
  /// and decimals are strings, binary values too, in hexadecimal. Structs are objects, maps arrays of pairs. A dictionary's
  /// and a run's value is that of what it stands for, a union's an object of its child's name and value.
  /// `ColumnBuilder.appendJSON` reads all of it back.
  ///
  /// Lists may share their items, level by level, and a few bytes stand for any number of nulls, so that one value of a
  /// small file can be text without end: past `limit` bytes no more items are appended. Then the text is longer than
  /// `limit`, and no JSON.
  public func appendJSON(at row: Int, to text: inout [UInt8], limit: Int = .max) {
    guard !isNull(row) else {
      text.append(contentsOf: JSONText.null)
      return
    }
    switch layout {
    case .null: text.append(contentsOf: JSONText.null)
    case .bits(let bits): text.append(contentsOf: bits[row] ? JSONText.true : JSONText.false)
    case .fixed(let values): appendFixedJSON(values, row, to: &text)
    case .variable, .views:
      let bytes = bytes(at: row)
      if type.isText {
        JSONText.appendString(bytes, to: &text)
      } else {
        JSONText.appendHexadecimal(bytes, to: &text)
      }
    case .list(_, let child), .listView(_, _, let child), .fixedList(let child):
      if case .map = type {
        appendMapJSON(child, row, to: &text, limit)
      } else {
        JSONText.appendArray(items(at: row), to: &text, limit) {
          child.appendJSON(at: $0, to: &$1, limit: limit)
        }
      }
    case .structure(let children):
      text.append(UInt8(ascii: "{"))
      for (i, (child, field)) in zip(children, type.children).enumerated() {
        if i > 0 { text.append(UInt8(ascii: ",")) }
        JSONText.appendString(field.name, to: &text)
        text.append(UInt8(ascii: ":"))
        child.appendJSON(at: row, to: &text, limit: limit)
      }
      text.append(UInt8(ascii: "}"))
    case .union(_, _, let children): appendUnionJSON(children, row, to: &text, limit)
    case .dictionary(_, let values): values.appendJSON(at: integer(at: row), to: &text, limit: limit)
    case .runs(_, let values, _): values.appendJSON(at: run(at: row), to: &text, limit: limit)
    }
  }

  /// `{"name":value}`; or, for a child that has the name of one before it, `[id,value]`.
  private func appendUnionJSON(_ children: [Column], _ row: Int, to text: inout [UInt8], _ limit: Int) {
    guard case .union(_, let fields, let ids) = type else { preconditionFailure() }
    let (child, childRow) = unionValue(at: row)
    let name = fields[child].name
    let isFirst = fields.firstIndex { $0.name == name } == child
    if isFirst {
      text.append(UInt8(ascii: "{"))
      JSONText.appendString(name, to: &text)
      text.append(UInt8(ascii: ":"))
    } else {
      text.append(UInt8(ascii: "["))
      IntegerText.append(Int(ids[child]), to: &text)
      text.append(UInt8(ascii: ","))
    }
    children[child].appendJSON(at: childRow, to: &text, limit: limit)
    text.append(UInt8(ascii: isFirst ? "}" : "]"))
  }

  private func appendMapJSON(_ entries: Column, _ row: Int, to text: inout [UInt8], _ limit: Int) {
    let pair = entries.children
    JSONText.appendArray(items(at: row), to: &text, limit) { item, text in
      text.append(UInt8(ascii: "["))
      pair[0].appendJSON(at: item, to: &text, limit: limit)
      text.append(UInt8(ascii: ","))
      pair[1].appendJSON(at: item, to: &text, limit: limit)
      text.append(UInt8(ascii: "]"))
    }
  }

  private func appendFixedJSON(_ values: Buffer, _ row: Int, to text: inout [UInt8]) {
    func quoted(_ append: (inout [UInt8]) -> Void) {
      text.append(UInt8(ascii: "\""))
      append(&text)
      text.append(UInt8(ascii: "\""))
    }
    func int32(_ place: Int) -> Int { Int(values.load(at: place, as: Int32.self)) }
    func int64(_ place: Int) -> Int { Int(values.load(at: place, as: Int64.self)) }
    func ticks() -> Int { type.byteWidth == 4 ? int32(row * 4) : int64(row * 8) }
    switch type {
    case .uint64: IntegerText.append(values.load(at: row * 8, as: UInt64.self), to: &text)
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32:
      IntegerText.append(integer(at: row), to: &text)
    case .float16: JSONText.appendNumber(values.load(at: row * 2, as: Float16.self), to: &text)
    case .float32: JSONText.appendNumber(values.load(at: row * 4, as: Float.self), to: &text)
    case .float64: JSONText.appendNumber(values.load(at: row * 8, as: Double.self), to: &text)
    case .decimal32, .decimal64, .decimal128, .decimal256:
      let (_, scale, width) = type.decimal!
      let value = Int256(in: values, at: row * width, byteWidth: width)
      quoted { DecimalText.append(value, scale: scale, to: &$0) }
    case .date32: quoted { TemporalText.appendDate(days: int32(row * 4), to: &$0) }
    case .date64:
      let (days, rest) = TemporalText.divide(int64(row * 8), by: 86_400_000)
      quoted {
        if rest == 0 {
          TemporalText.appendDate(days: days, to: &$0)
        } else {
          // No date, but bytes from outside may say so.
          TemporalText.appendTimestamp(ticks: int64(row * 8), .millisecond, isInstant: false, to: &$0)
        }
      }
    case .time32(let unit), .time64(let unit):
      quoted { TemporalText.appendTime(ticks: ticks(), unit, to: &$0) }
    case .timestamp(let unit, let zone):
      quoted { TemporalText.appendTimestamp(ticks: ticks(), unit, isInstant: zone != nil, to: &$0) }
    case .duration(let unit): quoted { $0.append(contentsOf: "\(ticks()) \(unit.symbol)".utf8) }
    case .interval(.yearMonth): text.append(contentsOf: "{\"months\":\(int32(row * 4))}".utf8)
    case .interval(.dayTime):
      text.append(
        contentsOf: "{\"days\":\(int32(row * 8)),\"milliseconds\":\(int32(row * 8 + 4))}".utf8)
    case .interval(.monthDayNano):
      text.append(
        contentsOf:
          "{\"months\":\(int32(row * 16)),\"days\":\(int32(row * 16 + 4)),\"nanoseconds\":\(int64(row * 16 + 8))}"
          .utf8
      )
    case .fixedSizeBinary: JSONText.appendHexadecimal(bytes(at: row), to: &text)
    default: preconditionFailure("\(type) is not of fixed width")
    }
  }
}

/// The pieces of JSON.
public enum JSONText {
  private static let hexadecimal = Array("0123456789abcdef".utf8)
  static let null = Array("null".utf8)
  static let `true` = Array("true".utf8)
  static let `false` = Array("false".utf8)

  public static func appendString(_ string: String, to text: inout [UInt8]) {
    var string = string
    string.withUTF8 { appendEscaped($0, to: &text) }
  }

  /// Appends UTF-8 bytes as a string; those that are none are replaced.
  public static func appendString(_ bytes: Buffer, to text: inout [UInt8]) {
    let raw = UnsafeRawBufferPointer(start: bytes.base, count: bytes.count)
    if UTF8Check.isValid(bytes.bytes) {
      raw.withMemoryRebound(to: UInt8.self) { appendEscaped($0, to: &text) }
    } else {
      appendString(String(decoding: raw, as: UTF8.self), to: &text)
    }
  }

  private static func appendEscaped(_ bytes: UnsafeBufferPointer<UInt8>, to text: inout [UInt8]) {
    text.append(UInt8(ascii: "\""))
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        text.append(UInt8(ascii: "\\"))
        text.append(byte)
      case UInt8(ascii: "\n"): text.append(contentsOf: "\\n".utf8)
      case UInt8(ascii: "\r"): text.append(contentsOf: "\\r".utf8)
      case UInt8(ascii: "\t"): text.append(contentsOf: "\\t".utf8)
      case 0..<0x20, 0x7F:
        text.append(contentsOf: "\\u00".utf8)
        text.append(hexadecimal[Int(byte >> 4)])
        text.append(hexadecimal[Int(byte & 15)])
      default: text.append(byte)
      }
    }
    text.append(UInt8(ascii: "\""))
  }

  static func appendHexadecimal(_ bytes: Buffer, to text: inout [UInt8]) {
    text.append(UInt8(ascii: "\""))
    appendHexadecimalDigits(bytes, to: &text)
    text.append(UInt8(ascii: "\""))
  }

  static func appendHexadecimalDigits(_ bytes: Buffer, to text: inout [UInt8]) {
    for byte in UnsafeRawBufferPointer(start: bytes.base, count: bytes.count) {
      text.append(hexadecimal[Int(byte >> 4)])
      text.append(hexadecimal[Int(byte & 15)])
    }
  }

  /// The shortest digits that are this value and no other of its width.
  static func appendNumber<T: BinaryFloatingPoint & LosslessStringConvertible>(
    _ value: T, to text: inout [UInt8]
  ) {
    if value.isFinite {
      text.append(contentsOf: value.description.utf8)
    } else {
      text.append(contentsOf: (value.isNaN ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"").utf8)
    }
  }

  static func appendArray(
    _ items: Range<Int>, to text: inout [UInt8], _ limit: Int, _ append: (Int, inout [UInt8]) -> Void
  ) {
    text.append(UInt8(ascii: "["))
    for item in items {
      if text.count > limit { break }
      if item > items.lowerBound { text.append(UInt8(ascii: ",")) }
      append(item, &text)
    }
    text.append(UInt8(ascii: "]"))
  }
}

extension RecordBatch {
  /// Appends one row as a JSON object, a name for each column, in order. The batch must have passed `check(.access)`.
  /// What is longer than `limit` is not complete (see `Column.appendJSON`).
  public func appendJSON(row: Int, to text: inout [UInt8], limit: Int = .max) {
    text.append(UInt8(ascii: "{"))
    for (i, (column, field)) in zip(columns, schema.fields).enumerated() {
      if i > 0 { text.append(UInt8(ascii: ",")) }
      JSONText.appendString(field.name, to: &text)
      text.append(UInt8(ascii: ":"))
      column.appendJSON(at: row, to: &text, limit: limit)
    }
    text.append(UInt8(ascii: "}"))
  }
}
