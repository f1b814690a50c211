// Which session a call belongs to: that of its cookie, or else that of its connection.

import Engine
import Flight
import GRPC
import Glibc
import Synchronization

func monotonicNow() -> Int64 { StatementControl.now }

/// A client's session.
final class ClientSession: Sendable {
  /// Whose it is: what is bound to a session is bound to its user.
  let user: String
  let engine: any EngineSession
  private let lastUse: Atomic<Int64>
  /// What BeginTransaction has begun and nothing has ended, oldest first.
  private let begun = Mutex<[TransactionID]>([])

  init(user: String, engine: any EngineSession) {
    self.user = user
    self.engine = engine
    lastUse = Atomic(monotonicNow())
  }

  func touch() { lastUse.store(monotonicNow(), ordering: .relaxed) }
  var idleNanoseconds: Int64 { monotonicNow() - lastUse.load(ordering: .relaxed) }

  func began(_ transaction: TransactionID) { begun.withLock { $0.append(transaction) } }
  func ended(_ transaction: TransactionID) {
    begun.withLock { begun in begun.removeAll { $0 == transaction } }
  }
  func isOpen(_ transaction: TransactionID) -> Bool { begun.withLock { $0.contains(transaction) } }
  /// The transaction that was begun last.
  var newestTransaction: TransactionID? { begun.withLock { $0.last } }

  func rollBackAll() {
    engine.rollBackAll()
    begun.withLock { $0 = [] }
  }
}

/// The sessions of a server's clients.
final class ClientSessions: Sendable {
  private let engine: any QueryEngine
  private let sessions = Mutex<[Key: ClientSession]>([:])
  /// Sessions whose connection has closed. Their prepared statements may be asked for over another for a little while.
  private let orphans = Mutex<[ClientSession]>([])
  private let idleLimit: Int64
  private static let orphanLimit: Int64 = 60_000_000_000

  private enum Key: Hashable {
    case cookie(String)
    case connection(ObjectIdentifier, user: String)
  }

  static let cookieName = "arrow_flight_session_id"

  init(_ engine: any QueryEngine, idleLimit seconds: Double) {
    self.engine = engine
    idleLimit = Int64(seconds * 1e9)
  }

  /// The call's session; a new one for a connection that has none.
  /// - Throws: UNAUTHENTICATED for a cookie of a session that is over: it must not go on as another in silence.
  func session(_ context: CallContext) throws -> ClientSession {
    if let cookie = ClientSessions.cookie(context.metadata) {
      guard let session = sessions.withLock({ $0[.cookie(cookie)] }), session.user == user(context) else {
        throw GRPCStatus(.unauthenticated, "the session of the cookie has ended; connect again")
      }
      session.touch()
      return session
    }
    let user = user(context)
    let key = Key.connection(ObjectIdentifier(context.call.connection), user: user)
    if let session = sessions.withLock({ $0[key] }) {
      session.touch()
      return session
    }
    let made = ClientSession(
      user: user, engine: try grpc { () throws(EngineError) in try engine.makeSession() })
    let (kept, isNew) = sessions.withLock { sessions -> (ClientSession, Bool) in
      if let other = sessions[key] { return (other, false) }
      sessions[key] = made
      return (made, true)
    }
    if isNew { context.call.connection.whenClosed { [weak self] _ in self?.connectionClosed(key) } }
    return kept
  }

  /// Nobody commits any more what a client that is gone has begun, and others wait to write. A session with a cookie stays.
  private func connectionClosed(_ key: Key) {
    let orphan = sessions.withLock { sessions -> ClientSession? in
      guard let session = sessions.removeValue(forKey: key) else { return nil }
      return sessions.values.contains { $0 === session } ? nil : session
    }
    guard let orphan else { return }
    orphan.touch()
    orphans.withLock { $0.append(orphan) }
    // Rolling back waits for what runs, and this is the thread of an event loop.
    if orphan.engine.isInTransaction { startThread { orphan.rollBackAll() } }
  }

  /// Who calls: the user of an interceptor that asks for credentials, or the subject of a client certificate; nobody in particular
  /// where neither is demanded.
  func user(_ context: CallContext) -> String {
    context.call.user
  }

  /// Gives the client a cookie, so that its session does not depend on the connection; the session stays the same one.
  func giveCookie(_ session: ClientSession, _ context: CallContext) {
    guard ClientSessions.cookie(context.metadata) == nil else { return }
    var random = SystemRandomNumberGenerator()
    let value = String(random.next() as UInt64, radix: 36) + String(random.next() as UInt64, radix: 36)
    sessions.withLock { $0[.cookie(value)] = session }
    var metadata = CallMetadata()
    metadata.add("set-cookie", "\(ClientSessions.cookieName)=\(value); Path=/; HttpOnly")
    context.call.sendMetadata(metadata)
  }

  /// Ends a session; nil when there is none.
  func end(_ context: CallContext) -> ClientSession? {
    guard let session = try? session(context) else { return nil }
    sessions.withLock { sessions in
      for (key, value) in sessions where value === session { sessions[key] = nil }
    }
    session.engine.close()
    return session
  }

  /// Ends all sessions of a user.
  func end(ofUser user: String) -> [ClientSession] {
    let ended = sessions.withLock { sessions -> [ClientSession] in
      let theirs = sessions.filter { $0.value.user == user }
      for key in theirs.keys { sessions[key] = nil }
      return Array(theirs.values)
    }
    let orphaned = orphans.withLock { orphans -> [ClientSession] in
      let theirs = orphans.filter { $0.user == user }
      orphans.removeAll { $0.user == user }
      return theirs
    }
    for session in ended + orphaned { session.engine.close() }
    return ended + orphaned
  }

  /// Ends sessions that nobody has used for too long.
  func endIdle() -> [ClientSession] {
    let idle = sessions.withLock { sessions -> [ClientSession] in
      let idle = sessions.filter { $0.value.idleNanoseconds > idleLimit }
      for key in idle.keys { sessions[key] = nil }
      return Array(idle.values)
    }
    let orphaned = orphans.withLock { orphans -> [ClientSession] in
      let old = orphans.filter { $0.idleNanoseconds > ClientSessions.orphanLimit }
      orphans.removeAll { $0.idleNanoseconds > ClientSessions.orphanLimit }
      return old
    }
    let ended = idle + orphaned
    for session in ended { session.engine.close() }
    return ended
  }

  private static func cookie(_ metadata: CallMetadata) -> String? {
    for header in metadata.values("cookie") {
      for part in header.split(separator: ";") {
        let pair = part.split(separator: "=", maxSplits: 1)
        if pair.count == 2, pair[0].filter({ $0 != " " }) == cookieName { return String(pair[1]).trimmed }
      }
    }
    return nil
  }
}

extension ServerCall {
  fileprivate var user: String { attachment as? String ?? tls?.peerSubject ?? "" }
}

extension StatementOrigin {
  init(_ call: ServerCall) { self.init(peer: call.connection.peer, user: call.user) }
}

extension String {
  fileprivate var trimmed: String {
    String(drop { $0 == " " || $0 == "\"" }.reversed().drop { $0 == " " || $0 == "\"" }.reversed())
  }
}

/// Runs what throws the engine's errors; they become statuses.
func grpc<R>(_ body: () throws(EngineError) -> R) throws(GRPCStatus) -> R {
  do throws(EngineError) { return try body() } catch { throw GRPCStatus(error) }
}

extension GRPCStatus {
  init(_ error: EngineError) {
    let code: Code =
      switch error.code {
      case .invalidArgument: .invalidArgument
      case .notFound: .notFound
      case .alreadyExists: .alreadyExists
      case .permissionDenied: .permissionDenied
      case .failedPrecondition: .failedPrecondition
      case .aborted: .aborted
      case .cancelled: .cancelled
      case .deadlineExceeded: .deadlineExceeded
      case .resourceExhausted: .resourceExhausted
      case .unavailable: .unavailable
      case .unimplemented: .unimplemented
      case .dataLoss: .dataLoss
      case .internal: .internalError
      }
    self.init(code, error.message)
  }
}
