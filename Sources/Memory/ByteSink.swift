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
  /// What went wrong before: then bytes are missing, and nothing written after them would be in its place.
  private var failure: DataError?

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

  /// After an error, always the same error again: what is behind the sink is not complete and cannot become it.
  public func flush() throws(DataError) {
    if let failure { throw failure }
    do throws(DataError) { try writePending() } catch {
      failure = error
      throw error
    }
  }

  private func writePending() throws(DataError) {
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
