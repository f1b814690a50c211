// The one place that reads errno: interrupted calls are retried, refusals become errors with the path in them.

import Glibc

/// Runs a system call until a signal no longer interrupts it, and throws what the system says against it.
/// - Parameter what: the attempt in words, as in "cannot \(what)".
@inline(__always)
public func systemCall<Result: FixedWidthInteger & SignedInteger>(
  _ what: @autoclosure () -> String, _ body: () -> Result
) throws(DataError) -> Result {
  while true {
    let result = body()
    if result != -1 { return result }
    let code = errno
    if code == EINTR { continue }
    throw DataError(.system(code), "cannot \(what()): \(String(cString: strerror(code)))")
  }
}

/// A file descriptor that is closed with its last owner.
public final class FileDescriptor: Sendable {
  public let rawValue: Int32
  private let closes: Bool

  /// - Parameter closes: false for descriptors that others own, such as standard input.
  public init(_ rawValue: Int32, closes: Bool = true) {
    self.rawValue = rawValue
    self.closes = closes
  }

  deinit { if closes { close(rawValue) } }

  public static var standardInput: FileDescriptor { FileDescriptor(STDIN_FILENO, closes: false) }
  public static var standardOutput: FileDescriptor { FileDescriptor(STDOUT_FILENO, closes: false) }

  /// - Parameter waits: whether opening a named pipe waits for somebody who writes to it.
  public static func openForReading(_ path: String, waits: Bool = true) throws(DataError) -> FileDescriptor {
    let flags = O_RDONLY | O_CLOEXEC | (waits ? 0 : O_NONBLOCK)
    return FileDescriptor(try systemCall("open '\(path)'") { open(path, flags) })
  }

  /// Reads up to `bytes.count` bytes; 0 means the end of the file.
  public func read(into bytes: UnsafeMutableRawBufferPointer) throws(DataError) -> Int {
    try systemCall("read") { Glibc.read(rawValue, bytes.baseAddress, bytes.count) }
  }
}
