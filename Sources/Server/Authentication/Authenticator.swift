// Asks every call who it is from: a password once, a token from then on.

import Engine
import Flight
import GRPC
import Memory
import Protobuf
import Synchronization

/// Refuses calls of nobody, and tells handlers the user's name (`ServerCall.attachment`).
///
/// A client shows its password in an `authorization: Basic` header of any call, and finds a bearer token in the answer's headers; or in
/// a Handshake message, whose answer has the token as its payload. A token ends when nobody has used it for as long as a session lasts.
public final class Authenticator: ServerInterceptor {
  private struct Issued {
    let user: String
    var lastUse: Int64
  }

  private struct State {
    var users: UserList
    var issued: [String: Issued] = [:]
    /// Passwords that were right, so that a client that always sends its own does not cost a hash each time.
    var known: [String: PasswordHash] = [:]
    /// The token that a user got last: clients that always send their password get no new ones.
    var current: [String: String] = [:]
  }

  private let lifetime: Int64
  private let state: Mutex<State>
  /// One password is tried at a time: whoever guesses has one processor at most.
  private let trying = Mutex(())
  /// What names that are unknown are checked against, so that they take as long.
  private let nobody = PasswordHash(of: "")
  private let salt: [UInt8]
  private static let tokenLimit = 100_000
  private static let path = "/arrow.flight.protocol.FlightService/Handshake"

  /// - Parameter lifetime: of a token that nobody uses, in seconds.
  public init(_ users: UserList, lifetime: Double) {
    state = Mutex(State(users: users))
    self.lifetime = Int64(lifetime * 1e9)
    var random = SystemRandomNumberGenerator()
    salt = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &random) }
  }

  /// Other users from now on. Who is not among them any more, or has another password or no token, has to say who they are again.
  /// - Returns: the users that are gone.
  public func replace(by users: UserList) -> [String] {
    state.withLock { state in
      let before = state.users
      state.users = users
      let isSame = { (name: String) in before.users[name] != nil && before.users[name] == users.users[name] }
      state.issued = state.issued.filter { isSame($0.value.user) }
      state.known = state.known.filter { isSame($0.key) }
      state.current = state.current.filter { isSame($0.key) }
      return before.names.subtracting(users.names).sorted()
    }
  }

  // MARK: Calls

  public func callStarted(_ call: ServerCall) throws(GRPCStatus) {
    // Load balancers ask for health, and know no password.
    if call.path.hasPrefix("/grpc.health.v1.Health/") { return }
    if let header = call.metadata["authorization"] {
      let space = header.firstIndex(of: " ") ?? header.endIndex
      let value = header[space...].drop { $0 == " " }
      switch header[..<space].lowercased() {
      case "bearer": call.attachment = try user(ofToken: String(value))
      // gRPC's own services run on the loop's thread, which a hash would hold up.
      case "basic" where !call.path.hasPrefix("/grpc."): try enter(call, basic: String(value))
      default:
        throw GRPCStatus(.unauthenticated, "authorization is by Bearer here, or by Basic at Flight's calls")
      }
    } else if let token = call.metadata.bytes("auth-token-bin") {
      // What clients with a handshake of their own send.
      call.attachment = try user(ofToken: String(decoding: token, as: UTF8.self))
    } else if call.path != Authenticator.path {
      throw GRPCStatus(.unauthenticated, "this server asks for a user and password, or a token")
    }
  }

  private func enter(_ call: ServerCall, basic: String) throws(GRPCStatus) {
    guard let bytes = Base64.decode(Array(basic.utf8)[...]),
      let text = String(validating: bytes, as: UTF8.self),
      let colon = text.firstIndex(of: ":")
    else { throw GRPCStatus(.unauthenticated, "the Basic authorization is not NAME:PASSWORD in Base64") }
    let user = String(text[..<colon])
    try check(user, String(text[text.index(after: colon)...]))
    call.attachment = user
    var metadata = CallMetadata()
    metadata.add("authorization", "Bearer \(issueToken(user))")
    call.sendMetadata(metadata)
  }

  // MARK: The handshake

  /// Answers Handshake; stands before the service's own.
  public var handshake: GRPCMethod {
    GRPCMethod(Authenticator.path, kind: .blocking) { [self] call in
      // The header has said everything, and so do the answer's headers.
      if call.attachment != nil { return try call.flushMetadata() }
      guard let message = try call.receive() else {
        throw GRPCStatus(.unauthenticated, "the handshake has neither a Basic header nor a message")
      }
      var payload: [UInt8] = []
      var reader = ProtobufReader(message)
      while let field = try reader.next() { if field.number == 2 { payload = try field.bytes().array } }
      let basic = try BasicAuthentication(payload)
      try check(basic.user, basic.password)
      call.attachment = basic.user
      let token = issueToken(basic.user)
      var metadata = CallMetadata()
      metadata.add("authorization", "Bearer \(token)")
      call.sendMetadata(metadata)
      var writer = ProtobufWriter()
      writer.bytes(2, Array(token.utf8))
      try call.send([Buffer(copying: writer.bytes)])
    }
  }

  // MARK: Passwords and tokens

  private func check(_ user: String, _ password: String) throws(GRPCStatus) {
    let quick = PasswordHash(of: password, salt: salt, iterations: 1)
    let (hash, isKnown) = state.withLock { ($0.users.users[user], $0.known[user] == quick) }
    if isKnown { return }
    // Not `matches` alone: a name that is not there must take as long.
    let isRight = trying.withLock { _ in (hash ?? nobody).matches(password) } && hash != nil
    // The users may have become others meanwhile.
    let isStill = state.withLock { state in
      guard isRight, state.users.users[user] == hash else { return false }
      state.known[user] = quick
      return true
    }
    guard isStill else { throw GRPCStatus(.unauthenticated, "the user or the password is wrong") }
  }

  private func issueToken(_ user: String) -> String {
    let now = monotonicNow()
    let lifetime = lifetime
    let current = state.withLock { state -> String? in
      guard let token = state.current[user], let issued = state.issued[token],
        now - issued.lastUse < lifetime / 2
      else { return nil }
      return token
    }
    if let current { return current }
    var random = SystemRandomNumberGenerator()
    let token = (0..<4).map { _ in String(random.next() as UInt64, radix: 36) }.joined()
    state.withLock { state in
      // A user who has gone since the password was checked gets one that is good for nothing.
      guard state.users.users[user] != nil else { return }
      state.current[user] = token
      if state.issued.count >= Authenticator.tokenLimit {
        state.issued = state.issued.filter { now - $0.value.lastUse < lifetime }
        // Whoever asks for that many has to log in again.
        if state.issued.count >= Authenticator.tokenLimit { state.issued.removeAll() }
      }
      state.issued[token] = Issued(user: user, lastUse: now)
    }
    return token
  }

  private func user(ofToken token: String) throws(GRPCStatus) -> String {
    let now = monotonicNow()
    let user = state.withLock { state -> String? in
      if let user = state.users.tokens[token] { return user }
      guard let issued = state.issued[token], now - issued.lastUse < lifetime else {
        state.issued[token] = nil
        return nil
      }
      state.issued[token]!.lastUse = now
      return issued.user
    }
    guard let user else {
      throw GRPCStatus(.unauthenticated, "the token is not known, or has expired; log in again")
    }
    return user
  }
}
