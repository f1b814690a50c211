// A bounded number of places, and a bounded queue before them.

import CLinux
import Glibc
import Memory

/// Lets at most so many threads through at a time, in the order in which they came. Waiting ends with the statement's control: by
/// cancellation or deadline.
final class Turnstile: Sendable {
  /// Somebody who waits. The place of one who leaves is handed to the first, so that one thread is woken for each that leaves.
  private final class Waiter: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): `isIn` is touched under the turnstile's lock only.
    var isIn = false
    let signal = ConditionSignal()
  }

  private struct State {
    var free: Int
    var waiting: [Waiter] = []
  }

  private let state: Guarded<State>
  private let queueLimit: Int
  private let name: String

  /// - Parameter name: what one waits for, in messages.
  init(places: Int, queueLimit: Int, name: String) {
    state = Guarded(State(free: places))
    self.queueLimit = queueLimit
    self.name = name
  }

  func enter(_ control: StatementControl) throws(EngineError) {
    if tryEnter() { return }
    let waiter = Waiter()
    let (isIn, isFull) = state.withLock { state -> (Bool, Bool) in
      if state.free > 0 {
        state.free -= 1
        return (true, false)
      }
      if state.waiting.count >= queueLimit { return (false, true) }
      state.waiting.append(waiter)
      return (false, false)
    }
    if isIn { return }
    guard !isFull else {
      throw EngineError(.resourceExhausted, "\(queueLimit) statements are waiting for \(name) already")
    }
    let registration = control.onCancel { waiter.signal.notifyAll() }
    defer { control.remove(registration) }
    while true {
      let seen = waiter.signal.count
      if state.withLock({ _ in waiter.isIn }) { return }
      do throws(EngineError) { try control.check() } catch {
        // The place may have come in this very moment.
        let isIn = state.withLock { state in
          state.waiting.removeAll { $0 === waiter }
          return waiter.isIn
        }
        if isIn { leave() }
        throw error
      }
      waiter.signal.wait(past: seen, until: control.deadline)
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
    let next = state.withLock { state -> Waiter? in
      guard !state.waiting.isEmpty else {
        state.free += 1
        return nil
      }
      let next = state.waiting.removeFirst()
      next.isIn = true
      return next
    }
    next?.signal.notifyAll()
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
