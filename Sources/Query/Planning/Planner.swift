// From a bound query to a plan, or to the reason why there is none.

import Arrow
import SQL

/// Plans one statement.
final class Planner {
  /// The published tables that are read, as they are named in the catalog, each once.
  private(set) var tables: [Relation] = []
  let givens: Givens
  private var depth = 0
  /// Plans by the query that they are of: one that is named twice runs once.
  private var plans: [ObjectIdentifier: SelectPlan] = [:]
  private(set) var shared: Set<ObjectIdentifier> = []

  init(_ givens: Givens) { self.givens = givens }

  func plan(_ select: BoundSelect) throws(NotMine) -> SelectPlan {
    if let known = plans[ObjectIdentifier(select)] {
      shared.insert(ObjectIdentifier(known))
      return known
    }
    let plan = try made(select)
    plans[ObjectIdentifier(select)] = plan
    return plan
  }

  private func made(_ select: BoundSelect) throws(NotMine) -> SelectPlan {
    guard select.outerDepth == 0 else { throw NotMine("a subquery refers to the query around it") }
    depth += 1
    defer { depth -= 1 }
    guard depth < 50 else { throw NotMine("its queries nest too deeply") }
    var fields: [Field] = []
    for column in select.columns {
      guard let type = resultField(for: column.type) else {
        throw NotMine("the type of column '\(column.name)' is only known with its rows")
      }
      fields.append(
        Field(column.name, type, isNullable: true, metadata: column.type.field?.metadata ?? Metadata()))
    }
    let schema = Schema(fields)
    try checkLimit(select.limit)
    try checkLimit(select.offset)
    switch select.body {
    case .core(let core):
      let plan = try self.core(core, fields, select.orderBy)
      let ordering = try self.ordering(select.orderBy, select, plan)
      let mayLeave = try Trial(plan, ordering, givens).run()
      let result = SelectPlan(
        body: .core(plan), schema: schema, ordering: ordering, limit: select.limit, offset: select.offset)
      if mayLeave, result.isStreaming {
        do throws(NotMine) { try Self.checkOrder(plan.source, plan.conjuncts) } catch _ {
          result.isReadFirst = true
        }
      }
      return result
    case .compound(let first, let terms):
      let firstPlan = try self.plan(first)
      var plans: [(operation: CompoundTerm.Operator, plan: SelectPlan)] = []
      for term in terms {
        let plan = try self.plan(term.select)
        plans.append((operation: term.operator, plan: plan))
      }
      for plan in [firstPlan] + plans.map(\.plan) {
        guard plan.schema.fields.map(\.type) == fields.map(\.type) else {
          throw NotMine("the terms of a compound query differ in type")
        }
        for field in plan.schema.fields
        where plans.contains(where: { $0.operation != .unionAll }) && field.type.vectorKind == nil {
          throw NotMine("values of type \(field.type) are compared")
        }
      }
      for column in select.columns
      where plans.contains(where: { $0.operation != .unionAll }) && (column.collation ?? .binary) != .binary {
        throw NotMine("text is compared by a collation")
      }
      let ordering = try self.ordering(select.orderBy, select, nil)
      return SelectPlan(
        body: .compound(firstPlan, plans), schema: schema, ordering: ordering, limit: select.limit,
        offset: select.offset)
    case .values: throw NotMine("it is a VALUES clause")
    case .recursive: throw NotMine("it is recursive")
    }
  }

  private func checkLimit(_ expression: BoundExpression?) throws(NotMine) {
    guard let expression else { return }
    if givens.isTrial, case .parameter = expression.node { return }
    guard
      case .integer? = try Compiler(InputShape(types: [], names: .sources([])), givens).node(expression)
        .constant
    else { throw NotMine("a LIMIT or OFFSET that is no integer") }
  }

  private func ordering(_ terms: [BoundOrdering], _ select: BoundSelect, _ core: CorePlan?) throws(NotMine)
    -> [OrderKey]
  {
    var keys: [OrderKey] = []
    for term in terms {
      let value: OrderKey.Value
      switch term.key {
      case .result(let number): value = .result(number)
      case .expression(let expression):
        guard core != nil else { throw NotMine("a compound query is ordered by an expression") }
        if core!.isDistinct { throw NotMine("a DISTINCT query is ordered by what it does not show") }
        value = .expression(expression)
      }
      keys.append(
        OrderKey(
          value: value, isDescending: term.isDescending, nullsFirst: term.nullsFirst,
          collation: term.collation))
    }
    return keys
  }

  // MARK: Cores

  private func core(_ core: BoundCore, _ fields: [Field], _ orderBy: [BoundOrdering]) throws(NotMine)
    -> CorePlan
  {
    let source: CorePlan.Source
    let shape: InputShape
    var conjuncts = core.condition?.factored ?? []
    var joinConditions: [BoundExpression] = []
    switch core.join {
    case nil:
      source = .oneRow
      shape = InputShape(types: [], names: .sources([]))
    case .source(let number)? where core.sources.count == 1:
      let (kind, types) = try self.source(core.sources[number])
      if case .select(let select) = kind, let view = Self.view(select) {
        source = .view(view)
        shape = InputShape(types: view.shape.types, names: .sources([0]))
      } else {
        source = kind
        shape = InputShape(
          types: types, names: .sources([0]), mixed: Self.mixedColumns([core.sources[number]]))
      }
    default:
      let (plan, starts, conditions) = try join(core, orderBy)
      conjuncts = conditions + conjuncts
      for step in plan.steps {
        joinConditions += step.condition + (step.membership.map { [$0] } ?? []) + step.keys.map(\.outer)
      }
      source = .join(plan)
      shape = InputShape(
        types: plan.types, names: .sources(starts), mixed: Self.mixedColumns(core.sources))
    }
    var subqueries: [Subquery] = []
    for expression in joinConditions + conjuncts + core.results + core.groupBy
      + (core.having.map { [$0] } ?? [])
    {
      try collect(expression, &subqueries)
    }
    for aggregate in core.aggregates {
      for argument in aggregate.arguments { try collect(argument, &subqueries) }
      if let filter = aggregate.filter { try collect(filter, &subqueries) }
    }
    for expression in core.windowCalls.flatMap(\.operands) { try collect(expression, &subqueries) }
    var grouping: GroupingPlan?
    if core.isAggregate {
      guard core.groupBy.count < 60 else { throw NotMine("it groups by more than 59 columns") }
      let compiler = Compiler(shape, givens)
      var types: [DataType] = []
      var mixed: Set<Int> = []
      for key in core.groupBy {
        let node = try compiler.value(key)
        if node.isMixed { mixed.insert(types.count) }
        _ = try compiler.collated(node, key.comparedBy)
        types.append(try Self.storageType(key, node, shape))
      }
      for aggregate in core.aggregates {
        if ["sum", "min", "max"].contains(aggregate.function),
          try compiler.value(aggregate.arguments[0]).isMixed
        {
          mixed.insert(types.count)
        }
        types.append(try compiler.type(of: aggregate))
      }
      let bare = Self.bareColumns(of: core, orderBy)
      for column in bare {
        let place = shape.place(column.node)!
        if shape.mixed.contains(place) { mixed.insert(types.count) }
        types.append(shape.types[place])
      }
      grouping = GroupingPlan(
        keys: core.groupBy.map { .expression($0) }, collations: core.groupBy.map(\.comparedBy),
        aggregates: core.aggregates, bare: bare,
        shape: InputShape(
          types: types,
          names: .groups(
            keys: core.groupBy.count, aggregates: core.aggregates.count,
            bare: bare.compactMap { column in
              if case .column(let reference) = column.node { reference } else { nil }
            }), mixed: mixed))
      if core.aggregates.contains(where: { $0.function == "group_concat" }) {
        try Self.checkOrder(source, conjuncts)
      }
      if grouping!.needsRows {
        try Self.checkOrder(source, conjuncts)
        grouping!.chooser = try Self.chooser(core.aggregates)
      }
    }
    var windows: WindowPlan?
    if !core.windowCalls.isEmpty {
      if grouping == nil { try Self.checkOrder(source, conjuncts) }
      windows = try self.windows(core, orderBy, grouping?.shape ?? shape)
    }
    let outputs = zip(core.results, fields).map { OutputColumn(expression: $0, field: $1) }
    if core.isDistinct {
      for (output, result) in zip(outputs, core.results) {
        if case .custom(let name) = result.comparedBy { throw NotMine("the collation \(name)") }
        if result.comparedBy != .binary, grouping == nil { try Self.checkOrder(source, conjuncts) }
        if output.field.type.vectorKind == nil {
          throw NotMine("values of type \(output.field.type) are compared")
        }
      }
      guard outputs.count < 60 else { throw NotMine("DISTINCT of more than 59 columns") }
    }
    return CorePlan(
      source: source, shape: shape, conjuncts: conjuncts, grouping: grouping,
      having: core.having?.conjuncts ?? [], windows: windows, outputs: outputs, isDistinct: core.isDistinct,
      subqueries: subqueries)
  }

  /// The column type that an expression's values are kept in between operators.
  static func storageType(_ expression: BoundExpression, _ node: Node, _ shape: InputShape) throws(NotMine)
    -> DataType
  {
    if let place = shape.place(expression.node) {
      let type = shape.types[place]
      if type.isJSON { throw NotMine("values of type \(type) are compared") }
      if type.layoutKind != .dictionary { return type }
    }
    return try storageType(node.kind)
  }

  static func storageType(_ kind: ValueKind) throws(NotMine) -> DataType {
    switch kind {
    case .null: .null
    case .integer: .int64
    case .real: .float64
    case .text: .utf8
    case .blob: .binary
    case .ticks(let type): type
    }
  }

  /// A subquery in place, where it is nothing but columns of a table and conditions.
  private static func view(_ select: SelectPlan) -> ViewPlan? {
    guard case .core(let core) = select.body, core.grouping == nil, !core.isDistinct, core.subqueries.isEmpty,
      select.ordering.isEmpty, select.limit == nil, select.offset == nil
    else { return nil }
    var columns: [Int] = []
    for output in core.outputs {
      guard let place = core.shape.place(output.expression.node), core.shape.types[place] == output.field.type
      else {
        return nil
      }
      columns.append(place)
    }
    let types = columns.map { core.shape.types[$0] } + core.shape.types
    let shape = InputShape(types: types, names: .sources([columns.count]))
    switch core.source {
    case .table(let table):
      return ViewPlan(
        table: table, columns: columns + core.shape.types.indices, conditions: core.conjuncts, shape: shape)
    case .view(let inner) where inner.conditions.isEmpty:
      return ViewPlan(
        table: inner.table, columns: columns.map { inner.columns[$0] } + inner.columns,
        conditions: core.conjuncts,
        shape: shape)
    default: return nil
    }
  }

  /// What a source is read from, and the types of its columns.
  func source(_ source: BoundSource) throws(NotMine) -> (CorePlan.Source, [DataType]) {
    switch source.kind {
    case .table(let relation):
      guard case .published = relation.kind else { throw NotMine("'\(relation.name)' is no published table") }
      var types: [DataType] = []
      for column in relation.columns {
        guard let field = column.field, !column.isHidden else {
          throw NotMine("column '\(column.name)' is no column of a published table")
        }
        types.append(field.type)
      }
      let known = tables.firstIndex { $0.schema == relation.schema && $0.name == relation.name }
      if known == nil { tables.append(relation) }
      return (.table(known ?? tables.count - 1), types)
    case .select(let select):
      let plan = try self.plan(select)
      return (.select(plan), plan.schema.fields.map(\.type))
    case .recursive: throw NotMine("it is recursive")
    case .function(let relation, _): throw NotMine("'\(relation.name)' is a table-valued function")
    }
  }

  private func collect(_ expression: BoundExpression, _ subqueries: inout [Subquery]) throws(NotMine) {
    let found: (BoundSelect, Subquery.Use)? =
      switch expression.node {
      case .scalar(let select): (select, .scalar)
      case .exists(let select): (select, .exists)
      case .inSelect(_, _, let select, _): (select, .list)
      default: nil
      }
    if let (select, use) = found {
      subqueries.append(
        Subquery(identity: ObjectIdentifier(select), select: select, use: use, plan: try plan(select)))
    }
    for operand in expression.operands { try collect(operand, &subqueries) }
  }
}

/// Compiles a plan once, to find out whether it can be.
struct Trial {
  let plan: CorePlan
  let ordering: [OrderKey]
  let givens: Givens

  init(_ plan: CorePlan, _ ordering: [OrderKey], _ givens: Givens) {
    self.plan = plan
    self.ordering = ordering
    self.givens = givens
  }

  /// - Returns: whether a query may be left to SQLite while it runs.
  func run() throws(NotMine) -> Bool {
    var compiler = Compiler(plan.shape, givens)
    let input = compiler
    for condition in plan.conjuncts { _ = try compiler.predicate(condition) }
    if case .join(let join) = plan.source {
      for step in join.steps {
        for condition in step.condition { _ = try compiler.predicate(condition) }
        if let membership = step.membership { _ = try compiler.predicate(membership) }
        for key in step.keys { _ = try compiler.node(key.outer) }
      }
    }
    if let grouping = plan.grouping {
      for aggregate in grouping.aggregates {
        _ = try compiler.accumulator(aggregate, isGrouped: !grouping.keys.isEmpty)
      }
      compiler = Compiler(grouping.shape, givens)
      for condition in plan.having { _ = try compiler.predicate(condition) }
    }
    compiler = Compiler(plan.resultShape, givens)
    for output in plan.outputs { _ = try compiler.collector(output) }
    for key in ordering {
      switch key.value {
      case .result(let number):
        let type = plan.outputs[number].field.type
        if type.vectorKind == nil { throw NotMine("it is ordered by values of type \(type)") }
      case .expression(let expression): _ = try compiler.value(expression)
      }
      if case .custom(let name) = key.collation { throw NotMine("the collation \(name)") }
    }
    return input.mayLeave || compiler.mayLeave
  }
}
