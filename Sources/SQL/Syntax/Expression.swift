// The syntax tree of expressions.

/// A name as it stands in the text, without its quotes.
public struct Name: Hashable, Sendable {
  public enum Quoting: UInt8, Hashable, Sendable {
    case none
    /// `"x"`: SQLite takes it for a string where no column has that name.
    case double
    case bracket, backtick
    /// `'x'`, which SQLite takes for a name where it needs one.
    case single
  }

  public var text: String
  public var quoting: Quoting
  public var range: SourceRange
}

/// An expression: what it is, and which bytes of the text it takes up (without parentheses around it).
public final class Expression: Sendable {
  public let node: Node
  public let range: SourceRange
  /// The height of this tree, subqueries included; SQLite allows 1000.
  let height: Int

  init(_ node: Node, _ range: SourceRange, height: Int) {
    self.node = node
    self.range = range
    self.height = height
  }

  public enum Node: Sendable {
    case literal(Literal)
    case parameter(Parameter)
    /// A column, or a text literal if it is in double quotes and no column has the name.
    case column(schema: Name?, table: Name?, Name)
    case unary(UnaryOperator, Expression)
    case binary(BinaryOperator, Expression, Expression)
    case match(MatchOperator, negated: Bool, Expression, Expression, escape: Expression?)
    case between(Expression, negated: Bool, low: Expression, high: Expression)
    case isNull(Expression, negated: Bool)
    case inList(Expression, negated: Bool, [Expression])
    case inSelect(Expression, negated: Bool, Select)
    /// `x IN t`, and `x IN f(…)` of a table-valued function.
    case inTable(Expression, negated: Bool, schema: Name?, table: Name, arguments: [Expression]?)
    case exists(Select)
    case subquery(Select)
    /// `(a, b)`: two columns or more.
    case row([Expression])
    case cast(Expression, to: TypeName)
    case collate(Expression, Name)
    case call(FunctionCall)
    case conditional(operand: Expression?, whens: [When], otherwise: Expression?)
    case raise(RaiseAction, message: Name?)
  }
}

public enum Literal: Hashable, Sendable {
  case null
  case integer(Int64)
  case real(Double)
  case text(String)
  case blob([UInt8])
  /// `9223372036854775808`, which is an integer only behind a minus; else a real.
  case integerMagnitude
  case currentDate, currentTime, currentTimestamp
}

/// A parameter by the number that SQLite gives it, from 1.
public struct Parameter: Hashable, Sendable {
  public var number: Int
  /// With its sign, as in `:name`, `@name`, `$name` and `?7`; nil for a plain `?`.
  public var name: String?
}

public enum UnaryOperator: UInt8, Hashable, Sendable {
  case plus, negate, bitNot, not
}

public enum BinaryOperator: UInt8, Hashable, Sendable {
  case or, and
  /// `is` and `isNot` compare NULL like a value (IS NOT DISTINCT FROM, IS DISTINCT FROM).
  case equal, notEqual, `is`, isNot
  case less, lessOrEqual, greater, greaterOrEqual
  case bitAnd, bitOr, shiftLeft, shiftRight
  case add, subtract, multiply, divide, remainder
  case concatenate, arrow, doubleArrow

  public var isComparison: Bool {
    rawValue >= Self.equal.rawValue && rawValue <= Self.greaterOrEqual.rawValue
  }
}

public enum MatchOperator: UInt8, Hashable, Sendable {
  case like, glob, regexp, match
}

public enum RaiseAction: UInt8, Hashable, Sendable {
  case ignore, rollback, abort, fail
}

/// A declared type: its words, with the numbers in parentheses if there are any. Empty if none stands there.
public struct TypeName: Hashable, Sendable {
  public var text: String
  public var range: SourceRange
}

public struct When: Sendable {
  public var condition: Expression
  public var result: Expression
}

public struct FunctionCall: Sendable {
  public var name: Name
  public var isDistinct: Bool
  /// `count(*)`, and `f(*)`, which SQLite takes for `f()`.
  public var hasStar: Bool
  public var arguments: [Expression]
  public var filter: Expression?
  public var over: Over?

  public enum Over: Sendable {
    case window(WindowDefinition)
    case named(Name)
  }
}
