// Expressions with every name resolved and every rule of comparison decided.

import Arrow

/// A bound expression, with what is known of its values. `affinity` and `collation` are already built into every comparison; they are here
/// for whoever puts the expression into another one.
public final class BoundExpression: Sendable {
  public let node: Node
  public let type: StaticType
  public let affinity: Affinity?
  /// nil where SQLite would look at the other operand.
  public let collation: Collation?
  /// Whether a COLLATE stands in it, which then wins over columns.
  public let hasExplicitCollation: Bool
  /// Where it stands in the text; in a view's own text for what a view brought in.
  public let range: SourceRange

  init(
    _ node: Node, _ type: StaticType, affinity: Affinity? = nil, collation: Collation? = nil,
    isExplicit: Bool = false,
    range: SourceRange
  ) {
    self.node = node
    self.type = type
    self.affinity = affinity
    self.collation = collation
    self.hasExplicitCollation = isExplicit
    self.range = range
  }

  /// The same for expressions that are the same.
  public var identity: String { PlanText.key(self) }

  public enum Node: Sendable {
    case literal(Value)
    /// From 1.
    case parameter(Int)
    case column(ColumnReference)
    case not(BoundExpression)
    case negate(BoundExpression)
    case bitNot(BoundExpression)
    /// The value of the operand, unchanged.
    case plus(BoundExpression)
    case and(BoundExpression, BoundExpression)
    case or(BoundExpression, BoundExpression)
    /// Arithmetic, bits, concatenation and the two arrows; never a comparison, AND or OR.
    case binary(BinaryOperator, BoundExpression, BoundExpression)
    case compare(BinaryOperator, BoundExpression, BoundExpression, Comparison)
    /// Row values of equal width, compared column by column.
    case compareRows(BinaryOperator, [BoundExpression], [BoundExpression], [Comparison])
    /// `low <= operand <= high`: one comparison with each.
    case between(
      BoundExpression, negated: Bool, low: BoundExpression, Comparison, high: BoundExpression, Comparison)
    case isNull(BoundExpression, negated: Bool)
    /// IS [NOT] TRUE or FALSE, which is never NULL.
    case truth(BoundExpression, value: Bool, negated: Bool)
    case inList(BoundExpression, negated: Bool, [BoundExpression], Comparison)
    /// As many operands as the query has columns.
    case inSelect([BoundExpression], negated: Bool, BoundSelect, [Comparison])
    case match(MatchOperator, negated: Bool, BoundExpression, BoundExpression, escape: BoundExpression?)
    case exists(BoundSelect)
    /// The first row's only column; NULL if there is no row.
    case scalar(BoundSelect)
    /// To an affinity, as CAST does it.
    case cast(BoundExpression, Affinity)
    /// The function's name is folded. `collation` is that of min(), max() and nullif().
    case call(String, [BoundExpression], collation: Collation)
    /// The conditions are comparisons with the operand already, if CASE had one.
    case conditional([(condition: BoundExpression, result: BoundExpression)], otherwise: BoundExpression?)
    /// Whether a lookup has use for a row with this key. Who does not know the marker's keys takes it for true.
    case isAmong(BoundExpression, KeyMarker)
    /// An entry of the core's `aggregates`.
    case aggregate(Int)
    /// An entry of the core's `groupBy`.
    case groupKey(Int)
    /// An entry of the core's `windowCalls`.
    case window(Int)
  }
}

public enum Value: Hashable, Sendable {
  case null
  case integer(Int64)
  case real(Double)
  case text(String)
  case blob([UInt8])

  var type: StaticType {
    switch self {
    case .null: StaticType(.null)
    case .integer: StaticType(.integer)
    // A literal that is too large is infinite; it is never NaN.
    case .real: StaticType(.real)
    case .text: StaticType(.text)
    case .blob: StaticType(.blob)
    }
  }
}

/// How two values are compared.
public struct Comparison: Hashable, Sendable {
  public var affinity: ComparisonAffinity
  public var collation: Collation
}

/// A column of a source.
public struct ColumnReference: Hashable, Sendable {
  /// 0 for a source of the same core, 1 for one of the query around it, and so on. A query in FROM stands at the depth of the core
  /// whose FROM it is: it does not see its neighbours.
  public var depth: Int
  public var source: Int
  /// The index in the source's columns; `rowid` for the row id of a table that has no column for it.
  public var column: Int

  public static let rowid = -1
}
