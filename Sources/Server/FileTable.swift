// A table as files on disk have it: one or several Feather files of one schema, each an endpoint.

import Arrow
import ArrowIPC
import Flight
import Memory
import Synchronization

/// A Feather file that is being served.
public final class ServedFile: Sendable {
  public let path: String
  public let reader: FileReader
  public let rows: Int
  public let bytes: Int
  /// The batches, checked, when they take no memory of their own: those of a mapped file.
  private let mapped: [RecordBatch]?

  /// Maps the file and checks all of it once, so that every call can send it without looking at it again.
  /// - Parameter isOwn: true for a file that Fletch has just written, from batches that it had checked.
  public init(path: String, isOwn: Bool = false) throws(DataError) {
    self.path = path
    let file = try MappedFile(path: path)
    do throws(DataError) {
      reader = try FileReader(file.contents)
      bytes = file.count
      var rows = 0
      var batches: [RecordBatch] = []
      for i in 0..<reader.batchCount {
        let info = try reader.info(i)
        rows += info.rows
        guard info.codec == nil else { continue }
        let batch = try reader.batch(i)
        if !isOwn { try batch.check(.full) }
        batches.append(batch)
      }
      self.rows = rows
      mapped = batches.count == reader.batchCount ? batches : nil
    } catch {
      throw error.within("'\(path)'")
    }
  }

  public var batchCount: Int { reader.batchCount }

  public func batch(_ index: Int) throws(DataError) -> RecordBatch {
    if let mapped { return mapped[index] }
    let batch = try reader.batch(index)
    try batch.check(.full)
    return batch
  }
}

/// A table by its name.
public struct FileTable: Sendable {
  public let name: String
  public let files: [ServedFile]
  /// The schema as flight infos carry it. Made once: it would be a third of what a small call costs.
  let schemaMessage: [UInt8]

  /// - Throws: `.invalid` when there is no file, or the files have different schemas.
  public init(name: String, files: [ServedFile]) throws(DataError) {
    guard let first = files.first else { throw DataError(.invalid, "table '\(name)' has no file") }
    for file in files where file.reader.schema.fields != first.reader.schema.fields {
      throw DataError(
        .invalid, "'\(file.path)' has another schema than '\(first.path)', and both are to be table '\(name)'"
      )
    }
    self.name = name
    self.files = files
    schemaMessage = try SchemaMessage.encode(first.reader.schema)
  }

  public var schema: Schema { files[0].reader.schema }
  public var rows: Int { files.reduce(0) { $0 + $1.rows } }
  public var bytes: Int { files.reduce(0) { $0 + $1.bytes } }
}

/// The tables that a server has, under their names and aliases. Readers keep what they began with.
public final class FileCatalog: Sendable {
  private struct State {
    var tables: [String: FileTable] = [:]
    /// The names in the order in which they were published.
    var order: [String] = []
  }

  private let state = Mutex(State())
  /// Other names of tables.
  private let aliases: [String: String]

  public init(aliases: [String: String] = [:]) { self.aliases = aliases }

  /// Puts a table in the place of one of the same name.
  public func publish(_ table: FileTable) {
    state.withLock { state in
      if state.tables.updateValue(table, forKey: table.name) == nil { state.order.append(table.name) }
    }
  }

  public func table(_ name: String) -> FileTable? {
    state.withLock { state in state.tables[name] ?? aliases[name].flatMap { state.tables[$0] } }
  }

  public var tables: [FileTable] { state.withLock { state in state.order.map { state.tables[$0]! } } }

  /// The name that a table is listed under: its alias where it has one.
  public func listedName(_ table: FileTable) -> String {
    aliases.filter { $0.value == table.name }.keys.min() ?? table.name
  }
}
