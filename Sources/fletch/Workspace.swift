// The database that a command works on: a folder, or a private one made of files.

import Arrow
import ArrowIPC
import Engine
import Glibc
import Memory
import Server

/// A table to be made of files.
struct TableSource {
  var name: String
  var files: [String]
}

/// An engine with a session, and what ends them in time.
final class Workspace {
  let engine: EmbeddedEngine
  let session: EmbeddedSession
  let interruption: Interruption
  let timeout: Double?

  static let database = Option("database", "DIR", "The folder of the database.")
  static let timeout = Option(
    "timeout", "SECONDS", "End a statement that takes longer (default: no limit).")

  /// - Parameter makes: whether a database is made where there is none.
  init(_ arguments: Arguments, makes: Bool) throws {
    var options = EngineOptions()
    if let folder = arguments.string("database") {
      guard makes || access("\(folder)/fletch.db", F_OK) == 0 else {
        throw DataError(
          .invalid, "there is no database in '\(folder)'; 'fletch publish' makes one when it is given a file")
      }
      options.databasePath = folder
    }
    if let limit = try arguments.byteSize("memory-limit") { options.memoryLimit = limit }
    timeout = try arguments.seconds("timeout")
    let engine = try EmbeddedEngine(options)
    self.engine = engine
    interruption = Interruption { engine.database.removeIfTemporary() }
    session = engine.makeEmbeddedSession()
  }

  /// Runs a command on the database, and ends both in order, whatever happens.
  static func run(_ arguments: Arguments, makes: Bool = false, _ body: (Workspace) throws -> Void) throws {
    let workspace = try Workspace(arguments, makes: makes)
    do { try body(workspace) } catch {
      workspace.close()
      throw workspace.final(error)
    }
    workspace.close()
  }

  func close() {
    session.close()
    engine.shutDown()
  }

  func control() -> StatementControl { interruption.control(timeout: timeout) }

  /// What the program ends with after an error.
  private func final(_ error: any Error) -> any Error {
    if let error = error as? DataError, error.code == .system(EPIPE) { return ReaderGone() }
    if let signal = interruption.received { return ReportedError("interrupted", code: 128 + signal) }
    return error
  }

  // MARK: Tables of files

  /// `NAME=PATH`, or a path whose last part names the table. Folders are those of `fletch serve`.
  static func sources(_ operands: [String]) throws -> [TableSource] {
    var sources: [TableSource] = []
    func add(_ source: TableSource) throws(DataError) {
      if let other = sources.first(where: { $0.name.lowercased() == source.name.lowercased() }) {
        throw DataError(
          .invalid,
          "'\(source.files[0])' and '\(other.files[0])' would both be table '\(source.name)'; name one otherwise: "
            + "NAME=\(source.files[0])")
      }
      sources.append(source)
    }
    for operand in operands {
      if operand == "-" {
        try add(TableSource(name: "stdin", files: ["-"]))
        continue
      }
      if let equals = operand.firstIndex(of: "="), access(operand, F_OK) != 0 {
        let path = String(operand[operand.index(after: equals)...])
        let found = path == "-" ? [("-", ["-"])] : try FileDiscovery.sources([path])
        try add(TableSource(name: String(operand[..<equals]), files: found.flatMap(\.1)))
        continue
      }
      for (name, files) in try FileDiscovery.sources([operand]) {
        try add(TableSource(name: name.withoutEnding(".arrows"), files: files))
      }
    }
    return sources
  }

  /// Makes a table of each source; files stay where they are.
  func publish(_ sources: [TableSource]) throws {
    for source in sources {
      if source.files == ["-"] {
        try loadStandardInput(as: source.name)
      } else {
        _ = try engine.publish(
          files: source.files, as: source.name, mode: .create, inPlace: true, control())
      }
    }
  }

  private func loadStandardInput(as name: String) throws {
    var (reader, _, _) = try openBatches(path: "-")
    let request = IngestRequest(
      table: TableName(table: name), schema: reader.schema, ifExists: .fail, ifMissing: .create)
    _ = try session.ingest(request, in: nil, control()) { try reader.next() }
  }

  /// The tables there are, for messages.
  func tableNames() -> [String] { (try? session.tables(withColumns: false))?.map(\.name) ?? [] }
}

/// Whoever read the output has gone, as `head` does: no error.
struct ReaderGone: Error {}

extension String {
  func withoutEnding(_ ending: String) -> String {
    hasSuffix(ending) && utf8.count > ending.utf8.count ? String(dropLast(ending.count)) : self
  }
}
