// fletch publish: files as tables of a database.

import Arrow
import ArrowIPC
import Engine
import Memory
import Tables

let publishCommand = Command(
  name: "publish", operands: "FILE…", summary: "Make a table out of Feather files, here or at a server.",
  discussion: """
    With --database the table is one of the database in that folder, with --to one of a running Flight SQL
    server, which the rows are sent to. All files become one table, in one transaction: they have the same
    columns, or types that convert without loss. FILE is an Arrow IPC file or stream; '-' is standard input.
    A table of that name is an error, unless --append or --replace says what is to become of it.

    The database keeps a copy of the files as columns, which are mapped and queried where they are. With
    --in-place an uncompressed file is used where it lies, and must not be written to any more. With --rows
    the rows go into an ordinary SQLite table, slower to read, which can have indexes, keys and triggers.
    """,
  options: [
    Workspace.database, Option("to", "URI", "The Flight SQL server to send the rows to."),
    Option("table", "NAME", short: "t", "The table's name (default: the file's, without its ending)."),
    Option("append", "Add the rows to the table, which is made if it is not there."),
    Option("replace", "Put the rows in the place of what the table has."),
    Option("in-place", "Use the files where they are, instead of a copy."),
    Option("rows", "Load the rows into an ordinary SQLite table."), SharedOptions.quiet,
  ] + ConnectionOptions.all,
  run: { arguments in
    let mode = try PublishMode(arguments)
    let files = arguments.operands
    guard !files.isEmpty else { throw UsageError("FILE is missing") }
    guard arguments.has("database") || arguments.has("to") else {
      throw UsageError(
        "option '--database DIR' says where the database is, or is to be; '--to URI' names a server")
    }
    if arguments.has("rows"), arguments.has("in-place") {
      throw UsageError("options '--rows' and '--in-place' exclude each other")
    }
    let name = try tableName(arguments, files)
    // A mistyped file must not make a database.
    for file in files where file != "-" { _ = try Tables.schema(ofFile: file) }
    if let uri = arguments.string("to") {
      return try publishRemotely(files, to: uri, as: name, mode, arguments, totalRows: try? totalRows(files))
    }
    try Workspace.run(arguments, makes: true) { workspace in
      var progress = ProgressBar(total: try? totalRows(files), isQuiet: arguments.has("quiet"))
      defer { progress.finish() }
      let rows: Int
      do {
        if !arguments.has("rows"), !files.contains("-") {
          rows = try workspace.engine.publish(
            files: files, as: name, mode: mode, inPlace: arguments.has("in-place"), workspace.control()
          ) { progress.advance(rows: $0) }
        } else {
          rows = try load(files, as: name, mode, arguments, workspace, &progress)
        }
      } catch let error as EngineError where error.code == .alreadyExists && mode == .create {
        throw DataError(.invalid, "\(error.message); use --append or --replace")
      }
      if arguments.has("quiet") { return }
      let stored = try workspace.session.storage(workspace.control()).first {
        $0.name.lowercased() == name.lowercased()
      }
      let seconds = progress.seconds
      let table = stored.flatMap { table in
        table.rowCount.map { "; table '\(table.name)' has \($0.grouped)" }
      }
      let size = stored?.byteCount.map { ", \(readableBytes($0))" }
      let text =
        "\(rows.grouped) row\(rows == 1 ? "" : "s") in \(rounded(seconds)) s\(table ?? "")\(size ?? "")"
      printError(text.withoutControls + "\n")
    }
  })

extension PublishMode {
  fileprivate init(_ arguments: Arguments) throws(UsageError) {
    switch (arguments.has("append"), arguments.has("replace")) {
    case (true, true): throw UsageError("options '--append' and '--replace' exclude each other")
    case (true, false): self = .createOrAppend
    case (false, true): self = .replace
    case (false, false): self = .create
    }
  }
}

private func tableName(_ arguments: Arguments, _ files: [String]) throws -> String {
  if let name = arguments.string("table") { return name }
  guard files.count == 1, files[0] != "-" else {
    throw UsageError("option '--table NAME' says what to call the table")
  }
  return try Workspace.sources(files)[0].name
}

/// The rows to come, by the files' footers; streams do not tell.
private func totalRows(_ files: [String]) throws(DataError) -> Int? {
  var rows = 0
  for file in files {
    guard file != "-", let reader = try openBatches(path: file).reader as? FileBatchReader else { return nil }
    rows += try reader.file.rowCount()
  }
  return rows
}

/// Rows by rows: into an ordinary table, or out of a pipe.
private func load(
  _ files: [String], as name: String, _ mode: PublishMode, _ arguments: Arguments, _ workspace: Workspace,
  _ progress: inout ProgressBar
) throws -> Int {
  var next = files[...]
  var reader = try openBatches(path: next.removeFirst()).reader
  let schema = reader.schema
  let request = IngestRequest(
    table: TableName(table: name), schema: schema,
    ifExists: mode == .replace ? .replace : mode == .createOrAppend ? .append : .fail, ifMissing: .create,
    options: arguments.has("rows") ? ["fletch.rows": "true"] : [:])
  return try workspace.session.ingest(request, in: nil, workspace.control()) {
    while true {
      if let batch = try reader.next() {
        progress.advance(rows: batch.count)
        return batch
      }
      guard let file = next.popFirst() else { return nil }
      reader = try openBatches(path: file).reader
      guard reader.schema.fields.map(\.name) == schema.fields.map(\.name) else {
        throw DataError(.invalid, "'\(file)' has other columns than '\(files[0])'")
      }
    }
  }
}
