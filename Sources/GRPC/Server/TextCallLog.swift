// One line of text a call, for people.

import HTTP2

/// Writes when, what, how it ended, how long it took, from whom.
///
///     2026-11-20T12:00:00.123Z OK 0.31 ms DoGet 127.0.0.1:5
public struct TextCallLog: ServerInterceptor {
  private let write: @Sendable (String) -> Void

  /// - Parameter write: takes a line without its end; called from many threads, must not block for long.
  public init(write: @escaping @Sendable (String) -> Void = JSONCallLog.toStandardError) {
    self.write = write
  }

  public func callEnded(_ call: CallSummary) {
    let microseconds = GRPCTimeout.clampedNanoseconds(call.duration) / 1000
    let method = call.path.split(separator: "/").last.map(String.init) ?? call.path
    let who = call.subject.map { "\(call.peer) \($0)" } ?? call.peer
    let reason = call.status.message.isEmpty ? "" : ": \(call.status.message)"
    let text = "\(call.status.code) \(Double(microseconds) / 1000) ms \(method) \(who)\(reason)"
    // As in JSON, so that a name from outside cannot make lines of its own.
    write("\(JSONCallLog.timestamp()) \(JSONCallLog.quoted(text).dropFirst().dropLast())")
  }
}
