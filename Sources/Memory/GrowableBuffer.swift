// Bytes that are still being written: they grow, and then freeze into a `Buffer` without a copy.

import Glibc

/// A buffer with one writer. `freeze()` hands its memory to an immutable `Buffer` and leaves this one empty.
@frozen
public struct GrowableBuffer: ~Copyable, @unchecked Sendable {
  // SAFETY (@unchecked Sendable): non-copyable, so there is one user at a time, and `memory` is shared with nobody
  // until `freeze()` gives it up.
  @usableFromInline var memory: HeapMemory?
  @usableFromInline var base: UnsafeMutableRawPointer
  @usableFromInline var length: Int
  /// Bytes written.
  @inlinable public var count: Int { length }
  @usableFromInline var capacity: Int

  public init() {
    memory = nil
    base = GrowableBuffer.nowhere
    length = 0
    capacity = 0
  }

  public init(capacity: Int) {
    self.init()
    reserve(capacity)
  }

  /// A place to point at while there is no memory; nothing is ever written there.
  private static var nowhere: UnsafeMutableRawPointer { UnsafeMutableRawPointer(mutating: Buffer.empty.base) }

  /// Makes room for `additional` more bytes; growth doubles, so appending costs a constant amount per byte.
  @inlinable @inline(__always)
  public mutating func reserve(_ additional: Int) {
    if additional > capacity &- count { grow(by: additional) }
  }

  @usableFromInline @inline(never)
  mutating func grow(by additional: Int) {
    let (needed, overflow) = count.addingReportingOverflow(additional)
    precondition(!overflow && additional >= 0)
    do throws(DataError) {
      let larger = try HeapMemory(capacity: max(needed, capacity &* 2, bufferAlignment))
      if count > 0 { larger.base.copyMemory(from: base, byteCount: count) }
      base = larger.base
      capacity = larger.capacity
      memory = larger
    } catch {
      fatalError(error.message)
    }
  }

  @inlinable @inline(__always)
  public mutating func append<T: BitwiseCopyable>(_ value: T) {
    reserve(MemoryLayout<T>.stride)
    base.storeBytes(of: value, toByteOffset: count, as: T.self)
    length &+= MemoryLayout<T>.stride
  }

  @inlinable
  public mutating func append(contentsOf bytes: RawSpan) {
    bytes.withUnsafeBytes { append(contentsOf: $0) }
  }

  @inlinable
  public mutating func append<T: BitwiseCopyable>(contentsOf values: Span<T>) {
    values.withUnsafeBytes { append(contentsOf: $0) }
  }

  @inlinable
  public mutating func append(contentsOf bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress, bytes.count > 0 else { return }
    reserve(bytes.count)
    (base + count).copyMemory(from: source, byteCount: bytes.count)
    length &+= bytes.count
  }

  public mutating func append(repeating byte: UInt8, count repeats: Int) {
    precondition(repeats >= 0)
    reserve(repeats)
    memset(base + count, Int32(byte), repeats)
    length &+= repeats
  }

  /// Room for `n` bytes at the end, which the closure fills; all of them count as written.
  @inlinable
  public mutating func appendUninitialized(_ n: Int, _ fill: (UnsafeMutableRawPointer) -> Void) {
    reserve(n)
    fill(base + count)
    length &+= n
  }

  /// The bytes so far, to be changed in place.
  @inlinable
  public mutating func withBytes<R>(_ body: (UnsafeMutableRawBufferPointer) -> R) -> R {
    body(UnsafeMutableRawBufferPointer(start: base, count: count))
  }

  public mutating func removeAll(keepingCapacity: Bool = true) {
    if !keepingCapacity { self = GrowableBuffer() } else { length = 0 }
  }

  /// Hands the bytes over without copying them; this buffer is empty afterwards and can be used again.
  public mutating func freeze() -> Buffer {
    guard count > 0, let memory else {
      removeAll()
      return .empty
    }
    let frozen = Buffer(owner: memory, base: UnsafeRawPointer(base), count: length)
    self = GrowableBuffer()
    return frozen
  }
}
