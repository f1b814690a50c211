// fletch bench wire: flights got and put, and small calls, each operation timed by itself.

import Arrow
import ArrowIPC
import Flight
import Memory

/// Operations on a server. Connections stay open from one to the next.
struct WireBench {
  private var clients: [String: FlightClient] = [:]
  /// The batches that are put, and the file they are from.
  private var loaded: (path: String, schema: Schema, batches: [RecordBatch])?

  mutating func run(_ words: [String]) throws -> String {
    guard words.count >= 3 else { throw UsageError("a line is 'OPERATION URI NAME …'") }
    let client = try clients[words[1]] ?? FlightClient(to: FlightLocation(uri: words[1]))
    clients[words[1]] = client
    let descriptor = FlightDescriptor.path([words[2]])
    switch (words[0], words.count) {
    case ("get", 3):
      return try timed {
        var (rows, bytes) = (0, 0)
        for endpoint in try client.flightInfo(descriptor).endpoints {
          let download = try client.get(endpoint.ticket)
          while let item = try download.next() {
            rows += item.batch?.count ?? 0
            bytes += item.batch?.columns.reduce(0) { $0 + $1.byteCount } ?? 0
          }
        }
        return (0, [("rows", "\(rows)"), ("bytes", "\(bytes)")])
      }
    case ("put", 4):
      try load(words[3])
      return try timed {
        let upload = try client.put(descriptor, loaded!.schema)
        for batch in loaded!.batches { try upload.write(batch) }
        _ = try upload.finish()
        return (0, [("rows", "\(loaded!.batches.reduce(0) { $0 + $1.count })")])
      }
    case ("info", 4):
      let count = Int(words[3]) ?? 1
      return try timed {
        for _ in 0..<count { _ = try client.flightInfo(descriptor) }
        return (0, [("calls", "\(count)")])
      }
    default: throw UsageError("no operation '\(words[0])' of \(words.count) words")
    }
  }

  private mutating func load(_ path: String) throws {
    if loaded?.path == path { return }
    let file = try FileReader(path: path)
    var batches: [RecordBatch] = []
    for i in 0..<file.batchCount { batches.append(try file.batch(i)) }
    for batch in batches { try batch.check(.full) }
    loaded = (path, file.schema, batches)
  }
}
