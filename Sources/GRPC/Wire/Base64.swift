// Base64 (RFC 4648) as metadata uses it: written without padding, read with or without.

package enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  private static let values: [UInt8] = {
    var table = [UInt8](repeating: 0xFF, count: 256)
    for (value, byte) in alphabet.enumerated() { table[Int(byte)] = UInt8(value) }
    return table
  }()

  package static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count * 4 + 2) / 3)
    var i = 0
    while i < bytes.count {
      let n = min(3, bytes.count - i)
      let second = n > 1 ? bytes[i + 1] : 0
      let third = n > 2 ? bytes[i + 2] : 0
      let group = UInt32(bytes[i]) << 16 | UInt32(second) << 8 | UInt32(third)
      for k in 0...n { text.append(alphabet[Int(group >> (18 - 6 * UInt32(k)) & 63)]) }
      i += 3
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// - Returns: nil for a byte outside of the alphabet, and for a length or padding that no encoder makes.
  package static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    var digits = text
    var padding = 0
    while padding < 2, digits.last == UInt8(ascii: "=") {
      digits.removeLast()
      padding += 1
    }
    if padding > 0, text.count % 4 != 0 { return nil }
    if digits.count % 4 == 1 { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count * 3 / 4)
    var group: UInt32 = 0
    var bits = 0
    for byte in digits {
      let value = values[Int(byte)]
      guard value != 0xFF else { return nil }
      group = group << 6 | UInt32(value)
      bits += 6
      if bits >= 8 {
        bits -= 8
        bytes.append(UInt8(truncatingIfNeeded: group >> UInt32(bits)))
      }
    }
    return bytes
  }
}
