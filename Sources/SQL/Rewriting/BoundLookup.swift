// A correlated subquery as what it is to the rows around it: a query by itself, looked up for each of them.

/// A source beside those of FROM. It neither adds rows to a core's join nor repeats any: it decides which of them stay, or adds columns.
public struct BoundLookup: Sendable {
  public enum Kind: Sendable {
    /// Rows that have a partner stay.
    case present
    /// Rows that have none stay; with a `membership`, those of which it is not true, nor unknown, for any partner.
    case absent
    /// All rows stay, and the source's last column tells whether there is a partner: 1 or 0. With a `membership` it is the OR of that for
    /// all partners: 1, 0 or NULL.
    case mark
    /// All rows stay, with the columns of the first partner, or with NULLs.
    case first
  }
  public var kind: Kind
  /// Its number among the core's sources, behind those of FROM.
  public var source: Int
  /// What all must be true for a row of the source to be a partner.
  public var condition: [BoundExpression]
  /// The comparison of an IN that may be unknown.
  public var membership: BoundExpression?
  /// What partners of the rows around have in common with them: the source need not give any others.
  public var keys: [(outer: BoundExpression, marker: KeyMarker)]
}

/// Stands for the keys of rows that are only known while a query runs.
public final class KeyMarker: Sendable {
  init() {}
}
