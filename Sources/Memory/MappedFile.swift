// Files as memory: the pages of an immutable file, read without a copy.

import Glibc

/// A whole file, mapped read-only.
///
/// The mapping stays valid when the file is renamed or unlinked. When somebody truncates it while it is mapped, the lost pages read as zeroes:
/// so whoever maps files that others write to asks `isUnchanged()` after reading, before believing what was read.
public final class MappedFile: MemoryOwner, @unchecked Sendable {
  // SAFETY (@unchecked Sendable): immutable after init.
  private let base: UnsafeMutableRawPointer?
  public let count: Int
  /// Kept open to see whether somebody writes to the file; nil where nobody does.
  private let file: FileDescriptor?
  private let modification: Modification
  private let guardNumber: Int?

  /// What differs after a file was written to.
  private struct Modification: Equatable {
    let size: Int
    let seconds: Int
    let nanoseconds: Int

    init(_ status: stat) {
      size = Int(status.st_size)
      seconds = status.st_mtim.tv_sec
      nanoseconds = status.st_mtim.tv_nsec
    }
  }

  /// - Parameter isWatched: false for a file that nobody else writes to, which then costs no descriptor.
  public init(path: String, isWatched: Bool = true) throws(DataError) {
    let file = try FileDescriptor.openForReading(path, waits: false)
    var status = stat()
    _ = try systemCall("read the size of '\(path)'") { fstat(file.rawValue, &status) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw DataError(.invalid, "'\(path)' is not a regular file; read pipes by way of standard input")
    }
    self.file = isWatched ? file : nil
    modification = Modification(status)
    count = Int(status.st_size)
    guard count > 0 else {
      base = nil
      guardNumber = nil
      return
    }
    let pointer = mmap(nil, count, PROT_READ, MAP_SHARED, file.rawValue, 0)
    guard pointer != MAP_FAILED, let pointer else {
      throw DataError(.system(errno), "cannot map '\(path)': \(String(cString: strerror(errno)))")
    }
    base = pointer
    guardNumber = PageGuard.add(start: UnsafeRawPointer(pointer), count: count)
  }

  deinit {
    if let guardNumber { PageGuard.remove(guardNumber) }
    if let base { munmap(base, count) }
  }

  /// Every byte of the file; the mapping lives as long as a slice of it.
  public var contents: Buffer {
    guard let base else { return .empty }
    return Buffer(owner: self, base: UnsafeRawPointer(base), count: count)
  }

  /// Whether nobody has written to the file since it was mapped, as its size and time of modification tell.
  public func isUnchanged() -> Bool {
    if let guardNumber, PageGuard.isDamaged(guardNumber) { return false }
    guard let file else { return true }
    var status = stat()
    return fstat(file.rawValue, &status) == 0 && Modification(status) == modification
  }
}
