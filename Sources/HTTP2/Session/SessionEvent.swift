// What a session found in the bytes that it was fed.

/// One thing that the peer did, or that became of what we did. In the order in which it happened.
public enum SessionEvent {
  /// A request began (server), or the final response headers came (client; 1xx are dropped before).
  case headers(stream: Int32, HeaderList)
  /// Body bytes, pointing into what was fed: valid until the next `receive`. Whoever uses them up says so with
  /// `consume`, which is what lets the peer send more.
  case data(stream: Int32, UnsafeRawBufferPointer)
  case trailers(stream: Int32, HeaderList)
  /// The peer will send nothing more on this stream.
  case end(stream: Int32)
  /// So many bytes of a stream's body have moved to the output since the last such event.
  case sent(stream: Int32, bytes: Int)
  /// The stream is gone; nothing more comes of it. `noError` when both sides had ended it.
  case closed(stream: Int32, ErrorCode)
  /// The peer's SETTINGS came.
  case settings
  /// The peer has applied our SETTINGS.
  case settingsAcknowledged
  case pingAcknowledged(UInt64)
  /// The peer takes no new streams, and will not answer those above `lastStream`.
  case goAway(lastStream: Int32, ErrorCode, message: String)
  /// A limit was passed on one stream, which has been reset for it.
  case breach(Breach)
}
