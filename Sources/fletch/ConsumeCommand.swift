// fletch consume: the clients of the Flight Examples, one after another or as a pipeline.

import Arrow
import Dispatch
import Flight
import Glibc
import Memory
import Synchronization

let consumeCommand = Command(
  name: "consume", operands: "URI [FILE.sql|FOLDER|NAME]",
  summary: "Run files of SQL, or read a flight as a consumer that computes would.",
  discussion: """
    FILE is SQL, FOLDER has files of it (default: sql). Every statement runs over Flight SQL; each result is
    printed, over all endpoints, and so is each error; what follows runs nevertheless.

    NAME is a flight. --sequential prints the schema and the null counts of each batch, and pauses after
    every second batch: the server then stops sending, by HTTP/2's flow control. --pipeline fetches, computes
    and collects in three stages at once, joined by queues of four batches.
    """,
  options: [
    Option("format", "FORM", "How SQL's results are printed: table (default), csv or json."),
    RemoteSession.timeout, RemoteSession.session,
    Option("sequential", "One batch after another (default)."),
    Option("pipeline", "Three stages at the same time."),
    Option("pause", "SECONDS", "The pause after every second batch (default 1; --sequential)."),
    Option("filter", "Keep people over 18 in New York instead of counting nulls\n(--pipeline)."),
  ] + ConnectionOptions.all,
  run: { arguments in
    guard let uri = arguments.operands.first else { throw UsageError("URI is missing") }
    let source = arguments.operands.count > 1 ? arguments.operands[1] : "sql"
    if SQLFiles.isMeant(source) {
      _ = arguments.operands.count > 1 ? try arguments.operands("URI", "FILE") : []
      return try consumeSQL(uri, source, arguments)
    }
    guard arguments.operands.count > 1 else {
      throw UsageError("there is no folder 'sql' here; say which FILE.sql, FOLDER or flight is meant")
    }
    let operands = try arguments.operands("URI", "NAME")
    if arguments.has("sequential"), arguments.has("pipeline") {
      throw UsageError("'--sequential' and '--pipeline' exclude each other")
    }
    let pause = try arguments.integer("pause", in: 0...3600) ?? 1
    let client = try ConnectionOptions.client(operands[0], arguments)
    defer { client.close() }
    let flight = FlightSource(client, try client.flightInfo(.path([operands[1]])))
    if arguments.has("pipeline") {
      try consumeInPipeline(flight, isFilter: arguments.has("filter"))
    } else {
      try consumeSequentially(flight, pause: UInt32(pause))
    }
  })

/// The batches of all endpoints of a flight.
private final class FlightSource {
  private let client: FlightClient
  private var endpoints: ArraySlice<FlightEndpoint>
  private var download: FlightDownload?

  init(_ client: FlightClient, _ info: FlightInfo) {
    self.client = client
    endpoints = info.endpoints[...]
  }

  /// The schema of the first endpoint.
  func schema() throws -> Schema {
    if download == nil { try open() }
    guard let download else { throw DataError(.invalid, "the flight has no endpoint") }
    return try download.schema()
  }

  func next() throws -> RecordBatch? {
    while true {
      while let item = try download?.next() { if let batch = item.batch { return batch } }
      guard try open() else { return nil }
    }
  }

  @discardableResult
  private func open() throws -> Bool {
    guard let endpoint = endpoints.popFirst() else { return false }
    download = try client.get(endpoint.ticket)
    return true
  }
}

/// The null counts of a batch, as the Flight Examples print them.
private func nullCounts(_ batch: RecordBatch) -> String {
  zip(batch.schema.fields, batch.columns).map { "\($0.name): \($1.nullCount)" }.joined(separator: ", ")
}

private func consumeSequentially(_ source: FlightSource, pause: UInt32) throws {
  print("Schema:")
  for field in try source.schema().fields { print("  \(field.name): \(field.type)") }
  var count = 0
  while let batch = try source.next() {
    count += 1
    print("Processed batch \(count) (\(batch.count) rows)")
    print("  nulls: \(nullCounts(batch))")
    if count.isMultiple(of: 2) {
      print("Flow control: Pausing to clear downstream resources...")
      fflush(nil)
      sleep(pause)
    }
  }
  print("Processed \(count) batches.")
}

/// A queue that makes whoever is faster wait.
private final class BoundedQueue<Element: Sendable>: Sendable {
  private let elements = Mutex<[Element]>([])
  private let room: DispatchSemaphore
  private let filled = DispatchSemaphore(value: 0)

  init(capacity: Int) { room = DispatchSemaphore(value: capacity) }

  func put(_ element: Element) {
    room.wait()
    elements.withLock { $0.append(element) }
    filled.signal()
  }

  func take() -> Element {
    filled.wait()
    let element = elements.withLock { $0.removeFirst() }
    room.signal()
    return element
  }
}

/// What goes through the pipeline; the last is the end, or the error that ended it.
private enum Stage<Value: Sendable>: Sendable {
  case value(Value)
  case end(String?)
}

private func consumeInPipeline(_ source: FlightSource, isFilter: Bool) throws {
  let start = monotonicSeconds()
  let fetched = BoundedQueue<Stage<RecordBatch>>(capacity: 4)
  let computed = BoundedQueue<Stage<String>>(capacity: 4)
  // SAFETY (nonisolated(unsafe)): only the fetching thread uses the source from here on.
  nonisolated(unsafe) let source = source
  DispatchQueue(label: "fetch").async {
    do {
      while let batch = try source.next() { fetched.put(.value(batch)) }
      fetched.put(.end(nil))
    } catch {
      fetched.put(.end("\(error)"))
    }
  }
  DispatchQueue(label: "compute").async {
    while true {
      switch fetched.take() {
      case .value(let batch):
        computed.put(.value(isFilter ? adultsInNewYork(batch) : "nulls: \(nullCounts(batch))"))
      case .end(let failure):
        computed.put(.end(failure))
        return
      }
    }
  }
  var count = 0
  sink: while true {
    switch computed.take() {
    case .value(let text):
      count += 1
      print("Batch \(count): \(text)")
    case .end(let failure):
      if let failure { throw DataError(.invalid, failure) }
      break sink
    }
  }
  let hundredths = Int(((monotonicSeconds() - start) * 100).rounded())
  print(
    "Total pipeline time: \(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100) seconds."
  )
}

/// The filter of the Flight Examples: `age > 18 AND city == 'New York'`, how many and the first of them.
private func adultsInNewYork(_ batch: RecordBatch) -> String {
  guard let age = batch.schema.index(of: "age").map({ batch.columns[$0] }), age.type == .int64,
    let city = batch.schema.index(of: "city").map({ batch.columns[$0] }), city.type == .utf8
  else { return "no columns age and city to filter by" }
  let ages = age.values(of: Int64.self)
  var count = 0
  var first: Int?
  for row in 0..<batch.count where !age.isNull(row) && !city.isNull(row) && ages[row] > 18 {
    guard city.string(at: row) == "New York" else { continue }
    count += 1
    first = first ?? row
  }
  var sample: [UInt8] = []
  if let first { batch.appendJSON(row: first, to: &sample) }
  return
    "\(count) rows pass the filter\(sample.isEmpty ? "" : ", such as " + String(decoding: sample, as: UTF8.self))"
}
