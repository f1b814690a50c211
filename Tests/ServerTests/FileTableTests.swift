// Files as tables: how they are found and named, what is refused, and where uploads go.

import Arrow
import ArrowIPC
import GRPC
import Glibc
import Memory
import Samples
import Testing

@testable import Server

/// A folder that is gone after the test.
private final class Folder {
  let path: String

  init() {
    var template = Array("/tmp/fletch-server-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
  }

  deinit { _ = "rm -rf '\(path)'".withCString { system($0) } }

  func write(_ name: String, rows: Int = 3, schema: Schema = People.schema) throws {
    let file = try AtomicFile(path: "\(path)/\(name)")
    let writer = try FileWriter(file.sink, schema: schema)
    if schema == People.schema {
      var people = People(seed: 1)
      try writer.write(try people.batch(rows: rows))
    }
    try writer.finish()
    try file.commit(durable: false)
  }

  func make(_ name: String) { mkdir("\(path)/\(name)", 0o755) }
}

@Suite struct FileTableTests {
  private let folder = Folder()

  @Test func aFolderHasATableForEachFileAndForEachFolder() throws {
    try folder.write("b.feather")
    try folder.write("a.arrow", rows: 5)
    folder.make("many")
    try folder.write("many/1.ipc")
    try folder.write("many/0.feather", rows: 7)
    folder.make("nothing")
    try folder.write(".hidden.feather")
    let tables = try FileDiscovery.tables([folder.path])
    #expect(tables.map(\.name) == ["a", "b", "many"])
    #expect(tables.map(\.rows) == [5, 3, 10])
    #expect(tables[2].files.map(\.rows) == [7, 3])
  }

  @Test(arguments: [
    ("x.feather", "x"), ("/a/b.c.arrow", "b.c"), ("a/.feather", ".feather"), ("plain", "plain"),
    ("ü x.ipc", "ü x"),
  ])
  func tableNames(path: String, name: String) { #expect(FileDiscovery.tableName(path) == name) }

  @Test func whatCannotBeServedSaysWhy() throws {
    func message(_ paths: String...) -> String {
      do throws(DataError) {
        _ = try FileDiscovery.tables(paths.map { folder.path + "/" + $0 })
        return "nothing"
      } catch {
        return error.message
      }
    }
    try folder.write("a.feather")
    folder.make("other")
    try folder.write("other/a.feather")
    folder.make("empty")
    folder.make("mixed")
    folder.make("mixed/t")
    try folder.write("mixed/t/0.feather")
    try folder.write("mixed/t/1.feather", schema: Schema([Field("x", .int8)]))
    #expect(message("a.feather", "other/a.feather").contains("both be table 'a'"))
    #expect(message("empty").contains("no Feather files"))
    #expect(message("mixed").contains("another schema"))
    #expect(message("missing.feather").contains("missing.feather"))
  }

  @Test func uploadsHaveFilesWhateverTheirNames() throws {
    let store = try FileStore(folder: folder.path + "/store")
    var people = People(seed: 2)
    for name in ["plain", "a/b", "a..%2F", "ü \"x\"", "a\nb"] {
      let upload = try store.begin(name, People.schema)
      try upload.write(try people.batch(rows: 4))
      let table = try upload.finish()
      #expect(table.name == name && table.rows == 4)
      #expect(table.files[0].path.hasPrefix(folder.path + "/store/"))
      #expect(!table.files[0].path.dropFirst(folder.path.count + 7).contains("/"))
    }
    for name in ["", ".x", "..", String(repeating: "x", count: 300)] {
      #expect(throws: DataError.self) { try store.begin(name, People.schema) }
    }
  }

  @Test func anAliasStandsForItsTable() throws {
    try folder.write("t.feather")
    let catalog = FileCatalog(aliases: ["large_table": "t"])
    #expect(catalog.table("t") == nil)
    for table in try FileDiscovery.tables([folder.path]) { catalog.publish(table) }
    #expect(catalog.table("large_table")?.name == "t")
    #expect(catalog.listedName(catalog.tables[0]) == "large_table")
  }
}
