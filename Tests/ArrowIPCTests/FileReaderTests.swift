// Files read batch by batch: in any order, from many threads, and only the columns that are asked for.

import Arrow
import Dispatch
import Memory
import Samples
import Synchronization
import Testing

@testable import ArrowIPC

@Suite struct FileReaderTests {
  @Test(arguments: [Codec?.none, .lz4, .zstd])
  func batchesAreReadFromManyThreadsAtOnce(codec: Codec?) throws {
    let batches = try sampleBatches(6, rows: 20)
    let file = try FileReader(try written(batches, .file, WriteOptions(codec: codec)))
    #expect(file.batchCount == 6)
    let equal = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: 24) { i in
      // Each in an order of its own.
      let index = (i * 5 + 3) % 6
      guard let batch = try? file.batch(index), (try? batch.check(.full)) != nil else { return }
      let isEqual = zip(batch.columns, batches[index].columns).allSatisfy { $0.hasEqualValues(to: $1) }
      if isEqual { equal.wrappingAdd(1, ordering: .relaxed) }
    }
    #expect(equal.load(ordering: .relaxed) == 24)
  }

  @Test(arguments: [Codec?.none, .lz4, .zstd], [1, 3])
  func projectionsAreTheColumnsAskedForInTheirOrder(codec: Codec?, threads: Int) throws {
    let batch = try sampleBatches(1, rows: 20)[0]
    var options = ReadOptions()
    options.threads = threads
    let file = try FileReader(try written([batch], .file, WriteOptions(codec: codec)), options: options)
    var random = RandomSource(seed: 6)
    for _ in 0..<30 {
      let projection = (0..<random.below(6)).map { _ in random.below(batch.columns.count) }
      let read = try file.batch(0, projection: projection)
      try read.check(.full)
      #expect(read.count == 20)
      #expect(read.schema.fields == projection.map { batch.schema.fields[$0] })
      #expect(read.schema.metadata == batch.schema.metadata)
      for (column, place) in zip(read.columns, projection) {
        #expect(column.hasEqualValues(to: batch.columns[place]), "\(column.type)")
      }
    }
    // Each column alone, so that every kind of column is once what is passed over.
    for place in batch.columns.indices {
      #expect(try file.batch(0, projection: [place]).columns[0].hasEqualValues(to: batch.columns[place]))
    }
  }

  @Test(arguments: [1, 3])
  func columnsThatAreNotAskedForAreNotDecompressed(threads: Int) throws {
    let numbers = try (0..<10).map { i in
      try Column(
        type: .int64, count: 10_000, layout: .fixed(Buffer(copying: [Int](repeating: i, count: 10_000))))
    }
    let schema = Schema((0..<10).map { Field("n\($0)", .int64) })
    let batch = try RecordBatch(schema: schema, columns: numbers)
    var options = ReadOptions()
    options.threads = threads
    let file = try FileReader(try written([batch], .file, WriteOptions(codec: .zstd)), options: options)
    _ = try file.batch(0, projection: [2, 7])
    #expect(file.counters.bytesDecompressed == 160_000)
  }

  @Test func damageInAColumnThatIsNotAskedForIsNotSeen() throws {
    let good = try Column(type: .int64, count: 1000, layout: .fixed(Buffer(copying: Array(0..<1000))))
    let schema = Schema([Field("a", .int64), Field("b", .int64)])
    let bytes = try written(
      [try RecordBatch(schema: schema, columns: [good, good])], .file, WriteOptions(codec: .zstd))
    let body = try FileReader(bytes).info(0).bodyLength
    // The first buffer of the body: a zstd frame behind eight bytes of length.
    var damaged = bytes.array
    let frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]
    let place = try #require(damaged.indices.first { damaged[$0...].starts(with: frame) })
    damaged[place] = 0
    #expect(body > 0)
    let file = try FileReader(Buffer(copying: damaged))
    let error = #expect(throws: DataError.self) { try file.batch(0) }
    #expect(error?.code == .malformed)
    #expect(error?.message.contains("batch 0: column 'a'") == true)
    #expect(error?.offset != nil)
    #expect(try file.batch(0, projection: [1]).columns[0].hasEqualValues(to: good))
  }

  @Test func aBatchOutlivesItsFile() throws {
    let batches = try sampleBatches(1, rows: 20)
    var file: FileReader? = try FileReader(try written(batches, .file))
    let batch = try file!.batch(0)
    file = nil
    expectEqual([batch], batches)
  }

  @Test func whatIsStoredIsToldWithoutReadingIt() throws {
    let batches = try sampleBatches(2, rows: 9)
    for codec in [nil, Codec.lz4, .zstd] {
      let file = try FileReader(try written(batches, .file, WriteOptions(codec: codec)))
      let info = try file.info(1)
      #expect(info.rows == 9 && info.codec == codec && info.version == .v5 && info.bodyLength > 0)
      #expect(info.alignment == (codec == nil ? 64 : 8))
    }
  }
}
