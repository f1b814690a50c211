// Messages that have come and that nobody has received yet: a value under the call's lock.

import Memory

/// A queue of messages with its end, and the account of what the peer may send more.
///
/// Window is given back when a message is taken. Only a message under way to an empty queue gives it back at once: it
/// may be larger than the window, and somebody waits for it or will. So at most a window and one message are here.
struct Inbox {
  private var messages: [(message: Buffer, held: Int)] = []
  private var first = 0
  /// Bytes of the message under way that have not been given back.
  private var partialHeld = 0
  /// Bytes that are here: messages, and the one under way.
  private(set) var unread = 0
  private(set) var isEnded = false
  private(set) var failure: GRPCStatus?
  /// Given back, but not told yet: telling wakes the loop, so small amounts wait for others.
  private var owed = 0

  /// What an entry costs beside its bytes, so that empty messages are bounded too.
  private static let entryCost = 96
  private static let tellAt = 64 << 10

  private var isEmpty: Bool { first == messages.count }

  /// Body bytes of the message under way have come.
  /// - Returns: bytes to declare consumed.
  mutating func arrived(_ bytes: Int) -> Int {
    unread += bytes
    guard isEmpty else {
      partialHeld += bytes
      return 0
    }
    return owe(bytes)
  }

  /// The message under way is complete.
  mutating func append(_ message: Buffer) {
    messages.append((message, partialHeld))
    unread += Inbox.entryCost
    partialHeld = 0
  }

  /// No more messages after those that are here; nil is an end in order. The first end stays.
  mutating func end(_ failure: GRPCStatus?) {
    guard !isEnded else { return }
    isEnded = true
    self.failure = failure
  }

  /// Nothing more is wanted: messages that are here are dropped.
  /// - Returns: bytes that were here.
  mutating func discard(_ failure: GRPCStatus?) -> Int {
    defer {
      messages = []
      first = 0
      unread = 0
      partialHeld = 0
    }
    isEnded = true
    self.failure = failure
    return unread
  }

  enum Taken {
    /// - Parameters:
    ///   - consumed: bytes to declare consumed.
    ///   - released: bytes that are no longer here.
    case message(Buffer, consumed: Int, released: Int)
    case end(GRPCStatus?)
    case nothing
  }

  mutating func take() -> Taken {
    guard !isEmpty else { return isEnded ? .end(failure) : .nothing }
    let (message, held) = messages[first]
    messages[first].message = .empty
    first += 1
    if first == messages.count {
      messages.removeAll(keepingCapacity: messages.capacity <= 64)
      first = 0
    } else if first >= 1024, first * 2 >= messages.count {
      messages.removeFirst(first)
      first = 0
    }
    var consumed = held
    if isEmpty {
      consumed += partialHeld
      partialHeld = 0
    }
    let released = message.count + 5 + Inbox.entryCost
    unread -= released
    return .message(message, consumed: owe(consumed), released: released)
  }

  private mutating func owe(_ bytes: Int) -> Int {
    owed += bytes
    guard owed >= Inbox.tellAt else { return 0 }
    defer { owed = 0 }
    return owed
  }
}
