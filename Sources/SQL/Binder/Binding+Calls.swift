// Calls: scalar functions stay where they are, aggregates and window calls are lifted out.

extension Binding {
  func call(
    _ call: FunctionCall, _ range: SourceRange, _ scope: Scope, _ tables: CommonTables
  ) throws(SQLError) -> BoundExpression {
    let name = call.name.text.sqlFolded
    let entry = FunctionTable.shared.entry(name, arguments: call.arguments.count)
    if let entry, !entry.arguments.contains(call.arguments.count) {
      throw SQLError(.misuse, "wrong number of arguments to function \(call.name.text)()", at: range.offset)
    }
    if let over = call.over { return try windowCall(call, name, over, entry, range, scope, tables) }
    switch entry?.kind {
    case .aggregate: return try aggregate(call, name, range, scope, tables)
    case .window:
      throw SQLError(.misuse, "misuse of window function \(call.name.text)()", at: range.offset)
    case .scalar, nil:
      if call.filter != nil {
        if entry == nil { throw .unsupported("FILTER of an unknown function", at: range.offset) }
        throw SQLError(
          .misuse, "FILTER may not be used with non-aggregate \(call.name.text)()", at: range.offset)
      }
      var arguments: [BoundExpression] = []
      for argument in call.arguments { arguments.append(try bind(argument, scope, tables)) }
      if entry == nil { features.insert(.unknownFunction) }
      if entry?.isVolatile == true || Self.isClock(name, arguments) { features.insert(.volatile) }
      var type = StaticType.scalar(name, arguments.map(\.type))
      if name == "json_extract", arguments.count == 2 {
        type = .extracted(arguments[0].type, path: arguments[1]) ?? type
      }
      return made(.call(name, arguments, collation: Self.collation(of: arguments)), type, arguments, range)
    }
  }

  /// min(), max() and nullif() compare by the first collation among their arguments.
  private static func collation(of arguments: [BoundExpression]) -> Collation {
    arguments.lazy.compactMap(\.collation).first ?? .binary
  }

  /// Date functions without a time, or with 'now', tell the present.
  private static func isClock(_ name: String, _ arguments: [BoundExpression]) -> Bool {
    guard ["date", "time", "datetime", "julianday", "unixepoch", "strftime"].contains(name) else {
      return false
    }
    guard arguments.count > (name == "strftime" ? 1 : 0) else { return true }
    // A parameter or a column may say 'now' as well.
    guard case .literal(let value) = arguments[name == "strftime" ? 1 : 0].node else { return true }
    guard case .text(let text) = value else { return false }
    return text.sqlFolded == "now"
  }

  private func aggregate(
    _ call: FunctionCall, _ name: String, _ range: SourceRange, _ scope: Scope, _ tables: CommonTables
  ) throws(SQLError) -> BoundExpression {
    let outer = scope.nearestDepth
    scope.nearestDepth = nil
    let wasAllowed = scope.allowsAggregates
    let couldWindow = scope.allowsWindows
    scope.allowsAggregates = false
    scope.allowsWindows = false
    defer {
      scope.allowsAggregates = wasAllowed
      scope.allowsWindows = couldWindow
      scope.nearestDepth = [outer, scope.nearestDepth].compactMap { $0 }.min()
    }
    var arguments: [BoundExpression] = []
    for argument in call.arguments { arguments.append(try bind(argument, scope, tables)) }
    let filter = try call.filter.mapThrowing { filter throws(SQLError) in try bind(filter, scope, tables) }
    if let nearest = scope.nearestDepth, nearest > 0 {
      throw .unsupported("an aggregate of an outer query's columns", at: range.offset)
    }
    guard wasAllowed else {
      throw SQLError(
        .misuse, "misuse of aggregate function \(call.name.text.uppercased())()", at: range.offset)
    }
    if call.isDistinct, arguments.count != 1 {
      throw SQLError(.misuse, "DISTINCT aggregates must have exactly one argument", at: range.offset)
    }
    let type = StaticType.aggregate(name, arguments.map(\.type), isOverWindow: false)
    let aggregate = BoundAggregate(
      function: name, arguments: arguments, isDistinct: call.isDistinct, filter: filter,
      collation: Self.collation(of: arguments), type: type)
    let key = PlanText.text(aggregate)
    let number = scope.aggregateKeys[key] ?? scope.aggregates.count
    if number == scope.aggregates.count {
      scope.aggregateKeys[key] = number
      scope.aggregates.append(aggregate)
    }
    return made(.aggregate(number), type, arguments, range)
  }

  // MARK: Windows

  private func windowCall(
    _ call: FunctionCall, _ name: String, _ over: FunctionCall.Over, _ entry: FunctionTable.Entry?,
    _ range: SourceRange, _ scope: Scope, _ tables: CommonTables
  ) throws(SQLError) -> BoundExpression {
    guard let entry, entry.kind != .scalar else {
      if entry == nil { throw .unsupported("an unknown function over a window", at: range.offset) }
      throw SQLError(.misuse, "\(call.name.text)() may not be used as a window function", at: range.offset)
    }
    guard scope.allowsWindows else {
      throw SQLError(.misuse, "misuse of window function \(call.name.text)()", at: range.offset)
    }
    if call.isDistinct {
      throw SQLError(.misuse, "DISTINCT is not supported for window functions", at: range.offset)
    }
    if entry.kind == .window, call.filter != nil {
      throw SQLError(
        .misuse, "FILTER clause may only be used with aggregate window functions", at: range.offset)
    }
    scope.allowsWindows = false
    defer { scope.allowsWindows = true }
    let definition = try definition(over, scope)
    var arguments: [BoundExpression] = []
    for argument in call.arguments { arguments.append(try bind(argument, scope, tables)) }
    var partition: [BoundExpression] = []
    for term in definition.partitionBy { partition.append(try bind(term, scope, tables)) }
    var ordering: [BoundOrdering] = []
    for term in definition.orderBy {
      let expression = try bind(term.expression, scope, tables)
      ordering.append(self.ordering(term, .expression(expression), expression.collation ?? .binary))
    }
    let type = StaticType.aggregate(name, arguments.map(\.type), isOverWindow: true)
    let bound = BoundWindowCall(
      function: name, arguments: arguments,
      filter: try call.filter.mapThrowing { filter throws(SQLError) in try bind(filter, scope, tables) },
      collation: Self.collation(of: arguments), partitionBy: partition, orderBy: ordering,
      frame: try frame(name, definition.frame, scope, tables), type: type)
    scope.windowCalls.append(bound)
    return made(.window(scope.windowCalls.count - 1), type, arguments, range)
  }

  /// Named windows must be right even if nothing uses them.
  func checkWindows(_ scope: Scope, _ tables: CommonTables) throws(SQLError) {
    for window in scope.windows {
      let definition = try definition(window.definition, scope, nesting: 0)
      for term in definition.partitionBy { _ = try bind(term, scope, tables) }
      for term in definition.orderBy { _ = try bind(term.expression, scope, tables) }
    }
  }

  /// A window with what it takes over from the one that it is based on.
  private func definition(_ over: FunctionCall.Over, _ scope: Scope) throws(SQLError) -> WindowDefinition {
    switch over {
    case .named(let name): return try definition(try named(name, scope), scope, nesting: 0)
    case .window(let definition): return try self.definition(definition, scope, nesting: 0)
    }
  }

  private func named(_ name: Name, _ scope: Scope) throws(SQLError) -> WindowDefinition {
    let folded = name.text.sqlFolded
    guard let window = scope.windows.first(where: { $0.name.text.sqlFolded == folded }) else {
      throw SQLError(.noSuchWindow, "no such window: \(name.text)", at: name.range.offset)
    }
    return window.definition
  }

  private func definition(
    _ definition: WindowDefinition, _ scope: Scope, nesting: Int
  ) throws(SQLError) -> WindowDefinition {
    guard let base = definition.base else { return definition }
    guard nesting < 100 else { throw .unsupported("windows based on each other", at: base.range.offset) }
    let lower = try self.definition(try named(base, scope), scope, nesting: nesting + 1)
    func override(_ what: String) -> SQLError {
      SQLError(.misuse, "cannot override \(what) of window: \(base.text)", at: base.range.offset)
    }
    if !definition.partitionBy.isEmpty { throw override("PARTITION clause") }
    if !lower.orderBy.isEmpty, !definition.orderBy.isEmpty { throw override("ORDER BY clause") }
    if lower.frame != nil { throw override("frame specification") }
    var result = definition
    result.base = nil
    result.partitionBy = lower.partitionBy
    if !lower.orderBy.isEmpty { result.orderBy = lower.orderBy }
    return result
  }

  /// The frame, with SQLite's default for none, and for the functions that do not ask for one.
  private func frame(
    _ function: String, _ frame: WindowFrame?, _ scope: Scope, _ tables: CommonTables
  ) throws(SQLError) -> BoundFrame {
    var result = BoundFrame(unit: .range, start: .unboundedPreceding, end: .currentRow, exclusion: .noOthers)
    guard let frame else { return result }
    result.unit = frame.unit
    result.start = try bound(frame.start, scope, tables)
    result.end = try bound(frame.end, scope, tables)
    result.exclusion = frame.exclusion
    return result
  }

  private func bound(
    _ bound: WindowFrame.Bound, _ scope: Scope, _ tables: CommonTables
  ) throws(SQLError) -> BoundFrame.Bound {
    switch bound {
    case .unboundedPreceding: .unboundedPreceding
    case .currentRow: .currentRow
    case .unboundedFollowing: .unboundedFollowing
    case .preceding(let distance): .preceding(try bind(distance, scope, tables))
    case .following(let distance): .following(try bind(distance, scope, tables))
    }
  }
}
