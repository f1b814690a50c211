// Results in several parts, for clients that read them from several places at once.

import Arrow
import Engine
import Flight
import FlightSQL
import GRPC

extension SQLService {
  /// How many parts the client asks for: by the header `fletch-partitions`, or for all of its session's queries by the option
  /// `fletch_partitions`.
  func parts(_ context: CallContext, _ session: ClientSession) throws -> Int {
    let wish = context.metadata["fletch-partitions"] ?? session.engine.option("fletch_partitions") ?? "1"
    guard let count = Int(wish), (1...256).contains(count) else {
      throw GRPCStatus(.invalidArgument, "fletch-partitions is a number from 1 to 256, not '\(wish)'")
    }
    return count
  }

  /// All rows of a statement. Parts have to be of one run: nothing says that a second one gives the same rows in the same order. Those
  /// of a statement that writes are kept whether they have room or not: what has happened cannot be refused any more.
  func collect(
    _ statement: any EngineStatement, _ parameters: RecordBatch?, _ control: StatementControl
  ) throws -> (Schema, KeptRows) {
    let mustKeep = statement.changesData
    let stream = try grpc { () throws(EngineError) in try statement.query(parameters, control) }
    defer { stream.close() }
    let share = KeptMemory.Share(kept)
    var rows = KeptRows(batches: [], share: share)
    while let batch = try grpc({ () throws(EngineError) in try stream.next() }) {
      guard
        share.add(batch, isForced: mustKeep, makeRoom: { makeRoom(for: $0, isUrgent: mustKeep) })
      else { throw noRoom() }
      guard mustKeep || share.bytes <= options.keptLimit else {
        throw GRPCStatus(
          .resourceExhausted,
          "the result has more than the \(options.keptLimit) bytes that are kept for parts (max-kept-result); ask for it in one"
        )
      }
      rows.batches.append(batch)
    }
    return (stream.schema, rows)
  }

  /// The info of rows that are there: as many endpoints as were asked for, of as many rows each, in order.
  func info(
    _ schema: Schema, _ kept: KeptRows, parts: Int, _ session: ClientSession
  ) throws -> QueryInfo {
    let rows = kept.batches.reduce(0) { $0 + $1.count }
    let count = max(1, min(parts, rows))
    var endpoints: [QueryEndpoint] = []
    for part in 0..<count {
      let mine = SQLService.rows(rows * part / count..<rows * (part + 1) / count, of: kept.batches)
      let result = PendingResult(.kept(KeptRows(batches: mine, share: kept.share)), schema: schema)
      let handle = try results.add(result, owner: session.user)
      endpoints.append(
        QueryEndpoint(ticket: .handle(handle), expiration: expiration(in: options.handleLifetime)))
    }
    return QueryInfo(
      schema: described(schema), endpoints: endpoints, totalRecords: Int64(rows), isOrdered: true)
  }

  /// Some of the rows of batches that follow one another.
  private static func rows(_ wanted: Range<Int>, of batches: [RecordBatch]) -> [RecordBatch] {
    var found: [RecordBatch] = []
    var start = 0
    for batch in batches {
      let shared = wanted.clamped(to: start..<start + batch.count)
      if !shared.isEmpty { found.append(batch.slice(shared.lowerBound - start..<shared.upperBound - start)) }
      start += batch.count
    }
    return found
  }
}

extension RecordBatch {
  var byteCount: Int { columns.reduce(0) { $0 + $1.byteCount } }
}
