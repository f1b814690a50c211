// fletch sql: statements run here, without a server.

import Arrow
import Engine
import Glibc
import Memory
import Printing
import SQL

let sqlCommand = Command(
  name: "sql", operands: "'SELECT …' [FILE…]", summary: "Run SQL on files or a database, without a server.",
  discussion: """
    Each FILE is a table, named as the file without its ending, or NAME=FILE; a folder is a table for each
    file in it; '-' is a table 'stdin' of an Arrow stream. Files are read where they are: changes stay in a
    private database that goes away. With --database the statements run in that database, and what they
    change stays.

    There may be several statements, of SQLite's SQL. Where none is given, standard input has them. A table
    is printed on a terminal, JSON lines elsewhere. --param gives values for the statement's parameters: a
    number, NULL, TRUE, FALSE, x'…' or 'quoted' is what it looks like, anything else is text.

      fletch sql 'SELECT city, count(*) FROM people GROUP BY city' people.feather
      fletch sql 'SELECT * FROM a JOIN b USING (id) WHERE a.x > :x' a=1.feather b=2.feather --param x=5
      fletch sql 'SELECT * FROM people WHERE age > ?' people.feather -p 30 -o adults.feather
    """,
  options: [
    Workspace.database,
    Option("file", "FILE", short: "f", "Read the statements from this file; '-' is standard input."),
    Option(
      "param", "[NAME=]VALUE", short: "p",
      "A value for the next parameter (?), or for :NAME; as often\nas needed."),
    Option("format", "FORM", "table, csv, json or arrow (by default as the output is named)."),
    Option(
      "output", "FILE", short: "o",
      "Write the result to this file: Feather, or by its ending a\nstream (.arrows), CSV (.csv), JSON lines (.json, .jsonl)."
    ),
    SharedOptions.codec, SharedOptions.level,
    Option("explain", "Show how the statements would run, instead of running them."),
    Option("timing", "Say how long each statement took."), Workspace.timeout,
    Option("memory-limit", "SIZE", "The most memory that rows which must be kept may take\n(default 1G)."),
    SharedOptions.quiet,
  ],
  run: { arguments in
    let (script, files) = try statements(arguments)
    if arguments.has("database"), !files.isEmpty {
      throw UsageError("'fletch publish' puts files into a database; 'fletch sql' takes files or --database")
    }
    let values = arguments.strings("param").map(ParameterValue.init)
    let format = try ResultOutput.Form(arguments)
    try Workspace.run(arguments) { workspace in
      try workspace.publish(try Workspace.sources(files))
      let output = try ResultOutput(format, arguments)
      var run = ScriptRun(script, values, workspace, output, arguments)
      try run.runAll()
      try output.finish()
    }
  })

/// The statements, and the operands that are files.
private func statements(_ arguments: Arguments) throws -> (script: String, files: [String]) {
  var files = arguments.operands
  let path: String
  if let file = arguments.string("file") {
    path = file
  } else if files.isEmpty {
    guard isatty(STDIN_FILENO) == 0 else {
      throw UsageError("the statement is missing: fletch sql 'SELECT …'")
    }
    path = "-"
  } else {
    let script = files.removeFirst()
    if !script.contains(" "), access(script, F_OK) == 0 {
      throw UsageError(
        "the first argument is the statement, and '\(script)' is a file: fletch sql 'SELECT …' \(script)")
    }
    return (script, files)
  }
  if path == "-", files.contains("-") {
    throw UsageError("standard input cannot be both the statements and a table")
  }
  let contents: Buffer
  if path == "-" {
    var bytes = GrowableBuffer()
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 1)
    defer { chunk.deallocate() }
    while true {
      let count = try FileDescriptor.standardInput.read(into: chunk)
      if count == 0 { break }
      bytes.append(contentsOf: RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: chunk[..<count])))
    }
    contents = bytes.freeze()
  } else {
    contents = try MappedFile(path: path).contents
  }
  guard let text = String(validating: contents.array, as: UTF8.self) else {
    throw DataError(.malformed, "\(path == "-" ? "standard input" : "'\(path)'") is not UTF-8 text")
  }
  return (text, files)
}

/// The statements of a script, run one after the other.
struct ScriptRun {
  private let script: [UInt8]
  private let values: [ParameterValue]
  private let workspace: Workspace
  private let output: ResultOutput
  private let isTimed: Bool
  private let isQuiet: Bool
  private let isExplained: Bool

  init(
    _ script: String, _ values: [ParameterValue], _ workspace: Workspace, _ output: ResultOutput,
    _ arguments: Arguments
  ) {
    self.script = Array(script.utf8)
    self.values = values
    self.workspace = workspace
    self.output = output
    isTimed = arguments.has("timing")
    isQuiet = arguments.has("quiet")
    isExplained = arguments.has("explain")
  }

  mutating func runAll() throws {
    let parts = ScriptParts(script)
    guard !parts.ranges.isEmpty else { throw UsageError("there is no statement in the text") }
    try ParameterValue.check(values, against: parts.parameters)
    for range in parts.ranges {
      do throws(EngineError) { try runOne(range) } catch {
        throw report(error, in: range, of: parts.ranges.count)
      }
    }
    if !isExplained, let error = output.unused(in: parts.ranges.count) { throw error }
  }

  private func runOne(_ range: Range<Int>) throws(EngineError) {
    let control = workspace.control()
    let began = monotonicSeconds()
    let statement = try workspace.session.prepare(
      String(decoding: script[range], as: UTF8.self), in: nil, control)
    defer { statement.close() }
    if isExplained { return try output.show(try statement.explain()) }
    let parameters = try ParameterValue.batch(values, for: statement.parameterSchema)
    let prepared = monotonicSeconds()
    let result = try statement.query(parameters, control)
    defer { result.close() }
    var rows: Int?
    if statement.resultSchema != nil { rows = try output.write(result) } else { _ = try result.next() }
    let ended = monotonicSeconds()
    var notes: [String] = []
    if let rows, isTimed { notes.append("\(rows.grouped) row\(rows == 1 ? "" : "s")") }
    if let count = result.updateCount { notes.append("\(count.grouped) row\(count == 1 ? "" : "s") changed") }
    if isTimed {
      notes.append("prepared in \(milliseconds(prepared - began)), run in \(milliseconds(ended - prepared))")
    }
    if !isQuiet, !notes.isEmpty { printError(notes.joined(separator: ", ") + "\n") }
  }

  private func milliseconds(_ seconds: Double) -> String { "\(rounded(seconds * 1000)) ms" }

  /// The engine's message, with the place in the script that it is about.
  private func report(_ error: EngineError, in range: Range<Int>, of count: Int) -> any Error {
    // What is not the statement's fault is told as it is.
    if let cause = output.cause { return cause }
    var message = error.message.withoutControls
    if let place = error.offset ?? (count > 1 ? leadingSpace(range) : nil) {
      let offset = range.lowerBound + min(place, range.count)
      message = SourceLine(script, at: offset).report(message, pointing: error.offset != nil)
    }
    if error.code == .notFound, error.message.hasPrefix("no such table") {
      let names = workspace.tableNames()
      message +=
        names.isEmpty
        ? "\nThere are no tables: name files behind the statement, or a --database."
        : "\nTables: \(names.prefix(20).joined(separator: ", "))\(names.count > 20 ? " …" : "")".safeLines
    }
    return ReportedError(message)
  }

  private func leadingSpace(_ range: Range<Int>) -> Int {
    script[range].prefix { $0 == 0x20 || (0x09...0x0D).contains($0) }.count
  }
}

extension String {
  /// This text without what could steer a terminal, but for the ends of its lines.
  var safeLines: String {
    split(separator: "\n", omittingEmptySubsequences: false).map { String($0).withoutControls }
      .joined(separator: "\n")
  }
}
