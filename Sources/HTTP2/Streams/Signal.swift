// One thread waits, another wakes it, once.

import CLinux
import Glibc

/// A semaphore with a time limit that goes by the monotonic clock. `package`: calls wait the same way.
package final class Signal: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): POSIX semaphores are made for several threads, and the memory lives as long as this.
  private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

  package init() { sem_init(semaphore, 0, 0) }

  deinit {
    sem_destroy(semaphore)
    semaphore.deallocate()
  }

  package func raise() { sem_post(semaphore) }

  /// - Returns: false when the time is up.
  package func wait(_ timeout: Duration?) -> Bool {
    let deadline = timeout.map { MonotonicTime.now + $0 }
    while true {
      let result: Int32
      if let deadline {
        var time = timespec(
          tv_sec: Int(deadline.nanoseconds / 1_000_000_000),
          tv_nsec: Int(deadline.nanoseconds % 1_000_000_000))
        result = sem_clockwait(semaphore, CLOCK_MONOTONIC, &time)
      } else {
        result = sem_wait(semaphore)
      }
      if result == 0 { return true }
      if errno != EINTR { return false }
    }
  }
}
