// Aggregates and output columns as what computes them.

import Arrow
import SQL

extension Compiler {
  /// What an aggregate's results are kept in.
  func type(of aggregate: BoundAggregate) throws(NotMine) -> DataType {
    switch aggregate.function {
    case "count": return .int64
    case "total", "avg": return .float64
    case "group_concat": return .utf8
    case "sum":
      let kind = try value(aggregate.arguments[0]).kind
      return kind == .integer ? .int64 : .float64
    case "min", "max":
      return try Planner.storageType(aggregate.arguments[0], try value(aggregate.arguments[0]), shape)
    default: throw NotMine("the aggregate \(aggregate.function)()")
    }
  }

  /// What numbers the groups of some keys.
  func grouper(_ keys: [Node]) -> Grouper {
    let direct = keys.map { directKey($0) }
    if direct.allSatisfy({ $0 != nil }), let groups = DirectGroups(direct.map { $0! }) { return groups }
    if keys.count == 1, let column = keys[0] as? ColumnNode, givens.ascending.contains(column.index) {
      return AscendingGroups(column)
    }
    return GroupTable(keys)
  }

  /// The key as a small number, where the input is known so well.
  private func directKey(_ node: Node) -> DirectGroups.Key? {
    guard let column = node as? ColumnNode else { return nil }
    if column.coded != nil { return .coded(column) }
    guard let range = givens.ranges[column.index] else { return nil }
    let (span, overflow) = range.upperBound.subtractingReportingOverflow(range.lowerBound)
    guard !overflow, span < 1 << 30 else { return nil }
    return .range(column, low: range.lowerBound, size: Int(span) + 2)
  }

  func accumulator(_ aggregate: BoundAggregate, isGrouped: Bool) throws(NotMine) -> Accumulator {
    let filter = try aggregate.filter.map { e throws(NotMine) in try predicate(e) }
    guard let argument = aggregate.arguments.first else { return CountAccumulator(nil, filter: filter) }
    if aggregate.function == "group_concat" { return try concatenation(aggregate, filter) }
    guard aggregate.arguments.count == 1 else {
      throw NotMine("\(aggregate.function)() of several arguments")
    }
    var node = try value(argument)
    if aggregate.isDistinct, aggregate.function != "min", aggregate.function != "max" {
      node = try collated(node, aggregate.collation)
      if aggregate.function != "count", node.isMixed { throw NotMine("a value may be an integer or a real") }
      if aggregate.function != "count", !node.kind.isNumeric {
        throw NotMine("\(aggregate.function)() of what is no number")
      }
      let direct = isGrouped ? nil : directKey(node).flatMap { DirectGroups([$0], limit: 1 << 21) }
      switch aggregate.function {
      case "count": return DistinctAccumulator(node, .count, filter: filter, direct: direct)
      case "sum": return DistinctAccumulator(node, .sum, filter: filter)
      case "total": return DistinctAccumulator(node, .total, filter: filter)
      case "avg": return DistinctAccumulator(node, .average, filter: filter)
      default: throw NotMine("the aggregate \(aggregate.function)()")
      }
    }
    switch aggregate.function {
    case "count": return CountAccumulator(node, filter: filter)
    case "sum", "total", "avg":
      let result: IntegerSumAccumulator.Result =
        aggregate.function == "sum" ? .sum : aggregate.function == "total" ? .total : .average
      switch node.kind {
      case .integer: return IntegerSumAccumulator(node, result, filter: filter)
      case .real: return RealSumAccumulator(node, result, filter: filter)
      default: throw NotMine("\(aggregate.function)() of what is no number")
      }
    case "min", "max":
      let isLeast = aggregate.function == "min"
      switch node.kind {
      case .integer, .ticks: return IntegerExtremeAccumulator(node, isLeast: isLeast, filter: filter)
      case .real: return RealExtremeAccumulator(node, isLeast: isLeast, filter: filter)
      case .text, .blob:
        let key = node.kind == .text ? try collated(node, aggregate.collation) : node
        if key !== node { return CollatedExtremeAccumulator(node, by: key, isLeast: isLeast, filter: filter) }
        return TextExtremeAccumulator(node, isLeast: isLeast, filter: filter)
      case .null: throw NotMine("\(aggregate.function)() of NULL")
      }
    default: throw NotMine("the aggregate \(aggregate.function)()")
    }
  }

  private func concatenation(_ aggregate: BoundAggregate, _ filter: Predicate?) throws(NotMine) -> Accumulator
  {
    let value = try node(aggregate.arguments[0])
    let text = try plainText(value)
    var separator: Node = ConstantNode(.text([UInt8(ascii: ",")]))
    if aggregate.arguments.count == 2 { separator = try plainText(try node(aggregate.arguments[1])) }
    var key: Node?
    if aggregate.isDistinct {
      // Reals differ in more digits than their texts.
      guard value.kind != .real else { throw NotMine("group_concat(DISTINCT …) of reals") }
      key = try collated(text, aggregate.collation)
    }
    return ConcatenationAccumulator(text, separator: separator, distinctBy: key, filter: filter)
  }

  /// Text as SQLite makes it of numbers, too.
  private func plainText(_ node: Node) throws(NotMine) -> Node {
    guard node.kind == .real else { return try textOrInteger(node) }
    return AskingNode(.text, "SELECT CAST(?1 AS TEXT)", [(node, false)], asked)
  }

  /// What an output column is collected by.
  func collector(_ output: OutputColumn) throws(NotMine) -> Collector {
    let type = output.field.type
    if let place = shape.place(output.expression.node), shape.types[place] == type {
      // Values that nobody looks at are copied; floats are, because NaN becomes NULL.
      if type.isPassedOn {
        return Collector(column: place, type: type)
      }
      return try Collector(try column(place), type: type)
    }
    let node = try value(output.expression)
    if case .ticks = node.kind, type == .utf8 { return try Collector(try text(node), type: type) }
    if node.kind == .integer, type == .float64 {
      mayLeave = true
      return try Collector(UnaryNode(.exactReal, node), type: type)
    }
    return try Collector(node, type: type)
  }
}
