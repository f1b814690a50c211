// The one error of this floor: what a statement does wrong, and at which byte.

public struct SQLError: Error, Hashable, Sendable {
  public enum Code: Hashable, Sendable {
    /// The text is not SQL.
    case syntax
    /// SQL, but too deep, too wide or too long.
    case limit
    case noSuchTable, noSuchColumn, ambiguousColumn, noSuchWindow
    /// Names and numbers are in order, but SQLite refuses the statement (an aggregate in WHERE, unequal numbers of columns).
    case misuse
    /// SQLite may well run it; this front end does not model it. The value says what.
    case unsupported(String)
  }

  public var code: Code
  public var message: String
  /// The byte of the text that the message is about.
  public var offset: Int

  public init(_ code: Code, _ message: String, at offset: Int) {
    self.code = code
    self.message = message
    self.offset = offset
  }

  static func unsupported(_ what: String, at offset: Int) -> SQLError {
    SQLError(.unsupported(what), "not modelled here: \(what)", at: offset)
  }
}

extension SQLError: CustomStringConvertible {
  public var description: String { "\(message) (at byte \(offset))" }
}
