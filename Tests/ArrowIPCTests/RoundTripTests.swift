// Every type through streams and files, with every codec; and what is copied on the way, which is mostly nothing.

import Memory
import Samples
import Testing

@testable import Arrow
@testable import ArrowIPC

@Suite struct RoundTripTests {
  @Test(arguments: [Codec?.none, .lz4, .zstd], Container.allCases)
  func everyTypeComesBackFromEveryContainer(codec: Codec?, container: Container) throws {
    let batches =
      try sampleBatches(3, rows: 40) + sampleBatches(1, rows: 0) + sampleBatches(1, rows: 7, seed: 9)
    var outputs: [[UInt8]] = []
    for threads in [1, 4] {
      var options = WriteOptions(codec: codec)
      options.threads = threads
      let bytes = try written(batches, container, options)
      outputs.append(bytes.array)
      for readThreads in [1, 4] {
        var reading = ReadOptions()
        reading.threads = readThreads
        expectEqual(try read(bytes, container, reading), batches)
      }
    }
    // How many threads compress is nothing that one can see.
    #expect(outputs[0] == outputs[1])
  }

  @Test(arguments: Container.allCases)
  func slicesComeBackAsTheirRows(container: Container) throws {
    let whole = try sampleBatches(1, rows: 60)[0]
    var random = RandomSource(seed: 5)
    let slices = (0..<12).map { _ in
      let start = random.below(61)
      return whole.slice(start..<start + random.below(61 - start))
    }
    let read = try ArrowIPCTests.read(try written(slices, container), container)
    expectEqual(read, slices)
    // Runs that a slice cuts end with it.
    for column in read.flatMap(\.columns) where column.type.layoutKind == .runs && column.count > 0 {
      let ends = column.children[0]
      #expect(ends.integer(at: ends.count - 1) == column.count)
    }
  }

  @Test func metadataOfSchemaBatchAndFileComesBack() throws {
    var batch = try sampleBatches(1, rows: 3)[0]
    batch.metadata = ["app": "x", "empty": ""]
    let sink = MemorySink()
    let writer = try FileWriter(sink, schema: batch.schema, metadata: ["footer": "yes"])
    try writer.write(batch)
    try writer.finish()
    let file = try FileReader(sink.finish())
    #expect(file.metadata["footer"] == "yes")
    #expect(try file.batch(0).metadata == batch.metadata)
    #expect(file.schema.metadata == batch.schema.metadata)
  }

  @Test func aCodecLevelThatDoesNotExistIsRefused() throws {
    for (codec, level) in [(Codec.lz4, 13), (.zstd, 23), (.zstd, 0)] {
      let error = #expect(throws: DataError.self) {
        try IPCEncoder(schema: AllTypes.schema, options: WriteOptions(codec: codec, level: level))
      }
      #expect(error?.code == .invalid)
    }
  }

  @Test func aBatchOfAnotherSchemaIsRefused() throws {
    var encoder = try IPCEncoder(schema: AllTypes.schema)
    let other = try dictionaryBatches([["a"]])[0]
    let error = #expect(throws: DataError.self) { try encoder.encode(other) }
    #expect(error?.code == .invalid)
  }
}

@Suite struct CopyTests {
  @Test(arguments: Container.allCases)
  func readingWithoutACodecCopiesNothing(container: Container) throws {
    let bytes = try written(try sampleBatches(2, rows: 40), container)
    var reader = try reader(bytes, container)
    while let batch = try reader.next() {
      // Deltas of dictionaries in files are the one thing that is put together anew.
      for (column, field) in zip(batch.columns, batch.schema.fields)
      where container == .stream || !field.type.hasDictionary {
        for buffer in column.allBuffers { #expect(buffer.lies(within: bytes), "\(column.type)") }
      }
    }
    #expect(reader.counters.bytesCopied == 0 && reader.counters.bytesDecompressed == 0)
  }

  @Test func writingWholeColumnsRefersToTheirBuffers() throws {
    let batch = try sampleBatches(1, rows: 40)[0]
    var encoder = try IPCEncoder(schema: batch.schema)
    let messages = try encoder.encode(batch)
    let body = messages.flatMap(\.body)
    let sent = Set(body.map(\.base))
    for column in batch.columns {
      for buffer in column.allBuffers where buffer.count >= 8 {
        #expect(sent.contains(buffer.base), "\(column.type)")
      }
    }
    for message in messages { #expect(message.bodyLength == message.body.reduce(0) { $0 + $1.count }) }
  }

  @Test(arguments: [8, 64, 512])
  func buffersOfFilesLieAtMultiplesOfTheAlignment(alignment: Int) throws {
    let batches = try sampleBatches(3, rows: 33)
    var options = WriteOptions()
    options.alignment = alignment
    // In memory at a page, as a mapping would be.
    let bytes = try written(batches, .file, options)
    let memory = try HeapMemory(capacity: max(bytes.count, 4 << 20))
    memory.base.copyMemory(from: bytes.base, byteCount: bytes.count)
    let contents = Buffer(owner: memory, base: memory.base, count: bytes.count)
    let file = try FileReader(contents)
    for index in 0..<3 {
      #expect(try file.info(index).alignment == min(alignment, 64))
      let batch = try file.batch(index)
      for (column, field) in zip(batch.columns, batch.schema.fields) where !field.type.hasDictionary {
        for buffer in column.allBuffers {
          #expect((buffer.base - contents.base) % alignment == 0, "\(column.type)")
        }
      }
    }
  }

  @Test(arguments: 1..<8, Container.allCases)
  func bytesAtAnyAddressReadTheSame(shift: Int, container: Container) throws {
    let batches = try sampleBatches(2, rows: 30)
    let bytes = try written(batches, container).moved(by: shift)
    var reader = try reader(bytes, container)
    expectEqual(try reader.all(), batches)
    #expect(reader.counters.bytesCopied > 0)
    #expect(reader.counters.bytesCopied < bytes.count)
    for codec in Codec.allCases {
      let compressed = try written(batches, container, WriteOptions(codec: codec)).moved(by: shift)
      expectEqual(try read(compressed, container), batches)
    }
  }

  @Test(arguments: Codec.allCases)
  func whatIsDecompressedIsCountedTheSameByAnyNumberOfThreads(codec: Codec) throws {
    let bytes = try written(try sampleBatches(2, rows: 40), .stream, WriteOptions(codec: codec))
    var counts: [Int] = []
    for threads in [1, 4] {
      var options = ReadOptions()
      options.threads = threads
      var reader = try reader(bytes, .stream, options)
      _ = try reader.all()
      counts.append(reader.counters.bytesDecompressed)
    }
    #expect(counts[0] > 0)
    #expect(counts[0] == counts[1])
  }

  @Test func denseUnionsOverAnyNumberOfNullsAreWrittenNotTrapped() throws {
    let nulls = try Column(type: .null, count: 1 << 40, layout: .null)
    let type = DataType.union(.dense, fields: [Field("n", .null)], ids: [0])
    let column = try Column(
      type: type, count: 1,
      layout: .union(
        ids: Buffer(copying: [Int8(0)]), offsets: Buffer(copying: [Int32.max]), children: [nulls]))
    let batch = try RecordBatch(schema: Schema([Field("u", type)]), columns: [column])
    expectEqual(try read(try written([batch], .stream), .stream), [batch])
  }
}

extension DataType {
  fileprivate var hasDictionary: Bool {
    if case .dictionary = self { return true }
    return children.contains { $0.type.hasDictionary }
  }
}
