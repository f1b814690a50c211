// How a scan of a published table will run: decided by the planner, carried out by the cursor.

import Arrow
import Kernels
import SQLite

/// The comparisons that a scan takes over, one for each argument of `filter`, as a text that SQLite keeps with the statement.
struct ScanPlan {
  struct Step {
    /// -1 for the row id.
    let column: Int
    let comparison: ScanOperator
    /// Whether the other side stands in the statement as a literal.
    var isLiteral = false
  }

  var steps: [Step] = []

  /// `3=5!<-1>`: a column and an operator each, an exclamation mark before the operator when the other side is a literal.
  var text: [UInt8] {
    var text: [UInt8] = []
    for step in steps {
      text += Array(String(step.column).utf8)
      if step.isLiteral { text.append(UInt8(ascii: "!")) }
      text.append(step.comparison.rawValue)
    }
    return text
  }

  init() {}

  init(_ text: UnsafePointer<CChar>?) {
    guard var place = text else { return }
    var column = 0
    var isNegative = false
    var isLiteral = false
    while place.pointee != 0 {
      let byte = UInt8(bitPattern: place.pointee)
      switch byte {
      case UInt8(ascii: "-"): isNegative = true
      case UInt8(ascii: "!"): isLiteral = true
      case UInt8(ascii: "0")...UInt8(ascii: "9"): column = column * 10 + Int(byte - UInt8(ascii: "0"))
      default:
        steps.append(
          Step(
            column: isNegative ? -column : column, comparison: ScanOperator(rawValue: byte)!,
            isLiteral: isLiteral))
        column = 0
        isLiteral = false
        isNegative = false
      }
      place += 1
    }
  }
}

extension PublishedTable {
  /// Takes every comparison that conditions can be made of, and says what is left to read then.
  func plan(_ request: borrowing IndexRequest) throws(SQLiteError) -> Bool {
    let snapshot = try snapshot()
    var plan = ScanPlan()
    var rows = Double(max(snapshot.rowCount, 1))
    var isUnique = false
    // LIMIT ends a scan by itself. OFFSET is SQLite's to count: it does not say of conditions such as `a < a` that they are there.
    for i in 0..<request.constraintCount {
      guard let constraint = request.constraint(i), constraint.isUsable,
        let comparison = ScanOperator(
          constraint.comparison, isList: constraint.column >= 0 && request.isList(i))
      else { continue }
      let constant = comparison == .in ? nil : request.constant(i)
      if constraint.column < 0 {
        guard comparison.isRowComparison else { continue }
        if comparison == .equal { isUnique = true }
        rows = comparison == .equal ? 1 : rows / 4
      } else {
        let type = schema.fields[constraint.column].type
        guard type.canCompare(comparison, collation: request.collation(i)) else { continue }
        rows *= selectivity(snapshot, constraint.column, comparison, constant)
      }
      if comparison == .in { _ = request.isList(i, takesAll: true) }
      request.use(i, argument: plan.steps.count, isExact: false)
      plan.steps.append(
        ScanPlan.Step(column: constraint.column, comparison: comparison, isLiteral: constant != nil))
    }
    let hasEquality = plan.steps.contains { $0.comparison == .equal }
    // An equality is looked up in an index that is made when it pays (`TableCursor`); everything else passes over the columns, at a
    // tenth of what it costs SQLite to look at a row.
    let scan = plan.steps.isEmpty ? 0 : Double(snapshot.rowCount) / 10
    let cost = isUnique ? 2 : hasEquality ? 20 + rows * 2 : scan + rows + 1
    request.answer(plan: 0, text: plan.text, cost: cost, rows: Int(max(1, rows)), isUnique: isUnique)
    return true
  }

  /// The share of rows that a comparison leaves.
  private func selectivity(
    _ snapshot: TableSnapshot, _ column: Int, _ comparison: ScanOperator, _ constant: SQLValue?
  ) -> Double {
    switch comparison {
    case .equal, .is, .in:
      let share = 1 / Double(max(1, snapshot.estimatedDistinct(column)))
      return comparison == .in ? min(1, 5 * share) : share
    case .isNull: return 0.1
    case .isNotNull: return 0.9
    case .like, .glob: return 0.2
    default: break
    }
    let type = schema.fields[column].type
    guard let constant, let condition = type.condition(column: column, comparison, constant) else {
      return 0.33
    }
    return snapshot.estimatedShare(column, condition.predicate)
  }
}

extension ScanOperator {
  fileprivate var isRowComparison: Bool {
    switch self {
    case .equal, .less, .lessOrEqual, .greater, .greaterOrEqual: true
    default: false
    }
  }
}

extension DataType {
  /// Whether comparisons of this kind may become conditions.
  fileprivate func canCompare(_ comparison: ScanOperator, collation: String) -> Bool {
    switch self {
    case .dictionary(_, let values, _): return values.canCompare(comparison, collation: collation)
    case .utf8, .largeUtf8, .utf8View:
      return comparison == .like || comparison == .glob || comparison == .isNull || comparison == .isNotNull
        || isBinary(collation)
    case .date32, .date64, .time32, .time64, .timestamp:
      return comparison != .like && comparison != .glob && isBinary(collation)
    case .interval, .decimal256: return comparison == .isNull || comparison == .isNotNull
    default:
      return valueDomain != nil && comparison != .like && comparison != .glob
        || comparison == .isNull || comparison == .isNotNull
    }
  }

  private func isBinary(_ collation: String) -> Bool { collation.utf8.elementsEqual("BINARY".utf8) }
}
