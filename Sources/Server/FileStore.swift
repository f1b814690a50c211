// Where uploads become files.

import Arrow
import ArrowIPC
import Glibc
import Memory

/// A folder of Feather files, one for each uploaded table.
public struct FileStore: Sendable {
  private let folder: String

  public init(folder: String) throws(DataError) {
    self.folder = folder
    if mkdir(folder, 0o755) != 0, errno != EEXIST {
      throw DataError(
        .system(errno), "cannot make the folder '\(folder)': \(String(cString: strerror(errno)))")
    }
  }

  /// The file of a table; names are those of people, so what a file's name cannot have is written as `%2F`.
  func path(_ name: String) -> String {
    var file: [UInt8] = []
    for byte in name.utf8 {
      if byte < 0x20 || byte == 0x7F || "/%\\".utf8.contains(byte) {
        file += Array("%\(byte < 16 ? "0" : "")\(String(byte, radix: 16, uppercase: true))".utf8)
      } else {
        file.append(byte)
      }
    }
    return "\(folder)/\(String(decoding: file, as: UTF8.self)).feather"
  }

  /// Begins to store a table. Nobody sees it before it is finished.
  func begin(_ name: String, _ schema: Schema) throws(DataError) -> Upload {
    guard !name.isEmpty, !name.hasPrefix("."), name.utf8.count <= 200 else {
      throw DataError(
        .invalid, "'\(name)' cannot be a table's name here: it is empty, hidden or longer than 200 bytes")
    }
    return try Upload(name, path: path(name), schema)
  }

  /// A table that is coming in.
  final class Upload {
    private let name: String
    private let path: String
    private let file: AtomicFile
    private let writer: FileWriter
    private(set) var rows = 0

    fileprivate init(_ name: String, path: String, _ schema: Schema) throws(DataError) {
      self.name = name
      self.path = path
      file = try AtomicFile(path: path)
      writer = try FileWriter(file.sink, schema: schema)
    }

    func write(_ batch: RecordBatch) throws(DataError) {
      try writer.write(batch)
      rows += batch.count
    }

    /// Puts the file in place and opens it.
    func finish() throws(DataError) -> FileTable {
      try writer.finish()
      try file.commit()
      return try FileTable(name: name, files: [try ServedFile(path: path, isOwn: true)])
    }
  }
}
