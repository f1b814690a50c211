// The two codecs of the format, and what may be asked of them.

/// How the buffers of a body are compressed.
public enum Codec: Hashable, Sendable, CaseIterable, CustomStringConvertible {
  /// LZ4 frames.
  case lz4
  case zstd

  /// The value of CompressionType in Message.fbs.
  var identifier: Int8 { self == .lz4 ? 0 : 1 }

  public var description: String { self == .lz4 ? "lz4" : "zstd" }

  /// The levels that make sense: zstd's own, and LZ4's fast mode (1 and 2) and its thorough one (from 3 on).
  public var levels: ClosedRange<Int> { self == .lz4 ? 1...12 : 1...22 }

  /// What is used when nothing is asked for: the fastest.
  public var defaultLevel: Int { 1 }
}
