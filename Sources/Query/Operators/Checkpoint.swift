// What long loops ask so that a cancelled query ends at once, wherever it is.

/// Asks now and then whether the query was cancelled. A class, because loops that capture it would copy a closure in each turn.
final class Checkpoint: Sendable {
  /// Never cancelled: for what is short.
  static let none = Checkpoint { false }

  private let isCancelled: @Sendable () -> Bool

  init(_ isCancelled: @escaping @Sendable () -> Bool) { self.isCancelled = isCancelled }

  /// Whether the loop is to end, asked in each of its turns and found out in one of many.
  @inline(__always)
  func isReached(_ turn: Int) -> Bool { turn & 0x3FFF == 0x3FFF && isCancelled() }

  var isReached: Bool { isCancelled() }

  func check() throws(QueryError) {
    if isCancelled() { throw QueryError(.cancelled, "the query was cancelled") }
  }

  /// To be called in each turn of a loop.
  @inline(__always)
  func check(_ turn: Int) throws(QueryError) { if turn & 0x3FFF == 0x3FFF { try check() } }
}

extension Array {
  /// Sorts, and stops when the query is cancelled.
  mutating func sort(
    _ checkpoint: Checkpoint, by isBefore: (Element, Element) -> Bool
  ) throws(QueryError) {
    // What is short is done before anybody can cancel it.
    if count < 1 << 14 { return sort(by: isBefore) }
    var turn = 0
    do {
      try sort { a, b throws in
        turn &+= 1
        try checkpoint.check(turn)
        return isBefore(a, b)
      }
    } catch let error as QueryError { throw error } catch { preconditionFailure("nothing else is thrown") }
  }
}
