// What a SELECT becomes: a source, conditions, and what is made of the rows.

import Arrow
import SQL

/// A column of a result.
struct OutputColumn: Sendable {
  var expression: BoundExpression
  var field: Field
}

struct OrderKey: Sendable {
  enum Value: Sendable {
    case result(Int)
    case expression(BoundExpression)
  }
  var value: Value
  var isDescending: Bool
  var nullsFirst: Bool
  /// Of texts.
  var collation = Collation.binary
}

extension BoundExpression {
  /// The collation of its values among themselves: only texts have one.
  var comparedBy: Collation { type.classes.contains(.text) ? collation ?? .binary : .binary }
}

/// A query that runs on columns.
final class SelectPlan: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): `isReadFirst` is set by the planner that made it, before anybody else has it.
  indirect enum Body: Sendable {
    case core(CorePlan)
    /// Terms from left to right; all have the same types.
    case compound(SelectPlan, [(operation: CompoundTerm.Operator, plan: SelectPlan)])
  }
  let body: Body
  let schema: Schema
  let ordering: [OrderKey]
  let limit: BoundExpression?
  let offset: BoundExpression?
  /// All rows are read before the first is handed out: it may be left to SQLite while it runs, which may have the rows in another order.
  var isReadFirst = false

  /// Whether batches come before all rows have been read.
  var isStreaming: Bool {
    guard case .core(let core) = body else { return false }
    return core.grouping == nil && core.windows == nil && !core.isDistinct && ordering.isEmpty
  }

  init(body: Body, schema: Schema, ordering: [OrderKey], limit: BoundExpression?, offset: BoundExpression?) {
    self.body = body
    self.schema = schema
    self.ordering = ordering
    self.limit = limit
    self.offset = offset
  }
}

/// A value of an operator's input: an expression over it, or one of its columns.
enum Operand: Sendable {
  case expression(BoundExpression)
  case column(Int)

  var expression: BoundExpression? { if case .expression(let expression) = self { expression } else { nil } }
}

/// A key's number among all of them, and the column that it is.
struct CarriedKey: Sendable {
  var number: Int
  var place: Int
  var expression: BoundExpression
}

struct GroupingPlan: Sendable {
  /// Whether single rows of a group are looked at again.
  var needsRows: Bool { !bare.isEmpty || collations.contains { $0 != .binary } }

  var keys: [Operand]
  /// By which each key is compared.
  var collations: [Collation]
  /// What is left out of the keys because the others decide it: columns of joined rows that are found by a row of each group.
  var carried: [CarriedKey] = []
  var aggregates: [BoundAggregate]
  /// Columns that are neither grouped nor aggregated: those of one row of each group.
  var bare: [BoundExpression] = []
  /// The aggregate, min() or max(), that says which row that is; the first one if there is none.
  var chooser: Int?
  /// The types of keys, aggregates and bare columns.
  var shape: InputShape
}

/// A subquery that needs no rows of its own: its columns are the table's, and its conditions are asked together with those around it.
struct ViewPlan: Sendable {
  var table: Int
  /// Which of the table's columns the input's are: first those of the subquery, then all of the table for its conditions.
  var columns: [Int]
  var conditions: [BoundExpression]
  /// The input as the conditions see it.
  var shape: InputShape
}

final class CorePlan: Sendable {
  indirect enum Source: Sendable {
    /// SELECT without FROM.
    case oneRow
    /// The number among the query's tables.
    case table(Int)
    case select(SelectPlan)
    case join(JoinPlan)
    /// A subquery of columns of a table and conditions, in place.
    case view(ViewPlan)
  }
  let source: Source
  let shape: InputShape
  let conjuncts: [BoundExpression]
  let grouping: GroupingPlan?
  let having: [BoundExpression]
  let windows: WindowPlan?
  let outputs: [OutputColumn]
  let isDistinct: Bool
  /// Subqueries of its expressions: they run first.
  let subqueries: [Subquery]

  init(
    source: Source, shape: InputShape, conjuncts: [BoundExpression], grouping: GroupingPlan?,
    having: [BoundExpression], windows: WindowPlan?, outputs: [OutputColumn], isDistinct: Bool,
    subqueries: [Subquery]
  ) {
    self.source = source
    self.shape = shape
    self.conjuncts = conjuncts
    self.grouping = grouping
    self.having = having
    self.windows = windows
    self.outputs = outputs
    self.isDistinct = isDistinct
    self.subqueries = subqueries
  }

  /// What the results are computed from.
  var resultShape: InputShape { windows?.shape ?? grouping?.shape ?? shape }
}

/// A subquery that does not depend on the query around it.
struct Subquery: Sendable {
  enum Use: Sendable { case scalar, exists, list }
  var identity: ObjectIdentifier
  /// Keeps the identity.
  var select: BoundSelect
  var use: Use
  var plan: SelectPlan
}
