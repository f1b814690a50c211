// A script cut into its statements, and the line of it that an error is about.

import Printing
import SQL

/// Where the statements of a script are.
struct ScriptParts {
  private(set) var ranges: [Range<Int>] = []
  /// The parameters of each; nil when some statement could not be read, and only SQLite can tell.
  private(set) var parameters: [[Parameter]]? = []

  init(_ script: [UInt8]) {
    var reader = StatementReader(String(decoding: script, as: UTF8.self))
    var start = 0
    do throws(SQLError) {
      while let statement = try reader.next() {
        ranges.append(start..<reader.offset)
        parameters?.append(statement.parameters)
        start = reader.offset
      }
    } catch {
      // SQLite has the last word on what is SQL: it gets the rest as it is.
      ranges.append(start..<script.count)
      parameters = nil
    }
  }
}

/// A line of a script.
struct SourceLine {
  private let number: Int
  private let isOnly: Bool
  private let before: String
  private let after: String

  private static let widthLimit = 100

  init(_ script: [UInt8], at offset: Int) {
    let start = script[..<offset].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    let end = script[offset...].firstIndex(of: 0x0A) ?? script.count
    number = script[..<offset].count { $0 == 0x0A } + 1
    isOnly = number == 1 && script[end...].allSatisfy { $0 == 0x0A || $0 == 0x20 }
    before = String(decoding: script[start..<offset], as: UTF8.self)
    after = String(decoding: script[offset..<end], as: UTF8.self)
  }

  /// The message with the line below it, and a caret below that.
  func report(_ message: String, pointing: Bool) -> String {
    let place = isOnly ? message : "line \(number): \(message)"
    guard pointing else { return place }
    var left = before.map { $0 == "\t" ? " " : String($0).withoutControls }.joined()
    var right = String(after.prefix(SourceLine.widthLimit)).withoutControls
    // Of a long line the surroundings are enough.
    if left.count > SourceLine.widthLimit / 2 { left = "…" + left.suffix(SourceLine.widthLimit / 2) }
    if after.count > SourceLine.widthLimit { right += "…" }
    return "\(place)\n  \(left)\(right)\n  \(String(repeating: " ", count: displayWidth(of: left)))^"
  }
}
