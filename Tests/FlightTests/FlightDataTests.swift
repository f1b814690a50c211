// Data streams as messages: what is encoded is decoded again, by reference where it is large, in pieces that clients take.

import Arrow
import ArrowIPC
import Memory
import Protobuf
import Samples
import Testing

@testable import Flight

@Suite struct FlightDataTests {
  /// The bytes of a gather list as a receiver has them: in one buffer at an aligned address.
  private func joined(_ message: [Buffer]) -> Buffer {
    var bytes = GrowableBuffer()
    for buffer in message { bytes.append(contentsOf: buffer.bytes) }
    return bytes.freeze()
  }

  private func decodeAll(_ messages: [[Buffer]]) throws -> (
    batches: [RecordBatch], metadata: [[UInt8]], copied: Int
  ) {
    let options = ReadOptions()
    var decoder = FlightDecoder(options: options)
    var batches: [RecordBatch] = []
    var metadata: [[UInt8]] = []
    for message in messages {
      let data = try FlightData(decoding: joined(message))
      if data.appMetadata.count > 0 { metadata.append(data.appMetadata.array) }
      if case .batch(let batch) = try decoder.decode(data) {
        try batch.check(.full)
        batches.append(batch)
      }
    }
    return (batches, metadata, decoder.counters.bytesCopied)
  }

  @Test(arguments: [nil, .zstd, .lz4] as [Codec?])
  func everyTypeComesBack(codec: Codec?) throws {
    var table = AllTypes(seed: 3)
    var options = FlightWriteOptions()
    options.ipc.codec = codec
    var encoder = try FlightEncoder(schema: table.schema, options: options)
    var messages = [try encoder.schemaMessage()]
    let sent = [try table.batch(rows: 50), try table.batch(rows: 0), try table.batch(rows: 7)]
    for batch in sent { messages += try encoder.encode(batch) }
    let (received, _, _) = try decodeAll(messages)
    #expect(received.map(\.count) == [50, 0, 7])
    for (left, right) in zip(sent, received) {
      for (a, b) in zip(left.columns, right.columns) { #expect(a.hasEqualValues(to: b), "\(a.type)") }
    }
  }

  @Test func nothingIsCopiedOnTheWay() throws {
    var readings = Readings(seed: 1)
    let batch = try readings.batch(rows: 10_000)
    var encoder = try FlightEncoder(schema: batch.schema)
    let messages = [try encoder.schemaMessage()] + (try encoder.encode(batch))
    guard case .fixed(let ids) = batch.columns[0].layout else { return }
    #expect(messages[1].contains { $0.isSame(as: ids) }, "the column's own bytes are sent")
    let (received, _, copied) = try decodeAll(messages)
    #expect(copied == 0, "the body is aligned within its message")
    #expect(received[0].columns[6].hasEqualValues(to: batch.columns[6]))
  }

  @Test(arguments: [1, 2, 100, 5000])
  func bodiesAreAlignedWhateverComesBeforeThem(size: Int) throws {
    let schema = Schema([Field("x", .int64)])
    let builder = FixedBuilder<Int64>(type: .int64)
    for i in 0..<size { builder.append(Int64(i)) }
    let batch = try RecordBatch(schema: schema, columns: [builder.finish()])
    for length in 0..<200 {
      var encoder = try FlightEncoder(schema: schema)
      let metadata = [UInt8](repeating: 7, count: length)
      let message = joined(try encoder.encode(batch, appMetadata: metadata)[0])
      let data = try FlightData(decoding: message)
      #expect(data.body.isAligned(to: 64) && data.appMetadata.array == metadata)
    }
  }

  @Test func batchesAreCutByBytes() throws {
    var readings = Readings(seed: 1)
    let batch = try readings.batch(rows: 200_000)
    var encoder = try FlightEncoder(schema: batch.schema)
    let messages = try encoder.encode(batch, appMetadata: [1, 2])
    #expect(messages.count > 2)
    for message in messages { #expect(message.reduce(0) { $0 + $1.count } < 4 << 20) }
    let (received, metadata, _) = try decodeAll([try encoder.schemaMessage()] + messages)
    #expect(received.reduce(0) { $0 + $1.count } == batch.count && metadata == [[1, 2]])
    var row = 0
    for part in received {
      #expect(part.columns[1].hasEqualValues(to: batch.columns[1].slice(row..<row + part.count)))
      row += part.count
    }
  }

  @Test func unevenRowsAreCutFurther() throws {
    let builder = BinaryBuilder<Int32>(type: .utf8)
    for i in 0..<1000 { try builder.append(String(repeating: "x", count: i == 700 ? 6 << 20 : 10)) }
    let schema = Schema([Field("x", .utf8)])
    let batch = try RecordBatch(schema: schema, columns: [builder.finish()])
    var options = FlightWriteOptions()
    var encoder = try FlightEncoder(schema: schema, options: options)
    let sizes = try encoder.encode(batch).map { message in message.reduce(0) { $0 + $1.count } }
    #expect(sizes.filter { $0 > 4 << 20 }.count == 1, "only the one row that is larger itself")
    options.limit = 5 << 20
    encoder = try FlightEncoder(schema: schema, options: options)
    let error = #expect(throws: DataError.self) { try encoder.encode(batch) }
    #expect(error?.code == .limit && error?.message.contains("row 700 alone") == true)
  }
}
