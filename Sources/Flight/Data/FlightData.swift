// One message of a data stream: a descriptor, an IPC header, application metadata, and the body.

import Arrow
import ArrowIPC
import Memory
import Protobuf

/// A FlightData message as it came; header and body are slices of it.
public struct FlightData: Sendable {
  public var descriptor: FlightDescriptor?
  /// The IPC message without its framing; empty when there is only application metadata.
  public var header: Buffer
  public var appMetadata: Buffer
  public var body: Buffer

  public init(
    descriptor: FlightDescriptor? = nil, header: Buffer = .empty, appMetadata: Buffer = .empty,
    body: Buffer = .empty
  ) {
    self.descriptor = descriptor
    self.header = header
    self.appMetadata = appMetadata
    self.body = body
  }

  // flight_descriptor:1 data_header:2 app_metadata:3 data_body:1000
  public init(decoding message: Buffer) throws(DataError) {
    self.init()
    var reader = ProtobufReader(message)
    while let field = try reader.next() {
      switch field.number {
      case 1: descriptor = try FlightDescriptor(field.message())
      case 2: header = try field.bytes()
      case 3: appMetadata = try field.bytes()
      case 1000: body = try field.bytes()
      default: break
      }
    }
  }

  /// A message as a gather list: one small buffer for all that comes before the body, then the body's own buffers.
  ///
  /// The header is padded so that the body begins at a multiple of 64 bytes within the message. A receiver that puts messages
  /// at aligned addresses, as Fletch does, then need not copy the body to use it.
  static func encode(
    _ message: EncodedMessage?, appMetadata: [UInt8] = [], descriptor: FlightDescriptor? = nil
  ) -> [Buffer] {
    var writer = ProtobufWriter()
    if let descriptor { writer.message(1) { descriptor.write(to: &$0) } }
    writer.bytes(3, appMetadata)
    guard let message else { return [Buffer(copying: writer.bytes)] }
    guard message.bodyLength > 0 else {
      writer.bytes(2, message.header)
      return [Buffer(copying: writer.bytes)]
    }
    // The body's own key and length follow the header; how long the header is changes how long its length is only at powers
    // of 128, so the second try fits.
    var padding = 0
    for _ in 0..<3 {
      var trial = writer
      trial.startBytes(2, count: message.header.count + padding)
      let end = trial.bytes.count + message.header.count + padding
      var key = ProtobufWriter()
      key.startBytes(1000, count: message.bodyLength)
      let misfit = (end + key.bytes.count) % 64
      if misfit == 0 { break }
      padding += 64 - misfit
    }
    writer.bytes(2, message.header + [UInt8](repeating: 0, count: padding))
    writer.startBytes(1000, count: message.bodyLength)
    return [Buffer(copying: writer.bytes)] + message.body
  }
}

/// Schemas as FlightInfo and SchemaResult carry them: an IPC message with its framing.
public enum SchemaMessage {
  public static func encode(_ schema: Schema) throws(DataError) -> [UInt8] {
    let sink = MemorySink()
    _ = try StreamWriter(sink, schema: schema, options: SchemaMessage.options)
    return sink.finish().array
  }

  public static func decode(_ bytes: [UInt8]) throws(DataError) -> Schema {
    try StreamReader(Buffer(copying: bytes)).schema
  }

  /// There is no body to align.
  private static var options: WriteOptions {
    var options = WriteOptions()
    options.alignment = 8
    return options
  }
}
