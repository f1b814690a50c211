// What is watched of every statement: how long it takes, how many rows it has, how large they are.

import Engine
import GRPC

/// Limits of results, and the log of statements: of all, or of those that are slow.
public struct StatementObserver: Sendable {
  public var resultRowLimit: Int?
  public var resultByteLimit: Int?
  /// Nanoseconds; nil for no log.
  public var slowAfter: Int64?
  /// Whether every statement is logged, not only those that are slow.
  public var logsAll: Bool
  public var form: LogForm
  private let write: @Sendable (String) -> Void

  /// - Parameter write: takes a line without its end.
  public init(
    _ configuration: ServerConfiguration,
    write: @escaping @Sendable (String) -> Void = JSONCallLog.toStandardError
  ) {
    resultRowLimit = configuration.resultRowLimit
    resultByteLimit = configuration.resultByteLimit
    slowAfter = configuration.slowQuery.map { Int64($0.seconds * 1e9) }
    logsAll = configuration.logsStatements
    form = configuration.log
    self.write = write
  }

  /// Whether there is anything to watch.
  public var isNeeded: Bool {
    resultRowLimit != nil || resultByteLimit != nil || slowAfter != nil || logsAll
  }

  func check(rows: Int, bytes: Int) throws(EngineError) {
    if let limit = resultRowLimit, rows > limit {
      throw EngineError(.resourceExhausted, "the result has more than \(limit) rows (max-result-rows)")
    }
    if let limit = resultByteLimit, bytes > limit {
      throw EngineError(
        .resourceExhausted, "the result has more than \(SettingText.bytes(limit)) bytes (max-result-size)")
    }
  }

  /// - Parameter stopping: nanoseconds from when it had to end until it did, for one that was stopped.
  func ended(
    _ sql: String, nanoseconds: Int64, rows: Int, _ error: EngineError?, _ control: StatementControl,
    stopping: Int64?
  ) {
    let isSlow = slowAfter.map { nanoseconds >= $0 } ?? false
    guard isSlow || logsAll else { return }
    let (milliseconds, time) = (StatementObserver.milliseconds(nanoseconds), JSONCallLog.timestamp())
    let text = JSONCallLog.quoted(sql)
    let outcome = error.map { "\($0.code)" } ?? "ok"
    let way = control.ways.description
    let origin = control.origin.map { (peer: $0.peer.description, user: $0.user) }
    if form == .text {
      var line =
        "\(time) \(isSlow ? "slow query" : "statement"): \(milliseconds) ms, \(rows) rows, \(outcome)"
      if !way.isEmpty { line += ", \(way)" }
      if let stopping { line += ", stopped in \(StatementObserver.milliseconds(stopping)) ms" }
      if let origin { line += ", from \(origin.peer)\(origin.user.isEmpty ? "" : " (\(origin.user))")" }
      write("\(line): \(text)")
    } else {
      var line = "{\"time\":\"\(time)\",\"event\":\"\(isSlow ? "slow-query" : "statement")\""
      line += ",\"ms\":\(milliseconds),\"rows\":\(rows),\"outcome\":\"\(outcome)\""
      if !way.isEmpty { line += ",\"way\":\"\(way)\"" }
      if let stopping { line += ",\"stopping_ms\":\(StatementObserver.milliseconds(stopping))" }
      if let origin {
        line += ",\"peer\":\(JSONCallLog.quoted(origin.peer)),\"user\":\(JSONCallLog.quoted(origin.user))"
      }
      write(line + ",\"sql\":\(text)}")
    }
  }

  private static func milliseconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds / 1000) / 1000 }
}
