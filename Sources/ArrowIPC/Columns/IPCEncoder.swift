// Record batches into messages: dictionaries before the batch that needs them. No I/O; Flight takes the messages as files do.

import Arrow
import Memory

/// Turns the batches of one schema into messages, and remembers which dictionaries the reader has.
public struct IPCEncoder {
  /// What the messages go into.
  public enum Container: Sendable {
    /// Dictionaries may be replaced from batch to batch.
    case stream
    /// Dictionaries may only grow: when batches disagree, their dictionaries are merged and the indices rewritten.
    case file
  }

  public let schema: Schema
  public let options: WriteOptions
  public let container: Container
  let fields: [IPCField]
  /// The values that the reader has of each dictionary.
  var sent: [Int64: Column] = [:]
  /// Where each value of a sent dictionary is, for those that had to be merged.
  var merged: [Int64: [[UInt8]: Int]] = [:]
  var keptKeys = KeyAllowance()
  private let compressors: CompressorPool?

  /// - Throws: `.unsupported` for a schema that the format cannot express; `.invalid` for options that make no sense.
  public init(
    schema: Schema, options: WriteOptions = WriteOptions(), container: Container = .stream
  ) throws(DataError) {
    if let codec = options.codec, let level = options.level, !codec.levels.contains(level) {
      throw DataError(
        .invalid, "\(codec) has levels \(codec.levels.lowerBound) to \(codec.levels.upperBound), not \(level)"
      )
    }
    precondition(
      options.alignment >= 8 && options.alignment <= 4096 && options.alignment.nonzeroBitCount == 1)
    self.schema = schema
    self.options = options
    self.container = container
    fields = IPCField.fields(of: schema)
    compressors = options.codec.map {
      CompressorPool($0, level: options.level ?? $0.defaultLevel, threads: options.threads)
    }
  }

  /// The message that opens a stream.
  public func schemaMessage() throws(DataError) -> EncodedMessage {
    EncodedMessage(header: try FlatBufferBuilder.schemaMessage(schema, fields), body: [], bodyLength: 0)
  }

  /// The messages of a batch, the batch itself last. Buffers are referred to, not copied, unless a column is a slice whose
  /// bits or offsets must be moved, or a codec is asked for.
  ///
  /// Columns that come from outside are checked (`.access`) on the way.
  public mutating func encode(_ batch: RecordBatch) throws(DataError) -> [EncodedMessage] {
    guard batch.schema.fields == schema.fields else {
      throw DataError(.invalid, "a batch of another schema than the one that is being written")
    }
    try batch.check(.access)
    var messages: [EncodedMessage] = []
    var encoder = BatchEncoder(count: batch.count)
    for (column, field) in zip(batch.columns, fields) {
      do throws(DataError) {
        let column = container == .file ? try merging(column, field) : column
        _ = try sendDictionaries(column, field, &messages)
        try encoder.add(column, field)
      } catch {
        throw error.within("column '\(field.field.name)'")
      }
    }
    let (parts, body, length) = try pack(encoder)
    messages.append(
      EncodedMessage(
        header: FlatBufferBuilder.batchMessage(parts, bodyLength: length, metadata: batch.metadata),
        body: body, bodyLength: length))
    return messages
  }

  // MARK: Dictionaries

  /// Adds messages for the dictionaries of a column that the reader has not, those inside of others first.
  /// - Returns: whether any was replaced. Then what refers to it must be sent again, even if it is equal: its indices are not.
  private mutating func sendDictionaries(
    _ column: Column, _ field: IPCField, _ messages: inout [EncodedMessage]
  ) throws(DataError) -> Bool {
    guard let id = field.dictionary?.id, case .dictionary(_, let values) = column.layout else {
      var isReplaced = false
      for (child, childField) in zip(column.children, field.children) {
        if try sendDictionaries(child, childField, &messages) { isReplaced = true }
      }
      return isReplaced
    }
    let isInnerReplaced = try sendDictionaries(values, field.values, &messages)
    let before = sent[id]
    sent[id] = values
    guard let before else {
      messages.append(try dictionaryMessage(values, field, id, isDelta: false))
      return false
    }
    if !isInnerReplaced {
      if before === values || before.hasEqualValues(to: values) { return false }
      if container == .file || options.sendsDictionaryDeltas, values.extends(before) {
        let delta = values.slice(before.count..<values.count)
        messages.append(try dictionaryMessage(delta, field, id, isDelta: true))
        return false
      }
    }
    messages.append(try dictionaryMessage(values, field, id, isDelta: false))
    return true
  }

  private func dictionaryMessage(
    _ values: Column, _ field: IPCField, _ id: Int64, isDelta: Bool
  ) throws(DataError) -> EncodedMessage {
    var encoder = BatchEncoder(count: values.count)
    try encoder.add(values, field.values)
    let (parts, body, length) = try pack(encoder)
    return EncodedMessage(
      header: FlatBufferBuilder.dictionaryMessage(parts, id: id, isDelta: isDelta, bodyLength: length),
      body: body, bodyLength: length)
  }

  // MARK: Bodies

  /// Compresses the buffers if asked to, and puts them one after another with their padding.
  private func pack(_ encoder: BatchEncoder) throws(DataError) -> (BatchParts, [Buffer], Int) {
    var parts = encoder.parts
    parts.codec = options.codec
    // What has to be decompressed cannot be mapped: there is nothing to align it for.
    let alignment = options.codec == nil ? options.alignment : 8
    let packed = try compressors?.compress(encoder.buffers) ?? encoder.buffers.map { [$0] }
    var body: [Buffer] = []
    body.reserveCapacity(packed.count * 2)
    var position = 0
    for pieces in packed {
      let length = pieces.reduce(0) { $0 + $1.count }
      parts.buffers.append(Int64(position))
      parts.buffers.append(Int64(length))
      body.append(contentsOf: pieces)
      let padding = (alignment - length % alignment) % alignment
      if padding > 0 { body.append(.zeroes(count: padding)) }
      position += length + padding
    }
    return (parts, body, position)
  }
}

extension Column {
  /// Whether this begins with all the values of another column, and has more.
  func extends(_ other: Column) -> Bool {
    count > other.count && slice(0..<other.count).hasEqualValues(to: other)
  }
}
