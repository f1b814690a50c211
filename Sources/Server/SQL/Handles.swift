// What clients hold by an opaque handle: statements, results, transactions. Unguessable, owned, and gone after a while.

import GRPC
import Synchronization

/// Things by handle. A handle is 16 random bytes; it serves only who it was given to, and only while it is used now and then.
final class HandleTable<Value: Sendable>: Sendable {
  private struct Entry {
    let value: Value
    /// The user.
    let owner: String
    /// The session that it goes with; nil for what outlives it.
    let session: ObjectIdentifier?
    var expires: Int64
  }

  private let entries = Mutex<[[UInt8]: Entry]>([:])
  /// What the things are, in messages.
  private let name: String
  /// How long a handle lives after it was used last, in nanoseconds.
  private let lifetime: Int64
  private let limit: Int
  private let evicts: Bool

  /// - Parameter evicts: whether what was used longest ago makes room where there is none; else nothing more is taken.
  init(name: String, lifetime seconds: Double, limit: Int = 100_000, evicts: Bool = false) {
    self.name = name
    self.evicts = evicts
    lifetime = Int64(seconds * 1e9)
    self.limit = limit
  }

  func add(_ value: Value, owner: String, session: ClientSession? = nil) throws(GRPCStatus) -> [UInt8] {
    var random = SystemRandomNumberGenerator()
    let handle = (0..<16).map { _ in UInt8.random(in: 0 ... .max, using: &random) }
    var evicted: [Entry] = []
    let isAdded = entries.withLock { entries -> Bool in
      if entries.count >= limit, evicts {
        // A part at a time, so that sorting them is rare.
        for (handle, entry) in entries.sorted(by: { $0.value.expires < $1.value.expires }).prefix(
          limit / 16 + 1)
        {
          entries[handle] = nil
          evicted.append(entry)
        }
      }
      guard entries.count < limit else { return false }
      entries[handle] = Entry(
        value: value, owner: owner, session: session.map { ObjectIdentifier($0) }, expires: now + lifetime)
      return true
    }
    // Whatever they hold is let go of outside of the lock.
    evicted = []
    guard isAdded else {
      throw GRPCStatus(.resourceExhausted, "\(limit) \(name)s are open already; close some")
    }
    return handle
  }

  /// - Throws: NOT_FOUND for what is none, has expired, or is somebody else's.
  func find(_ handle: [UInt8], owner: String) throws(GRPCStatus) -> Value {
    let found = entries.withLock { entries -> Value? in
      guard let entry = entries[handle], entry.owner == owner, entry.expires > now else { return nil }
      entries[handle]!.expires = now + lifetime
      return entry.value
    }
    guard let found else {
      throw GRPCStatus(
        .notFound,
        "there is no such \(name); it may have been closed, have expired, or have made room for others")
    }
    return found
  }

  @discardableResult
  func remove(_ handle: [UInt8], owner: String) -> Value? {
    entries.withLock { entries in
      guard entries[handle]?.owner == owner else { return nil }
      return entries.removeValue(forKey: handle)?.value
    }
  }

  /// Drops things one by one until that is enough, those of a lower rank first, and of one rank those that were used longest ago.
  /// - Parameters:
  ///   - rank: of a thing and the nanoseconds since it was used; nil for what stays.
  ///   - drop: called with a thing; true when its handle is to go as well.
  func evict(rank: (Value, Int64) -> Int?, drop: (Value) -> Bool, until isEnough: () -> Bool) {
    let now = now
    let all = entries.withLock {
      $0.map { (handle: $0.key, value: $0.value.value, expires: $0.value.expires) }
    }
    var ranked: [(rank: Int, expires: Int64, handle: [UInt8])] = []
    for entry in all {
      if let rank = rank(entry.value, now - (entry.expires - lifetime)) {
        ranked.append((rank, entry.expires, entry.handle))
      }
    }
    ranked.sort { ($0.rank, $0.expires) < ($1.rank, $1.expires) }
    for (_, _, handle) in ranked {
      if isEnough() { return }
      guard let value = entries.withLock({ $0[handle]?.value }), drop(value) else { continue }
      entries.withLock { $0[handle] = nil }
    }
  }

  /// Takes out what nobody has used for too long, and all that goes with a session.
  func removeExpired(andOf session: ClientSession? = nil) -> [Value] {
    let session = session.map { ObjectIdentifier($0) }
    return entries.withLock { entries in
      let gone = entries.filter { $0.value.expires <= now || session != nil && $0.value.session == session }
      for handle in gone.keys { entries[handle] = nil }
      return gone.values.map(\.value)
    }
  }

  func removeAll(of owner: String) -> [Value] {
    entries.withLock { entries in
      let gone = entries.filter { $0.value.owner == owner }
      for handle in gone.keys { entries[handle] = nil }
      return gone.values.map(\.value)
    }
  }

  var count: Int { entries.withLock { $0.count } }

  private var now: Int64 { monotonicNow() }
}
