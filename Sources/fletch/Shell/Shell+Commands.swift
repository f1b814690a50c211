// The shell's own commands: lines that begin with a backslash.

import Arrow
import FlightSQL
import Glibc
import Memory
import Printing

extension Shell {
  private static let help = """
    \\d            tables and views
    \\d TABLE      columns of a table
    \\dt, \\dv      tables only, views only
    \\format FORM  table, csv or json
    \\x            one value a line, on and off
    \\timing       how long each statement took, on and off
    \\i FILE       run the statements of a file
    \\o [FILE]     write results to a file, or to the screen again
    \\?            this help
    \\q            quit (Ctrl-D)

    """

  /// Runs a command.
  mutating func runCommand(_ line: String) throws {
    var words = line.split(whereSeparator: \.isWhitespace).map(String.init)
    // A semicolon at the end is a habit.
    if let last = words.last, last.count > 1, last.hasSuffix(";") {
      words[words.count - 1] = String(last.dropLast())
    }
    guard let name = words.first else { return }
    let operand = words.count > 1 ? words[1...].joined(separator: " ") : nil
    switch name {
    case "\\q", "\\quit": isOver = true
    case "\\?", "\\h", "\\help": try printOutput(Shell.help)
    case "\\d" where operand != nil: try describe(operand!)
    case "\\d", "\\dt", "\\dv":
      try listTables(
        name == "\\dt" ? { !$0.contains("VIEW") } : name == "\\dv" ? { $0.contains("VIEW") } : { _ in true })
    case "\\timing":
      isTimed = try Shell.truth(operand, isTimed)
      printError("Timing is \(isTimed ? "on" : "off").\n")
    case "\\x":
      isExpanded = try Shell.truth(operand, isExpanded)
      printError("Expanded display is \(isExpanded ? "on" : "off").\n")
    case "\\format":
      guard let form = operand.flatMap(ResultFormat.init(rawValue:)), form != .arrow else {
        throw ReportedError("\\format takes table, csv or json")
      }
      (format, isExpanded) = (form, false)
    case "\\i":
      guard let operand else { throw ReportedError("\\i takes a file") }
      guard depth < 16 else { throw ReportedError("files that read each other, 16 deep") }
      depth += 1
      defer { depth -= 1 }
      try runScript(try readText(operand))
    case "\\o": try redirect(operand)
    default: throw ReportedError("unknown command '\(name.withoutControls)'; \\? lists them")
    }
  }

  private static func truth(_ word: String?, _ now: Bool) throws -> Bool {
    switch word {
    case nil: return !now
    case "on": return true
    case "off": return false
    default: throw ReportedError("on or off, not '\(word!.withoutControls)'")
    }
  }

  /// Ends the file that results go to, and begins another. A file is there when it is complete.
  mutating func redirect(_ path: String?) throws {
    if let output, let outputPath {
      self.output = nil
      try output.commit()
      printError("'\(outputPath.withoutControls)' is written.\n")
    }
    outputPath = path
    output = try path.map { path throws(DataError) in try AtomicFile(path: path) }
  }

  private func listTables(_ isWanted: (String) -> Bool) throws {
    let tables = try session.client.tables().filter { isWanted($0.type) }
    try print(
      try textBatch(
        ("schema", .utf8, tables.map(\.dbSchema)), ("table", .utf8, tables.map(\.table)),
        ("type", .utf8, tables.map(\.type))))
  }

  private func describe(_ name: String) throws {
    let bare =
      name.count > 1 && name.first == "\"" && name.last == "\"" ? String(name.dropFirst().dropLast()) : name
    let tables = try session.client.tables(CommandGetTables(includeSchema: true))
    let found =
      tables.first { $0.table == bare } ?? tables.first { $0.table.lowercased() == bare.lowercased() }
    guard let table = found, let fields = table.tableSchema?.fields else {
      throw ReportedError("there is no table '\(bare.withoutControls)'; \\d lists them")
    }
    let keys =
      (try? session.client.primaryKeys(
        TableReference(catalog: table.catalog, dbSchema: table.dbSchema, table: table.table))) ?? []
    let keyPlaces = Dictionary(
      keys.map { ($0.column, "\($0.keySequence)") }, uniquingKeysWith: { first, _ in first })
    try print(
      try textBatch(
        ("column", .utf8, fields.map(\.name)), ("type", .utf8, fields.map { "\($0.type)" }),
        ("SQL", .utf8, fields.map(\.flightSQL.typeName)),
        ("nullable", .bool, fields.map { "\($0.isNullable)" }),
        ("key", .int64, fields.map { keyPlaces[$0.name] })))
  }
}
