// The enumerations and sets that values of SqlInfo are of. Members keep the specification's numbers.

/// Whether the actions for transactions and savepoints are served.
public enum SqlSupportedTransaction: Int32, SqlInfoConvertible {
  case none = 0
  case transaction = 1
  case savepoint = 2
}

public enum SqlSupportedCaseSensitivity: Int32, SqlInfoConvertible {
  case unknown = 0
  case caseInsensitive = 1
  /// Names are kept in upper case.
  case uppercase = 2
  /// Names are kept in lower case.
  case lowercase = 3
}

public enum SqlNullOrdering: Int32, SqlInfoConvertible {
  case sortedHigh = 0
  case sortedLow = 1
  case sortedAtStart = 2
  case sortedAtEnd = 3
}

public enum SqlOuterJoinsSupportLevel: Int32, SqlInfoConvertible {
  case unsupported = 0
  case limited = 1
  case full = 2
}

public enum SqlTransactionIsolationLevel: Int32, SqlInfoConvertible {
  case none = 0
  case readUncommitted = 1
  case readCommitted = 2
  case repeatableRead = 3
  case serializable = 4
}

public struct SqlTransactionIsolationLevels: SqlInfoSet {
  public let rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }

  public static let none = Self(rawValue: 1 << 0)
  public static let readUncommitted = Self(rawValue: 1 << 1)
  public static let readCommitted = Self(rawValue: 1 << 2)
  public static let repeatableRead = Self(rawValue: 1 << 3)
  public static let serializable = Self(rawValue: 1 << 4)
}

public struct SupportedSqlGrammar: SqlInfoSet {
  public let rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }

  public static let minimum = Self(rawValue: 1 << 0)
  public static let core = Self(rawValue: 1 << 1)
  public static let extended = Self(rawValue: 1 << 2)
}

public struct SupportedAnsi92SqlGrammarLevel: SqlInfoSet {
  public let rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }

  public static let entry = Self(rawValue: 1 << 0)
  public static let intermediate = Self(rawValue: 1 << 1)
  public static let full = Self(rawValue: 1 << 2)
}

public struct SqlSupportedGroupBy: SqlInfoSet {
  public let rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }

  public static let unrelated = Self(rawValue: 1 << 0)
  public static let beyondSelect = Self(rawValue: 1 << 1)
}

public struct SqlSupportedElementActions: SqlInfoSet {
  public let rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }

  public static let procedureCalls = Self(rawValue: 1 << 0)
  public static let indexDefinitions = Self(rawValue: 1 << 1)
  public static let privilegeDefinitions = Self(rawValue: 1 << 2)
}

public struct SqlSupportedPositionedCommands: SqlInfoSet {
  public let rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }

  public static let delete = Self(rawValue: 1 << 0)
  public static let update = Self(rawValue: 1 << 1)
}

public struct SqlSupportedSubqueries: SqlInfoSet {
  public let rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }

  public static let comparisons = Self(rawValue: 1 << 0)
  public static let exists = Self(rawValue: 1 << 1)
  public static let ins = Self(rawValue: 1 << 2)
  public static let quantifieds = Self(rawValue: 1 << 3)
}

public struct SqlSupportedUnions: SqlInfoSet {
  public let rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }

  public static let union = Self(rawValue: 1 << 0)
  public static let unionAll = Self(rawValue: 1 << 1)
}

public struct SqlSupportedResultSetType: SqlInfoSet {
  public let rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }

  public static let unspecified = Self(rawValue: 1 << 0)
  public static let forwardOnly = Self(rawValue: 1 << 1)
  public static let scrollInsensitive = Self(rawValue: 1 << 2)
  public static let scrollSensitive = Self(rawValue: 1 << 3)
}

public struct SqlSupportedResultSetConcurrency: SqlInfoSet {
  public let rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }

  public static let unspecified = Self(rawValue: 1 << 0)
  public static let readOnly = Self(rawValue: 1 << 1)
  public static let updatable = Self(rawValue: 1 << 2)
}

/// Which types can be converted to which.
public struct SqlSupportsConvert: SqlInfoConvertible, Hashable {
  public enum Kind: Int32, Hashable, Sendable {
    case bigint = 0
    case binary = 1
    case bit = 2
    case char = 3
    case date = 4
    case decimal = 5
    case float = 6
    case integer = 7
    case intervalDayTime = 8
    case intervalYearMonth = 9
    case longVarbinary = 10
    case longVarchar = 11
    case numeric = 12
    case real = 13
    case smallint = 14
    case time = 15
    case timestamp = 16
    case tinyint = 17
    case varbinary = 18
    case varchar = 19
  }

  public var targets: [Kind: [Kind]]

  public init(_ targets: [Kind: [Kind]]) { self.targets = targets }

  /// Types that the specification does not know are passed over.
  public init?(_ value: SqlInfoValue) {
    guard case .lists(let lists) = value else { return nil }
    targets = [:]
    for (from, to) in lists {
      if let kind = Kind(rawValue: from) { targets[kind] = to.compactMap(Kind.init(rawValue:)) }
    }
  }

  public var sqlInfoValue: SqlInfoValue {
    .lists(
      Dictionary(uniqueKeysWithValues: targets.map { ($0.key.rawValue, $0.value.map(\.rawValue)) }))
  }
}
