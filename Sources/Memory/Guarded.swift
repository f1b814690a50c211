// A value behind a lock that many threads want at the same time.

import Glibc

/// For the few short sections that every call of every thread passes through.
///
/// `Synchronization.Mutex` spins, and hands itself over to the thread that has waited longest, which has yet to be scheduled: with more
/// threads than cores a busy one becomes a convoy (64 clients on 2 cores spent a quarter of the server's time so). This lock is the C
/// library's: it goes to whoever runs.
public final class Guarded<Value>: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): `value` is touched under the lock only.
  @usableFromInline let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  @usableFromInline @exclusivity(unchecked) var value: Value

  public init(_ value: sending Value) {
    self.value = value
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  /// Runs `body` under the lock; it must not wait, nor come back here.
  @inlinable
  public func withLock<R, E: Error>(_ body: (inout Value) throws(E) -> R) throws(E) -> R {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&value)
  }
}
