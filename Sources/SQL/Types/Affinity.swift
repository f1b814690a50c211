// SQLite's affinities: what a column would like its values to be.

/// An affinity that an expression has. Most expressions have none (nil), which is not the same as `blob`.
public enum Affinity: UInt8, Hashable, Sendable {
  case blob, text, numeric, integer, real

  public var isNumeric: Bool { rawValue >= Self.numeric.rawValue }

  /// The affinity of a declared type, by https://sqlite.org/datatype3.html#determination_of_column_affinity. An empty type in CAST is
  /// NUMERIC; a column without a type is BLOB.
  public static func declared(_ type: String, emptyIs empty: Affinity = .blob) -> Affinity {
    let bytes = type.utf8.map(\.asciiLowercased)
    if bytes.isEmpty { return empty }
    func contains(_ word: StaticString) -> Bool {
      let count = word.utf8CodeUnitCount
      guard bytes.count >= count else { return false }
      // SAFETY: a StaticString lives as long as the program, and `offset` stays below its count.
      return (0...(bytes.count - count)).contains { start in
        (0..<count).allSatisfy { offset in bytes[start + offset] == word.utf8Start[offset] }
      }
    }
    if contains("int") { return .integer }
    if contains("char") || contains("clob") || contains("text") { return .text }
    if contains("blob") { return .blob }
    if contains("real") || contains("floa") || contains("doub") { return .real }
    return .numeric
  }
}

/// What a comparison does to its operands before it compares them.
public enum ComparisonAffinity: UInt8, Hashable, Sendable {
  /// Nothing.
  case none
  /// Numbers become text where the other operand is text.
  case text
  /// Text that looks like a number becomes one.
  case numeric

  /// Of two operands, by https://sqlite.org/datatype3.html#type_conversions_prior_to_comparison
  static func of(_ left: Affinity?, _ right: Affinity?) -> ComparisonAffinity {
    if let left, let right { return left.isNumeric || right.isNumeric ? .numeric : .none }
    guard let only = left ?? right else { return .none }
    return of(only)
  }

  static func of(_ only: Affinity) -> ComparisonAffinity {
    only.isNumeric ? .numeric : only == .text ? .text : .none
  }
}

/// How text is compared.
public enum Collation: Hashable, Sendable {
  case binary, nocase, rtrim
  /// One that the program registered with SQLite.
  case custom(String)

  public init(_ name: String) {
    switch name.sqlFolded {
    case "binary": self = .binary
    case "nocase": self = .nocase
    case "rtrim": self = .rtrim
    default: self = .custom(name)
    }
  }
}

extension String {
  /// ASCII letters in lower case: names that are equal to SQLite are equal then.
  public var sqlFolded: String {
    guard utf8.contains(where: { $0 >= 65 && $0 <= 90 }) else { return self }
    return String(decoding: utf8.map(\.asciiLowercased), as: UTF8.self)
  }
}
