// What a server says of itself: values by code, with a type for each code of the specification.

import Memory

/// A value of the union that GetSqlInfo's result has.
public enum SqlInfoValue: Hashable, Sendable {
  case string(String)
  case bool(Bool)
  case int64(Int64)
  /// A number of an enumeration, or a set of such numbers as bits.
  case int32(Int32)
  case strings([String])
  case lists([Int32: [Int32]])
}

/// What can be the value of a code.
public protocol SqlInfoConvertible: Sendable {
  init?(_ value: SqlInfoValue)

  var sqlInfoValue: SqlInfoValue { get }
}

/// A code together with the type of its value: `info[.serverName] = "Fletch"`.
public struct SqlInfoKey<Value: SqlInfoConvertible>: Hashable, Sendable {
  public let code: UInt32
  /// As the specification has it: `FLIGHT_SQL_SERVER_NAME`.
  public let name: String

  /// - Parameter code: codes of one's own begin at 10,000.
  public init(_ code: UInt32, _ name: String) {
    self.code = code
    self.name = name
  }
}

/// Values by code.
public struct SqlInfo: Hashable, Sendable {
  public var values: [UInt32: SqlInfoValue]

  public init(_ values: [UInt32: SqlInfoValue] = [:]) { self.values = values }

  /// Nil where there is no value, or one of another type.
  public subscript<Value: SqlInfoConvertible>(key: SqlInfoKey<Value>) -> Value? {
    get { values[key.code].flatMap { Value($0) } }
    set { values[key.code] = newValue?.sqlInfoValue }
  }

  /// The values of some codes, those that there are; of all when no code is named.
  public func selecting(_ codes: [UInt32]) -> SqlInfo {
    guard !codes.isEmpty else { return self }
    let wanted = Set(codes)
    return SqlInfo(values.filter { wanted.contains($0.key) })
  }
}

extension String: SqlInfoConvertible {
  public init?(_ value: SqlInfoValue) {
    guard case .string(let text) = value else { return nil }
    self = text
  }

  public var sqlInfoValue: SqlInfoValue { .string(self) }
}

extension Bool: SqlInfoConvertible {
  public init?(_ value: SqlInfoValue) {
    guard case .bool(let truth) = value else { return nil }
    self = truth
  }

  public var sqlInfoValue: SqlInfoValue { .bool(self) }
}

extension Int64: SqlInfoConvertible {
  public init?(_ value: SqlInfoValue) {
    guard case .int64(let number) = value else { return nil }
    self = number
  }

  public var sqlInfoValue: SqlInfoValue { .int64(self) }
}

extension Int32: SqlInfoConvertible {
  /// Some servers send enumerations as 64-bit numbers.
  public init?(_ value: SqlInfoValue) {
    switch value {
    case .int32(let number): self = number
    case .int64(let number):
      guard let number = Int32(exactly: number) else { return nil }
      self = number
    default: return nil
    }
  }

  public var sqlInfoValue: SqlInfoValue { .int32(self) }
}

extension [String]: SqlInfoConvertible {
  public init?(_ value: SqlInfoValue) {
    guard case .strings(let texts) = value else { return nil }
    self = texts
  }

  public var sqlInfoValue: SqlInfoValue { .strings(self) }
}

/// Enumerations travel as their number.
extension SqlInfoConvertible where Self: RawRepresentable<Int32> {
  public init?(_ value: SqlInfoValue) {
    guard let number = Int32(value) else { return nil }
    self.init(rawValue: number)
  }

  public var sqlInfoValue: SqlInfoValue { .int32(rawValue) }
}

/// A set of an enumeration's members. It travels as bits: the member of number n is bit n.
public protocol SqlInfoSet: OptionSet, SqlInfoConvertible where RawValue == Int32 {}

extension SqlInfoSet {
  public init?(_ value: SqlInfoValue) {
    guard let bits = Int32(value) else { return nil }
    self.init(rawValue: bits)
  }
}
