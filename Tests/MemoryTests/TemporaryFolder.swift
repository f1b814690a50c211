// A folder of a test's own that is gone when the test is.

import Glibc
import Memory

final class TemporaryFolder {
  let path: String

  init() {
    var template = Array("/tmp/fletch-test-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { preconditionFailure("no folder for a test") }
    path = String(cString: made)
  }

  deinit {
    for name in names { unlink("\(path)/\(name)") }
    rmdir(path)
  }

  /// What lies in the folder.
  var names: [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Writes a file without any of what is tested here.
  @discardableResult
  func write(_ name: String, _ bytes: [UInt8]) -> String {
    let place = "\(path)/\(name)"
    let raw = open(place, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    precondition(raw >= 0 && Glibc.write(raw, bytes, bytes.count) == bytes.count)
    close(raw)
    return place
  }

  func read(_ name: String) -> [UInt8]? {
    let raw = open("\(path)/\(name)", O_RDONLY)
    guard raw >= 0 else { return nil }
    defer { close(raw) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(raw, &chunk, chunk.count)
      if count <= 0 { return bytes }
      bytes.append(contentsOf: chunk[..<count])
    }
  }

  func permissions(_ name: String) -> mode_t {
    var status = stat()
    return stat("\(path)/\(name)", &status) == 0 ? status.st_mode & 0o777 : 0
  }
}
