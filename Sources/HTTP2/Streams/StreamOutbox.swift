// What other threads have asked of a stream and the loop has not yet fetched; a value under the stream's lock.

import Memory

/// Tells one waiting task from another.
final class WaitToken: Sendable {}

struct StreamOutbox {
  enum Waiter {
    case thread(Signal)
    case task(WaitToken, CheckedContinuation<HTTP2Error?, Never>)
  }

  /// What the loop fetches.
  struct Work {
    var headers: HeaderList?
    var buffers: [Buffer] = []
    var trailers: HeaderList?
    var isFinished = false
    var reset: ErrorCode?
    var consumed = 0
  }

  private let options: StreamOptions
  private var work = Work()
  private var waiters: [Waiter] = []
  /// Bytes sent by the layer above that have not left the session.
  private(set) var queued = 0
  private var isFull = false
  /// The loop has been told, and has not come yet.
  var isScheduled = false
  /// Set once nothing more can be sent.
  private(set) var error: HTTP2Error?
  private var wasFinished = false

  init(_ options: StreamOptions) { self.options = options }

  var headers: HeaderList? {
    get { work.headers }
    set { work.headers = newValue }
  }
  var trailers: HeaderList? {
    get { work.trailers }
    set { work.trailers = newValue }
  }
  var isFinished: Bool {
    get { wasFinished }
    set {
      wasFinished = newValue
      work.isFinished = newValue
    }
  }
  var reset: ErrorCode? {
    get { work.reset }
    set { work.reset = newValue }
  }
  var consumed: Int {
    get { work.consumed }
    set { work.consumed = newValue }
  }

  var isWritable: Bool { error == nil && !isFull }

  mutating func append(_ buffer: Buffer) {
    guard !wasFinished, buffer.count > 0 else { return }
    work.buffers.append(buffer)
    queued += buffer.count
    if queued >= options.highWatermark { isFull = true }
  }

  mutating func take() -> Work {
    isScheduled = false
    defer { work = Work() }
    return work
  }

  /// - Returns: whether there is room now that there was not before.
  mutating func didSend(_ bytes: Int) -> Bool {
    queued = max(0, queued - bytes)
    guard isFull, queued <= options.lowWatermark else { return false }
    isFull = false
    return true
  }

  /// Nothing more can be sent; what was queued is dropped. The first reason stays.
  mutating func refuse(_ error: HTTP2Error) {
    self.error = self.error ?? error
    work.headers = nil
    work.buffers = []
    work.trailers = nil
    queued = 0
    isFull = false
  }

  /// - Returns: whether there is nothing to wait for; or why there never will be.
  mutating func wait(_ waiter: Waiter) -> (done: Bool, HTTP2Error?) {
    if let error { return (true, error) }
    if !isFull { return (true, nil) }
    waiters.append(waiter)
    return (false, nil)
  }

  mutating func removeWaiter(_ isIt: (Waiter) -> Bool) -> Waiter? {
    guard let index = waiters.firstIndex(where: isIt) else { return nil }
    return waiters.remove(at: index)
  }

  mutating func takeWaiters() -> [Waiter] {
    defer { waiters = [] }
    return waiters
  }
}
