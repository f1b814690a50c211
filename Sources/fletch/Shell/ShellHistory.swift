// What was typed in earlier sessions, in a file of one text a line.

import Glibc
import Memory

struct ShellHistory {
  private let path: String?
  private static let limit = 2000

  /// The file is `fletch/history` in the folder that XDG has for state.
  init() {
    func variable(_ name: String) -> String? {
      getenv(name).map { String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
    let folder = variable("XDG_STATE_HOME") ?? variable("HOME").map { "\($0)/.local/state" }
    path = folder.map { "\($0)/fletch/history" }
  }

  /// The texts, oldest first; none when there is no such file.
  func load() -> [String] {
    guard let path, let text = try? readText(path) else { return [] }
    return text.split(separator: "\n").suffix(ShellHistory.limit).map { ShellHistory.unescaped($0) }
  }

  /// Adds a text at once: a session that is killed has its history nevertheless. Whoever may not write goes without.
  func append(_ text: String) {
    guard let path, text.contains(where: { !$0.isWhitespace }) else { return }
    makeFolders(path)
    let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard file >= 0 else { return }
    defer { close(file) }
    let line = text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n") + "\n"
    _ = Array(line.utf8).withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
  }

  private func makeFolders(_ path: String) {
    var folder = ""
    for part in path.split(separator: "/").dropLast() {
      folder += "/\(part)"
      mkdir(folder, 0o700)
    }
  }

  private static func unescaped(_ line: Substring) -> String {
    var text = ""
    var isEscape = false
    for character in line {
      if isEscape {
        text.append(character == "n" ? "\n" : character)
        isEscape = false
      } else if character == "\\" {
        isEscape = true
      } else {
        text.append(character)
      }
    }
    return text
  }
}
