// What is watched of every statement: how long it takes, how many rows it has, how large they are.

import Engine
import GRPC

/// Limits of results, and the log of statements that are slow.
public struct StatementObserver: Sendable {
  public var resultRowLimit: Int?
  public var resultByteLimit: Int?
  /// Nanoseconds; nil for no log.
  public var slowAfter: Int64?
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
    form = configuration.log
    self.write = write
  }

  /// Whether there is anything to watch.
  public var isNeeded: Bool { resultRowLimit != nil || resultByteLimit != nil || slowAfter != nil }

  func check(rows: Int, bytes: Int) throws(EngineError) {
    if let limit = resultRowLimit, rows > limit {
      throw EngineError(.resourceExhausted, "the result has more than \(limit) rows (max-result-rows)")
    }
    if let limit = resultByteLimit, bytes > limit {
      throw EngineError(
        .resourceExhausted, "the result has more than \(SettingText.bytes(limit)) bytes (max-result-size)")
    }
  }

  func ended(_ sql: String, nanoseconds: Int64, rows: Int, _ error: EngineError?) {
    guard let slowAfter, nanoseconds >= slowAfter else { return }
    let milliseconds = Double(nanoseconds / 1000) / 1000
    let time = JSONCallLog.timestamp()
    let text = JSONCallLog.quoted(sql)
    let outcome = error.map { "\($0.code)" } ?? "ok"
    write(
      form == .text
        ? "\(time) slow query: \(milliseconds) ms, \(rows) rows, \(outcome): \(text)"
        : "{\"time\":\"\(time)\",\"event\":\"slow-query\",\"ms\":\(milliseconds),\"rows\":\(rows),\"outcome\":\"\(outcome)\",\"sql\":\(text)}"
    )
  }
}
