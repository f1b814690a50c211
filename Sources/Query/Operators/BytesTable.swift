// Distinct texts and blobs under numbers, in the order in which they came.

import Kernels
import Memory

/// A hash table of byte strings, whose copies it keeps.
final class BytesTable {
  @exclusivity(unchecked) private var slots: UnsafeMutablePointer<Int32>
  @exclusivity(unchecked) private var slotCount = 1024
  @exclusivity(unchecked) private var stored = States(UnsafeRawBufferPointer(start: nil, count: 0))
  @exclusivity(unchecked) private var hashes = States<UInt64>(0)
  private let arena = ByteArena()
  private(set) var byteCount = 0
  /// Asked while the table grows.
  var checkpoint = Checkpoint.none
  /// Whether the query was cancelled then: what the table says from there on means nothing.
  @exclusivity(unchecked) private(set) var isAbandoned = false

  init() {
    slots = .allocate(capacity: 1024)
    slots.initialize(repeating: -1, count: 1024)
  }

  deinit { slots.deallocate() }

  var count: Int { stored.count }

  /// For as long as the table is there and nothing is entered.
  var entries: UnsafeBufferPointer<UnsafeRawBufferPointer> {
    UnsafeBufferPointer(start: stored.base, count: stored.count)
  }

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
    var place = Int(truncatingIfNeeded: hash) & (slotCount &- 1)
    while true {
      let entry = Int(slots[place])
      if entry < 0 { return enter(bytes, hash, place) }
      if hashes.base[entry] == hash, equalBytes(stored.base[entry], bytes) { return entry }
      place = (place &+ 1) & (slotCount &- 1)
    }
  }

  /// The number of some bytes; nil if they are not there.
  func find(_ bytes: UnsafeRawBufferPointer) -> Int? {
    let hash = BytesTable.hash(bytes)
    var place = Int(truncatingIfNeeded: hash) & (slotCount &- 1)
    while true {
      let entry = Int(slots[place])
      if entry < 0 { return nil }
      if hashes.base[entry] == hash, equalBytes(stored.base[entry], bytes) { return entry }
      place = (place &+ 1) & (slotCount &- 1)
    }
  }

  @inline(never)
  private func enter(_ bytes: UnsafeRawBufferPointer, _ hash: UInt64, _ place: Int) -> Int {
    let number = stored.count
    let target = arena.allocate(bytes.count)
    if let base = bytes.baseAddress { target.copyMemory(from: base, byteCount: bytes.count) }
    stored.append(UnsafeRawBufferPointer(start: target, count: bytes.count))
    hashes.grow(to: number + 1)
    hashes.base[number] = hash
    byteCount += bytes.count + 28
    slots[place] = Int32(number)
    if stored.count * 2 > slotCount { grow() }
    return number
  }

  private func grow() {
    // What is entered behind the end of the query only has to find a place.
    if isAbandoned { return makeSlots(1024) }
    makeSlots(slotCount * 2)
    let checkpoint = checkpoint
    for number in 0..<stored.count {
      if checkpoint.isReached(number) {
        isAbandoned = true
        return makeSlots(1024)
      }
      var place = Int(truncatingIfNeeded: hashes.base[number]) & (slotCount - 1)
      while slots[place] >= 0 { place = (place + 1) & (slotCount - 1) }
      slots[place] = Int32(number)
    }
  }

  private func makeSlots(_ count: Int) {
    slots.deallocate()
    slotCount = count
    slots = .allocate(capacity: count)
    HugePages.advise(slots, count * MemoryLayout<Int32>.stride)
    slots.initialize(repeating: -1, count: count)
  }
}
