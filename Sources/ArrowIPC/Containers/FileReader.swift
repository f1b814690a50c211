// Arrow IPC files (Feather V2): any batch at once, by the footer.

import Arrow
import Memory

/// The six bytes at both ends of a file; at its start two more follow for alignment.
let fileMagic = Array("ARROW1".utf8)

/// An open file. Its batches may be read in any order and from any thread.
public final class FileReader: Sendable {
  public let schema: Schema
  /// Metadata of the footer.
  public let metadata: Metadata
  private let contents: Buffer
  private let batches: [Block]
  private let decoder: IPCDecoder

  /// Where a message is: its framed metadata, and its body right behind.
  private struct Block {
    let offset: Int
    let metadataLength: Int
    let bodyLength: Int
  }

  /// Maps a file. Costs as much as its footer is long; dictionaries are read at once, batches when they are asked for.
  public convenience init(path: String, options: ReadOptions = ReadOptions()) throws(DataError) {
    let file = try MappedFile(path: path)
    do throws(DataError) { try self.init(file.contents, options: options) } catch {
      throw error.within("'\(path)'")
    }
  }

  /// Reads a file that is in memory.
  public init(_ contents: Buffer, options: ReadOptions = ReadOptions()) throws(DataError) {
    let (start, length) = try FileReader.footer(of: contents)
    let decoded: DecodedSchema
    let dictionaries: [Block]
    do throws(DataError) {
      // version:0 schema:1 dictionaries:2 recordBatches:3 custom_metadata:4
      let table = try FlatTable.root(of: contents.slice(start..<start + length))
      // The version is each message's own: pyarrow's footer says V5 in front of messages of V4.
      decoded = try table.requiredTable(1, "schema").schema()
      metadata = try table.metadata(4)
      dictionaries = try FileReader.blocks(table, 2, before: start)
      batches = try FileReader.blocks(table, 3, before: start)
      try FileReader.checkDisjoint(dictionaries + batches)
    } catch {
      throw error.placed(at: start)
    }
    schema = decoded.schema
    var decoder = try IPCDecoder(decoded, options: options)
    for block in dictionaries { try FileReader.readDictionary(contents, block, &decoder) }
    try decoder.joinDeltas()
    self.decoder = decoder
    self.contents = contents
  }

  public var batchCount: Int { batches.count }
  public var counters: ReadCounters { decoder.counters }

  /// How a batch is stored, without reading its columns.
  public func info(_ index: Int) throws(DataError) -> BatchInfo {
    try FileReader.read(contents, batches[index]) { message, body throws(DataError) in
      let header = try FileReader.batchHeader(message)
      return BatchInfo(
        message, header, bodyPosition: batches[index].offset + batches[index].metadataLength)
    }
  }

  /// Reads a batch. Nothing is copied when it is not compressed.
  /// - Parameter projection: the columns wanted, by place; the others are not touched.
  public func batch(_ index: Int, projection: [Int]? = nil) throws(DataError) -> RecordBatch {
    try FileReader.read(contents, batches[index]) { message, body throws(DataError) in
      let header = try FileReader.batchHeader(message)
      do throws(DataError) {
        return try decoder.batch(header, of: message, body: body, projection: projection)
      } catch {
        throw error.within("batch \(index)")
      }
    }
  }

  // MARK: Messages

  private static func batchHeader(_ message: Message) throws(DataError) -> BatchHeader {
    guard case .batch(let header) = message.header else {
      throw DataError(.malformed, "the footer names a message as a batch that is none")
    }
    return header
  }

  private static func readDictionary(
    _ contents: Buffer, _ block: Block, _ decoder: inout IPCDecoder
  ) throws(DataError) {
    try read(contents, block) { message, body throws(DataError) in
      guard case .dictionary(let header) = message.header else {
        throw DataError(.malformed, "the footer names a message as a dictionary that is none")
      }
      guard header.isDelta || !decoder.hasDictionary(header.id) else {
        throw DataError(.malformed, "dictionary \(header.id) is there twice; a file cannot replace it")
      }
      _ = try decoder.decode(message, body: body)
    }
  }

  private static func read<R>(
    _ contents: Buffer, _ block: Block, _ body: (Message, Buffer) throws(DataError) -> R
  ) throws(DataError) -> R {
    var source = BufferSource(contents.slice(block.offset..<block.offset + block.metadataLength))
    do throws(DataError) {
      guard let framed = try source.nextHeader(limit: block.metadataLength) else {
        throw DataError(.malformed, "the footer names a message where there is none")
      }
      let bodyStart = block.offset + block.metadataLength
      let message: Message
      do throws(DataError) { message = try Message(decoding: framed.header) } catch {
        throw error.placed(at: framed.position)
      }
      return try body(message, contents.slice(bodyStart..<bodyStart + block.bodyLength))
    } catch {
      throw error.placed(at: block.offset)
    }
  }

  // MARK: The footer

  /// Where the footer is. It stands between the batches and `length:4 "ARROW1"` at the very end.
  private static func footer(of contents: Buffer) throws(DataError) -> (start: Int, length: Int) {
    try checkFormat(contents)
    let tail = 4 + fileMagic.count
    guard contents.count >= 8 + tail,
      contents.slice(contents.count - fileMagic.count..<contents.count).array == fileMagic
    else {
      throw DataError(
        .malformed, "the file is cut off: it does not end with \"ARROW1\"", offset: contents.count)
    }
    let place = contents.count - tail
    let length = Int(contents.load(at: place, as: Int32.self))
    guard length > 0, length <= place - 8 else {
      throw DataError(.malformed, "a footer of \(length) bytes in a file of \(contents.count)", offset: place)
    }
    return (place - length, length)
  }

  /// Throws when two messages share bytes: a footer of a few bytes a message could repeat one without end.
  private static func checkDisjoint(_ blocks: [Block]) throws(DataError) {
    var end = 0
    for block in blocks.sorted(by: { $0.offset < $1.offset }) {
      guard block.offset >= end else {
        throw DataError(
          .malformed, "the footer names the message at \(block.offset) inside of another, or twice")
      }
      end = block.offset + block.metadataLength + block.bodyLength
    }
  }

  private static func blocks(
    _ table: FlatTable, _ field: Int, before end: Int
  ) throws(DataError) -> [Block] {
    // offset:8 metaDataLength:4 (padding:4) bodyLength:8
    let vector = try table.vector(field, stride: 24)
    var blocks: [Block] = []
    for i in 0..<vector.count {
      let offset = vector.load(i, as: Int64.self)
      let metadataLength = Int64(vector.load(i, offset: 8, as: Int32.self))
      let bodyLength = vector.load(i, offset: 16, as: Int64.self)
      guard offset >= 8, metadataLength > 0, bodyLength >= 0, offset <= end,
        metadataLength <= Int64(end) - offset,
        bodyLength <= Int64(end) - offset - metadataLength
      else {
        throw DataError(
          .malformed,
          "a message of \(metadataLength) and \(bodyLength) bytes from \(offset) on, in a file of \(end)")
      }
      blocks.append(
        Block(offset: Int(offset), metadataLength: Int(metadataLength), bodyLength: Int(bodyLength)))
    }
    return blocks
  }
}

/// Reads the batches of a file in order.
public struct FileBatchReader: BatchReader {
  public let file: FileReader
  private var index = 0
  public private(set) var lastInfo: BatchInfo?

  public init(_ file: FileReader) { self.file = file }

  public var schema: Schema { file.schema }
  public var counters: ReadCounters { file.counters }

  public mutating func next() throws(DataError) -> RecordBatch? {
    guard index < file.batchCount else { return nil }
    lastInfo = try file.info(index)
    defer { index += 1 }
    return try file.batch(index)
  }
}
