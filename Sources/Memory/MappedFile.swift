// Files as memory: the pages of an immutable file, read without a copy.

import Glibc

/// A whole file, mapped read-only.
///
/// The mapping stays valid when the file is renamed or unlinked. A file that somebody truncates while it is mapped would
/// end the process at the next read of a lost page; so map only files that nobody writes to: replace them by renaming,
/// as `AtomicFile` does, or map a private copy.
public final class MappedFile: MemoryOwner, @unchecked Sendable {
  // SAFETY (@unchecked Sendable): immutable after init.
  private let base: UnsafeMutableRawPointer?
  public let count: Int

  public init(path: String) throws(DataError) {
    let file = try FileDescriptor.openForReading(path, waits: false)
    var status = stat()
    _ = try systemCall("read the size of '\(path)'") { fstat(file.rawValue, &status) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw DataError(.invalid, "'\(path)' is not a regular file; read pipes by way of standard input")
    }
    count = Int(status.st_size)
    guard count > 0 else {
      base = nil
      return
    }
    let pointer = mmap(nil, count, PROT_READ, MAP_SHARED, file.rawValue, 0)
    guard pointer != MAP_FAILED, let pointer else {
      throw DataError(.system(errno), "cannot map '\(path)': \(String(cString: strerror(errno)))")
    }
    base = pointer
  }

  deinit { if let base { munmap(base, count) } }

  /// Every byte of the file; the mapping lives as long as a slice of it.
  public var contents: Buffer {
    guard let base else { return .empty }
    return Buffer(owner: self, base: UnsafeRawPointer(base), count: count)
  }
}
