// A YAML document as a tree whose every node knows its line.

/// A value of a document.
public indirect enum YAMLNode: Sendable, Equatable {
  /// Text, as it is meant: without quotes and escapes.
  case scalar(String, line: Int)
  case sequence([YAMLNode], line: Int)
  /// In the document's order; a key may be there twice.
  case mapping([YAMLEntry], line: Int)

  /// The line that it begins on, from 1.
  public var line: Int {
    switch self {
    case .scalar(_, let line), .sequence(_, let line), .mapping(_, let line): line
    }
  }
}

public struct YAMLEntry: Sendable, Equatable {
  public var key: String
  public var line: Int
  public var value: YAMLNode

  public init(key: String, line: Int, value: YAMLNode) {
    self.key = key
    self.line = line
    self.value = value
  }
}

/// Why a text is no document.
public struct YAMLError: Error, Equatable, CustomStringConvertible {
  public var message: String
  public var line: Int

  public var description: String { "line \(line): \(message)" }
}
