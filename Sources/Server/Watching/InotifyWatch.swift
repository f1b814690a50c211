// inotify's events, as what matters of them: that something has happened, and which files are being written.

import CLinux
import Glibc
import Memory

public struct InotifyWatch {
  private let file: FileDescriptor
  private var folders: [Int32: String] = [:]
  /// Files that were written to and not closed since.
  private var writing: Set<String> = []

  private static let mask = UInt32(
    IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF
      | IN_MOVE_SELF)

  /// Watches from now on; so what changes while the files are published first is not missed.
  public init(_ paths: [String]) throws(DataError) {
    file = FileDescriptor(try systemCall("watch folders") { inotify_init1(c_inotify_flags) })
    watchFolders(of: paths)
    guard paths.isEmpty || !folders.isEmpty else {
      throw DataError(.system(errno), "cannot watch '\(paths[0])': \(String(cString: strerror(errno)))")
    }
  }

  var descriptor: Int32 { file.rawValue }

  func isBeingWritten(_ path: String) -> Bool { writing.contains(InotifyWatch.plain(path)) }

  /// Watches folders, those in them, and the folders of single files. What is watched already stays so.
  mutating func watchFolders(of paths: [String]) {
    for path in paths {
      guard FileDiscovery.isFolder(path) else {
        add(InotifyWatch.parent(path))
        continue
      }
      add(path)
      // A folder that is renamed or made anew is seen by the one around it.
      for entry in (try? FileDiscovery.entries(path)) ?? [] where FileDiscovery.isFolder("\(path)/\(entry)") {
        add("\(path)/\(entry)")
      }
    }
  }

  private mutating func add(_ folder: String) {
    let number = inotify_add_watch(file.rawValue, folder, InotifyWatch.mask)
    if number >= 0 { folders[number] = InotifyWatch.plain(folder) }
  }

  /// Takes all events that are there.
  mutating func readEvents() {
    let size = 1 << 16
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 8)
    defer { bytes.deallocate() }
    while true {
      let count = read(file.rawValue, bytes.baseAddress, size)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      var place = 0
      // SAFETY: the system writes whole events, each a header with the length of the name behind it.
      while place + MemoryLayout<inotify_event>.size <= count {
        let event = bytes.loadUnaligned(fromByteOffset: place, as: inotify_event.self)
        let start = place + 16
        let name = bytes[start..<start + Int(event.len)].prefix { $0 != 0 }
        take(event.wd, event.mask, String(decoding: name, as: UTF8.self))
        place = start + Int(event.len)
      }
    }
  }

  private mutating func take(_ number: Int32, _ mask: UInt32, _ name: String) {
    if mask & UInt32(IN_Q_OVERFLOW) != 0 {
      // What was lost nobody knows; a file that is incomplete cannot be opened anyway.
      writing.removeAll()
      return
    }
    guard let folder = folders[number] else { return }
    if mask & UInt32(IN_IGNORED) != 0 {
      folders[number] = nil
      writing = writing.filter { !$0.hasPrefix(folder + "/") }
      return
    }
    let path = "\(folder)/\(name)"
    if mask & UInt32(IN_MODIFY) != 0 || (mask & UInt32(IN_CREATE) != 0 && InotifyWatch.isMade(path)) {
      writing.insert(path)
    }
    if mask & UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE) != 0 { writing.remove(path) }
  }

  /// Whether a file that has appeared was opened to be written, rather than linked: only that is closed at the end.
  private static func isMade(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && status.st_nlink == 1
  }

  /// Whether there are more events before so many milliseconds have passed.
  func hasMore(within milliseconds: Int32) -> Bool {
    var entry = pollfd(fd: file.rawValue, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, milliseconds) > 0
  }

  private static func parent(_ path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// A path as it is compared: without what makes no difference.
  private static func plain(_ path: String) -> String {
    let parts = path.split(separator: "/").filter { $0 != "." }
    return (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
  }
}
