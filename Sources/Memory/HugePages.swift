// Huge pages for arrays that are large enough.

import Glibc

/// Asks the system for huge pages.
///
/// Memory of 4 KiB pages costs a fault for each page when it is filled, and as many steps when it is given back: a gigabyte takes a tenth of
/// a second then, in which whoever frees it hears nothing. In huge pages it takes a few milliseconds.
public enum HugePages {
  /// From here on the C library maps an allocation by itself, whatever was allocated before (its dynamic threshold ends there): the
  /// advice is for that allocation alone, and goes with it.
  public static let smallest = 32 << 20

  private static let size = 2 << 20

  /// To be called before the memory is written to, which is what decides about its pages. Does nothing for what is small.
  public static func advise(_ base: UnsafeMutableRawPointer?, _ byteCount: Int) {
    guard let base, byteCount >= smallest else { return }
    let start = (UInt(bitPattern: base) + UInt(size) - 1) & ~UInt(size - 1)
    let end = (UInt(bitPattern: base) + UInt(byteCount)) & ~UInt(size - 1)
    guard start < end, let first = UnsafeMutableRawPointer(bitPattern: start) else { return }
    madvise(first, Int(end - start), MADV_HUGEPAGE)
  }
}
