// Work on other threads, and errors by their codes.

import Engine
import Glibc
import Synchronization

/// What comes of work on another thread.
final class Outcome<R: Sendable>: Sendable {
  private let result = Mutex<Result<R, any Error>?>(nil)

  func settle(_ value: Result<R, any Error>) { result.withLock { $0 = value } }

  var isDone: Bool { result.withLock { $0 != nil } }

  /// Waits for it.
  func value(within seconds: Double = 30) throws -> R {
    let deadline = StatementControl.now + Int64(seconds * 1e9)
    while StatementControl.now < deadline {
      if let result = result.withLock({ $0 }) { return try result.get() }
      usleep(1000)
    }
    throw EngineError(.deadlineExceeded, "it hangs")
  }
}

private final class Work: Sendable {
  let body: @Sendable () -> Void
  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

/// Runs `body` on a thread of its own.
func elsewhere<R: Sendable>(_ body: @escaping @Sendable () throws -> R) -> Outcome<R> {
  let outcome = Outcome<R>()
  let work = Work { outcome.settle(Result { try body() }) }
  var thread = pthread_t()
  pthread_create(
    &thread, nil,
    { argument in
      Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue().body()
      return nil
    }, Unmanaged.passRetained(work).toOpaque())
  pthread_detach(thread)
  return outcome
}

/// The code that `body` fails with; nil when it does not.
func code(_ body: () throws -> Void) -> EngineError.Code? {
  do { try body() } catch { return (error as? EngineError)?.code }
  return nil
}
