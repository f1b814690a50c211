// A bounded number of places, and a bounded queue before them.

import CLinux
import Glibc
import Synchronization

/// Lets at most so many threads through at a time. Waiting ends with the statement's control: by cancellation or deadline.
final class Turnstile: Sendable {
  private struct State {
    var free: Int
    var waiting = 0
  }

  private let state: Mutex<State>
  private let queueLimit: Int
  private let name: String
  private let signal = ConditionSignal()

  /// - Parameter name: what one waits for, in messages.
  init(places: Int, queueLimit: Int, name: String) {
    state = Mutex(State(free: places))
    self.queueLimit = queueLimit
    self.name = name
  }

  func enter(_ control: StatementControl) throws(EngineError) {
    let (isIn, isFull) = state.withLock { state -> (Bool, Bool) in
      if state.free > 0 {
        state.free -= 1
        return (true, false)
      }
      if state.waiting >= queueLimit { return (false, true) }
      state.waiting += 1
      return (false, false)
    }
    if isIn { return }
    guard !isFull else {
      throw EngineError(.resourceExhausted, "\(queueLimit) statements are waiting for \(name) already")
    }
    let registration = control.onCancel { [signal] in signal.notifyAll() }
    defer {
      control.remove(registration)
      state.withLock { $0.waiting -= 1 }
    }
    while true {
      let seen = signal.count
      if state.withLock({ state -> Bool in
        guard state.free > 0 else { return false }
        state.free -= 1
        return true
      }) {
        return
      }
      try control.check()
      signal.wait(past: seen, until: control.deadline)
    }
  }

  /// Whether nobody else gets in now.
  var isTaken: Bool { state.withLock { $0.free <= 0 } }
  var freePlaces: Int { state.withLock { $0.free } }

  /// Enters if that needs no waiting.
  func tryEnter() -> Bool {
    state.withLock { state in
      guard state.free > 0 else { return false }
      state.free -= 1
      return true
    }
  }

  func leave() {
    state.withLock { $0.free += 1 }
    signal.notifyAll()
  }
}

/// A counter that can be waited for.
final class ConditionSignal: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): `counter` is touched under the mutex only.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var counter = 0

  init() {
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  var count: Int {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return counter
  }

  func notifyAll() {
    pthread_mutex_lock(mutex)
    counter += 1
    pthread_cond_broadcast(condition)
    pthread_mutex_unlock(mutex)
  }

  /// Waits until there were more notifications than `seen`, or the monotonic clock shows `deadline` nanoseconds.
  func wait(past seen: Int, until deadline: Int64?) {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while counter == seen {
      if let deadline {
        var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
        if pthread_cond_timedwait(condition, mutex, &time) == ETIMEDOUT { return }
      } else {
        pthread_cond_wait(condition, mutex)
      }
    }
  }
}
