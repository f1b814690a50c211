// What a session tells its peer about itself, and how it uses what the peer allows.

/// Sizes in bytes.
public struct SessionOptions: Sendable {
  public enum Role: Sendable { case client, server }

  /// How much of a stream's body the peer may send before we consume (SETTINGS_INITIAL_WINDOW_SIZE).
  public var streamWindow = 8 << 20
  /// The same for all streams of a connection together.
  public var connectionWindow = 32 << 20
  /// The largest frame that we take (SETTINGS_MAX_FRAME_SIZE, 16384 to 16777215).
  public var maxFrameSize = 1 << 20
  /// The largest DATA frame that we send, if the peer takes it. Beyond this a larger frame saves nothing
  /// (nine bytes in 256 KiB), and other streams wait behind it.
  public var maxSendFrameSize = 256 << 10
  public var limits = ConnectionLimits()

  public init() {}
}
