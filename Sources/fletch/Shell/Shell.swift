// The shell's state, and how it runs statements and prints their results.

import Arrow
import Engine
import FlightSQL
import Glibc
import Memory
import Printing

struct Shell {
  let session: RemoteSession
  var format: ResultFormat
  /// Whether a row is shown as lines of names and values.
  var isExpanded = false
  var isTimed = false
  var isOver = false
  /// Where results go instead of standard output.
  var output: AtomicFile?
  var outputPath: String?
  /// How many files are being read within each other.
  var depth = 0
  private let isQuiet: Bool

  init(_ session: RemoteSession, _ arguments: Arguments) throws {
    self.session = session
    let format = try arguments.choice("format", of: ResultFormat.self)
    guard format != .arrow else { throw UsageError("option '--format' takes table, csv or json here") }
    self.format = format ?? (isatty(STDOUT_FILENO) == 1 ? .table : .json)
    isQuiet = arguments.has("quiet")
  }

  /// Says who answers.
  func greet(_ uri: String) throws {
    let name = try session.client.sqlInfo([0])[.serverName]
    let server = name.map { "\($0) at \(uri)" } ?? uri
    try printOutput("\(server.withoutControls)\nStatements end with ';'. \\? for help, \\q to quit.\n")
  }

  mutating func runStatements(_ text: String) throws {
    let bytes = Array(text.utf8)
    for range in ScriptParts(bytes).ranges {
      let began = monotonicSeconds()
      let note = try session.run(String(decoding: bytes[range], as: UTF8.self)) { answer -> String? in
        switch answer {
        case .changed(let count): return isQuiet ? nil : changedText(count)
        case .rows(let rows):
          try print(rows)
          return nil
        }
      }
      if let note { printError(note + "\n") }
      if isTimed { printError("Time: \(rounded((monotonicSeconds() - began) * 1000)) ms\n") }
    }
  }

  private var sink: any ByteSink {
    output?.sink ?? DescriptorSink(.standardOutput, name: "standard output")
  }

  private func makeWriter() -> any ResultWriter {
    let isScreen = output == nil && isatty(STDOUT_FILENO) == 1
    let options = ResultOptions(
      terminalWidth: isScreen ? terminalWidth() : nil, usesStyles: isScreen)
    // makeWriter has one for every form but Arrow, which the shell does not offer.
    return isExpanded ? ExpandedWriter(to: sink, options) : format.makeWriter(to: sink, options)!
  }

  private func print(_ rows: RemoteRows) throws {
    var writer = makeWriter()
    try writer.begin(rows.schema)
    while let batch = try rows.next() {
      try batch.check(.access)
      try writer.append(batch)
    }
    try writer.end()
  }

  func print(_ batch: RecordBatch) throws {
    var writer = makeWriter()
    try writer.begin(batch.schema)
    try writer.append(batch)
    try writer.end()
  }
}
