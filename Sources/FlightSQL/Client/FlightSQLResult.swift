// The rows of a result, one endpoint after the other.

import Arrow
import Flight
import GRPC
import Memory

/// A query's result as a client reads it: by one thread at a time.
public final class FlightSQLResult {
  public let info: FlightInfo
  private let client: FlightSQLClient
  private var nextEndpoint = 0
  private var download: FlightDownload?

  init(_ client: FlightSQLClient, _ info: FlightInfo) {
    self.client = client
    self.info = info
  }

  /// The result's schema: as the server told it before, or else as its first endpoint has it.
  public func schema() throws -> Schema {
    if !info.schema.isEmpty { return try SchemaMessage.decode(info.schema) }
    guard let download = try current() else { return Schema([]) }
    return try download.schema()
  }

  /// The next batch; nil when every endpoint has come to its end.
  public func next() throws -> RecordBatch? {
    while let download = try current() {
      while let item = try download.next() { if let batch = item.batch { return batch } }
      self.download = nil
      nextEndpoint += 1
    }
    return nil
  }

  /// All batches that are left.
  public func batches() throws -> [RecordBatch] {
    var batches: [RecordBatch] = []
    while let batch = try next() { batches.append(batch) }
    return batches
  }

  private func current() throws -> FlightDownload? {
    if download == nil, nextEndpoint < info.endpoints.count {
      download = try client.download(info.endpoints[nextEndpoint])
    }
    return download
  }

  /// Asks the server to stop the query, and reads no more.
  @discardableResult
  public func cancel() throws -> CancelStatus {
    defer {
      download?.cancel()
      download = nil
      nextEndpoint = info.endpoints.count
    }
    return try client.cancel(info)
  }
}

/// Rows on their way into a table.
public final class FlightSQLIngest {
  private let upload: FlightUpload

  init(_ upload: FlightUpload) { self.upload = upload }

  public func write(_ batch: RecordBatch) throws { try upload.write(batch) }

  /// Says that this was all; returns how many rows the server took, -1 when it does not know.
  @discardableResult
  public func finish() throws -> Int64 { try FlightSQLClient.count(try upload.finish()) }

  public func cancel() { upload.cancel() }
}
