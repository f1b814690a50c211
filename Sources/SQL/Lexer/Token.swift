// SQLite's tokens: every symbol, and every keyword of version 3.40.

/// What a token is. The keywords stand in four groups, because what may serve as a name depends on the group.
public enum TokenKind: UInt8, Sendable, CaseIterable {
  /// An identifier, plain or in `"…"`, `[…]` or `` `…` ``.
  case identifier
  /// Text in single quotes.
  case string
  case integer, real, blob, parameter
  case semicolon, leftParenthesis, rightParenthesis, comma, dot
  case plus, minus, star, slash, percent
  case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
  case ampersand, bar, tilde, shiftLeft, shiftRight, concatenate, arrow, doubleArrow
  /// What no token begins with, or one that is not finished.
  case illegal
  /// The end of the text.
  case endOfText

  // Keywords that are names wherever the grammar does not expect them as keywords.
  case abort, action, after, always, analyze, asc, attach, before, begin, by, cascade, cast, column,
    conflict, current, currentDate, currentTime, currentTimestamp, database, deferred, desc, detach,
    `do`, each, end, exclude, exclusive, explain, fail, filter, first, following, `for`, generated,
    glob, groups, `if`, ignore, immediate, initially, instead, key, last, like, match, materialized, no,
    nulls, of, offset, others, over, partition, plan, pragma, preceding, query, raise, range, recursive,
    regexp, reindex, release, rename, replace, restrict, rollback, row, rows, savepoint, temp,
    temporary, ties, trigger, unbounded, vacuum, view, virtual, window, with, without

  // Words of joins: names after AS, but never an alias by themselves.
  case cross, full, inner, left, natural, outer, right

  case indexed

  // Keywords that are never names.
  case add, all, alter, and, `as`, autoincrement, between, `case`, check, collate, commit, constraint,
    create, `default`, deferrable, delete, distinct, drop, `else`, escape, except, exists, foreign,
    from, group, having, `in`, index, insert, intersect, into, `is`, isnull, join, limit, not, nothing,
    notnull, null, on, or, order, primary, references, returning, select, set, table, then, to,
    transaction, union, unique, update, using, values, when, `where`
}

extension TokenKind {
  /// An identifier, or a keyword that may be one. (The lexer has made identifiers of those WINDOW, OVER and FILTER that are names.)
  var isIdentifier: Bool {
    if self == .identifier { return true }
    guard rawValue >= Self.abort.rawValue, rawValue < Self.cross.rawValue else { return false }
    return self != .window && self != .over && self != .filter
  }

  var isJoinWord: Bool { rawValue >= Self.cross.rawValue && rawValue <= Self.right.rawValue }

  /// SQLite's `nm`: an identifier, a string or a word of joins.
  var isName: Bool { isIdentifier || self == .string || isJoinWord || self == .indexed }

  /// SQLite's `ids`: what may be an alias without AS.
  var isAlias: Bool { isIdentifier || self == .string }

  public var isKeyword: Bool { rawValue >= Self.abort.rawValue }
}

/// A token and the bytes of the text that it takes up.
public struct Token: Hashable, Sendable {
  public var kind: TokenKind
  public var range: SourceRange
}
