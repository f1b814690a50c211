// fletch serve: Feather files as flights.

import Configuration
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

    Every option may also be set by a variable of the environment (FLETCH_MAX_CONNECTIONS for
    --max-connections; lists with commas) or in a YAML file ('max-connections: 100'). Options come first,
    then the environment, then the file.

    The same port answers ArrowLink's calls, gRPC's health checks and server reflection. SIGTERM and SIGINT
    end the server: running calls may finish for as long as --drain says. SIGHUP reads users and certificates
    again.

      fletch serve data/                                      # every file in it, for this machine only
      fletch serve data/ --database db --slow-query 1s        # what SQL changes is kept in db
      fletch serve data/ --listen 0.0.0.0:8815 --users users.txt --tls-cert cert.pem --tls-key key.pem
      fletch shell grpc://localhost:8815                      # and ask it
    """,
  options: [
    Option("config", "FILE", "Read settings from this YAML file (or FLETCH_CONFIG)."),
    Option("check", "Print the effective configuration, with where each value\nis from, and serve nothing."),
  ] + ServerSetting.all.filter { $0.section != .wire && $0.name != "tables" }.map(option) + [
    Option("quiet", short: "q", "No log of calls, as --log off.")
  ],
  more: (
    """
    Limits (SIZE is bytes or such as 64K, 8M; TIME is such as 500ms, 30s, 15m, 24h, or off; BURST/RATE is how
    many at once, and a second in the long run):
    """,
    ServerSetting.all.filter { $0.section == .wire }.map(option)
  ),
  run: { arguments in
    let sources = try configurationSources(arguments)
    if arguments.has("check") {
      try printOutput(sources.yaml)
      for name in sources.unknownVariables { printError("fletch serve: \(name) sets nothing\n") }
    }
    let configuration = sources.configuration
    let listeners = try listenAddresses(sources)
    guard sources.faults.isEmpty else {
      throw UsageError(sources.faults.joined(separator: "\n  "))
    }
    try checkExposure(listeners, configuration)
    if arguments.has("check") { return }
    try serve(configuration, listeners)
  })

/// A setting as an option: its help in lines, with its default.
private func option(_ setting: ServerSetting) -> Option {
  let standard = setting.switchDefault == nil ? setting.defaultText.map { " (\($0))" } ?? "" : ""
  var lines = [""]
  for word in (setting.help.dropLast() + standard + ".").split(separator: " ") {
    if lines[lines.count - 1].count + word.count > 62 { lines.append("") }
    lines[lines.count - 1] += (lines[lines.count - 1].isEmpty ? "" : " ") + word
  }
  let help = lines.joined(separator: "\n")
  switch setting.switchDefault {
  case nil: return Option(setting.name, setting.form, help)
  case true?:
    return Option("no-\(setting.name)", "Turn this off: " + help.prefix(1).lowercased() + help.dropFirst())
  case false?: return Option(setting.name, help)
  }
}

/// The settings of the command line, the environment and a file.
private func configurationSources(_ arguments: Arguments) throws -> ConfigurationSources {
  var environment: [String: String] = [:]
  var entry = environ
  while let text = entry.pointee.map({ String(cString: $0) }) {
    if let equals = text.firstIndex(of: "=") {
      environment[String(text[..<equals])] = String(text[text.index(after: equals)...])
    }
    entry += 1
  }
  let path = arguments.string("config") ?? environment["FLETCH_CONFIG"]
  let file = try path.map { ConfigurationFile(path: $0, text: try readText($0)) }
  return ConfigurationSources(
    flags: { setting in
      switch (setting.name, setting.switchDefault) {
      case ("tables", _): return arguments.operands.isEmpty ? nil : arguments.operands
      case ("log", _) where arguments.has("quiet"): return ["off"]
      case (let name, true?): return arguments.has("no-\(name)") ? ["false"] : nil
      case (let name, false?): return arguments.has(name) ? ["true"] : nil
      case (let name, nil):
        let values = arguments.strings(name)
        if values.isEmpty { return nil }
        return setting.isRepeatable ? values : [values[values.count - 1]]
      }
    }, environment: environment, file: file)
}

private func serve(_ configuration: ServerConfiguration, _ listeners: [SocketAddress]) throws {
  let tls = try serverTLS(configuration)
  let users =
    configuration.hasUsers
    ? Authenticator(try readUsers(configuration), lifetime: configuration.sessionLifetime.seconds) : nil
  // A log that nobody reads any more is no reason to end.
  signal(SIGPIPE, SIG_IGN)
  raiseDescriptorLimit(connections: configuration.grpc.http2.connections)
  let signals = ServeSignals(reloads: tls != nil || configuration.usersFile != nil)

  // Before the files are published, so that no change of theirs is missed.
  let watch = configuration.watches ? try InotifyWatch(configuration.tables) : nil
  let (engine, files) = try makeEngine(configuration)
  var serviceOptions = configuration.serviceOptions
  serviceOptions.version = version
  let observer = StatementObserver(configuration)
  let observed: any QueryEngine = observer.isNeeded ? ObservedEngine(engine, observer) : engine
  let service = SQLService(observed, options: serviceOptions)
  let link = ArrowLink(observed, table: configuration.arrowLinkTable)
  let reload = ServeReload(configuration, users, tls, service)
  let server = GRPCServer(
    methods: (users.map { [$0.handshake] } ?? []) + flightMethods(service.flightService()) + link.methods,
    options: configuration.grpc, interceptors: interceptors(configuration) + (users.map { [$0] } ?? []))
  var open: [FlightLocation] = []
  for address in listeners {
    // Who may open a Unix socket is a matter of its file, and clients know no TLS on it.
    let tls = address.isUnix ? nil : tls
    open.append(FlightLocation(try server.listen(on: address, tls: tls), isTLS: tls != nil))
  }
  if let path = configuration.readyFile {
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
  let folderWatch = try watch.map { watch in try FolderWatch(watch, files) }
  let reloadWatch = try configuration.watches && !reload.paths.isEmpty ? watchedReload(reload) : nil
  while signals.next() == .reload { reload.reload() }
  server.shutdown(within: configuration.drain.seconds)
  maintenance.stop()
  folderWatch?.stop()
  reloadWatch?.stop()
  engine.shutDown()
}

/// Has users and certificates read again when their files change.
private func watchedReload(_ reload: ServeReload) throws(DataError) -> FolderWatch {
  let watch = try FolderWatch(InotifyWatch(reload.paths), reload.paths) {
    reload.reloadChanged(isBeingWritten: $0)
  }
  // What has changed since they were read first.
  reload.reloadChanged { _ in false }
  return watch
}

private func interceptors(_ configuration: ServerConfiguration) -> [any ServerInterceptor] {
  switch configuration.log {
  case .json: [JSONCallLog()]
  case .text: [TextCallLog()]
  case .off: []
  }
}

/// The engine with its tables: those of the database, and those of the files.
private func makeEngine(_ configuration: ServerConfiguration) throws -> (EmbeddedEngine, ServedFiles) {
  var options = configuration.engineOptions
  if let path = configuration.initialSQLFile { options.initialSQL = try readText(path) }
  let engine = try EmbeddedEngine(options)
  let files = ServedFiles(configuration.tables, engine) { line in
    printError("fletch serve: \(line.withoutControls)\n")
  }
  try files.publishAll()
  let session = try engine.makeSession()
  for (name, table) in options.aliases where try session.stored(TableName(table: table)) == nil {
    throw DataError(.invalid, "there is no table '\(table)' for the alias '\(name)'")
  }
  return (engine, files)
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

private func listenAddresses(_ sources: ConfigurationSources) throws -> [SocketAddress] {
  try sources.configuration.listen.map { text in
    do throws(DataError) { return try FlightLocation(uri: text).address } catch {
      throw UsageError("\(sources.place("listen")): \(error.message)")
    }
  }
}

private func serverTLS(_ settings: ServerConfiguration) throws -> TLSContext? {
  guard let certificate = settings.certificate, let key = settings.privateKey else { return nil }
  var configuration = TLSConfiguration.server(certificateChain: certificate, privateKey: key)
  if let authorities = settings.clientAuthorities {
    configuration.trustedAuthorities = authorities
    configuration.clientCertificates = .required
  }
  return try TLSContext(server: configuration)
}

/// Data must not be open to a network by accident.
private func checkExposure(_ listeners: [SocketAddress], _ settings: ServerConfiguration) throws(UsageError) {
  guard !settings.isInsecure, settings.clientAuthorities == nil else { return }
  if settings.hasUsers, settings.certificate != nil { return }
  for case .tcp(let host, let port) in listeners {
    let isLoopback = host == "localhost" || host.hasPrefix("127.") || host == "::1"
    guard isLoopback else {
      throw UsageError(
        settings.hasUsers
          ? "passwords would go to \(host):\(port) for everybody to read: give --tls-cert and --tls-key, or --insecure"
          : "anybody who reaches \(host):\(port) could read the data: give --tls-cert, --tls-key and --tls-client-ca "
            + "or --users, or --insecure")
    }
  }
}
