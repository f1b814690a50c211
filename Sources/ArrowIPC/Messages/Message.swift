// Messages (Message.fbs): what each of them says before its body.

import Arrow
import Memory

/// The header of one message.
struct Message {
  enum Header {
    case schema(DecodedSchema)
    case dictionary(DictionaryHeader)
    case batch(BatchHeader)
  }

  let header: Header
  let version: MetadataVersion
  let bodyLength: Int
  let metadata: Metadata

  init(decoding buffer: Buffer) throws(DataError) {
    // version:0 header_type:1 header:2 bodyLength:3 custom_metadata:4
    let table = try FlatTable.root(of: buffer)
    version = try MetadataVersion(table.scalar(0, default: Int16(0)))
    let length = try table.scalar(3, default: Int64(0))
    guard length >= 0 else {
      throw DataError(.malformed, "a message body of \(length) bytes", offset: table.position)
    }
    bodyLength = Int(length)
    metadata = try table.metadata(4)
    let kind = try table.scalar(1, default: UInt8(0))
    let header = try table.requiredTable(2, "header")
    switch kind {
    case 1: self.header = .schema(try header.schema())
    case 2:
      // id:0 data:1 isDelta:2
      let data = try header.requiredTable(1, "dictionary values")
      self.header = .dictionary(
        DictionaryHeader(
          id: try header.scalar(0, default: 0), isDelta: try header.bool(2), batch: try BatchHeader(data)))
    case 3: self.header = .batch(try BatchHeader(header))
    case 4, 5:
      throw DataError(.unsupported, "the message holds a tensor, not columns", offset: table.position)
    default: throw DataError(.malformed, "a message of unknown kind \(kind)", offset: table.position)
    }
  }
}

/// The version of the metadata: V4 (Arrow 0.8 to 0.17) gave unions a validity bitmap, V5 does not.
public enum MetadataVersion: Int16, Sendable, CustomStringConvertible {
  case v4 = 3
  case v5 = 4

  init(_ value: Int16) throws(DataError) {
    guard let version = MetadataVersion(rawValue: value) else {
      throw DataError(
        .unsupported, "metadata version V\(Int(value) + 1); Fletch reads V4 and V5 (Arrow 0.8 and later)")
    }
    self = version
  }

  public var description: String { "V\(rawValue + 1)" }
}

struct DictionaryHeader {
  let id: Int64
  let isDelta: Bool
  let batch: BatchHeader
}

/// A RecordBatch table: the lengths and null counts of the columns and where their buffers are in the body.
struct BatchHeader {
  let count: Int
  /// length:8 null_count:8
  let nodes: FlatVector
  /// offset:8 length:8
  let buffers: FlatVector
  let codec: Codec?
  private let variadicCounts: FlatVector

  init(_ table: FlatTable) throws(DataError) {
    // length:0 nodes:1 buffers:2 compression:3 variadicBufferCounts:4
    let length = try table.scalar(0, default: Int64(0))
    guard length >= 0 else {
      throw DataError(.malformed, "a batch of \(length) rows", offset: table.position)
    }
    count = Int(length)
    nodes = try table.vector(1, stride: 16)
    buffers = try table.vector(2, stride: 16)
    variadicCounts = try table.vector(4, stride: 8)
    if let compression = try table.table(3) {
      // codec:0 method:1
      guard try compression.scalar(1, default: Int8(0)) == 0 else {
        throw DataError(
          .unsupported, "a compression method other than by buffer", offset: compression.position)
      }
      switch try compression.scalar(0, default: Int8(0)) {
      case 0: codec = .lz4
      case 1: codec = .zstd
      case let other:
        throw DataError(.unsupported, "compression codec \(other)", offset: compression.position)
      }
    } else {
      codec = nil
    }
  }

  /// How many data buffers the `index`-th view column has.
  func variadicCount(_ index: Int) throws(DataError) -> Int {
    guard index < variadicCounts.count else {
      throw DataError(.malformed, "the batch does not say how many buffers view column \(index) has")
    }
    let count = variadicCounts.load(index, as: Int64.self)
    guard count >= 0, count <= buffers.count else {
      throw DataError(.malformed, "view column \(index) has \(count) buffers, of \(buffers.count) in all")
    }
    return Int(count)
  }
}
