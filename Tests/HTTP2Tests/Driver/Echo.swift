// A server's handler and a client's, for the driver's tests.

import Glibc
import HTTP2
import Memory
import Synchronization
import Testing

/// Answers by path: `/echo` sends the body back, `/bytes/N` sends N bytes, `/never` does not answer, `/peer` says who
/// the client is, `/unread` never consumes the request, `/thread/N` sends N bytes from a thread that waits for room.
struct TestService: RequestHandler {
  let produced = Counter()
  let closed = Counter()
  let errors = Log<HTTP2Error>()

  func handle(_ request: HeaderList, on stream: HTTP2Stream) -> any StreamHandler {
    TestAnswer(self, stream, request.path ?? "")
  }
}

final class Log<Value: Sendable>: Sendable {
  private let entries = Mutex<[Value]>([])
  var all: [Value] { entries.withLock { $0 } }
  func add(_ value: Value) { entries.withLock { $0.append(value) } }
}

let testChunk = Buffer(copying: pattern(100_000))

final class TestAnswer: StreamHandler {
  private let service: TestService
  private let stream: HTTP2Stream
  private let path: String
  private var left = 0
  private var got = 0

  init(_ service: TestService, _ stream: HTTP2Stream, _ path: String) {
    self.service = service
    self.stream = stream
    self.path = path
    if path == "/echo" { stream.send(headers: .response()) }
  }

  private var number: Int { Int(path.split(separator: "/").last ?? "") ?? 0 }

  func received(_ bytes: RawSpan, isInPlace: Bool) {
    got += bytes.byteCount
    if path == "/unread" { return }
    if path == "/echo" { bytes.withUnsafeBytes { stream.send(Buffer(copying: $0)) } }
    stream.consume(bytes.byteCount)
  }

  func ended(trailers: HeaderList) {
    var end = HeaderList([("status", "0"), ("got", String(got))])
    switch path.split(separator: "/").first ?? "" {
    case "echo": stream.finish(trailers: end)
    case "bytes":
      left = number
      stream.send(headers: .response())
      writable()
    case "never": break
    case "nothing": stream.finish()
    case "peer":
      end.append("subject", stream.connection.tls?.peerSubject ?? "none")
      end.append("version", stream.connection.tls?.version ?? "none")
      stream.respond(headers: .response(), trailers: end)
    case "thread": startThread()
    case "reset": stream.reset(.enhanceYourCalm)
    case "only":
      var list = HeaderList.response()
      list.append("status", "5")
      stream.finish(trailers: list)
    default: stream.respond(headers: .response(), body: [Buffer(copying: Array("hello".utf8))], trailers: end)
    }
  }

  func writable() {
    guard path.hasPrefix("/bytes/") else { return }
    while left > 0, stream.isWritable {
      let n = min(left, testChunk.count)
      stream.send(testChunk.slice(0..<n))
      service.produced.add(n)
      left -= n
    }
    if left == 0 { stream.finish() }
  }

  private func startThread() {
    let (stream, service, count) = (stream, service, number)
    startTestThread {
      stream.send(headers: .response())
      do throws(HTTP2Error) {
        var left = count
        while left > 0 {
          try stream.waitUntilWritable()
          let n = min(left, testChunk.count)
          stream.send(testChunk.slice(0..<n))
          service.produced.add(n)
          left -= n
        }
        stream.finish(trailers: HeaderList([("status", "0")]))
      } catch {
        service.errors.add(error)
      }
    }
  }

  func closed(_ error: HTTP2Error?) {
    service.closed.add()
    if let error { service.errors.add(error) }
  }
}

func startTestThread(_ body: @escaping @Sendable () -> Void) {
  final class Box {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  pthread_create(
    &thread, nil,
    { argument in
      Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
      return nil
    }, Unmanaged.passRetained(Box(body)).toOpaque())
  pthread_detach(thread)
}

/// What came back for one request.
struct Reply: Sendable {
  var headers = HeaderList()
  var body: [UInt8] = []
  var count = 0
  var inPlace = 0
  var trailers = HeaderList()
  var error: HTTP2Error?
}

/// Collects one response; can refuse to consume.
final class TestCall: StreamHandler {
  private var reply = Reply()
  private let keepsBody: Bool
  private let consumes: Bool
  private let received: Counter
  private var place: UnsafeMutableRawBufferPointer?
  private let stream: HTTP2Stream
  private let done: @Sendable (Reply) -> Void

  init(
    _ stream: HTTP2Stream, keepsBody: Bool = true, consumes: Bool = true, received: Counter = Counter(),
    done: @escaping @Sendable (Reply) -> Void
  ) {
    self.stream = stream
    self.keepsBody = keepsBody
    self.consumes = consumes
    self.received = received
    self.done = done
  }

  deinit { place?.deallocate() }

  func headers(_ headers: HeaderList) { reply.headers = headers }

  func destination(upTo count: Int) -> UnsafeMutableRawBufferPointer? {
    if place == nil { place = .allocate(byteCount: 64 << 10, alignment: 64) }
    return place
  }

  func received(_ bytes: RawSpan, isInPlace: Bool) {
    reply.count += bytes.byteCount
    received.add(bytes.byteCount)
    if isInPlace {
      reply.inPlace += bytes.byteCount
      bytes.withUnsafeBytes { #expect($0.baseAddress == UnsafeRawPointer(place!.baseAddress!)) }
    }
    if keepsBody { bytes.withUnsafeBytes { reply.body.append(contentsOf: $0) } }
    if consumes { stream.consume(bytes.byteCount) }
  }

  func ended(trailers: HeaderList) { reply.trailers = trailers }

  func closed(_ error: HTTP2Error?) {
    reply.error = error
    done(reply)
  }
}

extension HTTP2Connection {
  /// One request with a body that is at hand.
  func call(_ path: String, body: [Buffer] = [], keepsBody: Bool = true) async -> Reply {
    await withCheckedContinuation { continuation in
      let stream = request(.request(authority: "localhost", path: path)) { stream in
        TestCall(stream, keepsBody: keepsBody) { continuation.resume(returning: $0) }
      }
      stream.send(body)
      stream.finish()
    }
  }
}

extension HTTP2Client {
  /// Connects and calls in one go, on the loop: the test's own thread may have to wait for its turn.
  func firstCall(_ address: SocketAddress, _ path: String) async -> Reply {
    await withCheckedContinuation { continuation in
      connect(to: address) { result in
        switch result {
        case .success(let connection):
          let stream = connection.request(.request(authority: "h", path: path)) { stream in
            TestCall(stream, keepsBody: false) { continuation.resume(returning: $0) }
          }
          stream.finish()
        case .failure(let error):
          var reply = Reply()
          reply.error = error
          continuation.resume(returning: reply)
        }
      }
    }
  }
}

/// A server and a way to it.
struct Running {
  let service = TestService()
  let server: HTTP2Server
  let address: SocketAddress

  init(
    _ options: ServerOptions = ServerOptions(), on address: SocketAddress = .tcp(host: "127.0.0.1", port: 0),
    tls: TLSContext? = nil, loops: Int = 2
  ) throws {
    server = try HTTP2Server(options: options, group: try EventLoopGroup(count: loops), handler: service)
    self.address = try server.listen(on: address, tls: tls)
  }
}
