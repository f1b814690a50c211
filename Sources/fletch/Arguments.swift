// Command lines: options, values and operands, with the help text made from the same table.

import Memory
import Server

/// One option of a command.
struct Option: Sendable {
  let name: String
  /// What its value is called in the help; nil for a switch.
  let value: String?
  let help: String
  let short: Character?

  /// An option with a value.
  init(_ name: String, _ value: String, short: Character? = nil, _ help: String) {
    self.name = name
    self.value = value
    self.short = short
    self.help = help
  }

  /// A switch.
  init(_ name: String, short: Character? = nil, _ help: String) {
    self.name = name
    value = nil
    self.short = short
    self.help = help
  }
}

/// A command line that does not say what the command needs: exit code 2.
struct UsageError: Error {
  let message: String

  init(_ message: String) { self.message = message }
}

/// What a command line said.
struct Arguments {
  private var values: [String: [String]] = [:]
  private(set) var operands: [String] = []

  /// Options may stand anywhere; `--` ends them; `-` alone is an operand.
  init(_ words: [String], _ options: [Option]) throws(UsageError) {
    var rest = words[...]
    while let word = rest.popFirst() {
      guard word.hasPrefix("-"), word != "-" else {
        operands.append(word)
        continue
      }
      if word == "--" {
        operands.append(contentsOf: rest)
        break
      }
      let (name, attached) = Arguments.split(word)
      guard let option = options.first(where: { "--\($0.name)" == name || $0.short.map { "-\($0)" } == name })
      else {
        throw UsageError("unknown option '\(name)'")
      }
      if option.value == nil {
        guard attached == nil else { throw UsageError("option '\(name)' takes no value") }
        values[option.name, default: []].append("")
      } else {
        guard let value = attached ?? rest.popFirst() else {
          throw UsageError("option '\(name)' needs a value")
        }
        values[option.name, default: []].append(value)
      }
    }
  }

  private static func split(_ word: String) -> (name: String, value: String?) {
    guard word.hasPrefix("--"), let equals = word.firstIndex(of: "=") else { return (word, nil) }
    return (String(word[..<equals]), String(word[word.index(after: equals)...]))
  }

  func has(_ option: String) -> Bool { values[option] != nil }

  /// The option's value; the last one when it was given several times.
  func string(_ option: String) -> String? { values[option]?.last }

  /// The values of an option that may be given several times.
  func strings(_ option: String) -> [String] { values[option] ?? [] }

  func integer(_ option: String, in range: ClosedRange<Int>) throws(UsageError) -> Int? {
    guard let text = string(option) else { return nil }
    guard let value = Int(text.filter { $0 != "_" }), range.contains(value) else {
      let limits =
        range.upperBound == .max
        ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
      throw UsageError("option '--\(option)' takes a whole number, \(limits), not '\(text)'")
    }
    return value
  }

  func choice<T: RawRepresentable & CaseIterable>(_ option: String, of type: T.Type) throws(UsageError) -> T?
  where T.RawValue == String {
    guard let text = string(option) else { return nil }
    guard let value = T(rawValue: text) else {
      let names = T.allCases.map(\.rawValue).joined(separator: ", ")
      throw UsageError("option '--\(option)' takes one of \(names), not '\(text)'")
    }
    return value
  }

  /// A length of time.
  func seconds(_ option: String) throws(UsageError) -> Double? {
    guard let text = string(option) else { return nil }
    guard let value = Double(text), value > 0, value < 1e9 else {
      throw UsageError("option '--\(option)' takes a number of seconds such as 2.5, not '\(text)'")
    }
    return value
  }

  /// A number of bytes such as `512M`, `4G` or `1000000`.
  func byteSize(_ option: String) throws(UsageError) -> Int? {
    guard let text = string(option) else { return nil }
    guard let bytes = SettingText.bytes(text) else {
      throw UsageError("option '--\(option)' takes a size such as 512M or 4G, not '\(text)'")
    }
    return bytes
  }

  /// Exactly these operands.
  func operands(_ names: String...) throws(UsageError) -> [String] {
    guard operands.count <= names.count else {
      throw UsageError("unexpected argument '\(operands[names.count])'")
    }
    guard operands.count == names.count else { throw UsageError("\(names[operands.count]) is missing") }
    return operands
  }
}
