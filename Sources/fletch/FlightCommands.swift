// fletch list, get and put: flights from the command line.

import Arrow
import ArrowIPC
import Flight
import Glibc
import HTTP2
import Memory

/// Options of every command that connects to a server.
enum ConnectionOptions {
  static let all = [
    Option("tls-ca", "FILE", "Authorities to trust for grpc+tls:// (default: the system's)."),
    Option("tls-cert", "FILE", "This client's certificate, where the server asks for one."),
    Option("tls-key", "FILE", "The certificate's private key."),
    Option("user", "NAME[:PASSWORD]", "Log in; the password may be in FLETCH_PASSWORD instead."),
    Option("token", "TOKEN", "Send this bearer token; it may be in FLETCH_TOKEN instead."),
  ]

  static func client(_ uri: String, _ arguments: Arguments) throws -> FlightClient {
    let location: FlightLocation
    do throws(DataError) { location = try FlightLocation(uri: uri) } catch { throw UsageError(error.message) }
    var configuration = TLSConfiguration.client(trustedAuthorities: arguments.string("tls-ca"))
    configuration.certificateChain = arguments.string("tls-cert")
    configuration.privateKey = arguments.string("tls-key")
    let user = arguments.string("user")
    let token = arguments.string("token") ?? (user == nil ? environment("FLETCH_TOKEN") : nil)
    if user != nil, token != nil { throw UsageError("options '--user' and '--token' exclude each other") }
    let client = try FlightClient(
      to: location, tls: location.isTLS ? TLSContext(client: configuration) : nil,
      session: FlightClientSession(token: token))
    if let user {
      let parts = user.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard let password = parts.count > 1 ? parts[1] : environment("FLETCH_PASSWORD") else {
        throw UsageError("option '--user' takes NAME:PASSWORD, unless FLETCH_PASSWORD has the password")
      }
      do { try client.authenticate(user: parts[0], password: password) } catch {
        client.close()
        throw error
      }
    }
    return client
  }

  private static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }
}

let listCommand = Command(
  name: "list", operands: "URI", summary: "List the flights of a server.",
  discussion:
    "URI is grpc://host:port, grpc+tls://host:port or grpc+unix:///path; the port is 8815 by default.",
  options: ConnectionOptions.all,
  run: { arguments in
    let client = try ConnectionOptions.client(try arguments.operands("URI")[0], arguments)
    defer { client.close() }
    for flight in try client.listFlights() {
      let name = flight.descriptor.map(flightName) ?? "-"
      let rows = flight.totalRecords < 0 ? "?" : Int(flight.totalRecords).grouped
      let bytes = flight.totalBytes < 0 ? "?" : readableBytes(Int(flight.totalBytes))
      print(
        "\(name.padded(to: 24))  \(rows.leftPadded(to: 14)) rows  \(bytes.leftPadded(to: 12))  \(flight.endpoints.count) endpoint(s)"
      )
    }
  })

/// A flight's name as it is typed.
private func flightName(_ descriptor: FlightDescriptor) -> String {
  if case .path(let parts) = descriptor { return parts.joined(separator: "/") }
  return "\(descriptor)"
}

let getCommand = Command(
  name: "get", operands: "URI NAME", summary: "Get a flight and write it to a file.",
  discussion: "All endpoints are read, one after another.",
  options: [
    Option("output", "FILE", short: "o", "Where to (default NAME.feather); '-' is standard output."),
    Option(
      "to", "FORMAT", "file or stream. By default stream where FILE ends in .arrows\nor is '-', else file."),
    SharedOptions.codec, SharedOptions.level, SharedOptions.threads,
    Option("compression", "CODEC", "Ask the server to compress on the way: zstd or lz4."),
    SharedOptions.quiet,
  ] + ConnectionOptions.all,
  run: { arguments in
    let operands = try arguments.operands("URI", "NAME")
    let path = arguments.string("output") ?? "\(operands[1]).feather"
    let format = try outputFormat(arguments, path: path)
    let options = try SharedOptions.writeOptions(arguments)
    let client = try ConnectionOptions.client(operands[0], arguments)
    defer { client.close() }
    let info = try client.flightInfo(.path([operands[1]]))
    let output = try Output(path: path)
    var writer: (any BatchWriter)?
    var progress = ProgressBar(
      total: info.totalRecords >= 0 ? Int(info.totalRecords) : nil,
      isQuiet: arguments.has("quiet") || path == "-")
    for endpoint in info.endpoints {
      let download = try client.get(endpoint.ticket, compression: arguments.string("compression"))
      let schema = try download.schema()
      if writer == nil {
        writer =
          format == .file
          ? try FileWriter(output.sink, schema: schema, options: options)
          : try StreamWriter(output.sink, schema: schema, options: options)
      }
      while let item = try download.next() {
        guard let batch = item.batch else { continue }
        try writer?.write(batch)
        progress.advance(rows: batch.count)
      }
    }
    guard let writer else { throw DataError(.invalid, "flight '\(operands[1])' has no endpoint") }
    try writer.finish()
    try output.commit()
    progress.finish()
    summarise(path, progress, arguments)
  })

/// Says how many rows went, and how fast.
private func summarise(_ name: String, _ progress: ProgressBar, _ arguments: Arguments) {
  guard !arguments.has("quiet"), name != "-" else { return }
  let rate = Int(Double(progress.rows) / max(progress.seconds, 0.001))
  printError("\(name): \(progress.rows.grouped) rows, \(rate.grouped) rows/s\n")
}

let putCommand = Command(
  name: "put", operands: "URI NAME FILE", summary: "Upload a file as a flight.",
  discussion:
    "FILE is an Arrow IPC file or stream; '-' is standard input. A flight of that name is replaced.",
  options: [SharedOptions.threads, SharedOptions.memoryLimit, SharedOptions.quiet] + ConnectionOptions.all,
  run: { arguments in
    let operands = try arguments.operands("URI", "NAME", "FILE")
    var (reader, _, _) = try openBatches(path: operands[2], options: try SharedOptions.readOptions(arguments))
    let client = try ConnectionOptions.client(operands[0], arguments)
    defer { client.close() }
    let total = try (reader as? FileBatchReader)?.file.rowCount()
    var progress = ProgressBar(total: total, isQuiet: arguments.has("quiet"))
    let upload = try client.put(.path([operands[1]]), reader.schema)
    while let batch = try reader.next() {
      try upload.write(batch)
      progress.advance(rows: batch.count)
    }
    _ = try upload.finish()
    progress.finish()
    summarise(operands[1], progress, arguments)
  })
