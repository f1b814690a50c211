// Streams and files written, a batch at a time.

import Arrow
import Memory

/// Takes batches of one schema, one after another.
public protocol BatchWriter: AnyObject {
  func write(_ batch: RecordBatch) throws(DataError)
  /// Writes what comes after the last batch. Without it, what was written is not complete.
  func finish() throws(DataError)
}

/// Writes an IPC stream.
public final class StreamWriter: BatchWriter {
  private let sink: any ByteSink
  private var encoder: IPCEncoder

  /// Writes the schema at once.
  public init(
    _ sink: any ByteSink, schema: Schema, options: WriteOptions = WriteOptions()
  ) throws(DataError) {
    self.sink = sink
    encoder = try IPCEncoder(schema: schema, options: options)
    _ = try sink.write(try encoder.schemaMessage(), alignment: options.alignment)
  }

  public func write(_ batch: RecordBatch) throws(DataError) {
    for message in try encoder.encode(batch) {
      _ = try sink.write(message, alignment: encoder.options.alignment)
    }
  }

  public func finish() throws(DataError) {
    try sink.write([Buffer(copying: [UInt32.max, 0])])
    try sink.flush()
  }
}

/// Writes an IPC file (Feather V2), whose bodies begin at multiples of 64 bytes so that it can be mapped.
public final class FileWriter: BatchWriter {
  private let sink: any ByteSink
  private var encoder: IPCEncoder
  private let start: Int
  /// Blocks of the footer: offset, length of the framed metadata, length of the body.
  private var dictionaries: [Int64] = []
  private var batches: [Int64] = []
  /// Metadata for the footer.
  public var metadata: Metadata

  /// Writes the schema at once.
  public init(
    _ sink: any ByteSink, schema: Schema, options: WriteOptions = WriteOptions(),
    metadata: Metadata = Metadata()
  ) throws(DataError) {
    self.sink = sink
    self.metadata = metadata
    encoder = try IPCEncoder(schema: schema, options: options, container: .file)
    start = sink.position
    precondition(start == 0, "a file's offsets count from its beginning")
    try sink.write([Buffer(copying: fileMagic + [0, 0])])
    _ = try sink.write(try encoder.schemaMessage(), alignment: options.alignment)
  }

  public func write(_ batch: RecordBatch) throws(DataError) {
    let messages = try encoder.encode(batch)
    for (i, message) in messages.enumerated() {
      let block = try sink.write(message, alignment: encoder.options.alignment)
      if i == messages.count - 1 {
        batches.append(contentsOf: block)
      } else {
        dictionaries.append(contentsOf: block)
      }
    }
  }

  public func finish() throws(DataError) {
    let footer = try FlatBufferBuilder.footer(
      encoder.schema, encoder.fields, dictionaries: dictionaries, batches: batches, metadata: metadata)
    try checkMetadata(footer.count)
    try sink.write([
      Buffer(copying: [UInt32.max, 0]), Buffer(copying: footer), Buffer(copying: [Int32(footer.count)]),
      Buffer(copying: fileMagic),
    ])
    try sink.flush()
  }
}

extension ByteSink {
  /// Writes a message with its framing.
  /// - Returns: the block that a file's footer has for it.
  fileprivate func write(_ message: EncodedMessage, alignment: Int) throws(DataError) -> [Int64] {
    try checkMetadata(message.header.count)
    let offset = position
    let header = message.framed(at: offset, alignment: alignment)
    try write([header])
    try write(message.body)
    return [Int64(offset), Int64(header.count), Int64(message.bodyLength)]
  }
}

/// Lengths of metadata have 32 bits; some of them are left for the padding.
private func checkMetadata(_ count: Int) throws(DataError) {
  guard count <= Int32.max - 8192 else {
    throw DataError(.limit, "\(count) bytes of metadata; the format has room for 2 GiB")
  }
}
