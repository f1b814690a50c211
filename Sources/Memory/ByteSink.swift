// Where encoded bytes go: gather lists in, as few system calls as possible out.

import Glibc

/// Takes buffers in order. What was given is not copied unless it is small.
public protocol ByteSink: AnyObject {
  /// Bytes taken so far.
  var position: Int { get }
  func write(_ buffers: [Buffer]) throws(DataError)
  /// Gives everything taken so far to the system.
  func flush() throws(DataError)
}

/// Collects bytes in memory.
public final class MemorySink: ByteSink {
  private var bytes = GrowableBuffer()

  public init() {}

  public var position: Int { bytes.count }

  public func write(_ buffers: [Buffer]) throws(DataError) {
    for buffer in buffers { bytes.append(contentsOf: buffer.bytes) }
  }

  public func flush() throws(DataError) {}

  /// Everything written; the sink is empty afterwards.
  public func finish() -> Buffer { bytes.freeze() }
}

/// Writes to a descriptor with `writev`, at most `IOV_MAX` pieces a call.
public final class DescriptorSink: ByteSink {
  private let descriptor: FileDescriptor
  private let name: String
  public private(set) var position = 0
  private var pending: [Buffer] = []
  private var pendingBytes = 0

  /// Small messages wait for one another up to this many bytes.
  private static let flushThreshold = 1 << 20
  private static let piecesPerCall = 1024  // IOV_MAX on Linux

  /// - Parameter name: what errors call the destination.
  public init(_ descriptor: FileDescriptor, name: String) {
    self.descriptor = descriptor
    self.name = name
  }

  public func write(_ buffers: [Buffer]) throws(DataError) {
    for buffer in buffers where buffer.count > 0 {
      pending.append(buffer)
      pendingBytes += buffer.count
      position += buffer.count
    }
    if pendingBytes >= DescriptorSink.flushThreshold { try flush() }
  }

  public func flush() throws(DataError) {
    defer {
      pending.removeAll(keepingCapacity: true)
      pendingBytes = 0
    }
    var next = 0
    // How much of `pending[next]` is already written.
    var done = 0
    var pieces: [iovec] = []
    while next < pending.count {
      pieces.removeAll(keepingCapacity: true)
      for i in next..<min(pending.count, next + DescriptorSink.piecesPerCall) {
        let skip = i == next ? done : 0
        pieces.append(
          iovec(
            iov_base: UnsafeMutableRawPointer(mutating: pending[i].base + skip),
            iov_len: pending[i].count - skip))
      }
      // SAFETY: writev reads only, and `pending` keeps the owners alive across the call.
      var written = try systemCall("write '\(name)'") {
        writev(descriptor.rawValue, pieces, Int32(pieces.count))
      }
      while next < pending.count, written >= pending[next].count - done {
        written -= pending[next].count - done
        next += 1
        done = 0
      }
      done += written
    }
  }
}

/// A file that appears under its name only when it is complete: written beside it, synced, renamed over it.
///
/// Whatever goes wrong before `commit()`, an older file of that name is untouched and nothing else is left behind.
public final class AtomicFile {
  private let path: String
  private let temporaryPath: String
  private let descriptor: FileDescriptor
  private var isCommitted = false
  public let sink: DescriptorSink

  public init(path: String) throws(DataError) {
    self.path = path
    // Where the name is a link, its target is what gets replaced.
    var target = path
    if let resolved = realpath(path, nil) {
      target = String(cString: resolved)
      free(resolved)
    }
    var status = stat()
    if stat(target, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      throw DataError(.invalid, "'\(path)' exists and is not a regular file")
    }
    temporaryPath = "\(target).\(getpid()).\(String(UInt32.random(in: 0 ... .max), radix: 36)).tmp"
    let temporary = temporaryPath
    // A replaced file keeps its permissions, a new one gets what the umask leaves.
    let mode: mode_t = status.st_mode != 0 ? status.st_mode & 0o777 : 0o666
    let raw = try systemCall("create '\(path)'") {
      open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    }
    descriptor = FileDescriptor(raw)
    sink = DescriptorSink(descriptor, name: path)
    self.target = target
  }

  private let target: String

  deinit { if !isCommitted { unlink(temporaryPath) } }

  /// Makes the file visible under its name.
  /// - Parameter durable: whether it must also survive a loss of power from here on; that costs a wait for the disk.
  public func commit(durable: Bool = true) throws(DataError) {
    try sink.flush()
    if durable { _ = try systemCall("sync '\(path)'") { fsync(descriptor.rawValue) } }
    _ = try systemCall("put '\(path)' in place") { rename(temporaryPath, target) }
    isCommitted = true
    guard durable else { return }
    // The name is durable only once the folder is; a folder that cannot be synced is no reason to fail.
    let slash = target.lastIndex(of: "/")
    let folder = slash.map { $0 == target.startIndex ? "/" : String(target[..<$0]) } ?? "."
    let raw = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if raw >= 0 {
      fsync(raw)
      close(raw)
    }
  }
}
