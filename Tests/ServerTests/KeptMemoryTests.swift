// The memory of what waits for clients: what is counted, and given back.

import Arrow
import Memory
import Testing

@testable import Server

@Suite struct KeptMemoryTests {
  private func batch(rows: Int) throws -> RecordBatch {
    let builder = FixedBuilder<Int64>(type: .int64)
    for row in 0..<rows { builder.append(Int64(row)) }
    return try RecordBatch(schema: Schema([Field("x", .int64)]), columns: [builder.finish()], count: rows)
  }

  @Test func slicesOfOneBatchCountOnce() throws {
    let memory = KeptMemory(limit: 1 << 20)
    do {
      let share = KeptMemory.Share(memory)
      let batch = try batch(rows: 10_000)
      for start in stride(from: 0, to: 10_000, by: 1000) {
        #expect(share.add(batch.slice(start..<start + 1000), makeRoom: { _ in }))
      }
      #expect((80_000..<200_000).contains(memory.usedBytes))
      #expect(memory.usedBytes == share.bytes)
      // Another share holds them by itself.
      let other = KeptMemory.Share(memory)
      #expect(other.add(batch, makeRoom: { _ in }))
      #expect(memory.usedBytes == 2 * share.bytes)
    }
    #expect(memory.usedBytes == 0)
  }

  @Test func whatHasNoRoomIsRefusedUnlessItMustBe() throws {
    let memory = KeptMemory(limit: 100_000)
    let share = KeptMemory.Share(memory)
    // Kept as long as the share, as it wants it: another batch may come to lie where one was.
    let batches = [try batch(rows: 8000), try batch(rows: 8000), try batch(rows: 8000)]
    #expect(share.add(batches[0], makeRoom: { _ in }))
    var asked = 0
    #expect(!share.add(batches[1], makeRoom: { asked = $0 }))
    #expect(asked >= 64_000)
    let before = memory.usedBytes
    #expect(share.add(batches[2], isForced: true, makeRoom: { _ in }))
    #expect(memory.usedBytes > before)
    withExtendedLifetime(batches) {}
  }

  @Test func roomIsMadeByLettingGo() throws {
    let memory = KeptMemory(limit: 100_000)
    var old: KeptMemory.Share? = KeptMemory.Share(memory)
    let batches = [try batch(rows: 8000), try batch(rows: 8000)]
    #expect(old!.add(batches[0], makeRoom: { _ in }))
    let share = KeptMemory.Share(memory)
    #expect(share.add(batches[1], makeRoom: { _ in old = nil }))
    #expect(old == nil && memory.usedBytes == share.bytes)
  }

  @Test func handlesGoByRankAndThenByAge() throws {
    let table = HandleTable<Int>(name: "number", lifetime: 60)
    for number in [5, 3, 4, 1, 2] { _ = try table.add(number, owner: "") }
    var dropped: [Int] = []
    table.evict(
      rank: { number, _ in number == 3 ? nil : number % 2 },
      drop: { number in
        dropped.append(number)
        return number != 4
      }, until: { dropped.count == 4 })
    #expect(dropped == [4, 2, 5, 1])
    // What was not to go by its handle is still there.
    #expect(table.count == 2)
  }
}
