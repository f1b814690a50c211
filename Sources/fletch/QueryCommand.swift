// fletch query: statements run by a Flight SQL server.

import Arrow
import Engine
import Glibc
import Memory
import Printing

let queryCommand = Command(
  name: "query", operands: "URI ['SELECT …']", summary: "Run SQL on a Flight SQL server.",
  discussion: """
    URI is grpc://host:port, grpc+tls://host:port or grpc+unix:///path. There may be several statements; where
    none is given, standard input has them. Rows of all endpoints are printed: as a table on a terminal, as
    JSON lines elsewhere. Of a statement that changes something the number of rows is told. --param gives
    values for the statement's parameters: a number, NULL, TRUE, FALSE, x'…' or 'quoted' is what it looks like,
    anything else is text. On a terminal a line tells how far a query is. Ctrl-C stops the statement at the
    server.

      fletch query grpc://localhost:8815 'SELECT city, count(*) FROM people GROUP BY city'
      fletch query grpc://localhost:8815 'SELECT * FROM people WHERE age > :age' --param age=30 -o old.feather
      fletch query grpc://localhost:8815 -f report.sql --format csv
    """,
  options: [
    Option("file", "FILE", short: "f", "Read the statements from this file; '-' is standard input."),
    Option(
      "param", "[NAME=]VALUE", short: "p",
      "A value for the next parameter (?), or for :NAME; as often\nas needed."),
    Option("format", "FORM", "table, csv, json or arrow (by default as the output is named)."),
    Option(
      "output", "FILE", short: "o",
      "Write the result to this file: Feather, or by its ending a\nstream (.arrows), CSV (.csv), JSON lines (.json, .jsonl)."
    ),
    SharedOptions.codec, SharedOptions.level, RemoteSession.timeout, RemoteSession.session,
    Option("timing", "Say how long each statement took."),
    SharedOptions.quiet,
  ] + ConnectionOptions.all,
  run: { arguments in
    guard let uri = arguments.operands.first else { throw UsageError("URI is missing") }
    let script = try scriptText(arguments)
    let values = arguments.strings("param").map(ParameterValue.init)
    let form = try ResultOutput.Form(arguments)
    let parts = ScriptParts(Array(script.utf8))
    guard !parts.ranges.isEmpty else { throw UsageError("there is no statement in the text") }
    try ParameterValue.check(values, against: parts.parameters)
    try RemoteSession.run(uri, arguments) { session in
      let output = try ResultOutput(form, arguments)
      let bytes = Array(script.utf8)
      for range in parts.ranges {
        let began = monotonicSeconds()
        let text = String(decoding: bytes[range], as: UTF8.self)
        var waiting = ProgressBar(total: nil, isQuiet: arguments.has("quiet"))
        defer { waiting.finish() }
        if waiting.isShown { session.onProgress = { waiting.wait(share: $0) } }
        // Other dialects have other parameters: what this one did not read, the server counts.
        let note = try session.run(
          text, parts.parameters?.count == 1 || parts.ranges.count == 1 ? values : fitting(values, text)
        ) { answer in
          waiting.finish()
          return try show(answer, output, arguments)
        }
        var notes = note.map { [$0] } ?? []
        if arguments.has("timing") { notes.append("\(rounded((monotonicSeconds() - began) * 1000)) ms") }
        if !notes.isEmpty, !arguments.has("quiet") { printError(notes.joined(separator: ", ") + "\n") }
      }
      if let error = output.unused(in: parts.ranges.count) { throw error }
      try output.finish()
    }
  })

/// The values that a statement of several takes: none where it has no parameters.
private func fitting(_ values: [ParameterValue], _ statement: String) -> [ParameterValue] {
  ScriptParts(Array(statement.utf8)).parameters.map { $0.first?.isEmpty ?? true } == true ? [] : values
}

/// Prints or writes an answer; returns what is to be said of it.
private func show(_ answer: RemoteSession.Answer, _ output: ResultOutput, _ arguments: Arguments) throws
  -> String?
{
  switch answer {
  case .changed(let count): return changedText(count)
  case .rows(let rows):
    // A bar would tear what is printed on the same terminal.
    let isSeen = (arguments.string("output") ?? "-") == "-" && isatty(STDOUT_FILENO) == 1
    var progress = ProgressBar(total: rows.total, isQuiet: arguments.has("quiet") || isSeen)
    // SAFETY of withoutActuallyEscaping: the rows are read here only.
    rows.onRows = { progress.advance(rows: $0) }
    defer {
      rows.onRows = nil
      progress.finish()
    }
    do throws(EngineError) {
      let count = try output.write(rows)
      return arguments.has("timing") ? "\(count.grouped) row\(count == 1 ? "" : "s")" : nil
    } catch {
      throw output.cause ?? rows.failure ?? error
    }
  }
}

func changedText(_ count: Int64) -> String {
  count < 0 ? "done" : "\(Int(count).grouped) row\(count == 1 ? "" : "s") changed"
}

/// The statements: the second operand, a file or standard input.
private func scriptText(_ arguments: Arguments) throws -> String {
  let words = arguments.operands.dropFirst()
  if let file = arguments.string("file") {
    guard words.isEmpty else { throw UsageError("unexpected argument '\(words.first!)' beside '--file'") }
    return try readText(file)
  }
  guard words.count <= 1 else { throw UsageError("unexpected argument '\(words.last!)'") }
  if let sql = words.first { return sql }
  guard isatty(STDIN_FILENO) == 0 else {
    throw UsageError("the statement is missing: fletch query URI 'SELECT …', or fletch shell URI")
  }
  return try readText("-")
}

/// All of a file of text, or of standard input.
func readText(_ path: String) throws -> String {
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
  return text
}
