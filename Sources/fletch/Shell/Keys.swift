// What is typed at a terminal, as keys: UTF-8 characters, control characters and escape sequences.

import Glibc

/// A key.
enum Key: Equatable {
  case character(Character)
  /// Ctrl and a letter, in lower case.
  case control(Character)
  case enter, backspace, delete, tab, escape
  case left, right, up, down, home, end, wordLeft, wordRight, wordDelete
  /// The terminal is gone.
  case endOfInput
}

/// Reads keys from standard input.
struct KeyReader {
  mutating func next() -> Key {
    guard let byte = KeyReader.byte() else { return .endOfInput }
    switch byte {
    case 0x0D, 0x0A: return .enter
    case 0x7F, 0x08: return .backspace
    case 0x09: return .tab
    case 0x1B: return sequence()
    case 0..<0x20: return .control(Character(UnicodeScalar(byte + 0x60)))
    case 0..<0x80: return .character(Character(UnicodeScalar(byte)))
    default: return character(byte)
    }
  }

  /// A character of several bytes.
  private func character(_ first: UInt8) -> Key {
    let count = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
    var bytes = [first]
    while bytes.count < count, let byte = KeyReader.byte() { bytes.append(byte) }
    // What is no UTF-8 is shown as such.
    return .character(String(decoding: bytes, as: UTF8.self).first ?? "\u{FFFD}")
  }

  /// What follows an escape: a sequence comes at once, a person's next key does not.
  private func sequence() -> Key {
    guard let second = KeyReader.byte(within: 50) else { return .escape }
    switch second {
    case UInt8(ascii: "b"): return .wordLeft
    case UInt8(ascii: "f"): return .wordRight
    case UInt8(ascii: "d"), 0x7F: return second == 0x7F ? .control("w") : .wordDelete
    case UInt8(ascii: "["), UInt8(ascii: "O"): break
    default: return .escape
    }
    var parameters: [UInt8] = []
    while let byte = KeyReader.byte(within: 50) {
      guard (0x40...0x7E).contains(byte) else {
        parameters.append(byte)
        continue
      }
      return KeyReader.key(final: byte, String(decoding: parameters, as: UTF8.self))
    }
    return .escape
  }

  private static func key(final: UInt8, _ parameters: String) -> Key {
    // `1;5` is with Ctrl, `1;3` with Alt.
    let isWord = parameters.hasSuffix(";5") || parameters.hasSuffix(";3")
    switch (UnicodeScalar(final), parameters) {
    case ("A", _): return .up
    case ("B", _): return .down
    case ("C", _): return isWord ? .wordRight : .right
    case ("D", _): return isWord ? .wordLeft : .left
    case ("H", _), ("~", "1"), ("~", "7"): return .home
    case ("F", _), ("~", "4"), ("~", "8"): return .end
    case ("~", "3"): return .delete
    default: return .escape
    }
  }

  /// The next byte; nil at the end, or when none comes within so many milliseconds.
  private static func byte(within milliseconds: Int32 = -1) -> UInt8? {
    var entry = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    while true {
      let ready = poll(&entry, 1, milliseconds)
      if ready < 0, errno == EINTR { continue }
      guard ready > 0 else { return nil }
      var byte: UInt8 = 0
      let count = read(STDIN_FILENO, &byte, 1)
      if count < 0, errno == EINTR { continue }
      return count == 1 ? byte : nil
    }
  }
}
