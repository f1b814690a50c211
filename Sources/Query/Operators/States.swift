// An array that grows without a copy: the states of groups, and their keys.

import Glibc
import Memory

/// Memory for states that grows with zeroes.
///
/// What is large grows by being mapped elsewhere instead of being copied, which `realloc` does with what the C library has mapped by itself:
/// of ten million groups all arrays grow within the same few rows, and to copy them took a tenth of a second in which nobody could cancel.
struct States<T: BitwiseCopyable>: ~Copyable {
  private(set) var base: UnsafeMutablePointer<T>
  private(set) var count = 0
  private var capacity: Int
  private let initial: T

  init(_ initial: T) {
    // What the C library's allocator aligns to.
    precondition(MemoryLayout<T>.alignment <= 16)
    self.initial = initial
    capacity = 16
    base = States.resized(nil, 16)
  }

  deinit { free(base) }

  mutating func grow(to wanted: Int) {
    guard wanted > count else { return }
    if wanted > capacity {
      capacity = max(wanted, capacity * 2)
      base = States.resized(base, capacity)
    }
    (base + count).initialize(repeating: initial, count: wanted - count)
    count = wanted
  }

  mutating func append(_ value: T) {
    grow(to: count + 1)
    base[count - 1] = value
  }

  private static func resized(_ old: UnsafeMutablePointer<T>?, _ capacity: Int) -> UnsafeMutablePointer<T> {
    let bytes = capacity * MemoryLayout<T>.stride
    guard let new = realloc(old, bytes) else { fatalError("out of memory: \(bytes) bytes were refused") }
    HugePages.advise(new, bytes)
    // SAFETY: bytes of `T`, which may be moved as bytes.
    return new.assumingMemoryBound(to: T.self)
  }
}
