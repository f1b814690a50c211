// A database: a folder with a SQLite file and the segments of its published tables.

import Arrow
import Glibc
import Memory
import SQLite

/// An open database. One process has it at a time; it opens connections from any thread.
public final class Database: Sendable {
  /// The folder.
  public let path: String
  /// Whether what is committed survives a loss of power. A temporary database does not survive its process.
  public let isDurable: Bool
  /// SQLite's file in it.
  public let filePath: String
  let catalog: Catalog
  /// The lock on the folder; freed by the system when the process ends, however it ends.
  private let lock: FileDescriptor

  /// Opens a folder, or makes it and a database in it; nil for a private one that goes away with this object.
  /// - Throws: `.data` with `.invalid` when another process has it.
  public init(path: String?) throws(TableError) {
    let folder: String
    if let path {
      try wrap { () throws(DataError) in try makeFolder(path) }
      folder = absolutePath(path)
    } else {
      folder = try wrap { () throws(DataError) in try TemporaryFolder.make() }
    }
    self.path = folder
    isDurable = path != nil
    lock = try wrap { () throws(DataError) in try Database.lock(folder) }
    filePath = "\(folder)/fletch.db"
    let segments = "\(folder)/segments"
    try wrap { () throws(DataError) in try makeFolder(segments) }
    catalog = Catalog(folder: segments)
    try wrapping { () throws(SQLiteError) in
      let connection = try Connection(path: filePath)
      try connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = \(isDurable ? "FULL" : "OFF")")
      try prepareCatalog(connection)
      try removeOrphans(connection)
    }
  }

  deinit { if !isDurable { TemporaryFolder.remove(path) } }

  /// Removes a temporary database's folder, for a process that ends without unwinding.
  public func removeIfTemporary() { if !isDurable { TemporaryFolder.remove(path) } }

  /// Marks that somebody reads snapshots without a session, so that their files stay until `endReading`.
  public func beginReading() -> UInt64 { catalog.store.enter() }
  public func endReading(_ mark: UInt64) { catalog.store.leave(mark) }

  /// Begins to write rows down for a table of that schema.
  public func stage(_ table: String, schema: Schema) -> StagedRows {
    StagedRows(folder: catalog.folder, table: table, schema: schema, isDurable: isDurable)
  }

  public func makeSession(access: Connection.Access = .readWrite) throws(SQLiteError) -> TableSession {
    try TableSession(self, access: access)
  }

  private static func lock(_ folder: String) throws(DataError) -> FileDescriptor {
    let path = "\(folder)/fletch.lock"
    let file = FileDescriptor(
      try systemCall("open '\(path)'") { open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666) })
    guard flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 else {
      var text = [UInt8](repeating: 0, count: 20)
      let count = text.withUnsafeMutableBytes { pread(file.rawValue, $0.baseAddress, $0.count, 0) }
      let owner = count > 0 ? " (process \(String(decoding: text[..<count], as: UTF8.self)))" : ""
      throw DataError(.invalid, "the database '\(folder)' is in use by another process\(owner)")
    }
    ftruncate(file.rawValue, 0)
    let number = Array(String(getpid()).utf8)
    _ = number.withUnsafeBytes { pwrite(file.rawValue, $0.baseAddress, $0.count, 0) }
    return file
  }

  private func prepareCatalog(_ connection: Connection) throws(SQLiteError) {
    let format = try connection.value("PRAGMA user_version")
    if case .integer(let number)? = format, number > Catalog.format {
      throw SQLiteError(
        .cannotOpen, "the database '\(path)' was made by a later version of Fletch (format \(number))")
    }
    try connection.execute(
      "BEGIN IMMEDIATE; \(Catalog.tables) PRAGMA user_version = \(Catalog.format); COMMIT")
  }

  /// Deletes files that no committed table has: what was left when a process ended between writing a segment and committing it.
  private func removeOrphans(_ connection: Connection) throws(SQLiteError) {
    var known: Set<String> = []
    let statement = try connection.prepare("SELECT path FROM fletch_segments")
    while try statement.step() {
      let path = statement.text(0)
      // Somebody may have published a file in place that is in this folder.
      let isHere = path.hasPrefix(catalog.folder + "/")
      known.insert(isHere ? String(path.dropFirst(catalog.folder.count + 1)) : path)
    }
    guard let folder = opendir(catalog.folder) else { return }
    defer { closedir(folder) }
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != "..", !known.contains(name) { unlink("\(catalog.folder)/\(name)") }
    }
  }
}

private func makeFolder(_ path: String) throws(DataError) {
  if mkdir(path, 0o777) != 0, errno != EEXIST {
    throw DataError(.system(errno), "cannot make the folder '\(path)': \(String(cString: strerror(errno)))")
  }
}

/// Private folders for databases that nobody keeps.
private enum TemporaryFolder {
  private static var base: String { getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp" }

  static func make() throws(DataError) -> String {
    removeAbandoned()
    var template = Array("\(base)/fletch-XXXXXX".utf8CString)
    let made = template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!) != nil }
    guard made else {
      throw DataError(
        .system(errno), "cannot make a folder in '\(base)': \(String(cString: strerror(errno)))")
    }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  static func remove(_ path: String) {
    for name in ["\(path)/segments", path] {
      forEachEntry(name) { unlink("\(name)/\($0)") }
      rmdir(name)
    }
  }

  /// Removes the folders of processes that were killed: theirs are the locks that nobody holds.
  private static func removeAbandoned() {
    forEachEntry(base) { name in
      guard name.hasPrefix("fletch-"), name.utf8.count == 13 else { return }
      let folder = "\(base)/\(name)"
      let lock = open("\(folder)/fletch.lock", O_RDWR | O_CLOEXEC)
      guard lock >= 0 else { return }
      var status = stat()
      // One that was made just now may not have its lock yet.
      if fstat(lock, &status) == 0, time(nil) - status.st_mtim.tv_sec > 60,
        flock(lock, LOCK_EX | LOCK_NB) == 0
      {
        remove(folder)
      }
      close(lock)
    }
  }

  private static func forEachEntry(_ path: String, _ body: (String) -> Void) {
    guard let folder = opendir(path) else { return }
    defer { closedir(folder) }
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { body(name) }
    }
  }
}
