// Buffers while they are written: growth keeps what is there, freezing copies nothing.

import Memory
import Samples
import Testing

@Suite struct GrowableBufferTests {
  @Test(arguments: 0..<20)
  func anySequenceOfAppendsGivesTheirBytes(seed: UInt64) {
    var random = RandomSource(seed: seed)
    var buffer = GrowableBuffer(capacity: random.below(100))
    var naive: [UInt8] = []
    for _ in 0..<60 {
      switch random.below(5) {
      case 0:
        let value = random.next()
        buffer.append(value)
        withUnsafeBytes(of: value) { naive.append(contentsOf: $0) }
      case 1:
        let bytes = (0..<random.below(300)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        buffer.append(contentsOf: bytes.span.bytes)
        naive.append(contentsOf: bytes)
      case 2:
        let (byte, count) = (UInt8(truncatingIfNeeded: random.next()), random.below(200))
        buffer.append(repeating: byte, count: count)
        naive.append(contentsOf: repeatElement(byte, count: count))
      case 3:
        let count = random.below(50)
        buffer.appendUninitialized(count) { target in
          for i in 0..<count { target.storeBytes(of: UInt8(i), toByteOffset: i, as: UInt8.self) }
        }
        naive.append(contentsOf: (0..<count).map { UInt8($0) })
      default:
        let values: [Int16] = [1, -1, .max]
        buffer.append(contentsOf: values.span)
        values.withUnsafeBytes { naive.append(contentsOf: $0) }
      }
    }
    let count = buffer.count
    #expect(count == naive.count)
    #expect(buffer.freeze().array == naive)
  }

  @Test(arguments: [1, 63, 64, 65, 1000, 100_000])
  func freezingHandsOverTheSameMemory(count: Int) {
    var buffer = GrowableBuffer()
    buffer.append(repeating: 9, count: count)
    let address = buffer.withBytes { UnsafeRawPointer($0.baseAddress!) }
    let frozen = buffer.freeze()
    #expect(frozen.base == address)
    #expect(frozen.count == count)
    #expect(frozen.isAligned(to: 64))
  }

  @Test func whatWasFrozenIsNotWrittenToAgain() {
    var buffer = GrowableBuffer(capacity: 4096)
    buffer.append(repeating: 1, count: 100)
    let first = buffer.freeze()
    let emptied = buffer.count
    buffer.append(repeating: 2, count: 4096)
    let second = buffer.freeze()
    #expect(emptied == 0)
    #expect(first.array == [UInt8](repeating: 1, count: 100))
    #expect(second.array == [UInt8](repeating: 2, count: 4096))
    #expect(second.base != first.base)
  }

  @Test func growthMovesTheBytesOnlySeldom() {
    var buffer = GrowableBuffer()
    var places: Set<UnsafeRawPointer> = []
    var moves = 0
    var last: UnsafeRawPointer?
    for i in 0..<20_000 {
      buffer.append(UInt32(i))
      let place = buffer.withBytes { UnsafeRawPointer($0.baseAddress!) }
      if place != last { moves += 1 }
      last = place
      places.insert(place)
    }
    // 64 bytes doubled until there is room for 80,000.
    #expect(moves <= 12)
    let frozen = buffer.freeze()
    #expect((0..<20_000).allSatisfy { frozen.load(at: $0 * 4, as: UInt32.self) == UInt32($0) })
  }

  @Test func reservedRoomIsUsedWithoutMoving() {
    var buffer = GrowableBuffer()
    buffer.append(UInt8(1))
    buffer.reserve(10_000)
    let before = buffer.withBytes { UnsafeRawPointer($0.baseAddress!) }
    buffer.append(repeating: 0, count: 10_000)
    let after = buffer.withBytes { UnsafeRawPointer($0.baseAddress!) }
    #expect(before == after)
  }

  @Test func anEmptyBufferFreezesToNoBytes() {
    var buffer = GrowableBuffer(capacity: 1000)
    #expect(buffer.freeze().count == 0)
    buffer.append(UInt8(5))
    buffer.removeAll()
    #expect(buffer.freeze().count == 0)
    buffer.append(UInt8(6))
    #expect(buffer.freeze().array == [6])
  }
}
