// The two directions of a data stream, as a service and a client see them.

import Arrow
import ArrowIPC
import GRPC
import Memory
import Protobuf

/// Something that messages are sent to: the server's side of a call, or the client's.
protocol MessageSink: Sendable {
  /// - Parameter isHeld: whether it may wait for the next one.
  func send(_ message: [Buffer], isHeld: Bool) throws(GRPCStatus)
  /// Sends what was held.
  func flush()
}

/// Something that messages come from.
protocol MessageSource {
  func receive() throws(GRPCStatus) -> Buffer?
}

extension ServerCall: MessageSink, MessageSource {}
extension ClientCall: MessageSink, MessageSource {
  func send(_ message: [Buffer], isHeld: Bool) throws(GRPCStatus) { try send(message) }
  func flush() {}
}

/// Batches going out. Sending blocks while the peer does not read.
public final class FlightOutput {
  private let sink: any MessageSink
  private let options: FlightWriteOptions
  private var encoder: FlightEncoder?
  private let descriptor: FlightDescriptor?

  init(_ sink: any MessageSink, options: FlightWriteOptions, descriptor: FlightDescriptor? = nil) {
    self.sink = sink
    self.options = options
    self.descriptor = descriptor
  }

  /// Sends the schema, which comes before everything else.
  /// - Parameter isHeld: whether it may wait for the first batch, the stream's end or `flusher`.
  public func start(_ schema: Schema, appMetadata: [UInt8] = [], isHeld: Bool = false) throws {
    precondition(encoder == nil, "a data stream has one schema")
    let encoder = try FlightEncoder(schema: schema, options: options)
    try sink.send(
      try encoder.schemaMessage(descriptor: descriptor, appMetadata: appMetadata), isHeld: isHeld)
    self.encoder = encoder
  }

  /// Sends a batch, in as many messages as its bytes need.
  /// - Parameter isLast: whether the stream ends right behind it, so that it may wait for that.
  public func write(_ batch: RecordBatch, appMetadata: [UInt8] = [], isLast: Bool = false) throws {
    precondition(encoder != nil, "the schema comes first")
    for message in try encoder!.encode(batch, appMetadata: appMetadata) {
      try sink.send(message, isHeld: isLast)
    }
  }

  /// Sends what is held; may be called by any thread.
  public var flusher: @Sendable () -> Void {
    let sink = sink
    return { sink.flush() }
  }

  /// Sends application metadata without data.
  public func write(appMetadata: [UInt8]) throws {
    // A descriptor stands in the first message, whatever that is.
    let first = encoder == nil ? descriptor : nil
    try sink.send(FlightData.encode(nil, appMetadata: appMetadata, descriptor: first), isHeld: false)
  }
}

/// Batches coming in.
public final class FlightInput {
  /// A batch, application metadata, or both.
  public struct Item: Sendable {
    public var batch: RecordBatch?
    public var appMetadata: Buffer
  }

  private let source: any MessageSource
  private var decoder: FlightDecoder
  private var first: FlightData?
  /// Application metadata that came before the schema, while somebody waited for that.
  private var early: ArraySlice<Buffer> = []
  private var earlyBytes = 0
  private static let earlyLimit = 16 << 20
  /// What a DoPut or DoExchange is about; in its first message.
  public private(set) var descriptor: FlightDescriptor?

  init(_ source: any MessageSource, options: ReadOptions) {
    self.source = source
    decoder = FlightDecoder(options: options)
  }

  /// The schema; waits for it. Nil when the stream ends before one comes. Application metadata that comes first is kept for
  /// `next`.
  public func schema() throws -> Schema? {
    try readDescriptor()
    while decoder.schema == nil, let data = try nextData() {
      if case .batch = try decoder.decode(data) { break }
      guard data.appMetadata.count > 0 else { continue }
      // What an entry costs beside its bytes counts, too.
      earlyBytes += data.appMetadata.count + 64
      guard earlyBytes <= FlightInput.earlyLimit else {
        throw DataError(
          .limit, "more than \(FlightInput.earlyLimit) bytes of application metadata before a schema")
      }
      early.append(data.appMetadata)
    }
    return decoder.schema
  }

  /// Reads the first message, for the descriptor in it, and keeps it.
  public func readDescriptor() throws {
    guard first == nil, descriptor == nil, decoder.schema == nil, let message = try source.receive() else {
      return
    }
    let data = try FlightData(decoding: message)
    descriptor = data.descriptor
    first = data
  }

  /// The next batch or application metadata; nil at the end. Batches are checked: all of their values may be read.
  public func next() throws -> Item? {
    if let metadata = early.popFirst() { return Item(batch: nil, appMetadata: metadata) }
    while let data = try nextData() {
      let event = try decoder.decode(data)
      if case .batch(let batch) = event {
        try batch.check(.full)
        return Item(batch: batch, appMetadata: data.appMetadata)
      }
      if data.appMetadata.count > 0 { return Item(batch: nil, appMetadata: data.appMetadata) }
    }
    return nil
  }

  private func nextData() throws -> FlightData? {
    if let first {
      self.first = nil
      return first
    }
    return try source.receive().map { message throws(DataError) in try FlightData(decoding: message) }
  }
}

/// A handshake, as the server sees it.
public struct HandshakeExchange {
  let call: ServerCall

  /// The client's next message; nil when it has no more.
  public func receive() throws -> HandshakeMessage? {
    try call.receive().map { message throws(DataError) in try HandshakeMessage(ProtobufReader(message)) }
  }

  public func send(_ message: HandshakeMessage) throws {
    var writer = ProtobufWriter()
    message.write(to: &writer)
    try call.send([Buffer(copying: writer.bytes)])
  }
}
