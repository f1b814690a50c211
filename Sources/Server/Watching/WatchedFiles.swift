// Whether files are what they were when they were looked at last.

import Glibc
import Synchronization

/// What differs after a file was written to or replaced.
struct FileFingerprint: Equatable {
  let path: String
  let inode: UInt
  let size: Int
  let seconds: Int
  let nanoseconds: Int

  /// Nil for a file that is not there.
  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.path = path
    inode = UInt(status.st_ino)
    size = Int(status.st_size)
    seconds = status.st_mtim.tv_sec
    nanoseconds = status.st_mtim.tv_nsec
  }
}

/// Some files, and how they were when they were asked about last.
public final class WatchedFiles: Sendable {
  public let paths: [String]
  private let seen: Mutex<[FileFingerprint?]>

  public init(_ paths: [String]) {
    self.paths = paths
    seen = Mutex(paths.map { FileFingerprint($0) })
  }

  /// Whether any file has come, changed or gone since the last call. A file that is being written counts when it is complete.
  public func haveChanged(isBeingWritten: (String) -> Bool = { _ in false }) -> Bool {
    if paths.contains(where: isBeingWritten) { return false }
    let now = paths.map { FileFingerprint($0) }
    return seen.withLock { seen in
      defer { seen = now }
      return seen != now
    }
  }
}
