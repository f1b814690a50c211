// Tables made of files and streams: created, replaced, appended to – within the transaction that is open.

import Arrow
import ArrowIPC
import Memory
import SQLite

/// What publishing under a name does.
public enum PublishMode: String, Sendable, CaseIterable {
  /// Makes a table; one of that name is an error.
  case create
  /// Adds to the table; that there is none is an error.
  case append
  /// Takes the place of what has the name, if anything has.
  case replace
  /// Adds to the table, or makes it.
  case createOrAppend
}

/// A table that is being filled. Rows are visible to others when the transaction commits, to itself after `finish`.
public final class Publication {
  public let name: String
  /// What the table's columns are; batches are brought into that form.
  public let schema: Schema
  private let session: TableSession
  private let id: Int64
  private let isDurable: Bool
  private var staged: StagedRows?
  public private(set) var rowCount = 0

  init(_ session: TableSession, name: String, id: Int64, schema: Schema, isDurable: Bool) {
    self.session = session
    self.name = name
    self.id = id
    self.schema = schema
    self.isDurable = isDurable
  }

  /// Adds rows, as `StagedRows.append` takes them.
  public func append(_ batch: RecordBatch) throws(DataError) {
    let rows =
      staged
      ?? StagedRows(folder: session.catalog.folder, table: name, schema: schema, isDurable: isDurable)
    staged = rows
    try rows.append(batch)
    rowCount += batch.count
  }

  /// Adds rows that were written down before, for a table of this very schema.
  public func append(_ rows: StagedRows) throws(TableError) {
    precondition(rows.schema.hasSameTypes(as: schema), "rows of another table")
    try adopt(rows)
    rowCount += rows.rowCount
  }

  private func adopt(_ rows: StagedRows) throws(TableError) {
    guard let path = try wrap({ () throws(DataError) in try rows.adopt() }) else { return }
    _ = try session.addSegment(id, schema, path: path, isOwn: true)
  }

  /// Adds a whole file. One of the table's very schema that is not compressed is copied, or used where it is, as it is.
  /// - Parameter inPlace: whether the file may be used where it is; somebody who writes to it then damages the table.
  public func append(file path: String, inPlace: Bool) throws(TableError) {
    let reader = try wrap { () throws(DataError) in try openBatches(path: path) }
    if reader.format == .file, reader.reader.schema.hasSameTypes(as: schema), try isMappable(path) {
      var stored = path.hasPrefix("/") ? path : absolutePath(path)
      if !inPlace {
        let name = SegmentWriter.makeName()
        try wrap { () throws(DataError) in
          let copy = try AtomicFile(path: "\(session.catalog.folder)/\(name)")
          try copy.copyContents(of: path)
          try copy.commit(durable: isDurable)
        }
        stored = name
      }
      let added = try session.addSegment(id, schema, path: stored, isOwn: !inPlace)
      rowCount += added.rowCount
      return
    }
    var batches = reader.reader
    try wrap { () throws(DataError) in
      while let batch = try batches.next() { try append(batch) }
    }
  }

  /// Whether a file's batches can be read where they are.
  private func isMappable(_ path: String) throws(TableError) -> Bool {
    try wrap { () throws(DataError) in
      let file = try FileReader(path: path)
      for i in 0..<file.batchCount where try file.info(i).codec != nil { return false }
      // Tiny batches cost more to look at than to copy.
      var rows = 0
      for i in 0..<file.batchCount { rows += try file.info(i).rows }
      return file.batchCount < 16 || rows / file.batchCount >= 1024
    }
  }

  /// Makes the rows part of the table.
  public func finish() throws(TableError) {
    if let staged { try adopt(staged) }
    staged = nil
  }
}
