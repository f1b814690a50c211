// A text of several statements, read one after the other.

/// Reads the statements of a text in turn. A fault in a later one shows only when it is its turn, as in SQLite.
public struct StatementReader {
  private var parser: Parser

  /// Cuts the whole text into tokens. The text may be 4 GiB at most.
  public init(_ text: String) {
    parser = Parser(Array(text.utf8))
  }

  /// The next statement; nil when only spaces, comments and semicolons are left.
  public mutating func next() throws(SQLError) -> Statement? { try parser.statement() }

  /// The byte behind the statement that was read last, its semicolon included.
  public var offset: Int {
    parser.kind == .semicolon ? Int(parser.token.range.end) : parser.token.range.offset
  }

  /// Every statement of a text.
  public static func all(_ text: String) throws(SQLError) -> [Statement] {
    var reader = StatementReader(text)
    var statements: [Statement] = []
    while let statement = try reader.next() { statements.append(statement) }
    return statements
  }
}

extension StatementReader {
  /// How much of a statement a text that is being typed is.
  public enum Completeness: Sendable { case empty, partial, complete }

  /// A text is complete when its last token is a semicolon that ends a statement, rather than one inside of a trigger.
  public static func completeness(of text: String) -> Completeness {
    var reader = StatementReader(text)
    let tokens = reader.parser.tokens
    if tokens.count <= 1 { return .empty }
    guard tokens[tokens.count - 2].kind == .semicolon else { return .partial }
    do throws(SQLError) {
      while try reader.next() != nil {}
    } catch {
      return error.code == .syntax && error.offset >= tokens[tokens.count - 1].range.offset
        ? .partial : .complete
    }
    return .complete
  }
}

extension Statement {
  /// The only statement of a text; nil if there is none (spaces and comments only). A second one is an error.
  public init?(_ text: String) throws(SQLError) {
    var reader = StatementReader(text)
    guard let first = try reader.next() else { return nil }
    let offset = reader.offset
    if try reader.next() != nil {
      throw SQLError(.misuse, "the text has more than one statement", at: offset)
    }
    self = first
  }
}
