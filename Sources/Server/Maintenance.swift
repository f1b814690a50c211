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
    let body = Body { [state] in
      while true {
        sleep(seconds)
        if state.isStopped.load(ordering: .relaxed) { return }
        work()
      }
    }
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { context in
        Unmanaged<Body>.fromOpaque(context!).takeRetainedValue().run()
        return nil
      }, Unmanaged.passRetained(body).toOpaque())
    pthread_detach(thread)
  }

  public func stop() { state.isStopped.store(true, ordering: .relaxed) }

  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }
}
