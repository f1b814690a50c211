// The syntax tree of SELECT.

/// A whole query: WITH, one core or several in a compound, ORDER BY, LIMIT.
public final class Select: Sendable {
  public let with: With?
  public let first: SelectCore
  public let rest: [CompoundTerm]
  public let orderBy: [OrderingTerm]
  public let limit: Expression?
  public let offset: Expression?
  public let range: SourceRange
  let height: Int

  init(
    with: With?, first: SelectCore, rest: [CompoundTerm], orderBy: [OrderingTerm], limit: Expression?,
    offset: Expression?, range: SourceRange, height: Int
  ) {
    self.with = with
    self.first = first
    self.rest = rest
    self.orderBy = orderBy
    self.limit = limit
    self.offset = offset
    self.range = range
    self.height = height
  }
}

public struct CompoundTerm: Sendable {
  public enum Operator: UInt8, Hashable, Sendable { case union, unionAll, except, intersect }
  public var `operator`: Operator
  public var core: SelectCore
}

public struct With: Sendable {
  public var isRecursive: Bool
  public var tables: [CommonTable]
}

public struct CommonTable: Sendable {
  public enum Materialization: UInt8, Hashable, Sendable { case either, materialized, notMaterialized }
  public var name: Name
  public var columns: [Name]
  public var materialization: Materialization
  public var select: Select
}

public enum SelectCore: Sendable {
  case select(SelectBody)
  case values([[Expression]], range: SourceRange)

  public var range: SourceRange {
    switch self {
    case .select(let body): body.range
    case .values(_, let range): range
    }
  }
}

public struct SelectBody: Sendable {
  public var isDistinct = false
  public var columns: [ResultColumn] = []
  public var from: [FromTerm] = []
  public var `where`: Expression?
  public var groupBy: [Expression] = []
  public var having: Expression?
  public var windows: [NamedWindow] = []
  public var range: SourceRange
}

public enum ResultColumn: Sendable {
  /// `source` is the text that SQLite names the column by when there is nothing better: up to the next token, without spaces at its end.
  case expression(Expression, alias: Name?, source: SourceRange)
  case star(SourceRange)
  case tableStar(Name)
}

/// One term of FROM, and how it joins what stands before it.
public struct FromTerm: Sendable {
  public enum Source: Sendable {
    case table(schema: Name?, Name, indexing: Indexing?)
    case function(schema: Name?, Name, arguments: [Expression])
    case select(Select)
    /// A join in parentheses.
    case nested([FromTerm])
  }
  public enum Constraint: Sendable {
    case on(Expression)
    case using([Name])
  }

  public var join: Join
  public var source: Source
  public var alias: Name?
  public var constraint: Constraint?
  public var range: SourceRange
}

public enum Indexing: Sendable {
  case by(Name)
  case notIndexed
}

public struct Join: Hashable, Sendable {
  /// `comma` and `cross` are inner joins; SQLite does not reorder `cross`. The first term of FROM has `comma`.
  public enum Kind: UInt8, Hashable, Sendable { case comma, inner, cross, left, right, full }
  public var kind: Kind
  public var isNatural: Bool
}

public struct OrderingTerm: Sendable {
  public enum Nulls: UInt8, Hashable, Sendable { case first, last }
  public var expression: Expression
  /// nil if neither ASC nor DESC is written.
  public var isDescending: Bool?
  public var nulls: Nulls?
}

public struct NamedWindow: Sendable {
  public var name: Name
  public var definition: WindowDefinition
}

public struct WindowDefinition: Sendable {
  /// The window that this one extends.
  public var base: Name?
  public var partitionBy: [Expression]
  public var orderBy: [OrderingTerm]
  public var frame: WindowFrame?
  public var range: SourceRange
}

public struct WindowFrame: Sendable {
  public enum Unit: UInt8, Hashable, Sendable { case rows, range, groups }
  public enum Bound: Sendable {
    case unboundedPreceding, currentRow, unboundedFollowing
    case preceding(Expression)
    case following(Expression)
  }
  public enum Exclusion: UInt8, Hashable, Sendable { case noOthers, currentRow, group, ties }

  public var unit: Unit
  public var start: Bound
  public var end: Bound
  public var exclusion: Exclusion
}
