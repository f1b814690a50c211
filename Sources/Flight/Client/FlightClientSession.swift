// What a client remembers of a server from call to call: its token, and the cookies of its session.

import GRPC
import HTTP2
import Synchronization

/// Headers that go with every call of the clients that share this, and that servers change by their answers: a token in
/// `authorization`, cookies by `set-cookie`.
public final class FlightClientSession: Sendable {
  private struct State {
    var authorization: String?
    var cookies: [String: String] = [:]
    var deadline: MonotonicTime?
    var calls: [RunningCall] = []
  }

  private let state: Mutex<State>

  /// - Parameter token: sent as `authorization: Bearer …`.
  public init(token: String? = nil) {
    state = Mutex(State(authorization: token.map { "Bearer \($0)" }))
  }

  /// What is sent as `authorization`.
  public var authorization: String? {
    get { state.withLock { $0.authorization } }
    set { state.withLock { $0.authorization = newValue } }
  }

  /// Names and values of the cookies that the server has set.
  public var cookies: [String: String] { state.withLock { $0.cookies } }

  /// Calls that begin from now on end in DEADLINE_EXCEEDED after so many seconds from now; nil for no limit.
  public func setDeadline(in seconds: Double?) {
    state.withLock { $0.deadline = seconds.map { MonotonicTime.now + .nanoseconds(Int64($0 * 1e9)) } }
  }

  /// How long calls that begin now may take; nil without a limit.
  public var secondsLeft: Double? {
    state.withLock { $0.deadline }.map { Double($0.nanoseconds - MonotonicTime.now.nanoseconds) / 1e9 }
  }

  /// Ends the calls of all clients that share this, from any thread; the server stops what runs for them.
  public func cancelCalls() {
    let calls = state.withLock { $0.calls.compactMap(\.call) }
    for call in calls { call.cancel() }
  }

  func began(_ call: ClientCall) {
    state.withLock { state in
      if state.calls.count >= 64 { state.calls.removeAll { $0.call == nil || $0.call?.status != nil } }
      state.calls.append(RunningCall(call: call))
    }
  }

  func add(to metadata: inout CallMetadata) {
    let (authorization, cookies) = state.withLock { ($0.authorization, $0.cookies) }
    if let authorization { metadata.add("authorization", authorization) }
    if !cookies.isEmpty {
      metadata.add(
        "cookie", cookies.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "; "))
    }
  }

  /// Takes what an answer's headers say. Of a cookie's attributes only those that end it are heeded: there is one server,
  /// and the session's end is the client's.
  func received(_ metadata: CallMetadata) {
    let bearer = metadata["authorization"].flatMap { $0.lowercased().hasPrefix("bearer ") ? $0 : nil }
    let set = metadata.values("set-cookie")
    guard bearer != nil || !set.isEmpty else { return }
    state.withLock { state in
      if let bearer { state.authorization = bearer }
      for cookie in set {
        let parts = cookie.split(separator: ";", omittingEmptySubsequences: false).map(
          FlightClientSession.trim)
        guard let equals = parts[0].firstIndex(of: "="), equals != parts[0].startIndex else { continue }
        let name = String(parts[0][..<equals])
        let value = String(parts[0][parts[0].index(after: equals)...])
        let isOver = parts.dropFirst().contains { part in
          let text = part.lowercased()
          return text.hasPrefix("max-age=") && (Int(text.dropFirst(8)) ?? 1) <= 0
        }
        state.cookies[name] = isOver || value.isEmpty ? nil : value
      }
    }
  }

  private static func trim(_ text: Substring) -> Substring {
    var text = text
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return text
  }
}

private struct RunningCall {
  weak var call: ClientCall?
}

extension FlightClient {
  /// Says who the caller is, in both ways that servers know: a Basic header, whose answer has a bearer token in its own, and
  /// a Basic message, whose answer has a token as its payload. Later calls of the session carry the token.
  /// - Throws: UNAUTHENTICATED when the server does not believe it or gives no token.
  public func authenticate(user: String, password: String) throws {
    var encoded = Base64.encode(Array("\(user):\(password)".utf8))
    while encoded.utf8.count % 4 != 0 { encoded += "=" }
    session.authorization = "Basic \(encoded)"
    do {
      let answers = try handshake(
        HandshakeMessage(payload: BasicAuthentication(user: user, password: password).payload))
      if session.authorization?.hasPrefix("Basic ") == true {
        guard let token = answers.last?.payload, !token.isEmpty,
          let text = String(validating: token, as: UTF8.self)
        else { throw GRPCStatus(.unauthenticated, "the server answered the handshake without a token") }
        session.authorization = "Bearer \(text)"
      }
    } catch {
      session.authorization = nil
      throw error
    }
  }
}
