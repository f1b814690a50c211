// Small things that several tests share.

import Synchronization
import Testing

/// A number that any thread may change.
final class Counter: Sendable {
  private let count = Atomic<Int>(0)
  var value: Int { count.load(ordering: .acquiring) }
  func add(_ n: Int = 1) { count.wrappingAdd(n, ordering: .releasing) }
}

/// Waits until something is so, for at most ten seconds.
func eventually(_ what: Comment, _ isSo: () -> Bool) async {
  for _ in 0..<2000 {
    if isSo() { return }
    try? await Task.sleep(for: .milliseconds(5))
  }
  Issue.record(what)
}
