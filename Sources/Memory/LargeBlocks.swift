// Large blocks of memory, mapped by themselves, in huge pages, and kept for a while when they are freed.

import Glibc
import Synchronization

/// Where allocations from 256 KiB on come from.
///
/// Filling fresh memory costs a page fault for every 4 KiB, which takes longer than to decompress LZ4 into it. So blocks ask for
/// huge pages, and a few freed ones are kept for whoever needs one of their size next: readers and servers go through batches
/// of about the same size, one after another. The rest goes back to the system at once.
enum LargeBlocks {
  /// From here on blocks are mapped.
  static let smallest = 1 << 18
  /// The most bytes that freed blocks may keep.
  private static let keptLimit = 128 << 20

  private static let hugePage = 2 << 20

  private struct Kept: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): only reached under the lock; nobody else knows the pointers.
    var blocks: [Int: [UnsafeMutableRawPointer]] = [:]
    var bytes = 0
  }

  private static let kept = Mutex(Kept())

  /// A block of at least `size` bytes, aligned to huge pages; nil when the system has none.
  static func take(_ size: Int) -> UnsafeMutableRawPointer? {
    let length = mappedLength(size)
    let block = kept.withLock { kept -> Kept? in
      guard let block = kept.blocks[length]?.popLast() else { return nil }
      kept.bytes -= length
      return Kept(blocks: [length: [block]], bytes: length)
    }
    return block?.blocks[length]?.first ?? map(length)
  }

  /// Takes back a block that `take(size)` gave.
  static func giveBack(_ block: UnsafeMutableRawPointer, _ size: Int) {
    let length = mappedLength(size)
    let given = Kept(blocks: [length: [block]], bytes: length)
    let isKept = kept.withLock { kept in
      guard kept.bytes + length <= keptLimit else { return false }
      kept.blocks[length, default: []].append(given.blocks[length]![0])
      kept.bytes += length
      return true
    }
    if !isKept { munmap(block, length) }
  }

  /// Whole huge pages from 2 MiB on, since a part of one would be small pages again; else whole small pages.
  private static func mappedLength(_ size: Int) -> Int {
    let page = size < hugePage ? 4096 : hugePage
    return (size + page - 1) & ~(page - 1)
  }

  private static func map(_ length: Int) -> UnsafeMutableRawPointer? {
    // Mapped with room for an aligned start; what is in front of it and behind is given back.
    let reserved = length + hugePage
    guard
      let start = mmap(
        nil, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
      start != MAP_FAILED
    else { return nil }
    let head = Int((0 &- UInt(bitPattern: start)) % UInt(hugePage))
    if head > 0 { munmap(start, head) }
    if reserved - head > length { munmap(start + head + length, reserved - head - length) }
    madvise(start + head, length, MADV_HUGEPAGE)
    return start + head
  }
}
