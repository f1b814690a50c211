// JSON as it is read: value by value, in place, without a tree.

import Memory

/// Walks over one JSON text. Numbers stay text, so that none loses a digit; strings are decoded on demand.
///
/// The caller asks what is next and reads just that; what does not follow the grammar (RFC 8259) is an `.invalid` error with its
/// byte. Nesting is bounded, by 64 levels unless told otherwise.
public struct JSONReader: ~Escapable {
  public enum Kind: Sendable, Equatable { case object, array, string, number, `true`, `false`, null }

  private var text: TextCursor
  private var depthLeft: Int
  /// What the string that was read last stands for, if it is not the text's own bytes.
  private var decoded: [UInt8] = []

  /// - Throws: `.invalid` for bytes that are not UTF-8.
  @_lifetime(copy bytes)
  public init(_ bytes: RawSpan, depth: Int = 64) throws(DataError) {
    guard UTF8Check.isValid(bytes) else { throw DataError(.invalid, "JSON that is not UTF-8") }
    text = TextCursor(bytes)
    depthLeft = depth
  }

  /// The byte that is read next.
  public var place: Int { text.place }

  // MARK: Values

  /// What kind of value is next; spaces before it are skipped.
  public mutating func kind() throws(DataError) -> Kind {
    skipSpace()
    switch text.next {
    case UInt8(ascii: "{"): return .object
    case UInt8(ascii: "["): return .array
    case UInt8(ascii: "\""): return .string
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
    case UInt8(ascii: "t"): return .true
    case UInt8(ascii: "f"): return .false
    case UInt8(ascii: "n"): return .null
    default: throw error(text.isAtEnd ? "the text ends where a value should be" : "no value begins here")
    }
  }

  /// Reads `null` if it is next.
  public mutating func takeNull() throws(DataError) -> Bool {
    guard try kind() == .null else { return false }
    try takeLiteral("null")
    return true
  }

  public mutating func takeBool() throws(DataError) -> Bool {
    let isTrue = try kind() == .true
    try takeLiteral(isTrue ? "true" : "false")
    return isTrue
  }

  /// Reads a number and gives its bytes as they stand.
  @_lifetime(copy self)
  public mutating func takeNumber() throws(DataError) -> RawSpan {
    skipSpace()
    let start = text.place
    _ = text.take("-")
    let leadingZero = text.next == UInt8(ascii: "0")
    let wholeStart = text.place
    guard takeDigits(), !leadingZero || text.place == wholeStart + 1 else {
      throw error("a number is malformed")
    }
    if text.take(".") { guard takeDigits() else { throw error("a number is malformed") } }
    if text.take("e") || text.take("E") {
      if !text.take("-") { _ = text.take("+") }
      guard takeDigits() else { throw error("a number is malformed") }
    }
    return text.bytes.extracting(start..<text.place)
  }

  /// Reads a string and hands its bytes to the closure, UTF-8 with every escape resolved.
  public mutating func takeString<R>(_ body: (RawSpan) throws(DataError) -> R) throws(DataError) -> R {
    skipSpace()
    guard text.take("\"") else { throw error("no string begins here") }
    let start = text.place
    while true {
      let byte = text.next
      if byte == UInt8(ascii: "\"") {
        let bytes = text.bytes.extracting(start..<text.place)
        text.skip()
        return try body(bytes)
      }
      if byte == UInt8(ascii: "\\") { break }
      guard byte >= 0x20 else { throw badStringByte }
      text.skip()
    }
    decoded.removeAll(keepingCapacity: true)
    text.bytes.extracting(start..<text.place).withUnsafeBytes { decoded.append(contentsOf: $0) }
    while true {
      let byte = text.next
      if byte == UInt8(ascii: "\"") { break }
      if byte == UInt8(ascii: "\\") {
        try takeEscape()
      } else {
        guard byte >= 0x20 else { throw badStringByte }
        decoded.append(byte)
        text.skip()
      }
    }
    text.skip()
    return try body(decoded.span.bytes)
  }

  /// Reads any value and forgets it.
  public mutating func skipValue() throws(DataError) {
    switch try kind() {
    case .object:
      try beginObject()
      while try takeKey({ _ throws(DataError) in }) != nil { try skipValue() }
    case .array:
      try beginArray()
      while try hasItem() { try skipValue() }
    case .string: try takeString { _ throws(DataError) in }
    case .number: _ = try takeNumber()
    case .true, .false: _ = try takeBool()
    case .null: _ = try takeNull()
    }
  }

  // MARK: Containers

  public mutating func beginObject() throws(DataError) { try begin("{", "an object") }

  /// Reads the next key and its colon; nil at the end of the object, which is then behind.
  public mutating func takeKey<R>(_ body: (RawSpan) throws(DataError) -> R) throws(DataError) -> R? {
    guard try hasNext(before: "}") else { return nil }
    let key = try takeString(body)
    skipSpace()
    guard text.take(":") else { throw error("a colon is missing after a key") }
    return key
  }

  public mutating func beginArray() throws(DataError) { try begin("[", "an array") }

  /// Whether another item follows, the place of which is then next; at the end of the array false, and it is behind.
  public mutating func hasItem() throws(DataError) -> Bool { try hasNext(before: "]") }

  /// Whether nothing but spaces is left.
  public mutating func isAtEnd() -> Bool {
    skipSpace()
    return text.isAtEnd
  }

  /// An error about the byte that is next.
  public func error(_ message: String) -> DataError { DataError(.invalid, message, offset: text.place) }

  // MARK: Pieces

  /// Whether a container has just begun: no comma stands before its first item.
  private var isFirst = false

  private mutating func begin(_ bracket: Unicode.Scalar, _ what: String) throws(DataError) {
    skipSpace()
    guard text.take(bracket) else { throw error("\(what) should begin here") }
    guard depthLeft > 0 else { throw DataError(.limit, "JSON nests too deeply", offset: text.place) }
    depthLeft -= 1
    isFirst = true
  }

  private mutating func hasNext(before bracket: Unicode.Scalar) throws(DataError) -> Bool {
    skipSpace()
    let wasFirst = isFirst
    isFirst = false
    if text.take(bracket) {
      depthLeft += 1
      return false
    }
    if wasFirst { return true }
    guard text.take(",") else { throw error(text.isAtEnd ? "the text ends too early" : "a comma is missing") }
    return true
  }

  private mutating func skipSpace() {
    while case let byte = text.next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      text.skip()
    }
  }

  private mutating func takeLiteral(_ literal: StaticString) throws(DataError) {
    for i in 0..<literal.utf8CodeUnitCount {
      guard text.next == literal.utf8Start[i] else { throw error("'\(literal)' should stand here") }
      text.skip()
    }
  }

  private mutating func takeDigits() -> Bool {
    guard text.takeDigit() != nil else { return false }
    while text.takeDigit() != nil {}
    return true
  }

  private var badStringByte: DataError {
    error(text.isAtEnd ? "a string does not end" : "a control character in a string must be escaped")
  }

  private mutating func takeEscape() throws(DataError) {
    text.skip()
    let escaped = text.next
    text.skip()
    switch escaped {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): decoded.append(escaped)
    case UInt8(ascii: "b"): decoded.append(8)
    case UInt8(ascii: "t"): decoded.append(9)
    case UInt8(ascii: "n"): decoded.append(10)
    case UInt8(ascii: "f"): decoded.append(12)
    case UInt8(ascii: "r"): decoded.append(13)
    case UInt8(ascii: "u"):
      var code = try takeHexadecimal()
      if code & 0xFC00 == 0xD800 {
        guard text.take("\\"), text.take("u"), case let low = try takeHexadecimal(), low & 0xFC00 == 0xDC00
        else {
          throw error("half of a surrogate pair")
        }
        code = 0x10000 + (code & 0x3FF) << 10 + (low & 0x3FF)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error("half of a surrogate pair") }
      decoded.append(contentsOf: UTF8.encode(scalar)!)
    default: throw error("no escape begins so")
    }
  }

  private mutating func takeHexadecimal() throws(DataError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = HexadecimalText.digit(text.next) else { throw error("\\u needs four digits") }
      code = code << 4 | UInt32(digit)
      text.skip()
    }
    return code
  }
}

/// Bytes as hexadecimal text.
enum HexadecimalText {
  static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 48
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - 87
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - 55
    default: nil
    }
  }

  /// The bytes that pairs of digits are; nil for anything else.
  static func parse(_ text: RawSpan) -> [UInt8]? {
    guard text.byteCount.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.byteCount / 2)
    for i in stride(from: 0, to: text.byteCount, by: 2) {
      // SAFETY: both places are below the even byteCount.
      guard let high = digit(text.unsafeLoad(fromUncheckedByteOffset: i, as: UInt8.self)),
        let low = digit(text.unsafeLoad(fromUncheckedByteOffset: i + 1, as: UInt8.self))
      else { return nil }
      bytes.append(high << 4 | low)
    }
    return bytes
  }
}
