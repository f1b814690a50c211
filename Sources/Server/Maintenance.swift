// What a server does now and then besides answering.

import Glibc
import Synchronization

/// A thread that calls `work` every few seconds until it is stopped.
public final class Maintenance: Sendable {
  private final class State: Sendable {
    let isStopped = Atomic(false)
  }

  private let state = State()

  public init(every seconds: UInt32 = 2, _ work: @escaping @Sendable () -> Void) {
    startThread { [state] in
      while true {
        sleep(seconds)
        if state.isStopped.load(ordering: .relaxed) { return }
        work()
      }
    }
  }

  public func stop() { state.isStopped.store(true, ordering: .relaxed) }
}

private final class ThreadBody: Sendable {
  let run: @Sendable () -> Void
  init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

/// Runs `body` on a thread of its own; here, when the system has none to give.
func startThread(_ body: @escaping @Sendable () -> Void) {
  let box = Unmanaged.passRetained(ThreadBody(body))
  var thread = pthread_t()
  let result = pthread_create(
    &thread, nil,
    { context in
      // SAFETY: the argument is the box that was retained for this thread.
      Unmanaged<ThreadBody>.fromOpaque(context!).takeRetainedValue().run()
      return nil
    }, box.toOpaque())
  if result == 0 { pthread_detach(thread) } else { box.takeRetainedValue().run() }
}
