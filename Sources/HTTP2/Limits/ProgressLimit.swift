// Something is owed, and nothing comes: the watch behind handshake, frame, body, reader and writer limits.

/// A stopwatch that runs while something is awaited and starts again with every progress.
struct ProgressLimit {
  let limit: Int64?
  private var since: MonotonicTime?

  init(_ limit: Duration?) { self.limit = limit?.nanoseconds }

  /// Starts the watch unless it runs.
  mutating func wait(at now: MonotonicTime) { if since == nil { since = now } }

  /// What was awaited came, and more is.
  mutating func progress(at now: MonotonicTime) { since = now }

  /// Nothing is awaited.
  mutating func rest() { since = nil }

  func isExceeded(at now: MonotonicTime) -> Bool {
    guard let limit, let since else { return false }
    return (now - since).nanoseconds >= limit
  }
}
