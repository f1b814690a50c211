// A setting of the server: one table of them is read by the command line, the environment, YAML files and the documentation.

import GRPC
import HTTP2
import Memory

/// One setting: its name, what it is about, how its text is read, and where its value goes.
public struct ServerSetting: Sendable {
  typealias Path<Value> = WritableKeyPath<ServerConfiguration, Value> & Sendable

  /// Where a value goes decides how it is written.
  enum Place: Sendable {
    case count(any Path<Int>, ClosedRange<Int>)
    /// `off` is no limit.
    case optionalCount(any Path<Int?>, ClosedRange<Int>)
    case bytes(any Path<Int>, ClosedRange<Int>)
    case optionalBytes(any Path<Int?>, ClosedRange<Int>)
    case time(any Path<Duration>)
    /// `off` is no limit.
    case optionalTime(any Path<Duration?>)
    case rate(any Path<Rate>)
    case flag(any Path<Bool>)
    case text(any Path<String?>, form: String)
    /// May be given several times.
    case texts(any Path<[String]>, form: String)
    case log(any Path<LogForm>)
  }

  /// In words with hyphens, as on the command line: `idle-time`.
  public let name: String
  /// A sentence without the default.
  public let help: String
  /// Of what it is a setting.
  public var section = Section.wire
  let place: Place
  /// What the default is in words, where the machine decides.
  var defaultInWords: String?

  /// The groups of settings, in the order of the documentation.
  public enum Section: String, Sendable, CaseIterable {
    case tables = "Tables"
    case listening = "Addresses and TLS"
    case users = "Users"
    case statements = "Statements"
    case logs = "Logs"
    case wire = "Limits of the wire"
  }

  init(_ name: String, _ place: Place, _ help: String) {
    self.name = name
    self.place = place
    self.help = help
  }

  init(_ section: Section, _ name: String, _ place: Place, _ help: String, defaultInWords: String? = nil) {
    self.init(name, place, help)
    self.defaultInWords = defaultInWords
    self.section = section
  }

  /// Every setting, in the order of the help.
  public static let all = server + wire

  /// The variable of the environment that sets it.
  public var variable: String {
    "FLETCH_" + String(name.map { $0 == "-" ? "_" : Character($0.uppercased()) })
  }

  /// What the value is called where its form is explained.
  public var form: String {
    switch place {
    case .count, .optionalCount: "N"
    case .bytes, .optionalBytes: "SIZE"
    case .time, .optionalTime: "TIME"
    case .rate: "BURST/RATE"
    case .flag: "true|false"
    case .text(_, let form), .texts(_, let form): form
    case .log: LogForm.allCases.map(\.rawValue).joined(separator: "|")
    }
  }

  /// Nil where it is no switch; else what it is without being set.
  public var switchDefault: Bool? {
    guard case .flag(let path) = place else { return nil }
    return ServerConfiguration()[keyPath: path]
  }

  public var isRepeatable: Bool {
    if case .texts = place { return true }
    return false
  }

  /// The values in a configuration, in the form that `set` takes; none where there is no value.
  public func texts(in configuration: ServerConfiguration) -> [String] {
    switch place {
    case .count(let path, _): ["\(configuration[keyPath: path])"]
    case .optionalCount(let path, _): [configuration[keyPath: path].map { "\($0)" } ?? "off"]
    case .bytes(let path, _): [SettingText.bytes(configuration[keyPath: path])]
    case .optionalBytes(let path, _): [configuration[keyPath: path].map { SettingText.bytes($0) } ?? "off"]
    case .time(let path): [SettingText.time(configuration[keyPath: path])]
    case .optionalTime(let path): [configuration[keyPath: path].map { SettingText.time($0) } ?? "off"]
    case .rate(let path): ["\(configuration[keyPath: path].burst)/\(configuration[keyPath: path].perSecond)"]
    case .flag(let path): ["\(configuration[keyPath: path])"]
    case .text(let path, _): configuration[keyPath: path].map { [$0] } ?? []
    case .texts(let path, _): configuration[keyPath: path]
    case .log(let path): [configuration[keyPath: path].rawValue]
    }
  }

  /// The value without being set, as people read it.
  public var defaultText: String? {
    if let defaultInWords { return defaultInWords }
    let texts = texts(in: ServerConfiguration())
    return texts.isEmpty ? nil : texts.joined(separator: ", ")
  }
}
