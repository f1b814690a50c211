// Streams and files that are cut off or changed: errors that say where, never a trap and never half of a batch.

import Arrow
import Memory
import Samples
import Testing

@testable import ArrowIPC

@Suite struct DamageTests {
  /// A few columns of unlike layouts, in two batches: small enough to be cut at every byte.
  private func smallBatches() throws -> [RecordBatch] {
    let types: [DataType] = [
      .utf8, .utf8View, .dictionary(indices: .int8, values: .utf8, isOrdered: false),
      .list(Field("item", .int32)),
      .runEndEncoded(runEnds: Field("run_ends", .int16, isNullable: false), values: Field("values", .bool)),
    ]
    let schema = Schema(types.enumerated().map { Field("c\($0)", $1) })
    let fillers = types.map { RandomFiller($0, RandomSource(seed: 3), nullsOneIn: 4) }
    return try (0..<2).map { _ in
      let columns = try fillers.map { filler in
        for _ in 0..<6 { try filler.append() }
        return filler.builder.finish()
      }
      return try RecordBatch(schema: schema, columns: columns)
    }
  }

  @Test(arguments: [Codec?.none, .lz4, .zstd])
  func aStreamCutAtAnyByteIsAnErrorOrFewerBatches(codec: Codec?) throws {
    let batches = try smallBatches()
    let bytes = try written(batches, .stream, WriteOptions(codec: codec))
    var whole = 0
    for length in 0..<bytes.count {
      var read: [RecordBatch] = []
      do throws(DataError) {
        var reader = try StreamReader(bytes.slice(0..<length))
        while let batch = try reader.next() { read.append(batch) }
        // Without an error the cut is between two messages, or in the end mark.
        whole += 1
      } catch {
        #expect(error.code == .malformed)
        if let offset = error.offset {
          #expect(offset <= length)
        } else {
          Issue.record("no offset: \(error)")
        }
      }
      #expect(read.count <= 2)
      expectEqual(read, Array(batches.prefix(read.count)))
    }
    // After the schema, three or four messages, and in front of or after the first half of the end mark.
    #expect(whole >= 4 && whole <= 8)
    expectEqual(try read(bytes, .stream), batches)
  }

  @Test(arguments: [Codec?.none, .zstd])
  func aFileCutAtAnyByteIsAnError(codec: Codec?) throws {
    let bytes = try written(try smallBatches(), .file, WriteOptions(codec: codec))
    for length in 0..<bytes.count {
      let error = #expect(throws: DataError.self) { _ = try read(bytes.slice(0..<length), .file) }
      #expect(error?.code == .malformed)
    }
  }

  @Test(arguments: Container.allCases, [Codec?.none, .lz4, .zstd])
  func aByteChangedAnywhereIsAnErrorOrOtherValues(container: Container, codec: Codec?) throws {
    let bytes = try written(try smallBatches(), container, WriteOptions(codec: codec)).array
    var random = RandomSource(seed: 1)
    for place in bytes.indices {
      var damaged = bytes
      damaged[place] = random.pick([0, 1, 0x7F, 0x80, 0xFF, damaged[place] &+ 1, damaged[place] ^ 0x10])
      var options = ReadOptions()
      options.memoryLimit = 1 << 20
      options.maximumRows = 1000
      guard let batches = try? read(Buffer(copying: damaged), container, options) else { continue }
      // What passes can be looked at, all of it.
      var text: [UInt8] = []
      for batch in batches { for row in 0..<batch.count { batch.appendJSON(row: row, to: &text) } }
    }
  }

  @Test func errorsSayAtWhichByteOfTheStream() throws {
    let batches = try smallBatches()
    let bytes = try written(batches, .stream)
    // The second message follows the first, whose length is in its frame.
    let second = 8 + Int(bytes.load(at: 4, as: Int32.self))
    var damaged = bytes.array
    for i in 0..<4 { damaged[second + 8 + i] = 0xFF }
    let error = #expect(throws: DataError.self) { try read(Buffer(copying: damaged), .stream) }
    #expect(error.flatMap(\.offset).map { $0 >= second + 8 } == true)

    let header = Int(bytes.load(at: second + 4, as: Int32.self))
    let cut = bytes.slice(0..<second + 8 + header + 1)
    let cutError = #expect(throws: DataError.self) { try read(cut, .stream) }
    #expect(cutError?.offset == second + 8 + header)

    var inBatch = try written(batches, .file).array
    let footer = Int(Buffer(copying: Array(inBatch.suffix(10))).load(at: 0, as: Int32.self))
    let start = inBatch.count - 10 - footer
    for i in 0..<4 { inBatch[start + i] = 0xFF }
    let fileError = #expect(throws: DataError.self) { try read(Buffer(copying: inBatch), .file) }
    #expect(fileError.flatMap(\.offset).map { $0 >= start } == true)
  }

  @Test func claimsOfMoreThanThereIsAreRefusedBeforeTheyAreAllocated() throws {
    let bytes = try written(try smallBatches(), .stream, WriteOptions(codec: .zstd)).array
    // Every place that could be the length of a compressed buffer says 2^40.
    for place in stride(from: 0, to: bytes.count - 8, by: 8) {
      var damaged = bytes
      for (i, byte) in ([0, 0, 0, 0, 0, 1, 0, 0] as [UInt8]).enumerated() { damaged[place + i] = byte }
      do throws(DataError) {
        var reader = try StreamReader(Buffer(copying: damaged))
        while try reader.next() != nil {}
      } catch {
        // The claim is seen to be false, it is not the memory limit of 4 GiB that stops it.
        #expect(!error.message.contains("memory limit"))
      }
    }
  }
}
