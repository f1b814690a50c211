// The patterns that metadata is filtered with: SQL's LIKE, without any SQL.

/// `%` stands for any text, `_` for any one character, and a backslash takes the meaning of what follows it.
public struct LikePattern: Hashable, Sendable {
  private enum Part: Hashable, Sendable {
    case character(Unicode.Scalar)
    case anyOne
    case anyText
  }

  private let parts: [Part]

  /// Every text is a pattern; a backslash at the end stands for itself.
  public init(_ pattern: String) {
    var parts: [Part] = []
    var isEscaped = false
    for scalar in pattern.unicodeScalars {
      switch scalar {
      case _ where isEscaped:
        parts.append(.character(scalar))
        isEscaped = false
      case "\\": isEscaped = true
      // Two of them match what one does.
      case "%": if parts.last != .anyText { parts.append(.anyText) }
      case "_": parts.append(.anyOne)
      default: parts.append(.character(scalar))
      }
    }
    if isEscaped { parts.append(.character("\\")) }
    self.parts = parts
  }

  /// The pattern that matches a text and nothing else.
  public static func escaping(_ text: String) -> String {
    var pattern = ""
    for scalar in text.unicodeScalars {
      if scalar == "%" || scalar == "_" || scalar == "\\" { pattern.unicodeScalars.append("\\") }
      pattern.unicodeScalars.append(scalar)
    }
    return pattern
  }

  /// Whether the pattern matches all of a text; upper and lower case differ. Takes at most the product of the two lengths in
  /// steps, whatever the pattern.
  public func matches(_ text: String) -> Bool {
    let text = Array(text.unicodeScalars)
    var (part, place) = (0, 0)
    // Where the last `%` is, and up to where it has swallowed text: only that one need ever be taken back.
    var retry: (part: Int, place: Int)?
    while place < text.count {
      if part < parts.count {
        switch parts[part] {
        case .anyText:
          retry = (part, place)
          part += 1
          continue
        case .anyOne:
          part += 1
          place += 1
          continue
        case .character(let scalar) where scalar == text[place]:
          part += 1
          place += 1
          continue
        case .character: break
        }
      }
      guard let last = retry else { return false }
      retry = (last.part, last.place + 1)
      (part, place) = (last.part + 1, last.place + 1)
    }
    return parts[part...].allSatisfy { $0 == .anyText }
  }
}
