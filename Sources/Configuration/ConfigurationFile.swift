// The settings that a YAML file has: each key once, with its texts and its line.

/// What a file says.
public struct ConfigurationFile: Sendable {
  public struct Entry: Sendable, Equatable {
    public var values: [String]
    public var line: Int
  }

  public let path: String
  public private(set) var entries: [String: Entry] = [:]
  /// What is wrong with it, with file and line.
  public private(set) var faults: [String] = []

  /// - Parameter text: keys are settings' names; a value is a text, a list of texts, or a mapping, which is a list of `KEY=TEXT`.
  public init(path: String, text: String) {
    self.path = path
    do throws(YAMLError) {
      switch try YAMLParser.parse(text) {
      case nil: break
      case .mapping(let found, _)?: for entry in found { add(entry) }
      case .scalar("", _)?: break
      case let other?: fault(other.line, "settings are 'name: value'")
      }
    } catch {
      fault(error.line, error.message)
    }
  }

  private mutating func add(_ entry: YAMLEntry) {
    // Both spellings are in use; settings have hyphens.
    let key = String(entry.key.map { $0 == "_" ? "-" : $0 })
    if let other = entries[key] {
      return fault(entry.line, "'\(entry.key)' is set on line \(other.line) already")
    }
    var values: [String] = []
    switch entry.value {
    case .scalar(let text, _): values = [text]
    case .sequence(let items, _):
      for item in items {
        guard case .scalar(let text, _) = item else {
          return fault(item.line, "'\(entry.key)' takes a list of texts")
        }
        values.append(text)
      }
    case .mapping(let pairs, _):
      for pair in pairs {
        guard case .scalar(let text, _) = pair.value else {
          return fault(pair.line, "'\(entry.key)' takes pairs of texts")
        }
        values.append("\(pair.key)=\(text)")
      }
    }
    entries[key] = Entry(values: values, line: entry.line)
  }

  private mutating func fault(_ line: Int, _ message: String) { faults.append("\(path):\(line): \(message)") }
}
