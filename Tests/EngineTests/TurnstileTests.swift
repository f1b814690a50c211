// Places and the queue before them.

import Glibc
import Memory
import Testing

@testable import Engine

/// Runs `body` on as many threads, and waits for all.
private func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
  let outcomes = (0..<count).map { i in elsewhere { body(i) } }
  for outcome in outcomes { #expect(throws: Never.self) { try outcome.value(within: 60) } }
}

@Test func neverMoreThanItsPlaces() {
  let turnstile = Turnstile(places: 3, queueLimit: 100, name: "a place")
  let inside = Guarded((now: 0, most: 0, entered: 0))
  onThreads(20) { _ in
    for _ in 0..<200 {
      guard (try? turnstile.enter(StatementControl(timeout: 60))) != nil else { return }
      inside.withLock { inside in
        inside.now += 1
        inside.entered += 1
        inside.most = max(inside.most, inside.now)
      }
      sched_yield()
      inside.withLock { $0.now -= 1 }
      turnstile.leave()
    }
  }
  inside.withLock { inside in
    #expect(inside.entered == 4000)
    #expect(inside.most <= 3)
  }
  #expect(turnstile.freePlaces == 3)
}

@Test func whoGivesUpTakesNoPlace() throws {
  let turnstile = Turnstile(places: 1, queueLimit: 2, name: "a place")
  try turnstile.enter(StatementControl())
  #expect(throws: EngineError.self) { try turnstile.enter(StatementControl(timeout: 0.02)) }
  let control = StatementControl()
  let outcome = Guarded<[String]>([])
  onThreads(2) { i in
    if i == 0 {
      do throws(EngineError) { try turnstile.enter(control) } catch {
        outcome.withLock { $0.append("\(error.code)") }
      }
    } else {
      usleep(20_000)
      control.cancel()
    }
  }
  #expect(outcome.withLock { $0 } == ["cancelled"])
  turnstile.leave()
  #expect(turnstile.freePlaces == 1)
  // Cancelling and leaving at the same moment neither loses the place nor gives it twice.
  for _ in 0..<200 {
    try turnstile.enter(StatementControl())
    let control = StatementControl()
    onThreads(3) { i in
      switch i {
      case 0: if (try? turnstile.enter(control)) != nil { turnstile.leave() }
      case 1: control.cancel()
      default: turnstile.leave()
      }
    }
    #expect(turnstile.freePlaces == 1)
  }
}

@Test func theQueueIsBounded() throws {
  let turnstile = Turnstile(places: 1, queueLimit: 0, name: "a place")
  try turnstile.enter(StatementControl())
  #expect(throws: EngineError(.resourceExhausted, "0 statements are waiting for a place already")) {
    try turnstile.enter(StatementControl(timeout: 5))
  }
}
