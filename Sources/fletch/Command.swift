// What a subcommand is, and how its help reads.

struct Command: Sendable {
  let name: String
  /// The operands, as the usage line shows them.
  let operands: String
  let summary: String
  /// What the help says beyond the summary.
  let discussion: String
  let options: [Option]
  /// Options that the help lists last, under a heading of their own.
  var more: (heading: String, options: [Option]) = ("", [])
  let run: @Sendable (Arguments) throws -> Void

  static let helpOption = Option("help", short: "h", "Show this help.")

  var help: String {
    var text = "\(summary)\n\nUsage: fletch \(name)\(operands.isEmpty ? "" : " " + operands) [options]\n"
    if !discussion.isEmpty { text += "\n\(discussion)\n" }
    text += "\nOptions:\n" + Command.list(options + [Command.helpOption])
    if !more.options.isEmpty { text += "\n\(more.heading)\n" + Command.list(more.options) }
    return text
  }

  private static func list(_ options: [Option]) -> String {
    var text = ""
    for option in options {
      let short = option.short.map { "-\($0), " } ?? "    "
      let left = "  \(short)--\(option.name)\(option.value.map { " " + $0 } ?? "")"
      let lines = option.help.split(separator: "\n", omittingEmptySubsequences: false)
      for (i, line) in lines.enumerated() {
        let start = i == 0 ? left : ""
        text += start.padded(to: 28) + (start.count >= 28 ? "\n" + "".padded(to: 28) : "") + line + "\n"
      }
    }
    return text
  }
}

/// A failure that says all there is to say, in text that may stand on a terminal.
struct ReportedError: Error {
  let message: String
  let code: Int32

  init(_ message: String, code: Int32 = 1) {
    self.message = message
    self.code = code
  }
}

extension String {
  /// This text with spaces behind it.
  func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }

  /// This text with spaces in front of it.
  func leftPadded(to width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}

extension Int {
  /// The number with a comma between thousands.
  var grouped: String {
    let digits = String(magnitude)
    var text = self < 0 ? "-" : ""
    for (i, digit) in digits.enumerated() {
      if i > 0, (digits.count - i).isMultiple(of: 3) { text += "," }
      text.append(digit)
    }
    return text
  }
}
