// Conditions that tell from a block's statistics which of its rows cannot satisfy them.

import Arrow
import Kernels
import Memory
import SQL
import Tables

/// What of a query's conditions can be asked of zone maps. They may keep too much, never too little.
struct ZoneFilters {
  private(set) var filters: [(column: Int, predicate: RangePredicate)] = []

  init(_ conditions: [BoundExpression], _ shape: InputShape, _ givens: Givens) {
    let compiler = Compiler(shape, givens)
    for condition in conditions { add(condition, shape, compiler) }
  }

  /// For plans: which columns.
  var columns: [Int] { Array(Set(filters.map(\.column))).sorted() }

  func surviving(_ blocks: [Block]) throws(QueryError) -> [Block] {
    var kept = blocks
    for filter in filters {
      // Blocks of a segment stand together: its statistics are asked for once.
      var last: (segment: Segment, column: Int, statistics: [BlockStatistics])?
      var matching: [Block] = []
      for block in kept {
        if case .segment(let segment, let number, _) = block.origin {
          let column = block.place(filter.column)
          if last?.segment !== segment || last?.column != column {
            let statistics = try data { () throws(DataError) in try segment.statistics(column) }
            last = (segment, column, statistics)
          }
          let known = last!.statistics[number]
          guard known.mayMatch(filter.predicate, count: block.whole.count) else { continue }
          if known.isAscending {
            let values = try block.column(filter.column)
            let rows = values.ascendingRows(block.rows, matching: filter.predicate)
            if !rows.isEmpty { matching.append(block.narrowed(to: rows)) }
            continue
          }
        }
        matching.append(block)
      }
      kept = matching
    }
    return kept
  }

  private mutating func add(_ condition: BoundExpression, _ shape: InputShape, _ compiler: Compiler) {
    switch condition.node {
    case .compare(let symbol, let left, let right, let how):
      guard symbol != .is, symbol != .isNot, let order = Order(symbol) else { return }
      add(order, left, right, how, shape, compiler)
    case .between(let operand, false, let low, let lowHow, let high, let highHow):
      add(.greaterOrEqual, operand, low, lowHow, shape, compiler)
      add(.lessOrEqual, operand, high, highHow, shape, compiler)
    case .inList(let operand, false, let items, let how):
      guard let place = shape.place(operand.node), how.collation == .binary else { return }
      var constants: [Constant] = []
      for item in items {
        guard let constant = (try? compiler.node(item))?.constant else { return }
        constants.append(constant)
      }
      addSet(place, shape.types[place], constants)
    case .isNull(let operand, let negated):
      guard let place = shape.place(operand.node), let kind = shape.types[place].vectorKind else { return }
      // NaN is NULL, too.
      if kind != .real, kind != .null { filters.append((place, negated ? .isNotNull : .isNull)) }
    case .match(let symbol, false, let operand, let pattern, nil):
      guard let place = shape.place(operand.node), shape.types[place].isText,
        case .text(let bytes)? = (try? compiler.node(pattern))?.constant, symbol == .like || symbol == .glob
      else { return }
      let wild: [UInt8] = Array((symbol == .glob ? "*?[" : "%_").utf8) + [0]
      let prefix = Array(bytes.prefix { !wild.contains($0) })
      if prefix.isEmpty { return }
      // Zone maps know no case.
      if symbol == .glob { filters.append((place, .prefix(prefix, foldsCase: false))) }
    default: break
    }
  }

  private mutating func addSet(_ place: Int, _ type: DataType, _ constants: [Constant]) {
    switch type.vectorKind {
    case .integer:
      var set: Set<Int64> = []
      for constant in constants {
        guard case .integer(let value) = constant else { return }
        set.insert(value)
      }
      filters.append((place, .integerSet(set)))
    case .text where type.isText:
      var set: Set<[UInt8]> = []
      for constant in constants {
        guard case .text(let value) = constant else { return }
        set.insert(value)
      }
      filters.append((place, .byteSet(set)))
    default: break
    }
  }

  private mutating func add(
    _ order: Order, _ left: BoundExpression, _ right: BoundExpression, _ how: Comparison, _ shape: InputShape,
    _ compiler: Compiler
  ) {
    guard how.collation == .binary else { return }
    if let place = shape.place(left.node), let constant = (try? compiler.node(right))?.constant {
      add(order, place, shape.types[place], constant)
    } else if let place = shape.place(right.node), let constant = (try? compiler.node(left))?.constant {
      add(order.mirrored, place, shape.types[place], constant)
    }
  }

  private mutating func add(_ order: Order, _ place: Int, _ type: DataType, _ constant: Constant) {
    guard order != .notEqual else { return }
    if constant == .null { return filters.append((place, .nothing)) }
    switch (type.vectorKind, constant) {
    case (.integer, .integer(let value)):
      switch order {
      case .equal: filters.append((place, .integers(value...value)))
      case .less, .lessOrEqual: filters.append((place, .integers(.min...value)))
      default: filters.append((place, .integers(value...(.max))))
      }
    case (.integer, .real(let value)):
      let (low, high) = (truncated(value.rounded(.down)), truncated(value.rounded(.up)))
      switch order {
      case .equal: filters.append((place, .integers(low...high)))
      case .less, .lessOrEqual: filters.append((place, .integers(.min...high)))
      default: filters.append((place, .integers(low...(.max))))
      }
    case (.real, .real), (.real, .integer):
      var value = 0.0
      var slack = false
      if case .real(let real) = constant { value = real }
      if case .integer(let integer) = constant {
        value = Double(integer)
        slack = Double(exactly: integer) == nil
      }
      let (low, high) = slack ? (value.nextDown, value.nextUp) : (value, value)
      switch order {
      case .equal: filters.append((place, .reals(low...high)))
      case .less, .lessOrEqual: filters.append((place, .reals(-.infinity...high)))
      default: filters.append((place, .reals(low ... .infinity)))
      }
    case (.text, .text(let value)) where type.isText, (.blob, .blob(let value)):
      let bound = ByteBound(value, isInclusive: true)
      switch order {
      case .equal: filters.append((place, .bytes(lower: bound, upper: bound)))
      case .less, .lessOrEqual: filters.append((place, .bytes(lower: nil, upper: bound)))
      default: filters.append((place, .bytes(lower: bound, upper: nil)))
      }
    default:
      // Times are only in the order of their text within their domain, which the predicate makes sure of; here blocks
      // that leave it are kept, because the ends of the domain are taken for the ends of everything.
      guard case .ticks(let ticks)? = type.vectorKind, case .text(let text) = constant,
        let domain = ticks.tickDomain
      else { return }
      guard let range = ticks.ticks(order, text) else { return }
      let low = range.lowerBound == domain.lowerBound ? .min : range.lowerBound
      let high = range.upperBound == domain.upperBound ? .max : range.upperBound
      filters.append((place, .integers(low...high)))
    }
  }
}
