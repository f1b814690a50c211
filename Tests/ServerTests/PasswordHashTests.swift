// Passwords as they are kept: the standard's own values, and texts that are no hashes.

import Memory
import Testing

@testable import Server

@Suite struct PasswordHashTests {
  /// PBKDF2-HMAC-SHA-256 of `password` and `salt`, 1 and 4096 iterations, as RFC 7914, section 11, and Python's hashlib have them.
  @Test(arguments: [
    (1, "120fb6cffcf8b32c43e7225256c4f837a86548c92ccc35480805987cb70be17b"),
    (4096, "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a"),
  ])
  func hashesAreTheStandards(_ iterations: Int, _ hash: String) throws {
    let made = PasswordHash(of: "password", salt: Array("salt".utf8), iterations: iterations)
    #expect("\(made)" == "pbkdf2-sha256$\(iterations)$73616c74$\(hash)")
    #expect(try PasswordHash("\(made)") == made)
    #expect(made.matches("password"))
    #expect(!made.matches("Password"))
  }

  @Test func saltsDiffer() {
    let (a, b) = (PasswordHash(of: "x"), PasswordHash(of: "x"))
    #expect(a != b)
    #expect(a.matches("x") && b.matches("x"))
  }

  @Test(arguments: ["", "x", "pbkdf2-sha256$0$00$00", "pbkdf2-sha256$1$0g$00", "md5$1$00$00"])
  func whatIsNoHashIsRefused(_ text: String) {
    #expect(throws: DataError.self) { try PasswordHash(text) }
  }

  @Test func aFileNamesItsWrongLine() {
    var users = UserList()
    #expect(throws: DataError(.invalid, "u:3: a user is NAME:PASSWORD")) {
      try users.add(file: "# a\n\nann\n", path: "u")
    }
  }
}
