// Files that are there completely or not at all.

import CLinux
import Glibc

/// O_TMPFILE, a macro that Swift does not import: a file in a folder, but without a name (asm-generic/fcntl.h).
private let unnamedFile: Int32 = 0o20_000_000 | O_DIRECTORY

/// A file that appears under its name only when it is complete: written without a name, synced, renamed over the old one.
///
/// Whatever goes wrong before `commit()`, an older file of that name is untouched and nothing else is left behind, even when
/// the process is killed (on file systems that know unnamed files; on others a `.tmp` file stays then).
public final class AtomicFile {
  private let path: String
  /// Where `path` leads: a link stays a link to the file that is replaced.
  private let target: String
  /// The name that the file gets for the moment before it is renamed.
  private let temporaryPath: String
  private let descriptor: FileDescriptor
  /// Whether `temporaryPath` is there.
  private var isNamed: Bool
  private var isCommitted = false
  public let sink: DescriptorSink

  public init(path: String) throws(DataError) {
    self.path = path
    var target = path
    if let resolved = realpath(path, nil) {
      target = String(cString: resolved)
      free(resolved)
    }
    self.target = target
    var status = stat()
    let exists = stat(target, &status) == 0
    if exists, status.st_mode & S_IFMT != S_IFREG {
      throw DataError(.invalid, "'\(path)' exists and is not a regular file")
    }
    // A replaced file keeps its permissions, a new one gets what the umask leaves.
    let mode: mode_t = exists ? status.st_mode & 0o777 : 0o666
    let temporaryPath = "\(target).\(getpid()).\(String(UInt32.random(in: 0 ... .max), radix: 36)).tmp"
    self.temporaryPath = temporaryPath
    var raw = open(AtomicFile.folder(of: target), O_WRONLY | unnamedFile | O_CLOEXEC, mode)
    isNamed = raw < 0
    if raw < 0 {
      raw = try systemCall("create '\(path)'") {
        open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
      }
    }
    descriptor = FileDescriptor(raw)
    if exists { fchmod(raw, mode) }
    sink = DescriptorSink(descriptor, name: path)
  }

  deinit {
    if isNamed { unlink(temporaryPath) }
    if !isCommitted { giveUp() }
  }

  /// Leaves it to a thread of its own to free what was written: of gigabytes that takes a tenth of a second or more, for which whoever
  /// cancelled a load would wait.
  private func giveUp() {
    var status = stat()
    guard fstat(descriptor.rawValue, &status) == 0, status.st_size > 64 << 20 else { return }
    // The last descriptor that is closed frees the file.
    let last = fcntl(descriptor.rawValue, F_DUPFD_CLOEXEC, 0)
    guard last >= 0 else { return }
    var thread = pthread_t()
    let result = pthread_create(
      &thread, nil,
      { argument in
        close(Int32(truncatingIfNeeded: Int(bitPattern: argument)))
        return nil
      }, UnsafeMutableRawPointer(bitPattern: Int(last)))
    if result == 0 { pthread_detach(thread) } else { close(last) }
  }

  /// Makes the file a copy of another: by sharing its blocks where the file system can, else by the kernel's own copying.
  public func copyContents(of source: String) throws(DataError) {
    let input = try FileDescriptor.openForReading(source)
    if fletch_clone_file(descriptor.rawValue, input.rawValue) == 0 { return }
    while true {
      let copied = try systemCall("copy '\(source)' to '\(path)'") {
        sendfile(descriptor.rawValue, input.rawValue, nil, 1 << 30)
      }
      if copied == 0 { return }
    }
  }

  /// Makes the file visible under its name.
  /// - Parameter durable: whether it must also survive a loss of power from here on; that costs a wait for the disk.
  public func commit(durable: Bool = true) throws(DataError) {
    try sink.flush()
    if durable { _ = try systemCall("sync '\(path)'") { fsync(descriptor.rawValue) } }
    if !isNamed {
      // An unnamed file gets a name by way of its entry in /proc (open(2)), and never that of an existing file.
      _ = try systemCall("put '\(path)' in place") {
        linkat(AT_FDCWD, "/proc/self/fd/\(descriptor.rawValue)", AT_FDCWD, temporaryPath, AT_SYMLINK_FOLLOW)
      }
      isNamed = true
    }
    _ = try systemCall("put '\(path)' in place") { rename(temporaryPath, target) }
    isNamed = false
    isCommitted = true
    guard durable else { return }
    // The name is durable only once the folder is; a folder that cannot be synced is no reason to fail.
    let folder = open(AtomicFile.folder(of: target), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if folder >= 0 {
      fsync(folder)
      close(folder)
    }
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
