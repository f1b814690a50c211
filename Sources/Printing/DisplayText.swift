// Text as a terminal shows it: how wide it is, cut to a width, and without what could steer the terminal.

/// A text and the columns that it takes on a terminal.
struct DisplayText: Equatable {
  var text: [UInt8]
  var width: Int
  /// Whether it stands for a null.
  var isNull = false

  /// - Parameters:
  ///   - bytes: UTF-8; other bytes, too, are shown as something.
  ///   - limit: the most columns; what does not fit ends in `…`.
  init(_ bytes: ArraySlice<UInt8>, limit: Int) {
    text = []
    width = 0
    // Plain text that fits is most of all text.
    if bytes.count <= limit, bytes.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) {
      text = Array(bytes)
      width = bytes.count
      return
    }
    // Where the text could still be cut so that `…` fits.
    var cut = (length: 0, width: 0)
    for character in String(decoding: bytes, as: UTF8.self) {
      let (shown, columns) = DisplayText.shown(character)
      guard width + columns <= limit else {
        text.removeLast(text.count - cut.length)
        text.append(contentsOf: "…".utf8)
        width = cut.width + 1
        return
      }
      text.append(contentsOf: shown.utf8)
      width += columns
      if width < limit { cut = (text.count, width) }
    }
  }

  /// What stands for a character, and its columns.
  private static func shown(_ character: Character) -> (text: String, width: Int) {
    switch character {
    case "\n": return ("\\n", 2)
    case "\r": return ("\\r", 2)
    case "\r\n": return ("\\r\\n", 4)
    case "\t": return ("\\t", 2)
    default: break
    }
    var text = ""
    var width = 0
    for scalar in character.unicodeScalars {
      if isUnshown(scalar) {
        text.unicodeScalars.append("\u{FFFD}")
        width = max(width, 1)
      } else {
        text.unicodeScalars.append(scalar)
        // U+FE0F asks for the picture of the character before it.
        width = max(width, scalar == "\u{FE0F}" ? 2 : columns(of: scalar))
      }
    }
    // Combining marks alone still take the place of what they lack, and two regional indicators are a flag.
    return (
      text, character.unicodeScalars.count > 1 && isRegional(character.unicodeScalars.first!) ? 2 : width
    )
  }

  /// Controls, and characters that turn the direction of the text around them or end its line.
  private static func isUnshown(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x61C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x206F, 0xFEFF,
      0xFFF9...0xFFFB,
      0xE0001:
      true
    default: false
    }
  }

  private static func isRegional(_ scalar: Unicode.Scalar) -> Bool {
    (0x1F1E6...0x1F1FF).contains(scalar.value)
  }

  /// The columns of one character by itself: Unicode's East Asian Width (UAX #11), pictures as wide.
  static func columns(of scalar: Unicode.Scalar) -> Int {
    if scalar.value < 0x300 { return 1 }
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97C,
      0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6B, 0xFF01...0xFF60, 0xFFE0...0xFFE6,
      0x16FE0...0x18CFF, 0x1AFF0...0x1B2FF, 0x1F200...0x1F265, 0x20000...0x3FFFD:
      // Some of them combine: the tone marks of Chinese and the voicing marks of kana.
      return isMark(scalar) ? 0 : 2
    // The vowels and final consonants of Hangul join the one before them.
    case 0x1160...0x11FF: return 0
    default: break
    }
    if isMark(scalar) { return 0 }
    return scalar.properties.isEmojiPresentation ? 2 : 1
  }

  private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: true
    default: false
    }
  }
}

/// The columns that a text takes on a terminal.
public func displayWidth(of text: String) -> Int { DisplayText(Array(text.utf8)[...], limit: .max).width }
