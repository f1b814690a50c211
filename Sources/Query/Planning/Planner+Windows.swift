// How window functions are computed: what of each row they need, and in which order.

import Arrow
import SQL

struct WindowPlan: Sendable {
  enum Frame: Sendable {
    /// From the first row of the partition to the last one that ORDER BY does not tell from the row; to the row itself; to the end.
    case peers, rows, whole
  }

  /// A call, whose operands are columns of the input.
  struct Call: Sendable {
    var function: String
    var arguments: [Int]
    /// How far, which part, or how many: of lag, lead, nth_value and ntile.
    var number = 1
    var filter: Int?
    var collation: Collation
    var partition: [(place: Int, collation: Collation)]
    var ordering: [(place: Int, collation: Collation, isDescending: Bool, nullsFirst: Bool)]
    var frame: Frame
  }

  /// What is read of each row: columns that results need, then operands.
  var inputs: [OutputColumn]
  /// Which input each column of the shape is.
  var passed: [Int: Int]
  var calls: [Call]
  /// Calls of the same window, in the order of the statement.
  var levels: [[Int]]
  /// The columns before, and one for each call.
  var shape: InputShape
}

extension BoundWindowCall {
  /// All expressions of its input.
  var operands: [BoundExpression] {
    let terms = orderBy.compactMap { term in
      if case .expression(let expression) = term.key { expression } else { nil }
    }
    return arguments + partitionBy + terms + (filter.map { [$0] } ?? [])
  }
}

extension Planner {
  func windows(_ core: BoundCore, _ orderBy: [BoundOrdering], _ shape: InputShape) throws(NotMine)
    -> WindowPlan
  {
    let compiler = Compiler(shape, givens)
    var inputs: [OutputColumn] = []
    var passed: [Int: Int] = [:]
    var types = shape.types.map { _ in DataType.null }
    func pass(_ expression: BoundExpression) {
      if let place = shape.place(expression.node) {
        if passed[place] == nil {
          passed[place] = inputs.count
          types[place] = shape.types[place]
          inputs.append(OutputColumn(expression: expression, field: Field("", shape.types[place])))
        }
        return
      }
      for operand in expression.operands { pass(operand) }
    }
    for result in core.results { pass(result) }
    for term in orderBy { if case .expression(let expression) = term.key { pass(expression) } }
    func operand(_ expression: BoundExpression) throws(NotMine) -> (place: Int, node: Node) {
      let node = try compiler.value(expression)
      let type = try Self.storageType(expression, node, shape)
      guard type.vectorKind != nil else { throw NotMine("values of type \(type) are compared") }
      inputs.append(OutputColumn(expression: expression, field: Field("", type)))
      return (inputs.count - 1, node)
    }
    func number(_ expression: BoundExpression, from least: Int64) throws(NotMine) -> Int {
      guard case .integer(let value)? = try compiler.node(expression).constant, value >= least,
        value < 1 << 31
      else {
        throw NotMine("a window function by what is no constant")
      }
      return Int(value)
    }
    var calls: [WindowPlan.Call] = []
    var windows: [[String]] = []
    var levels: [[Int]] = []
    var mixed = shape.mixed
    for (index, call) in core.windowCalls.enumerated() {
      var planned = WindowPlan.Call(
        function: call.function, arguments: [], collation: call.collation, partition: [], ordering: [],
        frame: try Self.frame(call.frame))
      var names: [String] = []
      for term in call.partitionBy {
        let (place, node) = try operand(term)
        _ = try compiler.collated(node, term.comparedBy)
        planned.partition.append((place, term.comparedBy))
        names.append(term.identity)
      }
      names.append("|")
      for term in call.orderBy {
        guard case .expression(let expression) = term.key else {
          throw NotMine("a window ordered by a result")
        }
        let (place, node) = try operand(expression)
        let collation = expression.type.classes.contains(.text) ? term.collation : .binary
        _ = try compiler.collated(node, collation)
        planned.ordering.append((place, collation, term.isDescending, term.nullsFirst))
        names.append(expression.identity + "\(term.isDescending)\(term.nullsFirst)\(collation)")
      }
      var type: DataType
      switch call.function {
      case "row_number", "rank", "dense_rank": type = .int64
      case "percent_rank", "cume_dist": type = .float64
      case "ntile":
        type = .int64
        planned.number = try number(call.arguments[0], from: 1)
      case "lag", "lead", "first_value", "last_value", "nth_value", "min", "max", "count", "sum", "total",
        "avg":
        guard call.arguments.count < 3 else { throw NotMine("\(call.function)() with a default") }
        var node: Node?
        if let argument = call.arguments.first {
          let (place, value) = try operand(argument)
          node = value
          planned.arguments = [place]
        }
        type = planned.arguments.first.map { inputs[$0].field.type } ?? .int64
        if call.arguments.count == 2 {
          planned.number = try number(call.arguments[1], from: call.function == "nth_value" ? 1 : 0)
        }
        switch call.function {
        case "count": type = .int64
        case "sum", "total", "avg":
          guard let node, node.kind.isNumeric, !node.isMixed else {
            throw NotMine("\(call.function)() of what is no number")
          }
          // Added up from plain columns.
          inputs[planned.arguments[0]].field.type = node.kind == .integer ? .int64 : .float64
          type = call.function == "sum" ? inputs[planned.arguments[0]].field.type : .float64
        case "min", "max": if let node { _ = try compiler.collated(node, call.collation) }
        default: break
        }
        if node?.isMixed ?? false, type == .float64, call.function != "count" {
          mixed.insert(shape.types.count + index)
        }
      default: throw NotMine("the window function \(call.function)()")
      }
      if let filter = call.filter {
        let (place, node) = try operand(filter)
        guard node.kind.isNumeric || node.kind == .null else {
          throw NotMine("a text or blob is taken for a truth")
        }
        planned.filter = place
      }
      types.append(type)
      // SQLite computes windows together where they are the same in all.
      names.append(Self.frameName(call, planned.frame))
      if let level = windows.firstIndex(of: names) {
        levels[level].append(index)
      } else {
        windows.append(names)
        levels.append([index])
      }
      calls.append(planned)
    }
    var result = shape
    result.types = types
    result.mixed = mixed
    result.windowStart = shape.types.count
    return WindowPlan(inputs: inputs, passed: passed, calls: calls, levels: levels, shape: result)
  }

  /// The frame by which SQLite tells windows apart: some functions have one of their own, whatever the statement says.
  private static func frameName(_ call: BoundWindowCall, _ frame: WindowPlan.Frame) -> String {
    switch call.function {
    case "row_number", "lag": "rows to the row"
    case "rank", "dense_rank": "range to the row"
    case "percent_rank": "groups from the row"
    case "cume_dist": "groups behind the row"
    case "ntile": "rows from the row"
    case "lead": "rows"
    default:
      switch frame {
      case .rows: "rows to the row"
      case .peers: "\(call.frame.unit) to the row"
      case .whole: "\(call.frame.unit)"
      }
    }
  }

  private static func frame(_ frame: BoundFrame) throws(NotMine) -> WindowPlan.Frame {
    guard frame.exclusion == .noOthers, case .unboundedPreceding = frame.start else {
      throw NotMine("a window's frame of its own")
    }
    switch (frame.end, frame.unit) {
    case (.unboundedFollowing, _): return .whole
    case (.currentRow, .rows): return .rows
    case (.currentRow, _): return .peers
    default: throw NotMine("a window's frame of its own")
    }
  }
}
