// Protocol Buffers written field by field.

import Memory

/// Collects the fields of one message. As in proto3, numbers that are 0 and strings that are empty are left out unless the
/// field is said to be present.
public struct ProtobufWriter {
  public private(set) var bytes: [UInt8] = []

  public init() {}

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func key(_ field: Int, wireType: UInt64) { varint(UInt64(field) << 3 | wireType) }

  public mutating func integer(_ field: Int, _ value: Int64, isPresent: Bool = false) {
    guard value != 0 || isPresent else { return }
    key(field, wireType: 0)
    varint(UInt64(bitPattern: value))
  }

  public mutating func bool(_ field: Int, _ value: Bool, isPresent: Bool = false) {
    integer(field, value ? 1 : 0, isPresent: isPresent)
  }

  public mutating func double(_ field: Int, _ value: Double, isPresent: Bool = false) {
    guard value.bitPattern != 0 || isPresent else { return }
    key(field, wireType: 1)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
  }

  public mutating func fixed64(_ field: Int, _ value: UInt64, isPresent: Bool = false) {
    guard value != 0 || isPresent else { return }
    key(field, wireType: 1)
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// A repeated number, packed.
  public mutating func integers(_ field: Int, _ values: [Int64]) {
    guard !values.isEmpty else { return }
    var packed = ProtobufWriter()
    for value in values { packed.varint(UInt64(bitPattern: value)) }
    bytes(field, packed.bytes)
  }

  public mutating func bytes(_ field: Int, _ value: [UInt8], isPresent: Bool = false) {
    guard !value.isEmpty || isPresent else { return }
    startBytes(field, count: value.count)
    bytes.append(contentsOf: value)
  }

  public mutating func bytes(_ field: Int, _ value: Buffer, isPresent: Bool = false) {
    guard value.count > 0 || isPresent else { return }
    startBytes(field, count: value.count)
    bytes.append(contentsOf: UnsafeRawBufferPointer(start: value.base, count: value.count))
  }

  public mutating func string(_ field: Int, _ value: String, isPresent: Bool = false) {
    bytes(field, Array(value.utf8), isPresent: isPresent)
  }

  /// A nested message, present even when it is empty.
  public mutating func message(_ field: Int, _ write: (inout ProtobufWriter) -> Void) {
    var nested = ProtobufWriter()
    write(&nested)
    bytes(field, nested.bytes, isPresent: true)
  }

  /// The key and length of a field whose `count` bytes follow by other means: a body that is sent from where it is.
  public mutating func startBytes(_ field: Int, count: Int) {
    key(field, wireType: 2)
    varint(UInt64(count))
  }
}
