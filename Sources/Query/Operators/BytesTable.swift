// Distinct texts and blobs under numbers, in the order in which they came.

import Kernels

/// A hash table of byte strings, whose copies it keeps.
final class BytesTable {
  private var slots: [Int32]
  private(set) var entries: [UnsafeRawBufferPointer] = []
  private var hashes: [UInt64] = []
  private let arena = ByteArena()
  private(set) var byteCount = 0

  init() { slots = [Int32](repeating: -1, count: 1024) }

  var count: Int { entries.count }

  @inline(__always)
  static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    // Short texts in one step: both ends, which may overlap.
    if bytes.count <= 16, let base = bytes.baseAddress {
      var (low, high): (UInt64, UInt64) = (0, 0)
      if bytes.count >= 8 {
        low = base.loadUnaligned(as: UInt64.self)
        high = (base + (bytes.count &- 8)).loadUnaligned(as: UInt64.self)
      } else if bytes.count >= 4 {
        low = UInt64(base.loadUnaligned(as: UInt32.self))
        high = UInt64((base + (bytes.count &- 4)).loadUnaligned(as: UInt32.self))
      } else {
        for byte in bytes { low = low << 8 | UInt64(byte) }
      }
      let mixed = (low ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(
        by: high ^ 0xBF58_476D_1CE4_E5B9 &+ UInt64(bytes.count))
      return mixed.low ^ mixed.high ^ (low &+ high &* 31)
    }
    return ValueHash.of(bytes)
  }

  /// The number of some bytes, which are entered if they are not there.
  @inline(__always)
  func number(_ bytes: UnsafeRawBufferPointer) -> Int {
    let hash = BytesTable.hash(bytes)
    var place = Int(truncatingIfNeeded: hash) & (slots.count &- 1)
    while true {
      let entry = Int(slots[place])
      if entry < 0 { return enter(bytes, hash, place) }
      if hashes[entry] == hash, compareBytesEqual(entries[entry], bytes) { return entry }
      place = (place &+ 1) & (slots.count &- 1)
    }
  }

  @inline(never)
  private func enter(_ bytes: UnsafeRawBufferPointer, _ hash: UInt64, _ place: Int) -> Int {
    let number = entries.count
    let target = arena.allocate(bytes.count)
    if let base = bytes.baseAddress { target.copyMemory(from: base, byteCount: bytes.count) }
    entries.append(UnsafeRawBufferPointer(start: target, count: bytes.count))
    hashes.append(hash)
    byteCount += bytes.count + 28
    slots[place] = Int32(number)
    if entries.count * 2 > slots.count {
      slots = [Int32](repeating: -1, count: slots.count * 2)
      for (number, hash) in hashes.enumerated() {
        var place = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[place] >= 0 { place = (place + 1) & (slots.count - 1) }
        slots[place] = Int32(number)
      }
    }
    return number
  }
}
