// The service of ArrowLink (dataexchange.ArrowDataService): whole IPC streams in the fields of messages.

import Arrow
import ArrowIPC
import Engine
import GRPC
import Memory
import Protobuf

/// ArrowLink's two calls, unchanged for its clients:
///
///     GetArrowData(Empty) returns (stream ArrowData)     ArrowData { bytes payload = 1 }, an IPC stream
///     SendArrowData(stream ArrowData) returns (Ack)      Ack { string message = 1 }
public struct ArrowLink: Sendable {
  private let engine: any QueryEngine
  /// The table that GetArrowData sends; nil for the first there is.
  private let table: String?
  /// The table that SendArrowData makes.
  private let target: String

  public init(_ engine: any QueryEngine, table: String?, target: String = "arrowlink") {
    self.engine = engine
    self.table = table
    self.target = target
  }

  public var methods: [GRPCMethod] {
    [
      GRPCMethod("/dataexchange.ArrowDataService/GetArrowData", kind: .blocking, send),
      GRPCMethod("/dataexchange.ArrowDataService/SendArrowData", kind: .blocking, receive),
    ]
  }

  /// Every message is an IPC stream of its own with a part of the table: well below the 4 MiB that gRPC clients take by
  /// default.
  private func send(_ call: ServerCall) throws {
    _ = try call.receive()
    let session = try grpc { () throws(EngineError) in try engine.makeSession() }
    defer { session.close() }
    guard let name = try table ?? firstTable(session) else {
      return try send(try ArrowLink.defaultBatch(), call)
    }
    let control = StatementControl(origin: StatementOrigin(call))
    call.onCancel { _ in control.cancel() }
    let rows = try grpc { () throws(EngineError) in
      try session.scan(TableName(table: name), part: nil, control)
    }
    defer { rows.close() }
    var isEmpty = true
    while let batch = try grpc({ () throws(EngineError) in try rows.next() }) {
      try send(batch, call)
      isEmpty = false
    }
    if isEmpty { try send(try RecordBatch(empty: rows.schema), call) }
  }

  private func firstTable(_ session: any EngineSession) throws -> String? {
    try grpc { () throws(EngineError) in try session.tables(withColumns: false) }.first { $0.kind == .table }?
      .name
  }

  private func send(_ batch: RecordBatch, _ call: ServerCall) throws {
    let pieces = max(
      1, min(batch.count, batch.columns.reduce(0) { $0 + $1.byteCount } / ArrowLink.partSize + 1))
    let rows = max(1, (batch.count + pieces - 1) / pieces)
    for start in stride(from: 0, to: max(batch.count, 1), by: rows) {
      try call.send(try payload(batch.slice(start..<min(batch.count, start + rows))))
    }
  }

  private static let partSize = 3 << 20

  /// What ArrowLink's server sends by itself: one row, id 1 and value 3.14.
  private static func defaultBatch() throws(DataError) -> RecordBatch {
    let id = FixedBuilder<Int64>(type: .int64)
    let value = FixedBuilder<Double>(type: .float64)
    id.append(1)
    value.append(3.14)
    let schema = Schema([Field("id", .int64, isNullable: false), Field("value", .float64, isNullable: false)])
    return try RecordBatch(schema: schema, columns: [id.finish(), value.finish()])
  }

  /// A message whose payload is a stream of one batch; the columns' bytes are referred to.
  private func payload(_ batch: RecordBatch) throws -> [Buffer] {
    let stream = GatherSink()
    let writer = try StreamWriter(stream, schema: batch.schema)
    try writer.write(batch)
    try writer.finish()
    var head = ProtobufWriter()
    head.startBytes(1, count: stream.position)
    return [Buffer(copying: head.bytes)] + stream.buffers
  }

  private func receive(_ call: ServerCall) throws {
    var payloads = Payloads(call)
    guard let schema = try payloads.schema() else { throw GRPCStatus(.invalidArgument, "nothing was sent") }
    let session = try grpc { () throws(EngineError) in try engine.makeSession() }
    defer { session.close() }
    let control = StatementControl(origin: StatementOrigin(call))
    call.onCancel { _ in control.cancel() }
    let request = IngestRequest(
      table: TableName(table: target), schema: schema, ifExists: .replace, ifMissing: .create)
    let rows: Int
    do {
      rows = try session.ingest(request, in: nil, control) { try payloads.next() }
    } catch let error as EngineError {
      throw GRPCStatus(error)
    }
    var ack = ProtobufWriter()
    ack.string(1, "stored \(rows) rows in table '\(target)'")
    try call.send([Buffer(copying: ack.bytes)])
  }
}

/// The batches of a call's messages, one stream after the other.
private struct Payloads {
  private let call: ServerCall
  private var stream: StreamReader?

  init(_ call: ServerCall) { self.call = call }

  /// The schema of the first stream; nil when there is none.
  mutating func schema() throws -> Schema? {
    if stream == nil { try readStream() }
    return stream?.schema
  }

  mutating func next() throws -> RecordBatch? {
    while stream != nil {
      if let batch = try stream?.next() { return batch }
      try readStream()
    }
    return nil
  }

  private mutating func readStream() throws {
    stream = nil
    while stream == nil, let message = try call.receive() {
      var reader = ProtobufReader(message)
      while let field = try reader.next() {
        if field.number == 1 { stream = try StreamReader(try field.bytes()) }
      }
    }
  }
}

/// Keeps what is written as a gather list.
private final class GatherSink: ByteSink {
  private(set) var buffers: [Buffer] = []
  private(set) var position = 0

  func write(_ buffers: [Buffer]) throws(DataError) {
    self.buffers.append(contentsOf: buffers)
    for buffer in buffers { position += buffer.count }
  }

  func flush() throws(DataError) {}
}
