// fletch serve: Feather files as flights.

import Engine
import Flight
import FlightSQL
import GRPC
import Glibc
import HTTP2
import Memory
import Server

let serveCommand = Command(
  name: "serve", operands: "[FILE|FOLDER…]", summary: "Serve SQL over Feather files by Arrow Flight SQL.",
  discussion: """
    A file is a table by its name without the ending. Of a folder, each Feather file is a table, and each
    folder in it is one table of all its files. Files that are not compressed are used where they are. Clients
    of Flight SQL query the tables, those of plain Flight get them by the path of their names.

    The same port answers ArrowLink's calls, gRPC's health checks and server reflection. SIGTERM and SIGINT end the
    server: running calls may finish for as long as --drain says. SIGHUP reads the certificates again.
    """,
  options: [
    Option(
      "listen", "ADDRESS",
      "host:port or unix:PATH, as often as needed (default\nlocalhost:8815). Port 0 lets the system choose."),
    Option("alias", "NAME=TABLE", "Another name for a table, also in its ticket; as often as\nneeded."),
    Option(
      "database", "FOLDER",
      "Keep tables here, those of the files too (default: a private\nfolder that goes away with the server)."),
    Option("read-only", "Refuse every change."),
    Option("timeout", "SECONDS", "How long a statement may take (default: as long as it likes)."),
    Option("init", "FILE", "SQL to run before anything is served."),
    Option("arrowlink", "TABLE", "What ArrowLink's GetArrowData sends (default: the first table)."),
    Option("tls-cert", "FILE", "Serve with TLS: the certificate and its chain, in PEM form."),
    Option("tls-key", "FILE", "The certificate's private key."),
    Option("tls-client-ca", "FILE", "Demand client certificates that one of these signed."),
    Option(
      "insecure", "Listen on other addresses than this machine's own without\nTLS and client certificates."),
    Option("drain", "SECONDS", "How long running calls may go on after SIGTERM (default 10)."),
    Option("ready-file", "FILE", "Write the addresses to this file once they are open."),
    SharedOptions.quiet,
  ],
  more: (
    """
    Limits (SIZE is bytes or such as 64K, 8M; TIME is such as 500ms, 30s, 15m, 24h, or off; BURST/RATE is how
    many at once, and a second in the long run):
    """,
    ServerSetting.all.map { setting in
      Option(
        setting.name, setting.form, "\(setting.help.dropLast()) (\(setting.text(in: GRPCServerOptions()))).")
    }
  ),
  run: { arguments in
    let listeners = try listenAddresses(arguments)
    let tls = try serverTLS(arguments)
    try checkExposure(listeners, arguments, isAuthenticated: tls != nil && arguments.has("tls-client-ca"))
    let drain = try arguments.integer("drain", in: 0...86_400) ?? 10

    let options = try serverOptions(arguments)
    // A log that nobody reads any more is no reason to end.
    signal(SIGPIPE, SIG_IGN)
    raiseDescriptorLimit(connections: options.http2.connections)
    let signals = ServeSignals(reloads: tls != nil)

    let engine = try makeEngine(arguments)
    var serviceOptions = SQLServiceOptions()
    serviceOptions.version = version
    serviceOptions.aliases = try aliases(arguments)
    serviceOptions.statementTimeout = try arguments.integer("timeout", in: 1...1_000_000).map(Double.init)
    let service = SQLService(engine, options: serviceOptions)
    let link = ArrowLink(engine, table: arguments.string("arrowlink"))
    let server = GRPCServer(
      methods: flightMethods(service.flightService()) + link.methods, options: options,
      interceptors: arguments.has("quiet") ? [] : [JSONCallLog()])
    var open: [FlightLocation] = []
    for address in listeners {
      // Who may open a Unix socket is a matter of its file, and clients know no TLS on it.
      let tls = address.isUnix ? nil : tls
      open.append(FlightLocation(try server.listen(on: address, tls: tls), isTLS: tls != nil))
    }
    if let path = arguments.string("ready-file") {
      let file = try AtomicFile(path: path)
      try file.sink.write([Buffer(copying: Array(open.map { "\($0)\n" }.joined().utf8))])
      try file.commit(durable: false)
    }
    let maintenance = Maintenance {
      service.tidyUp()
      engine.tidyUp()
    }
    let count = try engine.makeSession().tables(withColumns: false).count
    printError(
      "fletch \(version) serves \(count) table\(count == 1 ? "" : "s") on "
        + open.map(\.description).joined(separator: ", ") + "\n")
    while signals.next() == .reload {
      guard let tls else { continue }
      do throws(HTTP2Error) {
        try tls.reload()
        printError("fletch serve: new connections get the certificates as they are now\n")
      } catch {
        printError("fletch serve: the certificates stay as they were: \(error.message)\n")
      }
    }
    server.shutdown(within: Double(drain))
    maintenance.stop()
    engine.shutDown()
  })

/// The engine with its tables: those of the database, and those of the files.
private func makeEngine(_ arguments: Arguments) throws -> EmbeddedEngine {
  var options = EngineOptions()
  options.databasePath = arguments.string("database")
  options.aliases = try aliases(arguments).map { ($0.key, $0.value) }
  options.isReadOnly = arguments.has("read-only")
  if let path = arguments.string("init") {
    let contents = try MappedFile(path: path).contents
    options.initialSQL = String(decoding: contents.array, as: UTF8.self)
  }
  let engine = try EmbeddedEngine(options)
  for table in try FileDiscovery.tables(arguments.operands) {
    do throws(EngineError) {
      _ = try engine.publish(files: table.files, as: table.name, mode: .replace, inPlace: true)
    } catch {
      throw DataError(.invalid, error.message)
    }
  }
  let session = try engine.makeSession()
  for (name, table) in options.aliases where try session.stored(TableName(table: table)) == nil {
    throw DataError(.invalid, "there is no table '\(table)' for the alias '\(name)'")
  }
  return engine
}

/// What the server is told from outside. Made before any thread is started, which would take the signals otherwise.
private struct ServeSignals {
  enum Order { case end, reload }
  private var signals = sigset_t()

  /// - Parameter reloads: whether SIGHUP has something to do; it ends the process otherwise, as ever.
  init(reloads: Bool) {
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM] + (reloads ? [SIGHUP] : []) { sigaddset(&signals, number) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
  }

  func next() -> Order {
    var (signals, received) = (signals, Int32(0))
    sigwait(&signals, &received)
    return received == SIGHUP ? .reload : .end
  }
}

/// Every connection has a descriptor: as many as the system allows, and a warning when those are too few.
private func raiseDescriptorLimit(connections: Int) {
  var limit = rlimit()
  guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
  let wanted = rlim_t(connections + 1000)
  if limit.rlim_cur < wanted {
    limit.rlim_cur = min(limit.rlim_max, wanted)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
  if limit.rlim_cur < wanted {
    printError(
      "fletch serve: the system allows \(limit.rlim_cur) open files, too few for --max-connections \(connections)\n"
    )
  }
}

/// The limits, as the command line changes them.
private func serverOptions(_ arguments: Arguments) throws -> GRPCServerOptions {
  var options = GRPCServerOptions()
  for setting in ServerSetting.all {
    guard let text = arguments.string(setting.name) else { continue }
    do throws(DataError) { try setting.set(text, in: &options) } catch {
      throw UsageError("option '--\(setting.name)' \(error.message)")
    }
  }
  return options
}

/// Splits `NAME=TABLE`; a value without `=` names nothing.
private func aliasParts(_ value: String) -> (name: String, table: String) {
  let parts = value.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
  return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
}

private func aliases(_ arguments: Arguments) throws(UsageError) -> [String: String] {
  var aliases: [String: String] = [:]
  for value in arguments.strings("alias") {
    let (name, table) = aliasParts(value)
    guard !name.isEmpty, !table.isEmpty else {
      throw UsageError("option '--alias' takes NAME=TABLE, not '\(value)'")
    }
    aliases[name] = table
  }
  return aliases
}

private func listenAddresses(_ arguments: Arguments) throws -> [SocketAddress] {
  let given = arguments.strings("listen")
  return try (given.isEmpty ? ["localhost:8815"] : given).map { text in
    do throws(DataError) { return try FlightLocation(uri: text).address } catch {
      throw UsageError("option '--listen': \(error.message)")
    }
  }
}

private func serverTLS(_ arguments: Arguments) throws -> TLSContext? {
  switch (arguments.string("tls-cert"), arguments.string("tls-key")) {
  case (nil, nil):
    if arguments.has("tls-client-ca") { throw UsageError("option '--tls-client-ca' goes with '--tls-cert'") }
    return nil
  case (let certificate?, let key?):
    var configuration = TLSConfiguration.server(certificateChain: certificate, privateKey: key)
    if let authorities = arguments.string("tls-client-ca") {
      configuration.trustedAuthorities = authorities
      configuration.clientCertificates = .required
    }
    return try TLSContext(server: configuration)
  default: throw UsageError("options '--tls-cert' and '--tls-key' go together")
  }
}

/// Data must not be open to a network by accident.
private func checkExposure(
  _ listeners: [SocketAddress], _ arguments: Arguments, isAuthenticated: Bool
) throws(UsageError) {
  guard !isAuthenticated, !arguments.has("insecure") else { return }
  for case .tcp(let host, let port) in listeners {
    let isLoopback = host == "localhost" || host.hasPrefix("127.") || host == "::1"
    guard isLoopback else {
      throw UsageError(
        "anybody who reaches \(host):\(port) could read the data: give --tls-cert, --tls-key and --tls-client-ca, "
          + "or --insecure")
    }
  }
}
