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
