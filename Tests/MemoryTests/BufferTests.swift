// Who keeps bytes alive and for how long, and what allocations cost their budget.

import Memory
import Samples
import Synchronization
import Testing

private final class Counter: Sendable {
  let value = Atomic<Int>(0)
  func add() { value.wrappingAdd(1, ordering: .relaxed) }
  var count: Int { value.load(ordering: .relaxed) }
}

@Suite struct BufferTests {
  /// A buffer on memory that `released` is told the end of.
  private func foreign(_ bytes: [UInt8], released: Counter) -> Buffer {
    let copy = UnsafeMutableRawPointer.allocate(byteCount: bytes.count, alignment: 64)
    copy.copyMemory(from: bytes, byteCount: bytes.count)
    nonisolated(unsafe) let pointer = copy
    let owner = ForeignMemory {
      pointer.deallocate()
      released.add()
    }
    return Buffer(owner: owner, base: copy, count: bytes.count)
  }

  @Test func memoryIsGivenBackExactlyWhenTheLastSliceDies() {
    let released = Counter()
    var slices: [Buffer] = []
    do {
      let whole = foreign(Array(0..<100), released: released)
      for i in 0..<10 { slices.append(whole.slice(i * 10..<(i + 1) * 10).slice(1..<9)) }
    }
    while let last = slices.popLast() {
      #expect(released.count == 0)
      #expect(last.array == Array(UInt8(slices.count * 10 + 1)..<UInt8(slices.count * 10 + 9)))
    }
    #expect(released.count == 1)
  }

  @Test func anEmptySliceKeepsItsOwnerToo() {
    let released = Counter()
    var empty: Buffer? = foreign([1, 2, 3], released: released).slice(3..<3)
    #expect(released.count == 0 && empty?.count == 0)
    empty = nil
    #expect(released.count == 1)
  }

  @Test(arguments: 0..<10)
  func slicesAreTheBytesOfTheirRangeAtTheSameAddress(seed: UInt64) {
    var random = RandomSource(seed: seed)
    let bytes = (0..<500).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    var (slice, expected) = (Buffer(copying: bytes), bytes[...])
    let base = slice.base
    while slice.count > 0 {
      let start = random.below(slice.count)
      let end = start + random.below(slice.count - start + 1)
      slice = slice.slice(start..<end)
      expected = expected[(expected.startIndex + start)..<(expected.startIndex + end)]
      #expect(slice.array == Array(expected))
      #expect(slice.base == base + expected.startIndex)
    }
  }

  @Test func valuesLeaveOutATailThatIsNoWholeValue() {
    let buffer = Buffer(copying: [1, 0, 0, 0, 2, 0, 0, 0, 9, 9, 9] as [UInt8])
    let values = buffer.values(of: UInt32.self)
    #expect(values.count == 2)
    #expect(values[1] == 2)
    #expect(buffer.load(at: 7, as: UInt32.self) == 0x0909_0900)
  }

  @Test func equalityOfBytesIsNotThatOfAddresses() {
    let (one, other) = (Buffer(copying: [1, 2] as [UInt8]), Buffer(copying: [1, 2] as [UInt8]))
    #expect(one.hasEqualBytes(to: other) && !one.isSame(as: other))
    #expect(!one.hasEqualBytes(to: other.slice(0..<1)))
    #expect(!one.hasEqualBytes(to: Buffer(copying: [1, 3] as [UInt8])))
    #expect(Buffer.empty.hasEqualBytes(to: one.slice(1..<1)))
  }

  @Test func paddingIsZeros() {
    #expect(Buffer.zeroes(count: Buffer.zeroesLimit).array.allSatisfy { $0 == 0 })
    #expect(Buffer.zeroes(count: 1).isAligned(to: 64) && Buffer.empty.isAligned(to: 64))
  }
}

@Suite struct HeapMemoryTests {
  @Test(arguments: [0, 1, 63, 64, 65, 4096, (4 << 20) + 1])
  func allocationsAreAlignedAndWholeLines(size: Int) throws {
    let memory = try HeapMemory(capacity: size)
    #expect(UInt(bitPattern: memory.base) % UInt(bufferAlignment) == 0)
    #expect(memory.capacity >= max(size, 1) && memory.capacity % 64 == 0 && memory.capacity < size + 128)
  }

  @Test func impossibleSizesAreErrors() {
    for size in [Int.max, Int.max - 100, 1 << 60] {
      let error = #expect(throws: DataError.self) { try HeapMemory(capacity: size) }
      #expect(error?.code == .limit)
    }
  }

  @Test func aBudgetIsChargedUntilTheMemoryIsFreed() throws {
    let budget = MemoryBudget(limit: 1000)
    var first: HeapMemory? = try HeapMemory(capacity: 500, budget: budget)
    #expect(budget.inUse == 512)
    let error = #expect(throws: DataError.self) { try HeapMemory(capacity: 500, budget: budget) }
    #expect(error?.code == .limit)
    // What was refused is not counted, neither as used nor as the peak.
    #expect(budget.inUse == 512 && budget.peak == 512)
    var slice: Buffer? = Buffer(owner: first, base: first!.base, count: 10)
    first = nil
    #expect(budget.inUse == 512)
    _ = slice
    slice = nil
    #expect(budget.inUse == 0)
    _ = try HeapMemory(capacity: 1000 - 64, budget: budget)
    #expect(budget.inUse == 0 && budget.peak == 960)
  }

  @Test func aSizeThatTheMachineRefusesIsNotCharged() {
    let budget = MemoryBudget(limit: .max)
    #expect(throws: DataError.self) { try HeapMemory(capacity: 1 << 60, budget: budget) }
    #expect(budget.inUse == 0)
  }

  @Test func sumsBeyondTheWidthOfAnIntegerAreRefused() throws {
    let budget = MemoryBudget(limit: .max)
    try budget.reserve(.max - 10)
    #expect(throws: DataError.self) { try budget.reserve(100) }
    #expect(budget.inUse == .max - 10)
    budget.release(.max - 10)
    #expect(budget.inUse == 0)
  }

  @Test func manyThreadsNeverPassTheLimitTogether() async {
    let budget = MemoryBudget(limit: 64 * 3)
    let refused = Counter()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          for _ in 0..<500 {
            do throws(DataError) { _ = try HeapMemory(capacity: 64, budget: budget) } catch { refused.add() }
          }
        }
      }
    }
    #expect(budget.inUse == 0)
    #expect(budget.peak <= budget.limit && budget.peak > 0)
  }
}
