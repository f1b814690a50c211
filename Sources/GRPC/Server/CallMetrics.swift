// Counts of calls by method and status.

import HTTP2
import Synchronization

/// Adds up what calls came to; `snapshot` is for a metrics page.
public final class CallMetrics: ServerInterceptor {
  public struct Totals: Sendable {
    /// By status code.
    public var calls: [GRPCStatus.Code: Int] = [:]
    public var seconds = 0.0
    public var messagesIn = 0
    public var messagesOut = 0
    public var bytesIn = 0
    public var bytesOut = 0
  }

  private let totals = Mutex<[String: Totals]>([:])
  /// Paths come from the peer: beyond so many, new ones are counted under the empty path.
  private static let pathLimit = 256

  public init() {}

  public func callEnded(_ call: CallSummary) {
    let seconds = Double(GRPCTimeout.clampedNanoseconds(call.duration)) / 1e9
    totals.withLock { all in
      let path = all[call.path] == nil && all.count >= CallMetrics.pathLimit ? "" : call.path
      all[path, default: Totals()].calls[call.status.code, default: 0] += 1
      all[path]?.seconds += seconds
      all[path]?.messagesIn += call.messagesIn
      all[path]?.messagesOut += call.messagesOut
      all[path]?.bytesIn += call.bytesIn
      all[path]?.bytesOut += call.bytesOut
    }
  }

  /// By path.
  public var snapshot: [String: Totals] { totals.withLock { $0 } }
}
