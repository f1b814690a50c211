// A lock for what is not Sendable.

import Synchronization

/// A mutex around nothing: whoever holds it touches what stands beside it.
final class Lock: Sendable {
  private let mutex = Mutex(())

  func withLock<R>(_ body: () -> R) -> R {
    mutex._unsafeLock()
    defer { mutex._unsafeUnlock() }
    return body()
  }
}
