// Who keeps bytes alive: heap allocations, mapped files, and memory that belongs to somebody else.

import Glibc

/// Something that keeps a range of bytes readable, at the same address and unchanged, for as long as it lives.
///
/// Buffers hold a strong reference to their owner; when the last buffer is gone, the owner's `deinit` gives the memory back.
open class MemoryOwner: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): an owner publishes nothing but its lifetime. The bytes are written before the first
  // `Buffer` on them is made and never after; subclasses only add immutable state.
  public init() {}
}

/// Arrow asks for 8-byte alignment and recommends 64, a cache line and the widest vector register.
public let bufferAlignment = 64

/// Rounds up to a multiple of 64 bytes.
@inlinable
public func paddedSize(_ count: Int) -> Int { (count &+ 63) & ~63 }

/// Memory of this process, aligned to 64 bytes, that counts against a budget while it lives.
///
/// Small blocks come from `malloc`, large ones from `LargeBlocks`.
public final class HeapMemory: MemoryOwner, @unchecked Sendable {
  // SAFETY (@unchecked Sendable): see `MemoryOwner`; `base` is written through only by whoever made the allocation,
  // before it is shared.
  public let base: UnsafeMutableRawPointer
  public let capacity: Int
  private let budget: MemoryBudget?

  /// - Parameter capacity: bytes; not zeroed, and rounded up.
  /// - Throws: `.limit` when the budget or the machine has not that much.
  public init(capacity wanted: Int, budget: MemoryBudget? = nil) throws(DataError) {
    precondition(wanted >= 0)
    guard wanted <= Int.max / 2 else {
      throw DataError(.limit, "an allocation of \(wanted) bytes is beyond this machine")
    }
    capacity = max(paddedSize(wanted), bufferAlignment)
    try budget?.reserve(capacity)
    guard
      let base = capacity < LargeBlocks.smallest ? HeapMemory.allocate(capacity) : LargeBlocks.take(capacity)
    else {
      budget?.release(capacity)
      throw DataError(.limit, "out of memory: \(capacity) bytes were refused")
    }
    self.base = base
    self.budget = budget
  }

  deinit {
    if capacity < LargeBlocks.smallest { free(base) } else { LargeBlocks.giveBack(base, capacity) }
    budget?.release(capacity)
  }

  private static func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
    var pointer: UnsafeMutableRawPointer?
    return posix_memalign(&pointer, bufferAlignment, size) == 0 ? pointer : nil
  }
}

/// Memory that another system owns; `release` runs when the last buffer on it is gone.
public final class ForeignMemory: MemoryOwner, @unchecked Sendable {
  // SAFETY (@unchecked Sendable): the closure is Sendable and runs once, in deinit.
  private let release: @Sendable () -> Void

  public init(release: @escaping @Sendable () -> Void) { self.release = release }

  deinit { release() }
}
