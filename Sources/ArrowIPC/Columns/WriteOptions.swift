// How columns are to be written.

/// Choices of a writer.
public struct WriteOptions: Sendable {
  /// How bodies are compressed; nil writes them as they are, so that they can be mapped.
  public var codec: Codec?
  /// The codec's level; nil takes its default.
  public var level: Int?
  /// What every buffer of a body begins at a multiple of: 64 by default, at least 8.
  public var alignment = 64
  /// How many threads compress the buffers of one batch.
  public var threads = 1
  /// Whether a dictionary that only grew is sent as what it grew by. Not every reader of streams knows that, so by default
  /// it is sent anew; in files, where a dictionary cannot be replaced, this holds always.
  public var sendsDictionaryDeltas = false

  public init(codec: Codec? = nil, level: Int? = nil) {
    self.codec = codec
    self.level = level
  }
}
