// fletch consume with files of SQL: the consumer of the Flight Examples, for any Flight SQL server.

import Arrow
import Engine
import Glibc
import Memory
import Printing

/// Where the statements are: a file, or a folder of them.
enum SQLFiles {
  /// Whether an operand means SQL rather than a flight's name.
  static func isMeant(_ operand: String) -> Bool { operand.hasSuffix(".sql") || isFolder(operand) }

  static func files(_ operand: String) throws -> [String] {
    guard isFolder(operand) else { return [operand] }
    guard let folder = opendir(operand) else {
      throw DataError(.system(errno), "cannot read '\(operand)': \(String(cString: strerror(errno)))")
    }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name.hasSuffix(".sql"), !name.hasPrefix(".") { names.append(name) }
    }
    guard !names.isEmpty else { throw DataError(.invalid, "'\(operand)' has no files of SQL (.sql)") }
    return names.sorted().map { "\(operand)/\($0)" }
  }

  private static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}

/// Runs every statement of every file, prints each result or its own error, and fails in the end if any of them did.
func consumeSQL(_ uri: String, _ operand: String, _ arguments: Arguments) throws {
  let files = try SQLFiles.files(operand)
  let format = try arguments.choice("format", of: ResultFormat.self) ?? .table
  guard format != .arrow else { throw UsageError("option '--format' takes table, csv or json here") }
  try RemoteSession.run(uri, arguments) { session in
    let sink = DescriptorSink(.standardOutput, name: "standard output")
    let options = ResultOptions(terminalWidth: terminalWidth(), usesStyles: isatty(STDOUT_FILENO) == 1)
    var failures = 0
    for file in files {
      let text = Array(try readText(file).utf8)
      for range in ScriptParts(text).ranges {
        try printOutput("-- \(file)\n\(statementText(text[range]))\n".safeLines)
        do {
          try session.run(String(decoding: text[range], as: UTF8.self)) { answer in
            switch answer {
            case .changed(let count): try printOutput("\(changedText(count))\n")
            case .rows(let rows): try print(rows, format, sink, options)
            }
          }
        } catch let error as DataError where error.code == .system(EPIPE) {
          throw error
        } catch {
          if session.interruption.received != nil { throw error }
          failures += 1
          try printOutput("Error: \(error)\n".safeLines)
        }
        try printOutput("\n")
      }
    }
    if failures > 0 {
      throw ReportedError("\(failures) statement\(failures == 1 ? "" : "s") failed")
    }
  }
}

/// A statement without the spaces and comments around it.
private func statementText(_ bytes: ArraySlice<UInt8>) -> String {
  let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
  return lines.drop { $0.hasPrefix("--") || $0.allSatisfy { $0 == " " } }.joined(separator: "\n")
}

private func print(
  _ rows: RemoteRows, _ format: ResultFormat, _ sink: DescriptorSink, _ options: ResultOptions
) throws {
  var writer = format.makeWriter(to: sink, options)!
  var isBegun = false
  while let batch = try rows.next() {
    guard batch.count > 0 else { continue }
    try batch.check(.access)
    if !isBegun { try writer.begin(rows.schema) }
    isBegun = true
    try writer.append(batch)
  }
  if isBegun { try writer.end() } else { try printOutput("Empty result set.\n") }
}
