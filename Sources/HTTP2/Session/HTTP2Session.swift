// HTTP/2 as a state machine without I/O: bytes in, events and a gather list out.

import CNGHTTP2
import Memory

/// One HTTP/2 connection's protocol state, client or server, on libnghttp2.
///
///     socket bytes ─▶ receive(_:at:) ─▶ forEachEvent { … }
///     request · respond · send · finish · reset · consume · ping ─▶ drain(limit:) ─▶ output ─▶ socket
///
/// It does no I/O, has no lock and no clock, and calls nobody: a driver, or a test, moves the bytes. Bodies that are
/// sent pass by reference from `send` to `output`; bodies that are received are events that point into the input.
/// One thread at a time. Nothing that the peer sends traps; what ends the connection is in `failure`.
public final class HTTP2Session {
  public let role: SessionOptions.Role
  public let options: SessionOptions
  /// What must be written to the peer, in order: fill it with `drain`, and `take` what was written.
  public let output = GatherList()
  /// Why the connection must end, once it must; `drain` still yields the GOAWAY that says so.
  public private(set) var failure: HTTP2Error?

  /// The peer has sent GOAWAY.
  public internal(set) var isPeerDraining = false

  /// nil only during init.
  private var handle: OpaquePointer!
  // Unchecked exclusivity, here and in what follows: each is used for the length of one statement, by one thread, and no
  // callback runs within. The checks cost 7 % of a small request.
  @exclusivity(unchecked) var streams: [Int32: SessionStream] = [:]
  @exclusivity(unchecked) var events: [SessionEvent] = []
  @exclusivity(unchecked) private var spareEvents: [SessionEvent] = []
  /// Streams whose body moved in this drain.
  @exclusivity(unchecked) var moved: [SessionStream] = []
  /// The header block that is arriving.
  @exclusivity(unchecked) var incoming = HeaderList()
  @exclusivity(unchecked) var headerLimit: HeaderListLimit
  /// A breach found inside a callback; acted on when nghttp2 has returned.
  var pendingBreach: Breach?
  var outputLimit = 0
  var isPaused = false
  private var tracker: FrameTracker
  private var flood: FloodLimit
  private var now = MonotonicTime(nanoseconds: 0)
  private var frameProgress: FrameProgressLimit

  public init(role: SessionOptions.Role, options: SessionOptions = SessionOptions()) {
    self.role = role
    self.options = options
    let limits = options.limits
    headerLimit = HeaderListLimit(limits)
    tracker = FrameTracker(isServer: role == .server)
    flood = FloodLimit(limits)
    frameProgress = FrameProgressLimit(limits.frame)

    var option: OpaquePointer?
    precondition(nghttp2_option_new(&option) == 0, "out of memory")
    defer { nghttp2_option_del(option) }
    nghttp2_option_set_no_auto_window_update(option, 1)
    nghttp2_option_set_no_closed_streams(option, 1)
    nghttp2_option_set_max_continuations(option, limits.continuations)
    // Our own limit counts resets, and names them.
    nghttp2_option_set_stream_reset_rate_limit(option, UInt64(Int64.max), 1 << 30)
    // SAFETY: the session is freed in deinit, so the unretained pointer never outlives this object.
    let me = Unmanaged.passUnretained(self).toOpaque()
    var raw: OpaquePointer?
    let result =
      role == .server
      ? nghttp2_session_server_new2(&raw, sessionCallbacks.pointer, me, option)
      : nghttp2_session_client_new2(&raw, sessionCallbacks.pointer, me, option)
    precondition(result == 0 && raw != nil, "out of memory")
    handle = raw
    submitSettings()
  }

  deinit { nghttp2_session_del(handle) }

  var raw: OpaquePointer { handle }

  private func submitSettings() {
    let limits = options.limits
    func entry(_ id: nghttp2_settings_id, _ value: Int) -> nghttp2_settings_entry {
      nghttp2_settings_entry(settings_id: Int32(id.rawValue), value: UInt32(clamping: value))
    }
    var entries = [
      entry(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, min(max(options.streamWindow, 1024), Int(Int32.max))),
      entry(NGHTTP2_SETTINGS_MAX_FRAME_SIZE, min(max(options.maxFrameSize, 16384), 16_777_215)),
      entry(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.headerListSize),
      entry(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.streams),
    ]
    if role == .client { entries.append(entry(NGHTTP2_SETTINGS_ENABLE_PUSH, 0)) }
    var result = nghttp2_submit_settings(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), entries, entries.count)
    precondition(result == 0, "settings that HTTP/2 does not allow")
    result = nghttp2_session_set_local_window_size(
      handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0,
      Int32(min(max(options.connectionWindow, 1024), Int(Int32.max))))
    precondition(result == 0, "out of memory")
  }

  // MARK: Input

  /// Takes bytes from the peer; events point into them, so look at those before the bytes are reused.
  public func receive(_ bytes: UnsafeRawBufferPointer, at now: MonotonicTime) {
    guard failure == nil, bytes.count > 0 else { return }
    self.now = now
    var breach: Breach?
    tracker.advance(bytes) { step in
      switch step {
      case .began(let type, let flags, let length):
        if breach == nil { breach = flood.began(type: type, flags: flags, length: length, at: now) }
        frameProgress.began(
          length: length, isHeaderBlock: type == FloodLimit.FrameType.headers && flags & 4 == 0, at: now)
      case .payload(let n): frameProgress.payload(n, at: now)
      case .ended(let type, let flags):
        frameProgress.ended(endsHeaderBlock: type == FloodLimit.FrameType.continuation && flags & 4 != 0)
      }
    }
    if let breach { return fail(breach) }
    let result = nghttp2_session_mem_recv(handle, bytes.baseAddress, bytes.count)
    if failPending() { return }
    if result < 0 { fail(result) }
  }

  /// The stream and byte count of the DATA payload that comes next, if a DATA frame is under way: the driver may read
  /// that many bytes from the socket to their final place, and feed them from there.
  public var dataUnderWay: (stream: Int32, count: Int)? { failure == nil ? tracker.dataUnderWay : nil }

  /// Whether a frame's payload is under way.
  public var isMidFrame: Bool { tracker.payloadLeft > 0 }

  /// Whether a frame has begun and takes longer than the limit.
  public func isFrameOverdue(at now: MonotonicTime) -> Bool { frameProgress.isExceeded(at: now) }

  /// Hands over everything that happened since the last call. The closure may call every method but `receive`.
  public func forEachEvent(_ body: (SessionEvent) -> Void) {
    while !events.isEmpty {
      swap(&events, &spareEvents)
      for event in spareEvents { body(event) }
      spareEvents.removeAll(keepingCapacity: spareEvents.capacity <= 256)
    }
  }

  // MARK: Ends

  /// Ends the connection for a limit: GOAWAY with the code that fits it, and nothing more is read.
  public func fail(_ breach: Breach) {
    guard failure == nil else { return }
    events.append(.breach(breach))
    fail(breach.error, breach.code)
  }

  /// Ends the connection for a breach that a callback has noted.
  func failPending() -> Bool {
    guard let breach = pendingBreach else { return false }
    pendingBreach = nil
    fail(breach)
    return true
  }

  /// A stream was reset for what the peer sent on it.
  func countForcedReset() {
    if let breach = flood.forcedReset(at: now) { pendingBreach = breach }
  }

  /// A DATA frame went out.
  func countSentData() { flood.sentData() }

  private func fail(_ result: Int) {
    switch Int32(result) {
    case NGHTTP2_ERR_FLOODED.rawValue: fail(.pings)
    case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS.rawValue: fail(.continuations)
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue:
      fail(HTTP2Error(.connection(.protocolError), "the peer does not speak HTTP/2"), .protocolError)
    default:
      fail(
        HTTP2Error(
          .connection(.protocolError), "HTTP/2: \(String(cString: nghttp2_strerror(Int32(result))))"),
        .protocolError)
    }
  }

  private func fail(_ error: HTTP2Error, _ code: ErrorCode) {
    failure = error
    nghttp2_session_terminate_session(handle, code.rawValue)
  }

  /// nghttp2 has ended the connection for what the peer did.
  func ended(_ code: ErrorCode) {
    failure =
      failure ?? HTTP2Error(.connection(code), "the connection was ended for the peer's fault: \(code)")
  }

  func fatal(_ what: String) {
    failure = failure ?? HTTP2Error(.connection(.internalError), "HTTP/2: \(what)")
  }

  /// Whether both sides have said all they had to: nothing to read, nothing to write.
  public var isFinished: Bool {
    output.isEmpty && nghttp2_session_want_write(handle) == 0
      && (failure != nil || nghttp2_session_want_read(handle) == 0)
  }
}

/// What a session keeps for a stream.
final class SessionStream {
  let id: Int32
  @exclusivity(unchecked) var body = OutgoingBody()
  /// No more body comes after what is in `body`.
  var isFinished = false
  var trailers: HeaderList?
  var areTrailersSubmitted = false
  /// nghttp2 has asked for body, so the headers are out.
  var wasAsked = false
  /// nghttp2 asked for body when there was none, and waits for `resume`.
  var isDeferred = false
  /// The response headers are out (server), or the final ones are in (client).
  var hasHeaders = false
  /// Reset for its header list: nobody above hears of it.
  var isRefused = false
  /// Bytes handed to the layer above and not yet consumed.
  var unconsumed = 0
  /// Bytes moved to the output since the last `sent` event.
  var moved = 0

  init(id: Int32) { self.id = id }
}
