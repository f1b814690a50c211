// Messages into FlatBuffers (Message.fbs, File.fbs), and how they are framed.

import Arrow
import Memory

/// A message ready to be sent: its metadata and its body as a gather list of buffers that are not copied.
public struct EncodedMessage: Sendable {
  /// The Message FlatBuffer without any framing: what Flight calls `data_header`.
  public let header: [UInt8]
  /// The body, padding included.
  public let body: [Buffer]
  /// The bytes of the body.
  public let bodyLength: Int

  /// The framing of streams and files in front of the header: continuation marker, length, and after the header as much
  /// padding as puts the body at a multiple of `alignment`.
  func framed(at position: Int, alignment: Int) -> Buffer {
    let unpadded = position + 8 + header.count
    let padding = (alignment - unpadded % alignment) % alignment
    var bytes = GrowableBuffer(capacity: 8 + header.count + padding)
    bytes.append(UInt32.max)
    bytes.append(Int32(header.count + padding))
    header.withUnsafeBytes { bytes.append(contentsOf: $0) }
    bytes.append(repeating: 0, count: padding)
    return bytes.freeze()
  }
}

/// The parts of a RecordBatch table, gathered while columns are laid out.
struct BatchParts {
  var count: Int
  /// Pairs of length and null count.
  var nodes: [Int64] = []
  /// Pairs of offset and length.
  var buffers: [Int64] = []
  var variadicCounts: [Int64] = []
  var codec: Codec?
}

enum MessageKind: UInt8 {
  case schema = 1
  case dictionary = 2
  case batch = 3
}

extension FlatBufferBuilder {
  static func schemaMessage(_ schema: Schema, _ fields: [IPCField]) throws(DataError) -> [UInt8] {
    var builder = FlatBufferBuilder()
    let place = try builder.schema(schema, fields)
    return builder.message(.schema, place, bodyLength: 0, metadata: Metadata())
  }

  static func batchMessage(_ parts: BatchParts, bodyLength: Int, metadata: Metadata) -> [UInt8] {
    var builder = FlatBufferBuilder()
    let place = builder.batch(parts)
    return builder.message(.batch, place, bodyLength: bodyLength, metadata: metadata)
  }

  static func dictionaryMessage(_ parts: BatchParts, id: Int64, isDelta: Bool, bodyLength: Int) -> [UInt8] {
    var builder = FlatBufferBuilder()
    let data = builder.batch(parts)
    builder.startTable()
    builder.add(0, id, default: 0)
    builder.add(1, offset: data)
    builder.add(2, UInt8(isDelta ? 1 : 0), default: 0)
    let place = builder.endTable()
    return builder.message(.dictionary, place, bodyLength: bodyLength, metadata: Metadata())
  }

  /// The footer of a file. Blocks are triples of offset, length of the framed metadata, and length of the body.
  static func footer(
    _ schema: Schema, _ fields: [IPCField], dictionaries: [Int64], batches: [Int64], metadata: Metadata
  ) throws(DataError) -> [UInt8] {
    // version:0 schema:1 dictionaries:2 recordBatches:3 custom_metadata:4
    var builder = FlatBufferBuilder()
    let metadataVector = builder.metadata(metadata)
    let batchVector = builder.vector(ofStructs: batches, words: 3)
    let dictionaryVector = builder.vector(ofStructs: dictionaries, words: 3)
    let schemaPlace = try builder.schema(schema, fields)
    builder.startTable()
    builder.add(0, MetadataVersion.v5.rawValue, default: 0)
    builder.add(1, offset: schemaPlace)
    builder.add(2, offset: dictionaryVector)
    builder.add(3, offset: batchVector)
    builder.add(4, offset: metadataVector)
    let root = builder.endTable()
    return builder.finish(root: root)
  }

  private mutating func batch(_ parts: BatchParts) -> Place {
    let variadic = parts.variadicCounts.isEmpty ? nil : vector(of: parts.variadicCounts)
    let buffers = vector(ofStructs: parts.buffers, words: 2)
    let nodes = vector(ofStructs: parts.nodes, words: 2)
    var compression: Place?
    if let codec = parts.codec {
      startTable()
      add(0, codec.identifier, default: 0)
      compression = endTable()
    }
    startTable()
    add(0, Int64(parts.count), default: 0)
    add(1, offset: nodes)
    add(2, offset: buffers)
    add(3, offset: compression)
    add(4, offset: variadic)
    return endTable()
  }

  private mutating func message(
    _ kind: MessageKind, _ header: Place, bodyLength: Int, metadata: Metadata
  ) -> [UInt8] {
    let metadataVector = self.metadata(metadata)
    startTable()
    add(0, MetadataVersion.v5.rawValue, default: 0)
    add(1, kind.rawValue, default: 0)
    add(2, offset: header)
    add(3, Int64(bodyLength), default: 0)
    add(4, offset: metadataVector)
    return finish(root: endTable())
  }
}
