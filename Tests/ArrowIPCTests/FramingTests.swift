// How messages follow one another: end marks, old framing, pipes, limits, and bytes that are no Arrow data.

import Arrow
import Dispatch
import Glibc
import Memory
import Samples
import Testing

@testable import ArrowIPC

@Suite struct FramingTests {
  @Test func nothingIsReadAfterTheEndMark() throws {
    let batches = try dictionaryBatches([["a"], ["b"]])
    let bytes = try written(batches, .stream)
    let more = Buffer(copying: bytes.array + bytes.array + [1, 2, 3])
    var reader = try StreamReader(more)
    expectEqual(try reader.all(), batches)
    #expect(try reader.next() == nil && reader.next() == nil)
    // A stream may end without its mark.
    expectEqual(try read(bytes.slice(0..<bytes.count - 8), .stream), batches)
  }

  @Test func anEmptyStreamHasASchemaAndNoBatch() throws {
    let sink = MemorySink()
    try StreamWriter(sink, schema: AllTypes.schema).finish()
    var reader = try StreamReader(sink.finish())
    #expect(reader.schema == AllTypes.schema)
    #expect(try reader.next() == nil)
    for bytes: [UInt8] in [[], [0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]] {
      #expect(throws: DataError.self) { try StreamReader(Buffer(copying: bytes)) }
    }
  }

  /// The stream as writers before Arrow 0.15 framed it: lengths without the marker in front.
  private func legacy(_ bytes: Buffer) throws -> Buffer {
    var old = GrowableBuffer()
    var place = 0
    while place < bytes.count {
      let length = Int(bytes.load(at: place + 4, as: Int32.self))
      old.append(Int32(length))
      place += 8
      if length == 0 { break }
      let header = bytes.slice(place..<place + length)
      let end = place + length + (try Message(decoding: header)).bodyLength
      old.append(contentsOf: bytes.slice(place..<end).bytes)
      place = end
    }
    return old.freeze()
  }

  @Test func streamsWithoutContinuationMarkersAreRead() throws {
    let batches = try sampleBatches(2, rows: 10)
    let old = try legacy(try written(batches, .stream))
    expectEqual(try read(old, .stream), batches)
    expectEqual(try read(old.slice(0..<old.count - 4), .stream), batches)
  }

  @Test(arguments: [1, 7, 100, 65_536])
  func pipesThatGiveLittleAtATimeAreReadWhole(piece: Int) throws {
    let batches = try sampleBatches(2, rows: 5)
    let bytes = try written(batches, .stream, WriteOptions(codec: piece == 7 ? .lz4 : nil))
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let output = ends[1]
    DispatchQueue.global().async {
      var place = 0
      while place < bytes.count {
        place += max(0, write(output, bytes.base + place, min(piece, bytes.count - place)))
      }
      close(output)
    }
    // The first bytes may have been taken already, to see what it is.
    var first = [UInt8](repeating: 0, count: 8)
    for i in first.indices { #expect(Glibc.read(ends[0], &first[i], 1) == 1) }
    var reader = try StreamReader(FileDescriptor(ends[0]), after: Buffer(copying: first))
    expectEqual(try reader.all(), batches)
  }

  @Test(arguments: [
    ("FEA1....", "Feather V1"), ("PAR1....", "Parquet"), ("\u{1F}\u{8B}......", "gzip"), ("", "empty"),
  ])
  func otherFormatsAreRefusedByName(start: String, name: String) throws {
    var bytes = start.unicodeScalars.map { UInt8($0.value) }
    if !bytes.isEmpty { bytes += [UInt8](repeating: 0, count: 100) }
    let path = "/tmp/fletch-format-\(getpid())-\(name.count)"
    let file = try AtomicFile(path: path)
    try file.sink.write([Buffer(copying: bytes)])
    try file.commit(durable: false)
    defer { unlink(path) }
    let error = #expect(throws: DataError.self) { _ = try openBatches(path: path) }
    #expect(error?.message.contains(name) == true)
    #expect(error?.message.contains(path) == true)
    #expect(error?.code == (bytes.isEmpty ? .malformed : .unsupported))
  }

  @Test(arguments: Container.allCases)
  func theContainerIsSeenByItsFirstBytes(container: Container) throws {
    let batches = try dictionaryBatches([["a"]])
    let bytes = try written(batches, container)
    #expect(ContainerFormat.detect(bytes) == (container == .file ? .file : .stream))
    let path = "/tmp/fletch-container-\(getpid())-\(container)"
    let file = try AtomicFile(path: path)
    try file.sink.write([bytes])
    try file.commit(durable: false)
    defer { unlink(path) }
    var (reader, format, size) = try openBatches(path: path)
    #expect(format == ContainerFormat.detect(bytes) && size == bytes.count)
    expectEqual(try reader.all(), batches)
  }
}

@Suite struct LimitTests {
  private func limited(_ set: (inout ReadOptions) -> Void) -> ReadOptions {
    var options = ReadOptions()
    set(&options)
    return options
  }

  @Test(arguments: Codec.allCases, [1, 4])
  func decompressionStaysWithinTheMemoryLimit(codec: Codec, threads: Int) throws {
    let column = try Column(
      type: .int64, count: 100_000, layout: .fixed(Buffer(copying: [Int](repeating: 7, count: 100_000))))
    let batch = try RecordBatch(
      schema: Schema([Field("a", .int64), Field("b", .int64)]), columns: [column, column])
    let bytes = try written([batch, batch], .stream, WriteOptions(codec: codec))
    let error = #expect(throws: DataError.self) {
      try read(
        bytes, .stream,
        limited {
          $0.memoryLimit = 1_000_000
          $0.threads = threads
        })
    }
    #expect(error?.code == .limit)
    // Two columns fit, and are given back before the next two: batch by batch that is no more.
    var reader = try StreamReader(
      bytes,
      options: limited {
        $0.memoryLimit = 1_700_000
        $0.threads = threads
      })
    var rows = 0
    while let batch = try reader.next() { rows += batch.count }
    #expect(rows == 200_000)
  }

  @Test func realignmentAndDescriptorsCountAgainstTheLimit() throws {
    let batches = try sampleBatches(1, rows: 50)
    let bytes = try written(batches, .stream)
    let options = limited { $0.memoryLimit = 4096 }
    #expect(throws: Never.self) { try read(bytes, .stream, options) }
    let error = #expect(throws: DataError.self) { try read(try bytes.moved(by: 1), .stream, options) }
    #expect(error?.code == .limit)
    let path = "/tmp/fletch-limit-\(getpid())"
    let file = try AtomicFile(path: path)
    try file.sink.write([bytes])
    try file.commit(durable: false)
    defer { unlink(path) }
    let fromFile = #expect(throws: DataError.self) {
      _ = try StreamReader(FileDescriptor.openForReading(path), options: options)
    }
    #expect(fromFile?.code == .limit)
  }

  @Test(arguments: Container.allCases)
  func rowsThatCostNoBytesAreLimitedToo(container: Container) throws {
    let nulls = try Column(type: .null, count: 1000, layout: .null)
    let bytes = try written(
      [try RecordBatch(schema: Schema([Field("n", .null)]), columns: [nulls])], container)
    #expect(try read(bytes, container, limited { $0.maximumRows = 1000 }).count == 1)
    let error = #expect(throws: DataError.self) {
      try read(bytes, container, limited { $0.maximumRows = 999 })
    }
    #expect(error?.code == .limit)
  }

  @Test func metadataIsLimited() throws {
    let bytes = try written(try sampleBatches(1, rows: 1), .stream)
    #expect(throws: DataError.self) { try read(bytes, .stream, limited { $0.maximumMetadata = 1000 }) }
  }
}
