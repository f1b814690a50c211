// Ctrl-C while a statement runs: the first one cancels it, the second ends the program.

import Engine
import Glibc
import Synchronization

/// Turns SIGINT and SIGTERM into the cancellation of what runs. To be made before other threads are.
final class Interruption: Sendable {
  private struct State {
    var signal: Int32?
    var control: StatementControl?
    var endsWhenIdle = false
  }

  private let state = Mutex(State())
  private let cleanUp: @Sendable () -> Void

  /// - Parameter cleanUp: what a second signal leaves time for.
  init(cleanUp: @escaping @Sendable () -> Void) {
    self.cleanUp = cleanUp
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    // A reader that goes away must not leave the private database behind: writing to it fails instead.
    signal(SIGPIPE, SIG_IGN)
    var thread = pthread_t()
    let box = Unmanaged.passRetained(self)
    let result = pthread_create(
      &thread, nil,
      { argument in
        // SAFETY: the argument was retained for this thread.
        Unmanaged<Interruption>.fromOpaque(argument!).takeRetainedValue().wait()
        return nil
      }, box.toOpaque())
    if result == 0 { pthread_detach(thread) } else { box.release() }
  }

  private func wait() {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    while true {
      var received: Int32 = 0
      guard sigwait(&signals, &received) == 0 else { return }
      let (control, isSecond) = state.withLock { state in
        defer { state.signal = received }
        return (state.control, state.signal != nil || (state.endsWhenIdle && state.control == nil))
      }
      if isSecond {
        cleanUp()
        end(128 + received)
      }
      control?.cancel(EngineError(.cancelled, "interrupted"))
    }
  }

  /// Forgets what ran and its signal: whoever asks for the next statement goes on. A signal that finds nothing running
  /// ends the program from now on.
  func reset() {
    state.withLock { state in
      state.control = nil
      state.signal = nil
      state.endsWhenIdle = true
    }
  }

  /// The signal that came.
  var received: Int32? { state.withLock { $0.signal } }

  /// A control for what is about to run.
  func control(timeout: Double? = nil) -> StatementControl {
    let control = StatementControl(timeout: timeout)
    let isLate = state.withLock { state in
      state.control = control
      return state.signal != nil
    }
    if isLate { control.cancel(EngineError(.cancelled, "interrupted")) }
    return control
  }
}
