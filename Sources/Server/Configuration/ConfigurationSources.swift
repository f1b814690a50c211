// Where settings come from: flags before the environment before a file before the defaults.

import Configuration
import Memory

/// The settings of all sources, and where each is from.
public struct ConfigurationSources: Sendable {
  public enum Origin: Sendable, Equatable, CustomStringConvertible {
    case flag
    case environment(String)
    case file(String, line: Int)
    case standard

    public var description: String {
      switch self {
      case .flag: "command line"
      case .environment(let name): "environment, \(name)"
      case .file(let path, let line): "\(path):\(line)"
      case .standard: "default"
      }
    }
  }

  public private(set) var configuration = ServerConfiguration()
  public private(set) var origins: [String: Origin] = [:]
  /// What is wrong, each with where it is.
  public private(set) var faults: [String] = []
  /// Variables that look like settings and are none.
  public private(set) var unknownVariables: [String] = []

  /// Variables of the clients, and of the project's own tests.
  private static let otherVariables = [
    "FLETCH_CONFIG", "FLETCH_BIN", "FLETCH_PASSWORD", "FLETCH_SANITIZED",
  ]

  /// - Parameters:
  ///   - flags: what the command line says, by name; nil for a setting that it does not name.
  ///   - environment: all variables.
  public init(flags: (ServerSetting) -> [String]?, environment: [String: String], file: ConfigurationFile?) {
    let names = Set(ServerSetting.all.map(\.name))
    if let file {
      faults += file.faults
      for (key, entry) in file.entries.sorted(by: { $0.value.line < $1.value.line })
      where !names.contains(key) {
        faults.append(
          "\(file.path):\(entry.line): there is no setting '\(key)'\(ConfigurationSources.hint(key, names))")
      }
    }
    for setting in ServerSetting.all {
      // A lower source is read as well: what is wrong in it would show when the flag is gone.
      if let file, let entry = file.entries[setting.name] {
        read(setting, entry.values, .file(file.path, line: entry.line)) {
          "\(file.path):\(entry.line): '\(setting.name)'"
        }
      }
      if let text = environment[setting.variable] {
        let texts = setting.isRepeatable ? text.split(separator: ",").map(String.init) : [text]
        read(setting, texts, .environment(setting.variable)) { setting.variable }
      }
      if let texts = flags(setting) { read(setting, texts, .flag) { "option '--\(setting.name)'" } }
    }
    let variables = Set(ServerSetting.all.map(\.variable) + ConfigurationSources.otherVariables)
    unknownVariables = environment.keys.filter { $0.hasPrefix("FLETCH_") && !variables.contains($0) }.sorted()
    checkTogether()
  }

  private mutating func read(
    _ setting: ServerSetting, _ texts: [String], _ origin: Origin, place: () -> String
  ) {
    do throws(DataError) {
      try setting.set(texts, in: &configuration)
      origins[setting.name] = origin
    } catch {
      faults.append("\(place()) \(error.message)")
    }
  }

  /// What is wrong only with several settings together, or with one's text as a whole.
  private mutating func checkTogether() {
    for alias in configuration.aliases {
      let parts = alias.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count != 2 || parts.contains(where: \.isEmpty) {
        faults.append("\(place("alias")) takes NAME=TABLE, not '\(alias)'")
      }
    }
    for user in configuration.users where user.firstIndex(of: ":").map({ $0 == user.startIndex }) ?? true {
      faults.append("\(place("user")) takes NAME:PASSWORD")
    }
    if (configuration.certificate == nil) != (configuration.privateKey == nil) {
      faults.append("options '--tls-cert' and '--tls-key' go together")
    } else if configuration.clientAuthorities != nil, configuration.certificate == nil {
      faults.append("option '--tls-client-ca' goes with '--tls-cert'")
    }
  }

  /// A setting as messages name it.
  public func place(_ name: String) -> String {
    switch origins[name] {
    case .environment(let variable)?: variable
    case .file(let path, let line)?: "\(path):\(line): '\(name)'"
    default: "option '--\(name)'"
    }
  }

  /// A name that differs little.
  private static func hint(_ key: String, _ names: Set<String>) -> String {
    let close = names.sorted().map { ($0, distance(Array($0), Array(key))) }.min { $0.1 < $1.1 }
    return close.map { $0.1 <= 2 ? "; '\($0.0)' is meant?" : "" } ?? ""
  }

  private static func distance(_ a: [Character], _ b: [Character]) -> Int {
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, y) in b.enumerated() {
        let above = row[j + 1]
        row[j + 1] = min(diagonal + (x == y ? 0 : 1), above + 1, row[j] + 1)
        diagonal = above
      }
    }
    return row[b.count]
  }

  /// The effective configuration as a YAML file, with where each value is from.
  public var yaml: String {
    var text = ""
    for section in ServerSetting.Section.allCases {
      let settings = ServerSetting.all.filter { $0.section == section }
      if settings.isEmpty { continue }
      text += "# \(section.rawValue)\n"
      for setting in settings {
        let values = setting.texts(in: configuration).map {
          setting.isSecret ? "(secret)" : ConfigurationSources.quoted($0)
        }
        let origin = origins[setting.name] ?? .standard
        let value = setting.isRepeatable ? "[\(values.joined(separator: ", "))]" : values.first ?? ""
        // What has no value is a comment, so that the text can be read again.
        let line =
          values.isEmpty && !setting.isRepeatable ? "# \(setting.name):" : "\(setting.name): \(value)"
        text += line + String(repeating: " ", count: max(1, 40 - line.count)) + "# \(origin)\n"
      }
    }
    return text
  }

  private static func quoted(_ text: String) -> String {
    let plain =
      !text.isEmpty && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-".contains($0)) }
    return plain && text.first != "-" ? text : "'\(text.replacing("'", with: "''"))'"
  }
}

extension ServerSetting {
  /// Whether its value must not be shown.
  var isSecret: Bool { section == .users && isRepeatable }
}
