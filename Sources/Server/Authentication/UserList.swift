// Who may call: names with passwords, and tokens.

import Memory

/// The users of a server.
public struct UserList: Sendable {
  private(set) var users: [String: PasswordHash] = [:]
  private(set) var tokens: [String: String] = [:]

  public init() {}

  public var isEmpty: Bool { users.isEmpty && tokens.isEmpty }

  /// How many have a password.
  public var count: Int { users.count }

  /// What calls of theirs are said to be from.
  var names: Set<String> { Set(users.keys).union(tokens.values) }

  /// - Parameter text: `NAME:PASSWORD`.
  public mutating func add(user text: String) throws(DataError) {
    let (name, password) = try UserList.parts(text)
    users[name] = PasswordHash(of: password)
  }

  /// A token that somebody else gives out; whoever has it is the user `token`.
  public mutating func add(token: String) throws(DataError) {
    guard !token.isEmpty, token.allSatisfy({ $0.isASCII && !$0.isWhitespace }) else {
      throw DataError(.invalid, "a token is ASCII without spaces")
    }
    tokens[token] = "token"
  }

  /// Lines of `NAME:HASH` as `fletch password` prints them; empty ones and those with `#` are passed over.
  public mutating func add(file text: String, path: String) throws(DataError) {
    for (i, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      if line.first == "#" || line.allSatisfy(\.isWhitespace) { continue }
      do throws(DataError) {
        let (name, hash) = try UserList.parts(String(line))
        users[name] = try PasswordHash(hash)
      } catch {
        throw DataError(.invalid, "\(path):\(i + 1): \(error.message)")
      }
    }
  }

  private static func parts(_ text: String) throws(DataError) -> (name: String, rest: String) {
    guard let colon = text.firstIndex(of: ":"), colon != text.startIndex else {
      throw DataError(.invalid, "a user is NAME:PASSWORD")
    }
    return (String(text[..<colon]), String(text[text.index(after: colon)...]))
  }
}
