// Protocol Buffers read field by field, without generated code and without copying bytes.

import Memory

/// One field of a message: its number and what is on the wire for it.
public struct ProtobufField: Sendable {
  public enum Value: Sendable {
    case varint(UInt64)
    case fixed64(UInt64)
    case fixed32(UInt32)
    /// A string, bytes, a message, or packed numbers: a slice of the message that it is in.
    case bytes(Buffer)
  }

  public let number: Int
  public let value: Value
  /// Where the field begins in its message.
  public let offset: Int

  private func mismatch(_ wanted: String) -> DataError {
    DataError(.malformed, "protobuf field \(number) is not \(wanted)", offset: offset)
  }

  /// A number of any integer type; negative ones are sign-extended by the format.
  public func integer() throws(DataError) -> Int64 {
    guard case .varint(let value) = value else { throw mismatch("a number") }
    return Int64(bitPattern: value)
  }

  public func bool() throws(DataError) -> Bool { try integer() != 0 }

  public func double() throws(DataError) -> Double {
    guard case .fixed64(let bits) = value else { throw mismatch("a double") }
    return Double(bitPattern: bits)
  }

  /// A 64-bit number of fixed width, `fixed64` or (by its bits) `sfixed64`.
  public func fixed64() throws(DataError) -> UInt64 {
    guard case .fixed64(let bits) = value else { throw mismatch("a fixed64") }
    return bits
  }

  /// The numbers of a repeated field: one, or many packed into bytes. Writers may use either, and mix them.
  public func integers() throws(DataError) -> [Int64] {
    guard case .bytes(let packed) = value else { return [try integer()] }
    return try ProtobufReader(packed).packedVarints()
  }

  public func bytes() throws(DataError) -> Buffer {
    guard case .bytes(let bytes) = value else { throw mismatch("a string or message") }
    return bytes
  }

  public func string() throws(DataError) -> String {
    let bytes = try bytes()
    let raw = UnsafeRawBufferPointer(start: bytes.base, count: bytes.count)
    guard let text = String(validating: raw, as: UTF8.self) else { throw mismatch("UTF-8") }
    return text
  }

  /// A nested message.
  public func message() throws(DataError) -> ProtobufReader { ProtobufReader(try bytes()) }
}

/// Walks the fields of one message. Unknown fields are the caller's to pass over: fields come in any order and number.
public struct ProtobufReader: Sendable {
  private let buffer: Buffer
  private var position = 0

  public init(_ message: Buffer) { buffer = message }

  /// The next field, or nil at the end.
  /// - Throws: `.malformed` for a field that leaves the message, field number 0, groups (which no message here has), and
  ///   numbers of more than 64 bits.
  public mutating func next() throws(DataError) -> ProtobufField? {
    guard position < buffer.count else { return nil }
    let offset = position
    let key = try varint()
    guard let number = Int(exactly: key >> 3), (1...536_870_911).contains(number) else {
      throw DataError(.malformed, "a protobuf field of number \(key >> 3)", offset: offset)
    }
    let value: ProtobufField.Value
    switch key & 7 {
    case 0: value = .varint(try varint())
    case 1: value = .fixed64(try fixed(UInt64.self))
    case 2:
      let length = try varint()
      guard length <= UInt64(buffer.count - position) else {
        throw DataError(
          .malformed, "protobuf field \(number) of \(length) bytes in a message of \(buffer.count)",
          offset: offset)
      }
      value = .bytes(buffer.slice(position..<position + Int(length)))
      position += Int(length)
    case 5: value = .fixed32(try fixed(UInt32.self))
    default: throw DataError(.malformed, "protobuf field \(number) of wire type \(key & 7)", offset: offset)
    }
    return ProtobufField(number: number, value: value, offset: offset)
  }

  private mutating func varint() throws(DataError) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), through: 63, by: 7) {
      guard position < buffer.count else { break }
      let byte = buffer.load(at: position, as: UInt8.self)
      position += 1
      // The tenth byte has room for one bit.
      if shift == 63, byte > 1 { break }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw DataError(.malformed, "a protobuf number that does not end", offset: position)
  }

  /// The numbers that the message is made of, one behind the other without keys.
  fileprivate consuming func packedVarints() throws(DataError) -> [Int64] {
    var numbers: [Int64] = []
    while position < buffer.count { numbers.append(Int64(bitPattern: try varint())) }
    return numbers
  }

  private mutating func fixed<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws(DataError) -> T {
    guard buffer.count - position >= MemoryLayout<T>.size else {
      throw DataError(.malformed, "a protobuf number that does not end", offset: position)
    }
    defer { position += MemoryLayout<T>.size }
    return T(littleEndian: buffer.load(at: position, as: type))
  }
}
