// An immutable slice of somebody's bytes: what every column, message and body is made of.

import Glibc

/// A contiguous range of immutable bytes that keeps its owner alive.
///
///     owner ──────────────┐ keeps alive
///                         ▼
///     ░░░░░░░░████████████████░░░░░░░░   the owner's bytes
///             ▲               ▲
///           base         base + count
///
/// Copying or slicing a buffer copies no bytes. The one safety rule: `base ..< base + count` lies within memory that
/// `owner` keeps readable and unchanged, which is why only `Memory` and the C wrappers make buffers from pointers.
@frozen
public struct Buffer: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): the bytes are never written after the buffer is made.

  /// What keeps the bytes alive; nil for bytes that live as long as the program.
  public let owner: MemoryOwner?
  public let base: UnsafeRawPointer
  /// The length in bytes.
  public let count: Int

  @inlinable
  public init(owner: MemoryOwner?, base: UnsafeRawPointer, count: Int) {
    precondition(count >= 0)
    self.owner = owner
    self.base = base
    self.count = count
  }

  /// No bytes, at an aligned address.
  public static let empty = Buffer(owner: nil, base: zeroBytes.base, count: 0)

  /// The most bytes that `zeroes(count:)` has to give.
  public static let zeroesLimit = 4096

  /// Static zero bytes, for padding.
  public static func zeroes(count: Int) -> Buffer {
    precondition(count <= zeroesLimit)
    return Buffer(owner: nil, base: zeroBytes.base, count: count)
  }

  /// A copy of an array's bytes.
  public init<T: BitwiseCopyable>(copying values: [T]) {
    self = values.withUnsafeBytes { Buffer(copying: $0) }
  }

  /// A copy of bytes that the caller only has for now, aligned to 64 bytes.
  public init(copying bytes: UnsafeRawBufferPointer) {
    guard bytes.count > 0 else {
      self = .empty
      return
    }
    do throws(DataError) {
      self = try Buffer(copying: bytes, budget: nil)
    } catch {
      // Without a budget only an exhausted machine gets here, as it would in `Array`.
      fatalError(error.message)
    }
  }

  /// A copy of a span's bytes.
  public init(copying bytes: RawSpan) {
    self = bytes.withUnsafeBytes { Buffer(copying: $0) }
  }

  /// A copy that counts against a budget.
  public init(copying bytes: UnsafeRawBufferPointer, budget: MemoryBudget?) throws(DataError) {
    let memory = try HeapMemory(capacity: bytes.count, budget: budget)
    if let source = bytes.baseAddress { memory.base.copyMemory(from: source, byteCount: bytes.count) }
    self.init(owner: memory, base: UnsafeRawPointer(memory.base), count: bytes.count)
  }

  // MARK: Reading

  /// The bytes, for as long as the buffer is borrowed.
  @inlinable
  public var bytes: RawSpan {
    @_lifetime(borrow self)
    get {
      // SAFETY: the owner keeps the bytes alive, and the span cannot outlive the borrow of this buffer.
      unsafe _overrideLifetime(RawSpan(_unsafeStart: base, byteCount: count), borrowing: self)
    }
  }

  /// The bytes as values of one type; a tail that is no whole value is left out.
  ///
  /// The address must be aligned for `T`: decoders see to that (`isAligned(to:)`).
  @inlinable
  @_lifetime(borrow self)
  public func values<T: BitwiseCopyable>(of type: T.Type = T.self) -> Span<T> {
    // SAFETY: as for `bytes`; any bit pattern is a value of a bitwise-copyable number, and alignment is checked.
    unsafe _overrideLifetime(
      Span(_unsafeStart: pointer(to: type), count: count / MemoryLayout<T>.stride), borrowing: self)
  }

  /// The address as a typed pointer, for kernels and C wrappers.
  @inlinable
  public func pointer<T: BitwiseCopyable>(to type: T.Type) -> UnsafePointer<T> {
    precondition(UInt(bitPattern: base) & UInt(MemoryLayout<T>.alignment - 1) == 0, "misaligned buffer")
    return base.assumingMemoryBound(to: type)
  }

  @inlinable
  public func isAligned(to alignment: Int) -> Bool {
    UInt(bitPattern: base) & UInt(alignment - 1) == 0
  }

  /// One value; traps when it is not wholly inside.
  @inlinable
  public func load<T: BitwiseCopyable>(at offset: Int, as type: T.Type = T.self) -> T {
    precondition(offset >= 0 && offset <= count - MemoryLayout<T>.size, "load outside of the buffer")
    return base.loadUnaligned(fromByteOffset: offset, as: type)
  }

  // MARK: Slicing

  /// The bytes of `range`; traps when it is not inside.
  @inlinable
  public func slice(_ range: Range<Int>) -> Buffer {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "slice outside of the buffer")
    return Buffer(owner: owner, base: base + range.lowerBound, count: range.count)
  }

  /// Whether both name the same bytes in memory.
  @inlinable
  public func isSame(as other: Buffer) -> Bool { base == other.base && count == other.count }

  /// Whether both hold equal bytes.
  public func hasEqualBytes(to other: Buffer) -> Bool {
    count == other.count && (base == other.base || memcmp(base, other.base, count) == 0)
  }

  /// The bytes as an array, for tests and small things.
  public var array: [UInt8] { Array(UnsafeRawBufferPointer(start: base, count: count)) }
}

/// Aligned zero bytes that live as long as the program.
private struct ZeroBytes: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): never written after init.
  let base: UnsafeRawPointer

  init() {
    let pointer = UnsafeMutableRawPointer.allocate(
      byteCount: Buffer.zeroesLimit, alignment: bufferAlignment)
    pointer.initializeMemory(as: UInt8.self, repeating: 0, count: Buffer.zeroesLimit)
    base = UnsafeRawPointer(pointer)
  }
}

private let zeroBytes = ZeroBytes()
