// A client session and a server session joined by memory: what one drains, the other receives.

import HTTP2
import Memory
import Testing

/// A log of one session's events, with bodies joined.
final class SessionLog {
  var headers: [Int32: HeaderList] = [:]
  var bodies: [Int32: [UInt8]] = [:]
  var trailers: [Int32: HeaderList] = [:]
  var ended: Set<Int32> = []
  var closed: [Int32: ErrorCode] = [:]
  var sent: [Int32: Int] = [:]
  var goAways: [(lastStream: Int32, code: ErrorCode, message: String)] = []
  var pings: [UInt64] = []
  var settings = 0
  var breaches: [Breach] = []

  func note(_ event: SessionEvent) {
    switch event {
    case .headers(let id, let list): headers[id] = list
    case .data(let id, let bytes): bodies[id, default: []].append(contentsOf: bytes)
    case .trailers(let id, let list): trailers[id] = list
    case .end(let id): ended.insert(id)
    case .sent(let id, let n): sent[id, default: 0] += n
    case .closed(let id, let code): closed[id] = code
    case .settings: settings += 1
    case .settingsAcknowledged: break
    case .pingAcknowledged(let value): pings.append(value)
    case .goAway(let last, let code, let message): goAways.append((last, code, message))
    case .breach(let breach): breaches.append(breach)
    }
  }
}

/// Takes everything that a session wants written.
func takeOutput(_ session: HTTP2Session, limit: Int = 1 << 20) -> [UInt8] {
  session.drain(limit: limit)
  var bytes = [UInt8](repeating: 0, count: session.output.count)
  let n = bytes.withUnsafeMutableBytes { session.output.copyFront(into: $0) }
  #expect(n == bytes.count)
  return bytes
}

final class SessionPair {
  let client: HTTP2Session
  let server: HTTP2Session
  let clientLog = SessionLog()
  let serverLog = SessionLog()
  var now = MonotonicTime(nanoseconds: 1_000_000_000)
  /// Whether body bytes are consumed as soon as they come.
  var consumes = true
  /// Called with every server event after it is noted.
  var onServer: ((SessionEvent) -> Void)?

  init(client: SessionOptions = SessionOptions(), server: SessionOptions = SessionOptions()) {
    self.client = HTTP2Session(role: .client, options: client)
    self.server = HTTP2Session(role: .server, options: server)
  }

  /// How the bytes of one drain are cut into pieces.
  enum Pieces { case whole, bytes, random }

  func feed(_ bytes: [UInt8], to session: HTTP2Session, _ pieces: Pieces = .whole) {
    var i = 0
    while i < bytes.count {
      let n =
        switch pieces {
        case .whole: bytes.count
        case .bytes: 1
        case .random: Int.random(in: 1...2000)
        }
      let end = min(bytes.count, i + n)
      bytes[i..<end].withUnsafeBytes { session.receive($0, at: now) }
      collect(session)
      i = end
    }
  }

  func collect(_ session: HTTP2Session) {
    let log = session === client ? clientLog : serverLog
    session.forEachEvent { event in
      log.note(event)
      if consumes, case .data(let id, let bytes) = event { session.consume(id, bytes.count) }
      if session === server { onServer?(event) }
    }
  }

  /// Moves bytes both ways until neither side has anything to say.
  func pump(_ pieces: Pieces = .whole) {
    while true {
      let up = takeOutput(client)
      collect(client)
      feed(up, to: server, pieces)
      let down = takeOutput(server)
      collect(server)
      feed(down, to: client, pieces)
      if up.isEmpty, down.isEmpty { break }
    }
  }

  func request(_ path: String = "/a/B", body: [UInt8]? = nil) throws -> Int32 {
    let id = try client.request(.request(authority: "host", path: path), endsStream: body == nil)
    if let body {
      client.send(id, Buffer(copying: body))
      try client.finish(id)
    }
    return id
  }
}

/// Bytes that differ from place to place, so that a misplaced piece shows.
func pattern(_ count: Int, seed: Int = 0) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: ($0 &+ seed) &* 2_654_435_761 >> 11) }
}
