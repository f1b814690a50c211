// Record batches into the messages of a data stream, cut so that every client takes them.

import Arrow
import ArrowIPC
import Memory

/// How a data stream is written.
public struct FlightWriteOptions: Sendable {
  /// How bodies are compressed, when the client asks for it.
  public var ipc = WriteOptions()
  /// Batches are cut into messages of at most so many bytes: below 4 MiB, which is where clients on tonic and gRPC's own
  /// default stop. A single row that is larger is sent by itself.
  public var targetSize = (4 << 20) - (64 << 10)
  /// A message of more bytes than this is not sent: protobuf and most clients end at 2 GiB.
  public var limit = Int(Int32.max) - (1 << 20)

  public init() {}
}

/// Turns batches into gather lists, each of them a FlightData message.
public struct FlightEncoder {
  private var encoder: IPCEncoder
  private let options: FlightWriteOptions

  public init(schema: Schema, options: FlightWriteOptions = FlightWriteOptions()) throws(DataError) {
    encoder = try IPCEncoder(schema: schema, options: options.ipc)
    self.options = options
  }

  /// The message that opens a stream.
  /// - Parameter descriptor: what a DoPut or DoExchange is about.
  public func schemaMessage(
    descriptor: FlightDescriptor? = nil, appMetadata: [UInt8] = []
  ) throws(DataError) -> [Buffer] {
    FlightData.encode(try encoder.schemaMessage(), appMetadata: appMetadata, descriptor: descriptor)
  }

  /// The messages of one batch: dictionaries that the reader has not, then the batch in pieces of the target size.
  /// Application metadata goes with the first piece.
  public mutating func encode(_ batch: RecordBatch, appMetadata: [UInt8] = []) throws(DataError) -> [[Buffer]]
  {
    var messages: [[Buffer]] = []
    var appMetadata = appMetadata
    // A first guess by the size of all columns; what is uneven is cut further where it shows.
    let size = batch.columns.reduce(0) { $0 + $1.byteCount }
    let pieces = max(1, min(batch.count, size / options.targetSize + 1))
    let rows = max(1, (batch.count + pieces - 1) / pieces)
    var start = 0
    repeat {
      let end = min(batch.count, start + rows)
      try append(batch.slice(start..<end), firstRow: start, &appMetadata, to: &messages)
      start = end
    } while start < batch.count
    return messages
  }

  private mutating func append(
    _ batch: RecordBatch, firstRow: Int, _ appMetadata: inout [UInt8], to messages: inout [[Buffer]]
  ) throws(DataError) {
    let encoded = try encoder.encode(batch)
    for dictionary in encoded.dropLast() { messages.append(FlightData.encode(dictionary)) }
    guard let message = encoded.last else { return }
    if message.bodyLength > options.targetSize, batch.count > 1 {
      let middle = batch.count / 2
      try append(batch.slice(0..<middle), firstRow: firstRow, &appMetadata, to: &messages)
      try append(batch.slice(middle..<batch.count), firstRow: firstRow + middle, &appMetadata, to: &messages)
      return
    }
    guard message.bodyLength <= options.limit else {
      throw DataError(
        .limit,
        "row \(firstRow) alone has \(message.bodyLength) bytes; a message holds at most \(options.limit)")
    }
    messages.append(FlightData.encode(message, appMetadata: appMetadata))
    appMetadata = []
  }

  /// A message of application metadata alone.
  public static func metadataMessage(_ appMetadata: [UInt8]) -> [Buffer] {
    FlightData.encode(nil, appMetadata: appMetadata)
  }
}

/// Puts the messages of a data stream together again.
public struct FlightDecoder: Sendable {
  /// What a message brought.
  public enum Event: Sendable {
    case schema(Schema)
    case batch(RecordBatch)
    /// A dictionary, which later batches need, or nothing but application metadata.
    case none
  }

  private var decoder: IPCDecoder

  public init(options: ReadOptions = ReadOptions()) { decoder = IPCDecoder(options: options) }

  public var schema: Schema? { decoder.schema }
  public var counters: ReadCounters { decoder.counters }

  /// Decodes a message; the columns are slices of it and keep it alive.
  public mutating func decode(_ data: FlightData) throws(DataError) -> Event {
    guard data.header.count > 0 else { return .none }
    switch try decoder.decode(header: data.header, body: data.body) {
    case .schema(let schema): return .schema(schema)
    case .batch(let batch): return .batch(batch)
    case .dictionary: return .none
    }
  }
}
