// A frame that has begun must end: the defence against peers that send a byte now and then to hold a place.

/// Watches how long the frame under way takes. A large DATA frame gets the time anew with every mebibyte, or with
/// every sixteenth of it if that is less, so that a slow line is no fault but a trickle is.
struct FrameProgressLimit {
  private var watch: ProgressLimit
  private var step = 0
  private var arrived = 0
  /// The HEADERS frame has come, its CONTINUATION not.
  private var isInHeaderBlock = false

  init(_ limit: Duration?) { watch = ProgressLimit(limit) }

  mutating func began(length: Int, isHeaderBlock: Bool, at now: MonotonicTime) {
    arrived = 0
    step = min(1 << 20, max(4096, length / 16))
    if isHeaderBlock { isInHeaderBlock = true }
    if isInHeaderBlock { watch.wait(at: now) } else { watch.progress(at: now) }
  }

  /// Bytes of a DATA frame's payload.
  mutating func payload(_ n: Int, at now: MonotonicTime) {
    arrived += n
    guard arrived >= step else { return }
    arrived = 0
    watch.progress(at: now)
  }

  mutating func ended(endsHeaderBlock: Bool) {
    if endsHeaderBlock { isInHeaderBlock = false }
    if !isInHeaderBlock { watch.rest() }
  }

  func isExceeded(at now: MonotonicTime) -> Bool { watch.isExceeded(at: now) }
}
