// `{"query": "SELECT …"}`: the command that some plain Flight clients send.

import Memory

/// Reads JSON just so far as to find the text of one member.
struct JSONQuery {
  private let bytes: [UInt8]
  private var position = 0

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The member `query` of a JSON object; the last one, if there are several. Other members are passed over.
  /// - Throws: `.malformed` for what is no JSON, no object, or has no such text.
  static func query(in bytes: [UInt8]) throws(DataError) -> String {
    var reader = JSONQuery(bytes)
    let found = try reader.object(depth: 0)
    reader.skipSpace()
    guard reader.position == bytes.count else { throw reader.fault("something follows the object") }
    guard let found else { throw DataError(.malformed, "the JSON command has no text member \"query\"") }
    return found
  }

  private func fault(_ what: String) -> DataError {
    DataError(.malformed, "the command is not JSON: \(what)", offset: position)
  }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
  }

  /// Passes over a byte if it is the next one that is no space.
  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func object(depth: Int) throws(DataError) -> String? {
    guard take("{") else { throw fault("an object is wanted") }
    var found: String?
    if take("}") { return nil }
    repeat {
      skipSpace()
      let key = try string()
      guard take(":") else { throw fault("no ':' behind a member's name") }
      let text = try value(depth: depth + 1)
      if key == "query" { found = text }
    } while take(",")
    guard take("}") else { throw fault("no '}' at the end of an object") }
    return found
  }

  /// The value's text, if it is one.
  private mutating func value(depth: Int) throws(DataError) -> String? {
    guard depth < 64 else { throw fault("objects in objects, 64 deep") }
    skipSpace()
    guard position < bytes.count else { throw fault("it ends too early") }
    switch bytes[position] {
    case UInt8(ascii: "\""): return try string()
    case UInt8(ascii: "{"): _ = try object(depth: depth)
    case UInt8(ascii: "["):
      position += 1
      if take("]") { return nil }
      repeat { _ = try value(depth: depth + 1) } while take(",")
      guard take("]") else { throw fault("no ']' at the end of a list") }
    default: try word()
    }
    return nil
  }

  /// A number, `true`, `false` or `null`. What exactly a number looks like does not matter here.
  private mutating func word() throws(DataError) {
    let start = position
    while position < bytes.count, JSONQuery.isWordByte(bytes[position]) { position += 1 }
    let word = bytes[start..<position]
    let isName = ["true", "false", "null"].contains { word.elementsEqual($0.utf8) }
    let isNumber = word.first.map { $0 == UInt8(ascii: "-") || (0x30...0x39).contains($0) } ?? false
    guard isName || isNumber else { throw fault("no value where one is wanted") }
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."): true
    default: false
    }
  }

  private mutating func string() throws(DataError) -> String {
    guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
      throw fault("a text is wanted")
    }
    position += 1
    var text: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: text, as: UTF8.self) else {
          throw fault("text that is not UTF-8")
        }
        return string
      case UInt8(ascii: "\\"): try escape(into: &text)
      case 0..<0x20: throw fault("a control character in a text")
      default: text.append(byte)
      }
    }
    throw fault("a text that does not end")
  }

  private mutating func escape(into text: inout [UInt8]) throws(DataError) {
    guard position < bytes.count else { throw fault("a text that does not end") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      var code = UInt32(try hexadecimal())
      if (0xD800..<0xDC00).contains(code), bytes[position...].starts(with: [0x5C, 0x75]) {
        position += 2
        let low = UInt32(try hexadecimal())
        guard (0xDC00..<0xE000).contains(low) else { throw fault("half of a surrogate pair") }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw fault("half of a surrogate pair") }
      text.append(contentsOf: Array(String(scalar).utf8))
    default: throw fault("an escape that there is not")
    }
  }

  private mutating func hexadecimal() throws(DataError) -> UInt16 {
    guard bytes.count - position >= 4 else { throw fault("a text that does not end") }
    let digits = bytes[position..<position + 4]
    // The standard library would take a sign as well.
    guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      let code = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw fault("\\u without four digits") }
    position += 4
    return code
  }
}
