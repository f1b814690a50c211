// A stream of messages decoded: schema first, then dictionaries and batches. No I/O; Flight feeds it as files do.

import Arrow
import Memory

/// Turns messages into record batches and keeps the dictionaries between them.
public struct IPCDecoder: Sendable {
  /// What a message brought.
  public enum Event: Sendable {
    case schema(Schema)
    /// A dictionary was set, or extended.
    case dictionary(id: Int64, isDelta: Bool)
    case batch(RecordBatch)
  }

  /// The schema, once its message has come.
  public private(set) var schema: Schema?
  private var fields: [IPCField] = []
  private var dictionaryFields: [Int64: IPCField] = [:]
  private var dictionaries: [Int64: Column] = [:]
  /// What has come to extend a dictionary since it was last needed: joined all at once, since joining copies.
  private var deltas: [Int64: [Column]] = [:]
  let reading: ReadContext

  public init(options: ReadOptions = ReadOptions()) { reading = ReadContext(options) }

  /// A decoder that already has its schema, as a file's footer gives it.
  init(_ schema: DecodedSchema, options: ReadOptions) throws(DataError) {
    self.init(options: options)
    try accept(schema)
  }

  public var counters: ReadCounters { reading.counters }

  /// Decodes one message. The columns are slices of `body` wherever that is possible, and keep it alive.
  /// - Parameters:
  ///   - header: the Message FlatBuffer, without framing.
  ///   - body: at least as long as the header says.
  public mutating func decode(header: Buffer, body: Buffer) throws(DataError) -> Event {
    try decode(try Message(decoding: header), body: body)
  }

  mutating func decode(_ message: Message, body: Buffer) throws(DataError) -> Event {
    guard body.count >= message.bodyLength else {
      throw DataError(.malformed, "a body of \(body.count) bytes, where \(message.bodyLength) are declared")
    }
    switch message.header {
    case .schema(let decoded):
      guard schema == nil else { throw DataError(.malformed, "a second schema in one stream") }
      try accept(decoded)
      return .schema(decoded.schema)
    case .dictionary(let header):
      try receive(header, message.version, body: body)
      return .dictionary(id: header.id, isDelta: header.isDelta)
    case .batch(let header):
      try joinDeltas()
      return .batch(try batch(header, of: message, body: body))
    }
  }

  private mutating func accept(_ decoded: DecodedSchema) throws(DataError) {
    dictionaryFields = try DictionaryFields(decoded.fields).byID
    fields = decoded.fields
    schema = decoded.schema
  }

  /// Decodes a batch.
  /// - Parameter projection: the columns wanted, by place; the others are not even decompressed.
  func batch(
    _ header: BatchHeader, of message: Message, body: Buffer, projection: [Int]? = nil
  ) throws(DataError) -> RecordBatch {
    guard let schema else { throw DataError(.malformed, "a batch before any schema") }
    var decoder = BatchDecoder(
      header: header, body: body, version: message.version, dictionaries: dictionaries, reading: reading)
    let columns = try decoder.columns(fields, projection: projection)
    for column in columns where column.count != header.count {
      throw DataError(.malformed, "a column of \(column.count) values in a batch of \(header.count) rows")
    }
    let batchSchema =
      projection.map { Schema($0.map { schema.fields[$0] }, metadata: schema.metadata) } ?? schema
    var batch = try RecordBatch(schema: batchSchema, columns: columns, count: header.count)
    batch.metadata = message.metadata
    return batch
  }

  private mutating func receive(
    _ header: DictionaryHeader, _ version: MetadataVersion, body: Buffer
  ) throws(DataError) {
    guard let field = dictionaryFields[header.id] else {
      throw DataError(.malformed, "dictionary \(header.id) is not in the schema")
    }
    do throws(DataError) {
      // Values may be made of other dictionaries' values.
      if !field.children.isEmpty { try joinDeltas() }
      var decoder = BatchDecoder(
        header: header.batch, body: body, version: version, dictionaries: dictionaries, reading: reading)
      let values = try decoder.columns([field.values])[0]
      if header.isDelta, let before = dictionaries[header.id] {
        let waiting = deltas[header.id, default: []].reduce(0) { $0 + $1.count }
        guard before.count + waiting + values.count <= reading.options.maximumRows else {
          throw DataError(
            .limit, "a dictionary of more than \(reading.options.maximumRows) values, which is the limit")
        }
        deltas[header.id, default: []].append(values)
      } else {
        dictionaries[header.id] = values
        deltas[header.id] = nil
      }
    } catch {
      throw error.within("dictionary \(header.id)")
    }
  }

  /// Puts the dictionaries together that were sent in parts; a batch can only be decoded after that.
  mutating func joinDeltas() throws(DataError) {
    for (id, parts) in deltas {
      dictionaries[id] = try Column.concatenating([dictionaries[id]!] + parts)
    }
    deltas = [:]
  }

  /// Whether a dictionary has come already: a file may extend it, but not replace it.
  func hasDictionary(_ id: Int64) -> Bool { dictionaries[id] != nil }
}
