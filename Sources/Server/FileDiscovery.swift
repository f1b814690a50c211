// Which tables a list of files and folders means.

import Glibc
import Memory

/// A table to be, as files on disk have it: one or several Feather files of one schema.
public struct DiscoveredTable: Sendable, Equatable {
  public let name: String
  public let files: [String]
}

public enum FileDiscovery {
  private static let endings = [".feather", ".arrow", ".ipc"]

  /// The tables of some paths. A file is a table by its name without the ending. Of a folder, each Feather file is a table,
  /// and each folder in it that has Feather files is one table of all of them.
  public static func tables(_ paths: [String]) throws(DataError) -> [DiscoveredTable] {
    try sources(paths).map { DiscoveredTable(name: $0.name, files: $0.files) }
  }

  /// The names and files of those tables, without a look into the files.
  /// - Parameter isWatched: whether what is not there may still come, so that it is no error.
  public static func sources(
    _ paths: [String], isWatched: Bool = false
  ) throws(DataError) -> [(name: String, files: [String])] {
    var sources: [(name: String, files: [String])] = []
    func add(_ name: String, _ files: [String]) throws(DataError) {
      if let other = sources.first(where: { $0.name == name }) {
        throw DataError(
          .invalid,
          "'\(files[0])' and '\(other.files[0])' would both be table '\(name)'; rename one of them")
      }
      sources.append((name, files))
    }
    for path in paths {
      guard isFolder(path) else {
        if isWatched, access(path, F_OK) != 0 { continue }
        try add(tableName(path), [path])
        continue
      }
      var found = 0
      for entry in try entries(path) {
        let inner = path + "/" + entry
        if isFolder(inner) {
          let files = try entries(inner).filter(isFeather).map { inner + "/" + $0 }
          if files.isEmpty { continue }
          try add(entry, files)
        } else {
          guard isFeather(entry) else { continue }
          try add(tableName(entry), [inner])
        }
        found += 1
      }
      guard found > 0 || isWatched else {
        throw DataError(.invalid, "'\(path)' has no Feather files (\(endings.joined(separator: ", ")))")
      }
    }
    return sources
  }

  private static func isFeather(_ name: String) -> Bool { endings.contains { name.hasSuffix($0) } }

  /// The last part of a path without its ending.
  static func tableName(_ path: String) -> String {
    let file = path.split(separator: "/").last.map(String.init) ?? path
    guard let ending = endings.first(where: { file.hasSuffix($0) && file.count > $0.count }) else {
      return file
    }
    return String(file.dropLast(ending.count))
  }

  static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The names in a folder, in order, hidden ones left out.
  static func entries(_ path: String) throws(DataError) -> [String] {
    guard let folder = opendir(path) else {
      throw DataError(.system(errno), "cannot read '\(path)': \(String(cString: strerror(errno)))")
    }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }
}
