// The service of ArrowLink (dataexchange.ArrowDataService): whole IPC streams in the fields of messages.

import Arrow
import ArrowIPC
import Flight
import GRPC
import Memory
import Protobuf

/// ArrowLink's two calls, unchanged for its clients:
///
///     GetArrowData(Empty) returns (stream ArrowData)     ArrowData { bytes payload = 1 }, an IPC stream
///     SendArrowData(stream ArrowData) returns (Ack)      Ack { string message = 1 }
public struct ArrowLink: Sendable {
  private let catalog: FileCatalog
  private let store: FileStore?
  /// The table that GetArrowData sends; nil for the first there is.
  private let table: String?
  /// The table that SendArrowData makes.
  private let target: String

  public init(_ catalog: FileCatalog, store: FileStore?, table: String?, target: String = "arrowlink") {
    self.catalog = catalog
    self.store = store
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
    for batch in try batches() {
      let pieces = max(
        1, min(batch.count, batch.columns.reduce(0) { $0 + $1.byteCount } / ArrowLink.partSize + 1))
      let rows = max(1, (batch.count + pieces - 1) / pieces)
      for start in stride(from: 0, to: max(batch.count, 1), by: rows) {
        if call.isCancelled { return }
        let part = batch.slice(start..<min(batch.count, start + rows))
        try call.send(try payload(part))
      }
    }
  }

  private static let partSize = 3 << 20

  private func batches() throws -> [RecordBatch] {
    guard let found = table.map({ catalog.table($0) }) ?? catalog.tables.first else {
      if let table { throw GRPCStatus(.notFound, "there is no table '\(table)'") }
      return [try ArrowLink.defaultBatch()]
    }
    var batches: [RecordBatch] = []
    for file in found.files { for i in 0..<file.batchCount { batches.append(try file.batch(i)) } }
    return batches
  }

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
    guard let store else {
      throw GRPCStatus(.permissionDenied, "this server takes no uploads; it was started without --store")
    }
    var upload: FileStore.Upload?
    while let message = try call.receive() {
      var reader = ProtobufReader(message)
      while let field = try reader.next() {
        guard field.number == 1 else { continue }
        var stream = try StreamReader(try field.bytes())
        if upload == nil { upload = try store.begin(target, stream.schema) }
        while let batch = try stream.next() {
          try batch.check(.full)
          try upload?.write(batch)
        }
      }
    }
    guard let upload else { throw GRPCStatus(.invalidArgument, "nothing was sent") }
    catalog.publish(try upload.finish())
    var ack = ProtobufWriter()
    ack.string(1, "stored \(upload.rows) rows in table '\(target)'")
    try call.send([Buffer(copying: ack.bytes)])
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
