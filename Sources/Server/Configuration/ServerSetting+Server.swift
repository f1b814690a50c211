// What is served, where, to whom, and how statements run.

extension ServerSetting {
  static let server: [ServerSetting] = [
    ServerSetting(
      .tables, "tables", .texts(\.tables, form: "PATH"),
      "Files and folders that become tables; on the command line they stand without the option's name."),
    ServerSetting(
      .tables, "alias", .texts(\.aliases, form: "NAME=TABLE"),
      "Another name for a table, also in its ticket; as often as needed."),
    ServerSetting(
      .tables, "database", .text(\.engine.databasePath, form: "FOLDER"),
      "Keep tables here, those of the files too; without it in a private folder that goes away with the server."
    ),
    ServerSetting(
      .tables, "watch", .flag(\.watches),
      "Publish files of the folders that come or change, and drop those that go; read users and certificates again when their files change."
    ),
    ServerSetting(.tables, "read-only", .flag(\.engine.isReadOnly), "Refuse every change."),
    ServerSetting(
      .tables, "init", .text(\.initialSQLFile, form: "FILE"), "SQL to run before anything is served."),
    ServerSetting(
      .tables, "arrowlink", .text(\.arrowLinkTable, form: "TABLE"),
      "What ArrowLink's GetArrowData sends; without it the first table."),

    ServerSetting(
      .listening, "listen", .texts(\.listen, form: "ADDRESS"),
      "host:port or unix:PATH, as often as needed. Port 0 lets the system choose."),
    ServerSetting(
      .listening, "tls-cert", .text(\.certificate, form: "FILE"),
      "Serve with TLS: the certificate and its chain, in PEM form."),
    ServerSetting(
      .listening, "tls-key", .text(\.privateKey, form: "FILE"), "The certificate's private key."),
    ServerSetting(
      .listening, "tls-client-ca", .text(\.clientAuthorities, form: "FILE"),
      "Demand client certificates that one of these signed."),
    ServerSetting(
      .listening, "insecure", .flag(\.isInsecure),
      "Listen on other addresses than this machine's own without TLS and without knowing who calls."),
    ServerSetting(
      .listening, "drain", .time(\.drain), "How long running calls may go on after SIGTERM."),
    ServerSetting(
      .listening, "ready-file", .text(\.readyFile, form: "FILE"),
      "Write the addresses to this file once they are open."),

    ServerSetting(
      .users, "user", .texts(\.users, form: "NAME:PASSWORD"),
      "Who may call; then everybody has to say who they are. As often as needed."),
    ServerSetting(
      .users, "users", .text(\.usersFile, form: "FILE"),
      "The same from a file, with hashed passwords: lines that fletch password prints. It is read again when it changes."
    ),
    ServerSetting(
      .users, "token", .texts(\.tokens, form: "TOKEN"),
      "A bearer token that is as good as a password."),

    ServerSetting(
      .statements, "timeout", .optionalTime(\.statementTimeout), "How long a statement may take."),
    ServerSetting(
      .statements, "max-statements", .count(\.engine.concurrency, 1...10_000),
      "Statements that run at once, those whose rows are being read included."),
    ServerSetting(
      .statements, "max-waiting-statements", .count(\.engine.queueLimit, 1...1_000_000),
      "Statements that wait for a place; more are RESOURCE_EXHAUSTED."),
    ServerSetting(
      .statements, "threads", .count(\.engine.threads, 1...1024),
      "Threads that a query on columns runs on.", defaultInWords: "one for each processor"),
    ServerSetting(
      .statements, "memory-limit", .bytes(\.engine.memoryLimit, 1 << 16...1 << 45),
      "Memory of one statement for rows that have to be kept."),
    ServerSetting(
      .statements, "max-result-rows", .optionalCount(\.resultRowLimit, 1...Int.max),
      "Rows that a result may have; more end in RESOURCE_EXHAUSTED."),
    ServerSetting(
      .statements, "max-result-size", .optionalBytes(\.resultByteLimit, 1024...1 << 50),
      "Bytes that a result may have."),
    ServerSetting(
      .statements, "max-kept-result", .bytes(\.service.keptLimit, 1 << 16...1 << 45),
      "Bytes of a result that are kept because it is polled or comes in parts; a polled one waits then for its reader."
    ),
    ServerSetting(
      .statements, "max-kept", .bytes(\.service.keptTotal, 1 << 16...1 << 45),
      "Bytes of all results that are kept, and of bound parameters; the oldest make room, else it is RESOURCE_EXHAUSTED."
    ),
    ServerSetting(
      .statements, "max-parameter-size", .bytes(\.service.parameterLimit, 1024...1 << 40),
      "Bytes of parameters that may be bound."),
    ServerSetting(
      .statements, "batch-rows", .count(\.engine.batchRows, 1...10_000_000), "Rows of a batch of results."),
    ServerSetting(
      .statements, "batch-size", .bytes(\.engine.batchBytes, 1024...1 << 30),
      "Bytes of a batch of results, about; clients refuse messages above 4 to 16 MiB."),
    ServerSetting(
      .statements, "transaction-idle-time", .time(\.transactionIdleTime),
      "A transaction that nobody uses for so long is rolled back."),
    ServerSetting(
      .statements, "handle-lifetime", .time(\.handleLifetime),
      "How long a ticket or prepared statement is kept that nobody uses."),
    ServerSetting(
      .statements, "session-lifetime", .time(\.sessionLifetime),
      "How long a session is kept that nobody uses."),
    ServerSetting(
      .statements, "allow-attach", .flag(\.engine.allowsAttach),
      "Let statements ATTACH other files: whoever may query may then read and write them."),

    ServerSetting(.logs, "log", .log(\.log), "A line for each call, on standard error."),
    ServerSetting(
      .logs, "slow-query", .optionalTime(\.slowQuery),
      "A line for every statement that takes so long, or longer: its SQL, way, rows, outcome and client."),
    ServerSetting(
      .logs, "log-statements", .flag(\.logsStatements), "Such a line for every statement, however fast."),
  ]
}
