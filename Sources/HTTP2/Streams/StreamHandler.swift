// What a layer above implements: who takes a server's requests, and who hears what comes on a stream.

/// Takes the requests of a server.
public protocol RequestHandler: Sendable {
  /// A request's headers have come. Called on the loop's thread, so it must not block: hand work that does to threads
  /// of its own, and let those use `stream`, which is safe from anywhere.
  /// - Returns: who hears the rest.
  func handle(_ request: HeaderList, on stream: HTTP2Stream) -> any StreamHandler
}

/// Hears what the peer sends on one stream, on the loop's thread and in order:
///
///     headers?  received*  ended?  …  closed
///
/// `headers` comes on the client only (a server's handler is made from them). `closed` is always the last call and
/// comes exactly once; the handler is released after it. None may block.
public protocol StreamHandler: AnyObject {
  /// The response headers (client).
  func headers(_ headers: HeaderList)

  /// Where the next body bytes should go: asked when a DATA frame is under way, so that they can be read from the
  /// socket straight into the message that they belong to. The memory must stay in place until the next `received` or
  /// `closed`; not all of it need be filled. nil, or no room, and the bytes come in memory of the loop's.
  func destination(upTo count: Int) -> UnsafeMutableRawBufferPointer?

  /// Body bytes, valid during the call.
  ///
  /// The peer may send no more than the stream's window until the bytes are declared used by `HTTP2Stream.consume`, here
  /// or later, from any thread.
  /// - Parameter isInPlace: they lie at the start of what `destination` gave last.
  func received(_ bytes: RawSpan, isInPlace: Bool)

  /// The peer will send nothing more. Trailers are empty when there were none.
  func ended(trailers: HeaderList)

  /// The queue of bytes to send, which was full, has room again.
  func writable()

  /// The stream is gone. nil: both sides had ended it, or the server had answered in full.
  func closed(_ error: HTTP2Error?)
}

extension StreamHandler {
  public func headers(_ headers: HeaderList) {}
  public func destination(upTo count: Int) -> UnsafeMutableRawBufferPointer? { nil }
  public func ended(trailers: HeaderList) {}
  public func writable() {}
}
