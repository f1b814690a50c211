// fletch bench wire: flights got and put, and small calls, each operation timed by itself.

import Arrow
import ArrowIPC
import Dispatch
import Flight
import Memory
import Synchronization

/// Operations on a server. Connections stay open from one to the next.
struct WireBench {
  private var clients: [String: FlightClient] = [:]
  /// The batches that are put, and the file they are from.
  private var loaded: (path: String, schema: Schema, batches: [RecordBatch])?

  mutating func run(_ words: [String]) throws -> String {
    guard words.count >= 4, let count = Int(words[3]), (1...1024).contains(count) else {
      throw UsageError("a line is 'OPERATION URI NAME COUNT …'")
    }
    let client = try clients[words[1]] ?? FlightClient(to: FlightLocation(uri: words[1]))
    clients[words[1]] = client
    let name = words[2]
    switch (words[0], words.count) {
    case ("get", 4):
      return try timed {
        let rows = try WireBench.atOnce(count) { _ in try WireBench.get(client, name) }
        return (0, [("rows", "\(rows)")])
      }
    case ("put", 5):
      try load(words[4])
      let (schema, batches) = (loaded!.schema, loaded!.batches)
      return try timed {
        let rows = try WireBench.atOnce(count) { i in
          let upload = try client.put(.path(["\(name)\(i)"]), schema)
          for batch in batches { try upload.write(batch) }
          _ = try upload.finish()
          return batches.reduce(0) { $0 + $1.count }
        }
        return (0, [("rows", "\(rows)")])
      }
    case ("info", 5):
      let each = (Int(words[4]) ?? 1) / count
      return try timed {
        let calls = try WireBench.atOnce(count) { _ in
          for _ in 0..<each { _ = try client.flightInfo(.path([name])) }
          return each
        }
        return (0, [("calls", "\(calls)")])
      }
    default: throw UsageError("no operation '\(words[0])' of \(words.count) words")
    }
  }

  private static func get(_ client: FlightClient, _ name: String) throws -> Int {
    var rows = 0
    for endpoint in try client.flightInfo(.path([name])).endpoints {
      let download = try client.get(endpoint.ticket)
      while let item = try download.next() { rows += item.batch?.count ?? 0 }
    }
    return rows
  }

  /// Runs work on as many threads, and adds up what each returns.
  private static func atOnce(
    _ count: Int, _ work: @escaping @Sendable (Int) throws -> Int
  ) throws -> Int {
    if count == 1 { return try work(0) }
    let results = Mutex<[Result<Int, any Error>]>([])
    let group = DispatchGroup()
    for i in 0..<count {
      DispatchQueue(label: "bench").async(group: group) {
        let result = Result { try work(i) }
        results.withLock { $0.append(result) }
      }
    }
    group.wait()
    return try results.withLock { try $0.reduce(0) { try $0 + $1.get() } }
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
