// How much a header list may hold, counted while it arrives: compression makes large lists out of small frames.

/// The running size of one header block.
struct HeaderListLimit {
  enum Verdict: Equatable {
    case keep
    /// This field and all after it are dropped, and the stream is reset: said once.
    case resetStream
    /// Dropped, and nothing to do.
    case drop
    case endConnection
  }

  private let maxSize: Int
  private let maxFields: Int
  private var size = 0
  private var fields = 0
  private var isOver = false

  init(_ limits: ConnectionLimits) {
    maxSize = limits.headerListSize
    maxFields = limits.headerFields
  }

  mutating func begin() {
    size = 0
    fields = 0
    isOver = false
  }

  mutating func add(name: Int, value: Int) -> Verdict {
    size += name + value + 32
    fields += 1
    // What is dropped still had to be decompressed.
    if size > 8 * maxSize || fields > 8 * maxFields { return .endConnection }
    guard size > maxSize || fields > maxFields else { return .keep }
    defer { isOver = true }
    return isOver ? .drop : .resetStream
  }
}
