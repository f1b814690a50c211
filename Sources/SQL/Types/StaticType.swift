// What is known of an expression's values before any row is read.

import Arrow

/// A set of SQLite's storage classes.
public struct StorageClasses: OptionSet, Hashable, Sendable {
  public var rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let null = StorageClasses(rawValue: 1)
  public static let integer = StorageClasses(rawValue: 2)
  public static let real = StorageClasses(rawValue: 4)
  public static let text = StorageClasses(rawValue: 8)
  public static let blob = StorageClasses(rawValue: 16)
  public static let any: StorageClasses = [.null, .integer, .real, .text, .blob]
  public static let numeric: StorageClasses = [.integer, .real]

  public var withoutNull: StorageClasses { subtracting(.null) }
}

extension StorageClasses: CustomStringConvertible {
  public var description: String {
    if self == .any { return "any" }
    let names: [(StorageClasses, String)] = [
      (.null, "null"), (.integer, "integer"), (.real, "real"), (.text, "text"), (.blob, "blob"),
    ]
    return names.filter { contains($0.0) }.map(\.1).joined(separator: "|")
  }
}

public struct StaticType: Hashable, Sendable {
  /// Every storage class that a value can have.
  public var classes: StorageClasses
  /// The Arrow field of the column whose values these are, unchanged; nil where they are computed.
  public var field: Field?
  /// The declared type of that column, which its values may still contradict.
  public var declared: String?
  /// `real` is among the classes only because a sum, difference, product or negation of integers beyond 64 bits is a real.
  public var isRealByOverflow = false

  public init(_ classes: StorageClasses, field: Field? = nil, declared: String? = nil) {
    self.classes = classes
    self.field = field
    self.declared = declared
  }

  public static let any = StaticType(.any)
  static let null = StaticType(.null)

  /// The type of a value that is one or the other.
  func union(_ other: StaticType) -> StaticType {
    if classes == .null { return other.nullable }
    if other.classes == .null { return nullable }
    var result = StaticType(classes.union(other.classes))
    if let field, let otherField = other.field, field.type == otherField.type,
      field.metadata == otherField.metadata
    {
      result.field = field
      result.field?.isNullable = field.isNullable || otherField.isNullable
    }
    if let declared, declared == other.declared { result.declared = declared }
    let canBeReal = [self, other].filter { $0.classes.contains(.real) }
    result.isRealByOverflow = !canBeReal.isEmpty && canBeReal.allSatisfy(\.isRealByOverflow)
    return result
  }

  var nullable: StaticType {
    var result = self
    result.classes.insert(.null)
    result.field?.isNullable = true
    return result
  }

  var notNull: StaticType {
    var result = self
    result.classes.remove(.null)
    return result
  }
}

/// The Arrow type of a result column; nil where only the rows can tell.
///
/// Integer arithmetic is int64: a value that overflowed to a real does not fit and is the engine's to widen or refuse.
public func resultField(for type: StaticType) -> DataType? {
  if let field = type.field { return field.type }
  var classes = type.classes.withoutNull
  if type.isRealByOverflow, classes.contains(.integer) { classes.remove(.real) }
  switch classes {
  case .integer: return .int64
  case .real, .numeric: return .float64
  case .text: return .utf8
  case .blob: return .binary
  default: return nil
  }
}
