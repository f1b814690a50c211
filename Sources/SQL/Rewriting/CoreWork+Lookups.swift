// What kinds of correlated subqueries become lookups, and of what.

extension CoreWork {
  /// EXISTS.
  func exists(_ select: BoundSelect, _ kind: BoundLookup.Kind) -> BoundLookup? {
    guard let core = Self.core(of: select), Self.isAtLeastOne(select.limit), select.offset == nil else {
      return nil
    }
    // A query that aggregates all rows has one, whatever it is correlated with: that is left to SQLite.
    if core.isAggregate, core.groupBy.isEmpty { return nil }
    guard var lookup = LookupMaker(core, source: sources.count) else { return nil }
    if core.isAggregate {
      guard lookup.groupByKeys() else { return nil }
    }
    return add(&lookup, kind, membership: nil)
  }

  /// IN: `value` is an expression of this core.
  func contains(
    _ value: BoundExpression, _ select: BoundSelect, _ how: Comparison, _ kind: BoundLookup.Kind,
    _ range: SourceRange
  ) -> BoundLookup? {
    guard let core = Self.core(of: select), select.limit == nil, select.offset == nil else { return nil }
    if core.isAggregate, core.groupBy.isEmpty { return nil }
    guard value.reach.isPlain, var lookup = LookupMaker(core, source: sources.count) else { return nil }
    if core.isAggregate {
      guard lookup.groupByKeys() else { return nil }
    }
    guard let member = lookup.column(core.results[0]) else { return nil }
    let type = StaticType([.integer, .null])
    let equal = BoundExpression(.compare(.equal, value, member, how), type, range: range)
    if case .present = kind {
      lookup.condition.append(equal)
      if !core.isAggregate { lookup.mark(core.results[0], outer: value) }
      return add(&lookup, kind, membership: nil)
    }
    return add(&lookup, kind, membership: equal)
  }

  /// A subquery's value, as an expression of this core.
  func scalar(_ select: BoundSelect) -> BoundExpression? {
    guard let core = Self.core(of: select), Self.isAtLeastOne(select.limit), select.offset == nil,
      core.results.count == 1, var lookup = LookupMaker(core, source: sources.count)
    else { return nil }
    let value: BoundExpression?
    if core.isAggregate {
      guard core.groupBy.isEmpty, lookup.groupByKeys() else { return nil }
      value = lookup.aggregated(core)
    } else {
      // SQLite gives the first row that it comes to: that is certain for a table by itself.
      guard core.sources.count == 1, core.lookups.isEmpty, select.orderBy.isEmpty,
        case .table = core.sources[0].kind
      else { return nil }
      value = lookup.first(core.results[0])
    }
    guard let value else { return nil }
    guard let made = add(&lookup, .first, membership: nil) else { return nil }
    lookups.append(made)
    return value
  }

  /// A core that a lookup can be made of.
  private static func core(of select: BoundSelect) -> BoundCore? {
    guard case .core(let core) = select.body, select.outerDepth == 1, core.windowCalls.isEmpty,
      core.join != nil
    else { return nil }
    for source in core.sources {
      switch source.kind {
      case .table: break
      case .select(let inner): if inner.outerDepth > 0 { return nil }
      case .recursive, .function: return nil
      }
    }
    return core
  }

  /// Whether a LIMIT leaves the first row.
  private static func isAtLeastOne(_ limit: BoundExpression?) -> Bool {
    guard let limit else { return true }
    if case .literal(.integer(let rows)) = limit.node { return rows != 0 }
    return false
  }

  private func add(
    _ maker: inout LookupMaker, _ kind: BoundLookup.Kind, membership: BoundExpression?
  ) -> BoundLookup? {
    let select = maker.select
    var columns = select.columns
    if case .mark = kind {
      let type = membership == nil ? StaticType(.integer) : StaticType([.integer, .null])
      columns.append(BoundResultColumn(name: "mark", type: type, innerName: "mark"))
    }
    sources.append(BoundSource(kind: .select(select), name: "", columns: columns))
    return BoundLookup(
      kind: kind, source: maker.source, condition: maker.condition, membership: membership, keys: maker.keys)
  }
}

/// A correlated core while it becomes a query by itself and what that is looked up by.
struct LookupMaker {
  let source: Int
  private let core: BoundCore
  private let join: BoundJoin
  /// Conditions of the core's own rows, with the keys that are known at run time.
  private var local: [BoundExpression] = []
  /// Sides of equalities, in the core's own columns and in those around it (as they are seen there).
  private var equalities: [(inner: BoundExpression, outer: BoundExpression, how: Comparison)] = []
  /// Whether all that it is correlated by are equalities.
  private var isByKeysAlone = true
  private var results: [BoundExpression] = []
  private var places: [String: Int] = [:]
  private var isGrouped = false
  private(set) var keys: [(outer: BoundExpression, marker: KeyMarker)] = []
  /// Conditions of the lookup.
  var condition: [BoundExpression] = []

  /// nil when it is correlated by more than its conditions.
  init?(_ core: BoundCore, source: Int) {
    self.core = core
    self.source = source
    var conjuncts = core.condition?.conjuncts ?? []
    guard let join = Self.own(core.join!, &conjuncts) else { return nil }
    self.join = join
    for conjunct in conjuncts {
      let reach = conjunct.reach
      guard reach.isKnown, reach.farthest <= 1 else { return nil }
      if reach.farthest == 0 {
        local.append(conjunct)
      } else if let (inner, outer, how, expression) = Self.equality(conjunct) {
        equalities.append((inner: inner, outer: outer, how: how))
        let other = column(inner)!
        condition.append(expression(other, outer))
        mark(inner, outer: outer)
      } else {
        if reach.hasOwn { isByKeysAlone = false }
        guard let lifted = lifted(conjunct) else { return nil }
        condition.append(lifted)
      }
    }
  }

  /// The join with what its ON conditions say of the query around it moved to `conjuncts`; nil where that would change the result.
  private static func own(_ join: BoundJoin, _ conjuncts: inout [BoundExpression]) -> BoundJoin? {
    guard case .join(let kind, let left, let right, let condition) = join else { return join }
    guard let left = own(left, &conjuncts), let right = own(right, &conjuncts) else { return nil }
    var kept: [BoundExpression] = []
    for part in condition?.conjuncts ?? [] {
      if part.reach.isPlain {
        kept.append(part)
      } else {
        switch kind {
        case .comma, .inner, .cross: conjuncts.append(part)
        default: return nil
        }
      }
    }
    return .join(kind, left, right, condition: BoundExpression.all(kept))
  }

  /// An equality of the core's own and of what is around it, and how to make it anew.
  private static func equality(_ conjunct: BoundExpression) -> (
    BoundExpression, BoundExpression, Comparison, (BoundExpression, BoundExpression) -> BoundExpression
  )? {
    guard case .compare(.equal, let a, let b, let how) = conjunct.node else { return nil }
    let (x, y) = (a.reach, b.reach)
    if x.isOwn, y.isOuter {
      return (a, b.outward, how, { conjunct.with(.compare(.equal, $0, $1, how)) })
    }
    if x.isOuter, y.isOwn {
      return (b, a.outward, how, { conjunct.with(.compare(.equal, $1, $0, how)) })
    }
    return nil
  }

  /// Rows of which a key is none of those around need not come.
  mutating func mark(_ inner: BoundExpression, outer: BoundExpression) {
    let marker = KeyMarker()
    local.append(BoundExpression(.isAmong(inner, marker), StaticType(.integer), range: inner.range))
    keys.append((outer: outer, marker: marker))
  }

  /// A column of the lookup for an expression of the core's own.
  mutating func column(_ expression: BoundExpression) -> BoundExpression? {
    guard expression.reach.isPlain else { return nil }
    let key = "\(isGrouped) \(PlanText.key(expression)) \(expression.hasExplicitCollation)"
    let place = places[key] ?? results.count
    if place == results.count {
      places[key] = place
      results.append(expression)
    }
    return BoundExpression(
      .column(ColumnReference(depth: 0, source: source, column: place)), expression.type.nullable,
      affinity: expression.affinity, collation: expression.collation,
      isExplicit: expression.hasExplicitCollation, range: expression.range)
  }

  /// An expression of the core as one of the core around it.
  private mutating func lifted(_ expression: BoundExpression) -> BoundExpression? {
    switch expression.node {
    case .column(let reference):
      return reference.depth == 0 ? column(expression) : expression.outward
    case .aggregate, .groupKey, .window: return nil
    default:
      var isWhole = true
      let result = expression.rebuilt { part in
        if let part = lifted(part) { return part }
        isWhole = false
        return part
      }
      return isWhole ? result : nil
    }
  }

  // MARK: Groups

  /// Groups by the keys, besides what the core groups by; false where groups are not what it is correlated with.
  mutating func groupByKeys() -> Bool {
    guard isByKeysAlone else { return false }
    // One group for all values that are equal to one and the same.
    for (inner, outer, how) in equalities {
      let classes = inner.type.classes.union(outer.type.classes).withoutNull
      guard how.collation == .binary, (inner.collation ?? .binary) == .binary,
        classes.isSubset(of: .numeric) || classes.isSubset(of: .text) || classes.isSubset(of: .blob)
      else { return false }
    }
    for expression in core.groupBy where !expression.reach.isPlain { return false }
    for aggregate in core.aggregates {
      guard aggregate.arguments.allSatisfy({ $0.reach.isPlain }), aggregate.filter?.reach.isPlain ?? true
      else {
        return false
      }
    }
    if let having = core.having, !core.groupBy.isEmpty, !having.reach.isPlain { return false }
    isGrouped = true
    results = results.enumerated().map { index, expression in
      expression.with(.groupKey(core.groupBy.count + index))
    }
    groupKeys = equalities.isEmpty ? [] : uniqueKeys()
    return true
  }

  private var groupKeys: [BoundExpression] = []

  /// The expressions of the keys, in the order of their columns.
  private func uniqueKeys() -> [BoundExpression] {
    var seen: Set<String> = []
    return equalities.map(\.inner).filter {
      seen.insert("\(PlanText.key($0)) \($0.hasExplicitCollation)").inserted
    }
  }

  /// The value of a query that aggregates all of its rows, with what it is for no rows where there is no group.
  mutating func aggregated(_ core: BoundCore) -> BoundExpression? {
    guard let value = overGroup(core.results[0], core) else { return nil }
    guard let having = core.having else { return value }
    guard let condition = overGroup(having, core) else { return nil }
    return value.with(.conditional([(condition: condition, result: value)], otherwise: nil))
  }

  private mutating func overGroup(_ expression: BoundExpression, _ core: BoundCore) -> BoundExpression? {
    switch expression.node {
    case .column(let reference): return reference.depth == 0 ? nil : expression.outward
    case .groupKey, .window: return nil
    case .aggregate(let number):
      guard let column = column(expression) else { return nil }
      let empty: Value
      switch core.aggregates[number].function {
      case "count": empty = .integer(0)
      case "total": empty = .real(0)
      case "sum", "avg", "min", "max", "group_concat": return column
      default: return nil
      }
      let zero = BoundExpression(.literal(empty), empty.type, range: expression.range)
      return expression.with(.call("coalesce", [column, zero], collation: .binary))
    default:
      guard expression.reach.isKnown else { return nil }
      var isWhole = true
      let result = expression.rebuilt { part in
        if let part = overGroup(part, core) { return part }
        isWhole = false
        return part
      }
      return isWhole ? result : nil
    }
  }

  // MARK: First rows

  /// The value in the first partner; NULL where there is none.
  mutating func first(_ value: BoundExpression) -> BoundExpression? {
    guard value.reach.isKnown, let key = equalities.first, let lifted = lifted(value) else { return nil }
    if case .column(let reference) = lifted.node, reference.source == source { return lifted }
    let isThere = BoundExpression(
      .isNull(column(key.inner)!, negated: true), StaticType(.integer), range: value.range)
    return lifted.with(.conditional([(condition: isThere, result: lifted)], otherwise: nil))
  }

  // MARK: The query

  /// The core as a query by itself.
  var select: BoundSelect {
    let made = BoundCore(
      sources: core.sources, join: join, condition: BoundExpression.all(local), isAggregate: isGrouped,
      groupBy: isGrouped ? core.groupBy + groupKeys : [], aggregates: isGrouped ? core.aggregates : [],
      having: isGrouped && !core.groupBy.isEmpty ? core.having : nil, windowCalls: [],
      // A query has columns, even if only its rows are counted.
      results: results.isEmpty
        ? [BoundExpression(.literal(.integer(1)), StaticType(.integer), range: SourceRange(0, 0))] : results,
      isDistinct: false, lookups: core.lookups)
    let columns = made.results.enumerated().map { index, expression in
      BoundResultColumn(
        name: "(…)", type: expression.type, affinity: expression.affinity, collation: expression.collation,
        innerName: "\(index)")
    }
    return BoundSelect(body: .core(made), columns: columns, outerDepth: 0)
  }
}

/// Whose columns an expression is about.
struct Reach {
  /// Columns of the core that it stands in.
  var hasOwn = false
  /// The query farthest out that it refers to.
  var farthest = 0
  /// Whether it holds no subquery that reaches out.
  var isKnown = true

  /// Nothing of queries around.
  var isPlain: Bool { isKnown && farthest == 0 }
  var isOwn: Bool { isPlain && hasOwn }
  /// Only of the query around.
  var isOuter: Bool { isKnown && farthest == 1 && !hasOwn }
}

extension BoundExpression {
  var reach: Reach {
    var result = Reach()
    switch node {
    case .column(let reference):
      result.hasOwn = reference.depth == 0
      result.farthest = reference.depth
    case .aggregate, .groupKey, .window: result.hasOwn = true
    case .exists(let select), .scalar(let select), .inSelect(_, _, let select, _):
      if select.outerDepth > 0 { result.isKnown = false }
    default: break
    }
    for operand in operands {
      let part = operand.reach
      result.hasOwn = result.hasOwn || part.hasOwn
      result.farthest = max(result.farthest, part.farthest)
      result.isKnown = result.isKnown && part.isKnown
    }
    return result
  }

  /// The same, seen from the query around it.
  var outward: BoundExpression {
    if case .column(var reference) = node {
      reference.depth -= 1
      return with(.column(reference))
    }
    return rebuilt { $0.outward }
  }
}
