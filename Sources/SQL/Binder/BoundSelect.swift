// Queries with every name resolved.

import Arrow

public final class BoundSelect: Sendable {
  public let body: Body
  public let columns: [BoundResultColumn]
  /// Over the body's result: each term is a column of it, or (for a single core) an expression over the core's sources.
  public let orderBy: [BoundOrdering]
  public let limit: BoundExpression?
  public let offset: BoundExpression?
  /// How many queries outwards its references reach; 0 for one that stands by itself.
  public let outerDepth: Int
  /// Its number within the statement, where it stands in an expression; plans name it so.
  public let number: Int

  public enum Body: Sendable {
    case core(BoundCore)
    case values([[BoundExpression]])
    /// Evaluated from left to right. Rows are equal by the collations of the columns.
    case compound(first: BoundSelect, [Term])
    /// WITH RECURSIVE: `first` once, then `steps` for each row, which they read as the source `.recursive(number)`.
    case recursive(number: Int, first: BoundSelect, isDistinct: Bool, steps: [BoundSelect])
  }

  public struct Term: Sendable {
    public var `operator`: CompoundTerm.Operator
    public var select: BoundSelect
  }

  init(
    body: Body, columns: [BoundResultColumn], orderBy: [BoundOrdering] = [], limit: BoundExpression? = nil,
    offset: BoundExpression? = nil, outerDepth: Int, number: Int = 0
  ) {
    self.body = body
    self.columns = columns
    self.orderBy = orderBy
    self.limit = limit
    self.offset = offset
    self.outerDepth = outerDepth
    self.number = number
  }
}

/// A result column: its name and type as a client sees it, its affinity and collation as an outer query does.
public struct BoundResultColumn: Sendable {
  /// As `sqlite3_column_name` gives it.
  public var name: String
  public var type: StaticType
  public var affinity: Affinity?
  public var collation: Collation?
  /// The column of the table that the values come from unchanged, if there is one.
  public var origin: ColumnOrigin?
  /// The name that a query around this one knows the column by.
  var innerName: String
  /// The name that a view gives it: as the table spells it.
  var viewName = ""
  /// The terms of a compound differ in affinity: which one SQLite takes depends on its optimiser.
  var isAffinityUncertain = false
}

public struct ColumnOrigin: Hashable, Sendable {
  public var schema: String
  public var table: String
  public var column: String
}

/// One SELECT … FROM … of a query.
public final class BoundCore: Sendable {
  /// Those of FROM, then those of lookups.
  public let sources: [BoundSource]
  /// How the sources of FROM are joined; nil without FROM.
  public let join: BoundJoin?
  public let condition: BoundExpression?
  /// Whether rows are grouped: by GROUP BY, or all into one because there are aggregates.
  public let isAggregate: Bool
  public let groupBy: [BoundExpression]
  public let aggregates: [BoundAggregate]
  public let having: BoundExpression?
  /// Computed after grouping, over its rows.
  public let windowCalls: [BoundWindowCall]
  public let results: [BoundExpression]
  public let isDistinct: Bool
  /// Correlated subqueries that were taken out of the expressions (`BoundSelect.decorrelated`).
  public let lookups: [BoundLookup]

  init(
    sources: [BoundSource], join: BoundJoin?, condition: BoundExpression?, isAggregate: Bool,
    groupBy: [BoundExpression], aggregates: [BoundAggregate], having: BoundExpression?,
    windowCalls: [BoundWindowCall],
    results: [BoundExpression], isDistinct: Bool, lookups: [BoundLookup] = []
  ) {
    self.sources = sources
    self.join = join
    self.condition = condition
    self.isAggregate = isAggregate
    self.groupBy = groupBy
    self.aggregates = aggregates
    self.having = having
    self.windowCalls = windowCalls
    self.results = results
    self.isDistinct = isDistinct
    self.lookups = lookups
  }
}

public struct BoundSource: Sendable {
  public enum Kind: Sendable {
    case table(Relation)
    /// A subquery, a view or a common table. Common tables that are named twice are the same object.
    case select(BoundSelect)
    /// The rows of the recursive common table of that number.
    case recursive(Int)
    /// A table-valued function; its arguments may refer to sources on its left.
    case function(Relation, arguments: [BoundExpression])
  }
  public var kind: Kind
  /// Its alias, else its name.
  public var name: String
  /// For a table, one for each of the relation's columns, in its order.
  public var columns: [BoundResultColumn]
  var schema: String?
  var relation: Relation?
  /// Whether an outer join may fill it with NULL.
  var isNullable = false

  /// Whether a column is no part of `*`.
  func isHidden(_ column: Int) -> Bool { relation?.columns[column].isHidden ?? false }
}

public indirect enum BoundJoin: Sendable {
  case source(Int)
  /// `condition` decides which pairs match. USING and NATURAL are part of it.
  case join(Join.Kind, BoundJoin, BoundJoin, condition: BoundExpression?)
}

public struct BoundOrdering: Sendable {
  public enum Key: Sendable {
    /// A column of the result, from 0.
    case result(Int)
    case expression(BoundExpression)
  }
  public var key: Key
  public var collation: Collation
  public var isDescending: Bool
  /// NULL is the smallest value, unless the statement says otherwise.
  public var nullsFirst: Bool
}

public struct BoundAggregate: Sendable {
  /// Folded: `count`, `sum`, `total`, `avg`, `min`, `max`, `group_concat`, `json_group_array`, `json_group_object`. `count` without arguments
  /// counts rows.
  public var function: String
  public var arguments: [BoundExpression]
  public var isDistinct: Bool
  public var filter: BoundExpression?
  /// For min, max and DISTINCT.
  public var collation: Collation
  public var type: StaticType
}

public struct BoundWindowCall: Sendable {
  /// Folded. An aggregate, or one of the functions that only windows have.
  public var function: String
  public var arguments: [BoundExpression]
  public var filter: BoundExpression?
  public var collation: Collation
  public var partitionBy: [BoundExpression]
  public var orderBy: [BoundOrdering]
  public var frame: BoundFrame
  public var type: StaticType
}

/// A frame with SQLite's defaults filled in.
public struct BoundFrame: Sendable {
  public enum Bound: Sendable {
    case unboundedPreceding, currentRow, unboundedFollowing
    case preceding(BoundExpression)
    case following(BoundExpression)
  }
  public var unit: WindowFrame.Unit
  public var start: Bound
  public var end: Bound
  public var exclusion: WindowFrame.Exclusion
}

/// What a statement uses.
public struct Features: OptionSet, Hashable, Sendable {
  public var rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public static let aggregate = Features(rawValue: 1 << 0)
  public static let groupBy = Features(rawValue: 1 << 1)
  public static let window = Features(rawValue: 1 << 2)
  public static let distinct = Features(rawValue: 1 << 3)
  public static let compound = Features(rawValue: 1 << 4)
  public static let recursive = Features(rawValue: 1 << 5)
  public static let subquery = Features(rawValue: 1 << 6)
  public static let correlated = Features(rawValue: 1 << 7)
  public static let join = Features(rawValue: 1 << 8)
  public static let outerJoin = Features(rawValue: 1 << 9)
  /// Columns of a grouped query that are neither aggregated nor grouped by.
  public static let bareColumns = Features(rawValue: 1 << 10)
  public static let rowValues = Features(rawValue: 1 << 11)
  public static let rowid = Features(rawValue: 1 << 12)
  public static let tableFunction = Features(rawValue: 1 << 13)
  /// random(), the current time, changes() and the like.
  public static let volatile = Features(rawValue: 1 << 14)
  /// Functions that are not built into SQLite.
  public static let unknownFunction = Features(rawValue: 1 << 15)
  public static let view = Features(rawValue: 1 << 16)
  public static let commonTable = Features(rawValue: 1 << 17)
}

public struct BoundStatement: Sendable {
  public enum Kind: Sendable {
    case select(BoundSelect)
    /// INSERT, UPDATE or DELETE, with what RETURNING gives (empty without it).
    case change(Relation, returning: [BoundResultColumn])
    /// Anything else; its result, if any, is SQLite's to tell.
    case other
  }
  public var kind: Kind
  public var features: Features
  public var parameters: [Parameter]
}
