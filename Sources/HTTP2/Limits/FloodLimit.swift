// Frames that cost us more than the peer: each kind counted against its own rate.

/// The rates of one connection's cheap frames.
struct FloodLimit {
  private var resets: RateLimit
  private var pings: RateLimit
  private var settings: RateLimit
  private var emptyFrames: RateLimit
  private var idleFrames: RateLimit
  /// Whether data has gone out since the last PING.
  private var hasSentData = false

  init(_ limits: ConnectionLimits) {
    resets = RateLimit(limits.resets)
    pings = RateLimit(limits.pings)
    settings = RateLimit(limits.settings)
    emptyFrames = RateLimit(limits.emptyFrames)
    idleFrames = RateLimit(limits.idleFrames)
  }

  /// A frame's type by RFC 9113, section 6.
  enum FrameType {
    static let data: UInt8 = 0
    static let headers: UInt8 = 1
    static let priority: UInt8 = 2
    static let reset: UInt8 = 3
    static let settings: UInt8 = 4
    static let ping: UInt8 = 6
    static let windowUpdate: UInt8 = 8
    static let continuation: UInt8 = 9
  }

  /// A DATA frame of ours goes out. Go's gRPC measures bandwidth with a PING for the data that it gets, as often as there is no other
  /// on its way: thousands a second on a fast network. Such a PING costs less than what it answers, and is not counted.
  mutating func sentData() { hasSentData = true }

  /// Counts a stream that we had to reset for the peer's fault (CVE-2025-8671): it cost as much as one that the peer reset.
  mutating func forcedReset(at now: MonotonicTime) -> Breach? { resets.allow(at: now) ? nil : .resets }

  /// Counts a frame that has begun; returns the limit that it passes.
  mutating func began(type: UInt8, flags: UInt8, length: Int, at now: MonotonicTime) -> Breach? {
    let isEndOrAck = flags & 1 != 0
    switch type {
    case FrameType.data:
      if length == 0, !isEndOrAck { return emptyFrames.allow(at: now) ? nil : .emptyFrames }
    case FrameType.continuation:
      if length == 0 { return emptyFrames.allow(at: now) ? nil : .emptyFrames }
    case FrameType.reset: return resets.allow(at: now) ? nil : .resets
    case FrameType.settings: if !isEndOrAck { return settings.allow(at: now) ? nil : .settings }
    case FrameType.ping:
      if isEndOrAck { break }
      if hasSentData {
        hasSentData = false
        break
      }
      return pings.allow(at: now) ? nil : .pings
    case FrameType.headers, FrameType.windowUpdate: break
    default: return idleFrames.allow(at: now) ? nil : .idleFrames
    }
    return nil
  }
}
