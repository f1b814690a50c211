// Wakes what has a deadline: one thread that sleeps until the nearest.

import Glibc
import HTTP2
import Synchronization

/// Calls back when a time has come, unless it was taken out before.
///
/// Calls come and go by the hundred thousand a second, and nearly all go before their deadline. So adding and removing
/// are one step in a dictionary each, and the thread looks through all of them only when the nearest time that it saw
/// last has come.
final class DeadlineWatch: Sendable {
  private struct State {
    var entries: [UInt64: (time: MonotonicTime, body: @Sendable () -> Void)] = [:]
    var lastKey: UInt64 = 0
    /// When the thread wakes by itself.
    var wakes = MonotonicTime(nanoseconds: .max)
    var isRunning = false
  }
  private let state = Mutex(State())
  private let signal = Signal()
  /// Looks are at least this far apart, however many deadlines there are.
  private static let resolution: Duration = .milliseconds(5)
  /// The thread ends when there has been nothing to watch for so long.
  private static let idle: Duration = .seconds(10)

  /// - Returns: what `remove` wants.
  func add(_ time: MonotonicTime, _ body: @escaping @Sendable () -> Void) -> UInt64 {
    let (key, mustStart, mustWake) = state.withLock { state in
      state.lastKey += 1
      state.entries[state.lastKey] = (time, body)
      defer { state.isRunning = true }
      let mustWake = state.isRunning && time < state.wakes
      if mustWake { state.wakes = time }
      return (state.lastKey, !state.isRunning, mustWake)
    }
    if mustStart {
      if !startThread({ self.run() }) { state.withLock { $0.isRunning = false } }
    } else if mustWake {
      signal.raise()
    }
    return key
  }

  func remove(_ key: UInt64) { state.withLock { _ = $0.entries.removeValue(forKey: key) } }

  private func run() {
    while true {
      let now = MonotonicTime.now
      let (due, wait) = state.withLock { state -> ([@Sendable () -> Void], Duration?) in
        var due: [@Sendable () -> Void] = []
        var nearest = MonotonicTime(nanoseconds: .max)
        for (key, entry) in state.entries {
          if entry.time <= now {
            due.append(entry.body)
            state.entries[key] = nil
          } else {
            nearest = min(nearest, entry.time)
          }
        }
        if state.entries.isEmpty, due.isEmpty, state.wakes <= now {
          state.isRunning = false
          state.wakes = MonotonicTime(nanoseconds: .max)
          return (due, nil)
        }
        state.wakes =
          state.entries.isEmpty ? now + DeadlineWatch.idle : max(nearest, now + DeadlineWatch.resolution)
        return (due, state.wakes - now)
      }
      for body in due { body() }
      guard let wait else { return }
      if due.isEmpty { _ = signal.wait(wait) }
    }
  }
}
