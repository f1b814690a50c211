// Where in the text of a statement something stands.

/// A range of bytes of the SQL text.
public struct SourceRange: Hashable, Sendable {
  public var start: UInt32
  public var end: UInt32

  init(_ start: Int, _ end: Int) {
    self.start = UInt32(start)
    self.end = UInt32(end)
  }

  public var offset: Int { Int(start) }
  public var count: Int { Int(end - start) }

  /// From the beginning of this range to the end of the other.
  func through(_ other: SourceRange) -> SourceRange {
    var result = self
    result.end = max(end, other.end)
    return result
  }
}
