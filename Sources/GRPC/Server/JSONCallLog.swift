// One line of JSON a call.

import Glibc
import HTTP2
import Synchronization

/// Writes when, what, from whom, how it ended, how long it took, and how much went through.
///
///     {"time":"2026-11-20T12:00:00.123Z","method":"/a.B/C","peer":"127.0.0.1:5","status":"OK","ms":0.31,…}
public struct JSONCallLog: ServerInterceptor {
  private let write: @Sendable (String) -> Void

  /// - Parameter write: takes a line without its end; called from many threads, must not block for long.
  public init(write: @escaping @Sendable (String) -> Void = JSONCallLog.toStandardError) {
    self.write = write
  }

  /// Standard error, by one system call a line, so that lines of several threads do not mix. A line is dropped while whoever reads
  /// them does not, and how many were is told with the next: calls do not wait for their log.
  public static let toStandardError: @Sendable (String) -> Void = { line in
    dropped.withLock { dropped in
      // A pipe is ready when it has room for PIPE_BUF (4096) bytes (pipe(7)), and no line is longer.
      var ready = pollfd(fd: 2, events: Int16(POLLOUT), revents: 0)
      guard poll(&ready, 1, 0) == 1, ready.revents & Int16(POLLOUT) != 0 else {
        dropped += 1
        return
      }
      var text = dropped > 0 ? "{\"dropped\":\(dropped)}\n" : ""
      dropped = 0
      text += line + "\n"
      text.withUTF8 { _ = Glibc.write(2, $0.baseAddress, $0.count) }
    }
  }
  private static let dropped = Mutex(0)

  public func callEnded(_ call: CallSummary) { write(JSONCallLog.line(call, at: .now())) }

  /// A moment by the calendar, in seconds and milliseconds since 1970.
  struct WallTime {
    var seconds: Int
    var milliseconds: Int

    static func now() -> WallTime {
      var time = timespec()
      clock_gettime(CLOCK_REALTIME, &time)
      return WallTime(seconds: time.tv_sec, milliseconds: time.tv_nsec / 1_000_000)
    }

    /// `2026-11-20T12:00:00.123Z`
    var text: String {
      var time = time_t(seconds)
      var parts = tm()
      gmtime_r(&time, &parts)
      let two = { (n: Int32) in n < 10 ? "0\(n)" : "\(n)" }
      let thousandths = String(1000 + milliseconds).dropFirst()
      return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))T"
        + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)).\(thousandths)Z"
    }
  }

  /// The moment by the calendar, as the lines have it.
  public static func timestamp() -> String { WallTime.now().text }

  static func line(_ call: CallSummary, at time: WallTime) -> String {
    var line = "{\"time\":\"\(time.text)\",\"method\":\(quoted(call.path)),\"peer\":\(quoted(call.peer))"
    if let subject = call.subject { line += ",\"subject\":\(quoted(subject))" }
    line += ",\"status\":\"\(call.status.code)\""
    if !call.status.message.isEmpty { line += ",\"message\":\(quoted(call.status.message))" }
    let microseconds = GRPCTimeout.clampedNanoseconds(call.duration) / 1000
    line += ",\"ms\":\(Double(microseconds) / 1000)"
    line += ",\"messages_in\":\(call.messagesIn),\"messages_out\":\(call.messagesOut)"
    return line + ",\"bytes_in\":\(call.bytesIn),\"bytes_out\":\(call.bytesOut)}"
  }

  /// A JSON string (RFC 8259, section 7), cut where it gets longer than a line has room for.
  public static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      if out.utf8.count > 1000 { return out + "…\"" }
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\u{0}"..<"\u{20}":
        let hex = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}
