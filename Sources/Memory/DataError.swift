// The one error of the data floors: what is wrong, where in the bytes, and what the system said.

/// A fault of the data, of the system, or of a limit; never of Fletch itself (that is a precondition).
public struct DataError: Error, Sendable, Equatable {
  public enum Code: Sendable, Equatable {
    /// The bytes contradict their format or each other.
    case malformed
    /// The bytes are what they claim to be, but Fletch does not read that.
    case unsupported
    /// A stated limit (size, depth, memory) would be passed.
    case limit
    /// What the caller asked for makes no sense for this data.
    case invalid
    /// The operating system refused; the value is `errno`.
    case system(Int32)
  }

  public var code: Code
  public var message: String
  /// The byte of the input that the message is about, where there is one.
  public var offset: Int?

  public init(_ code: Code, _ message: String, offset: Int? = nil) {
    self.code = code
    self.message = message
    self.offset = offset
  }

  /// The same error, told from further out: `context: message`.
  public func within(_ context: String) -> DataError {
    DataError(code, "\(context): \(message)", offset: offset)
  }

  /// The same error, placed in a larger input that holds the smaller one at `base`.
  public func placed(at base: Int) -> DataError {
    DataError(code, message, offset: (offset ?? 0) + base)
  }
}

extension DataError: CustomStringConvertible {
  public var description: String {
    guard let offset else { return message }
    return "\(message) (at byte \(offset))"
  }
}
