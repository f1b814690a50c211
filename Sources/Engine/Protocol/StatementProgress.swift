// How far a running statement is.

import Synchronization

/// A share of a statement's work that only grows. Engines report to it, whoever waits asks it.
public final class StatementProgress: Sendable {
  /// In millionths; -1 while nothing is known.
  private let millionths = Atomic<Int>(-1)

  public init() {}

  /// From 0 to 1; nil while, or where, the engine cannot tell. 1 is never reported: whether a statement has ended its rows tell.
  public var share: Double? {
    let known = millionths.load(ordering: .relaxed)
    return known < 0 ? nil : Double(known) / 1e6
  }

  /// Says how far the statement is; less than was said before changes nothing.
  public func report(_ share: Double) {
    guard share >= 0 else { return }
    // What follows a scan, such as sorting, takes its time too, and nobody knows how long.
    millionths.max(Int(min(share, 0.99) * 1e6), ordering: .relaxed)
  }
}
