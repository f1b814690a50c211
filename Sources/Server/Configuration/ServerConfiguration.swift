// Everything that a server can be told, with the values that are right for most.

import Engine
import GRPC

/// How calls and statements are logged.
public enum LogForm: String, Sendable, CaseIterable {
  case json, text, off
}

/// A server's configuration: of the wire, of the engine, of the service between them.
public struct ServerConfiguration: Sendable {
  public var grpc = GRPCServerOptions()
  public var engine = EngineOptions()
  public var service = SQLServiceOptions()

  /// Files and folders.
  public var tables: [String] = []
  /// Other names of tables, as `NAME=TABLE`.
  public var aliases: [String] = []
  public var initialSQLFile: String?
  public var watches = true
  public var arrowLinkTable: String?

  public var listen = ["localhost:8815"]
  public var certificate: String?
  public var privateKey: String?
  public var clientAuthorities: String?
  public var isInsecure = false
  public var readyFile: String?
  public var drain = Duration.seconds(10)

  /// `NAME:PASSWORD` each.
  public var users: [String] = []
  public var usersFile: String?
  public var tokens: [String] = []

  public var statementTimeout: Duration?
  public var transactionIdleTime = Duration.seconds(600)
  public var handleLifetime = Duration.seconds(3600)
  public var sessionLifetime = Duration.seconds(3600)
  public var resultRowLimit: Int?
  public var resultByteLimit: Int?

  public var log = LogForm.json
  public var slowQuery: Duration?
  public var logsStatements = false

  public init() {}

  /// Whether callers have to say who they are.
  public var hasUsers: Bool { !users.isEmpty || !tokens.isEmpty || usersFile != nil }

  /// The aliases, read; what is none of them is left out.
  public var aliasPairs: [(name: String, table: String)] {
    aliases.compactMap { text in
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      return parts.count == 2 && !parts[0].isEmpty && !parts[1].isEmpty ? (parts[0], parts[1]) : nil
    }
  }

  /// What the settings mean to the engine.
  public var engineOptions: EngineOptions {
    var options = engine
    options.aliases = aliasPairs
    options.statementTimeout = statementTimeout?.seconds
    options.transactionIdleTimeout = transactionIdleTime.seconds
    return options
  }

  /// What they mean to the service.
  public var serviceOptions: SQLServiceOptions {
    var options = service
    options.aliases = Dictionary(aliasPairs.map { ($0.name, $0.table) }, uniquingKeysWith: { $1 })
    options.statementTimeout = statementTimeout?.seconds
    options.handleLifetime = handleLifetime.seconds
    options.sessionLifetime = sessionLifetime.seconds
    return options
  }
}

extension Duration {
  /// This time in seconds.
  public var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
