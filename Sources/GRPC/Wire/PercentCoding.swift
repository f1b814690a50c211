// `grpc-message`: UTF-8 with everything but printable ASCII as `%XX`.

/// Writes strictly and reads leniently, as the specification asks (PROTOCOL-HTTP2.md, "Status-Message").
enum PercentCoding {
  private static let digits = Array("0123456789ABCDEF".utf8)

  /// - Parameter limit: what is longer is cut, between two characters.
  static func encode(_ text: String, limit: Int = .max) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(min(limit, text.utf8.count))
    for scalar in text.unicodeScalars {
      if (0x20...0x7E).contains(scalar.value), scalar != "%" {
        guard out.count < limit else { break }
        out.append(UInt8(truncatingIfNeeded: scalar.value))
        continue
      }
      let bytes = UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
      guard out.count <= limit - 3 * bytes.count else { break }
      for byte in bytes {
        out.append(UInt8(ascii: "%"))
        out.append(digits[Int(byte >> 4)])
        out.append(digits[Int(byte & 15)])
      }
    }
    // HTTP allows no space at the ends of a value.
    if out.last == 0x20 { out.replaceSubrange((out.count - 1)..., with: Array("%20".utf8)) }
    if out.first == 0x20 { out.replaceSubrange(..<1, with: Array("%20".utf8)) }
    return out
  }

  /// What is no escape stays as it is; what is no UTF-8 is replaced.
  static func decode(_ text: ArraySlice<UInt8>) -> String {
    var out: [UInt8] = []
    out.reserveCapacity(text.count)
    var i = text.startIndex
    while i < text.endIndex {
      if text[i] == UInt8(ascii: "%"), text.endIndex - i > 2, let high = value(text[i + 1]),
        let low = value(text[i + 2])
      {
        out.append(high << 4 | low)
        i += 3
      } else {
        out.append(text[i])
        i += 1
      }
    }
    return String(decoding: out, as: UTF8.self)
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
