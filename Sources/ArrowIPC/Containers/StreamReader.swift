// Arrow IPC streams, read message by message.

import Arrow
import Memory

/// Where a batch was and how it was stored.
public struct BatchInfo: Sendable {
  public let rows: Int
  public let version: MetadataVersion
  public let codec: Codec?
  /// The bytes of its body in the file or stream.
  public let bodyLength: Int
  /// The largest power of two, up to 64, that every buffer of the body begins at a multiple of.
  public let alignment: Int

  init(_ message: Message, _ header: BatchHeader, bodyPosition: Int) {
    rows = header.count
    version = message.version
    codec = header.codec
    bodyLength = message.bodyLength
    var places = 64
    for i in 0..<header.buffers.count where header.buffers.load(i, offset: 8, as: Int64.self) > 0 {
      places |= bodyPosition &+ Int(header.buffers.load(i, as: Int64.self))
    }
    alignment = 1 << places.trailingZeroBitCount
  }
}

/// A source of batches that all have one schema.
public protocol BatchReader {
  var schema: Schema { get }
  var counters: ReadCounters { get }
  /// The next batch, or nil after the last.
  mutating func next() throws(DataError) -> RecordBatch?
  /// How the batch that came last was stored.
  var lastInfo: BatchInfo? { get }
}

/// Reads a stream, from memory without a copy or from a descriptor.
public struct StreamReader: BatchReader {
  private var source: any ByteSource
  private var decoder: IPCDecoder
  public let schema: Schema
  public private(set) var lastInfo: BatchInfo?
  private var isAtEnd = false

  /// Reads a stream that is in memory, or mapped: the columns are slices of it.
  public init(_ buffer: Buffer, options: ReadOptions = ReadOptions()) throws(DataError) {
    try self.init(BufferSource(buffer), IPCDecoder(options: options))
  }

  /// Reads a stream as it comes in.
  /// - Parameter first: bytes that were taken from the descriptor already, to see what it is.
  public init(
    _ descriptor: FileDescriptor, after first: Buffer = .empty, options: ReadOptions = ReadOptions()
  ) throws(DataError) {
    let decoder = IPCDecoder(options: options)
    try self.init(DescriptorSource(descriptor, after: first, budget: decoder.reading.budget), decoder)
  }

  private init(_ source: any ByteSource, _ decoder: IPCDecoder) throws(DataError) {
    var source = source
    var decoder = decoder
    let first: IPCDecoder.Event?
    do throws(DataError) { first = try StreamReader.nextEvent(&source, &decoder)?.event } catch {
      // Text, or anything else, looks like a message that is cut off.
      guard error.code == .malformed else { throw error }
      throw error.within("this is no Arrow file, and no Arrow stream")
    }
    guard case .schema(let schema)? = first else {
      throw DataError(.malformed, "an Arrow stream begins with a schema; this does not", offset: 0)
    }
    self.source = source
    self.decoder = decoder
    self.schema = schema
  }

  public var counters: ReadCounters { decoder.counters }

  public mutating func next() throws(DataError) -> RecordBatch? {
    while !isAtEnd {
      guard let (event, info) = try StreamReader.nextEvent(&source, &decoder) else {
        isAtEnd = true
        break
      }
      if case .batch(let batch) = event {
        lastInfo = info
        return batch
      }
    }
    return nil
  }

  private static func nextEvent(
    _ source: inout any ByteSource, _ decoder: inout IPCDecoder
  ) throws(DataError) -> (event: IPCDecoder.Event, info: BatchInfo?)? {
    guard let framed = try source.nextHeader(limit: decoder.reading.options.maximumMetadata) else {
      return nil
    }
    let message: Message
    do throws(DataError) { message = try Message(decoding: framed.header) } catch {
      throw error.placed(at: framed.position)
    }
    var info: BatchInfo?
    if case .batch(let header) = message.header {
      info = BatchInfo(message, header, bodyPosition: source.position)
    }
    let body = try source.nextBody(message.bodyLength)
    do throws(DataError) { return (try decoder.decode(message, body: body), info) } catch {
      throw error.placed(at: framed.position)
    }
  }
}
