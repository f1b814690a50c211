// Where the results of statements go: a terminal, a pipe, a file.

import Arrow
import ArrowIPC
import Engine
import Glibc
import Memory
import Printing

/// Takes results in one form. Several can be printed; an Arrow file or stream holds one.
final class ResultOutput {
  /// The form, and where to.
  struct Form {
    let format: ResultFormat
    let path: String
    let container: ContainerFormat
    let options: WriteOptions

    init(_ arguments: Arguments) throws(UsageError) {
      path = arguments.string("output") ?? "-"
      let isNamed = path != "-"
      format =
        try arguments.choice("format", of: ResultFormat.self)
        ?? (isNamed ? Form.format(ofFile: path) : isatty(STDOUT_FILENO) == 1 ? .table : .json)
      container = path == "-" || path.hasSuffix(".arrows") ? .stream : .file
      options = try SharedOptions.writeOptions(arguments)
      if options.codec != nil, format != .arrow {
        throw UsageError("option '--codec' goes with an Arrow file or stream: '-o FILE' or '--format arrow'")
      }
    }

    private static func format(ofFile path: String) -> ResultFormat {
      if path.hasSuffix(".csv") { return .csv }
      if [".json", ".jsonl", ".ndjson"].contains(where: path.hasSuffix) { return .json }
      return path.hasSuffix(".txt") ? .table : .arrow
    }
  }

  private let form: Form
  private let output: Output
  private let printing: ResultOptions
  private var resultCount = 0
  /// An error of the output rather than of the statement.
  private(set) var cause: (any Error)?

  init(_ form: Form, _ arguments: Arguments) throws {
    self.form = form
    output = try Output(path: form.path)
    printing = ResultOptions(
      terminalWidth: form.path == "-" ? terminalWidth() : nil,
      usesStyles: form.path == "-" && isatty(STDOUT_FILENO) == 1,
      rowLimit: try arguments.byteSize("memory-limit") ?? 1 << 30)
  }

  /// Writes a result as it comes.
  /// - Returns: how many rows it has.
  func write(_ result: any ResultStream) throws(EngineError) -> Int {
    resultCount += 1
    return form.format == .arrow ? try writeArrow(result) : try print(result)
  }

  private func print(_ result: any ResultStream) throws(EngineError) -> Int {
    // makeWriter has one for every form but Arrow.
    var writer = form.format.makeWriter(to: output.sink, printing)!
    if resultCount > 1, form.format != .json { try obtain { () throws(DataError) in try writeText("\n") } }
    try obtain { () throws(DataError) in try writer.begin(result.schema) }
    var rows = 0
    while let batch = try result.next() {
      try obtain { () throws(DataError) in
        try batch.check(.access)
        try writer.append(batch)
      }
      rows += batch.count
    }
    try obtain { () throws(DataError) in try writer.end() }
    return rows
  }

  private func writeArrow(_ result: any ResultStream) throws(EngineError) -> Int {
    guard resultCount == 1 else {
      throw EngineError(
        .invalidArgument,
        "an Arrow \(form.container.rawValue) holds one result, and this statement has a second one")
    }
    let writer = try obtain { () throws(DataError) -> any BatchWriter in
      form.container == .file
        ? try FileWriter(output.sink, schema: result.schema, options: form.options)
        : try StreamWriter(output.sink, schema: result.schema, options: form.options)
    }
    var rows = 0
    while let batch = try result.next() {
      try obtain { () throws(DataError) in
        try batch.check(.access)
        try writer.write(batch)
        // Whoever reads a stream may want what there is.
        if form.container == .stream { try output.sink.flush() }
      }
      rows += batch.count
    }
    try obtain { () throws(DataError) in try writer.finish() }
    return rows
  }

  /// Lines of text instead of a result.
  func show(_ lines: [String]) throws(EngineError) {
    try obtain { () throws(DataError) in
      try writeText(lines.map { $0.withoutControls + "\n" }.joined())
    }
  }

  private func writeText(_ text: String) throws(DataError) {
    try output.sink.write([Buffer(copying: Array(text.utf8))])
  }

  /// Why there is nothing to put into a file; nil when there is, or none was asked for.
  func unused(in statements: Int) -> UsageErrorOfOutput? {
    guard resultCount == 0, form.path != "-" else { return nil }
    return UsageErrorOfOutput(
      description:
        "\(statements == 1 ? "the statement returns" : "the statements return") no rows, so '\(form.path)' was not written"
    )
  }

  func finish() throws(DataError) { try output.commit() }

  private func obtain<R>(_ body: () throws(DataError) -> R) throws(EngineError) -> R {
    do throws(DataError) { return try body() } catch {
      cause = error
      throw EngineError(error)
    }
  }
}

struct UsageErrorOfOutput: Error, CustomStringConvertible {
  let description: String
}
