// Runs that were begun to know what their rows are, and wait for who wants the rows.

import Synchronization

/// Each holds a connection unless its rows were few, so it waits for a while only, and less when others need a place.
final class BegunRuns: Sendable {
  private struct Entry {
    weak var statement: EmbeddedStatement?
    let since: Int64
  }

  private let entries = Mutex<[Entry]>([])
  /// How long one waits, in seconds: between being told of a result and asking for it passes little.
  static let patience = 10.0

  func add(_ statement: EmbeddedStatement) {
    entries.withLock { entries in
      if entries.count >= 1024 { entries.removeAll { $0.statement == nil } }
      entries.append(Entry(statement: statement, since: StatementControl.now))
    }
  }

  func dropOldest() {
    // One that was read long ago frees nothing, so several may have to go; never under the lock.
    let oldest = entries.withLock { entries -> [EmbeddedStatement] in
      let oldest = entries.prefix(16).compactMap(\.statement)
      entries.removeFirst(min(16, entries.count))
      return oldest
    }
    for statement in oldest { statement.dropBegun() }
  }

  func drop(olderThan seconds: Double) {
    let limit = StatementControl.now - Int64(seconds * 1e9)
    let old = entries.withLock { entries -> [EmbeddedStatement] in
      let old = entries.prefix { $0.since <= limit }
      entries.removeFirst(old.count)
      return old.compactMap(\.statement)
    }
    for statement in old { statement.dropBegun() }
  }
}
