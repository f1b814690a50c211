// Passwords as they are kept: salted and hashed so that trying many costs much (PBKDF2, RFC 8018).

import COpenSSL
import Memory

/// What is known of a password: `pbkdf2-sha256$ITERATIONS$SALT$HASH`, in hexadecimal.
public struct PasswordHash: Sendable, Equatable, CustomStringConvertible {
  private let iterations: Int
  private let salt: [UInt8]
  private let hash: [UInt8]

  private static let scheme = "pbkdf2-sha256"
  private static let standardIterations = 200_000

  /// Hashes a password, with a salt of its own.
  public init(of password: String) {
    var random = SystemRandomNumberGenerator()
    let salt = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    self.init(of: password, salt: salt, iterations: PasswordHash.standardIterations)
  }

  init(of password: String, salt: [UInt8], iterations: Int) {
    self.salt = salt
    self.iterations = iterations
    hash = PasswordHash.derive(password, salt, iterations)
  }

  /// - Throws: `.invalid` for a text that `description` did not write.
  public init(_ text: String) throws(DataError) {
    let parts = text.split(separator: "$", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 4, parts[0] == PasswordHash.scheme, let iterations = Int(parts[1]),
      (1...10_000_000).contains(iterations), let salt = PasswordHash.bytes(parts[2]),
      let hash = PasswordHash.bytes(parts[3]), hash.count == 32
    else { throw DataError(.invalid, "no password hash of 'fletch password'") }
    self.iterations = iterations
    self.salt = salt
    self.hash = hash
  }

  public var description: String {
    "\(PasswordHash.scheme)$\(iterations)$\(PasswordHash.text(salt))$\(PasswordHash.text(hash))"
  }

  /// Whether this is the password; takes as long when it is not.
  public func matches(_ password: String) -> Bool {
    let other = PasswordHash.derive(password, salt, iterations)
    // SAFETY: both have 32 bytes.
    return CRYPTO_memcmp(other, hash, 32) == 0
  }

  private static func derive(_ password: String, _ salt: [UInt8], _ iterations: Int) -> [UInt8] {
    var password = password
    var out = [UInt8](repeating: 0, count: 32)
    let result = password.withUTF8 { bytes in
      // SAFETY: every pointer comes with its length, and OpenSSL keeps none.
      bytes.withMemoryRebound(to: CChar.self) { characters in
        PKCS5_PBKDF2_HMAC(
          characters.baseAddress, Int32(characters.count), salt, Int32(salt.count), Int32(iterations),
          EVP_sha256(),
          Int32(out.count), &out)
      }
    }
    precondition(result == 1, "OpenSSL has no SHA-256")
    return out
  }

  private static func text(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  private static func bytes(_ text: String) -> [UInt8]? {
    let digits = text.compactMap(\.hexDigitValue)
    guard digits.count == text.count, digits.count.isMultiple(of: 2) else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
  }
}
