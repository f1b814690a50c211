// Aggregate functions, for any number of groups: an array of states each, updated a vector at a time.

import Arrow
import Kernels
import Memory

/// The states of one aggregate in all groups.
class Accumulator {
  final let filter: Predicate?
  /// The number of the block that rows are of, among all; for those of which it matters which row came first.
  @exclusivity(unchecked) final var position: UInt64 = 0
  private let masked = UnsafeMutablePointer<UInt8>.allocate(capacity: vectorSize)

  init(filter: Predicate?) { self.filter = filter }

  deinit { masked.deallocate() }

  /// Makes room for groups below `count`.
  func reserve(_ count: Int) { preconditionFailure("every accumulator has its own") }

  /// Takes a whole block into group 0 by its statistics; false where they do not tell.
  func add(whole block: Block) throws(QueryError) -> Bool { false }

  /// About how many bytes are held besides a state for each group.
  var byteCount: Int { 0 }

  /// Takes the frame's rows into their groups; into group 0 when `groups` is nil.
  func add(_ frame: Frame, _ groups: UnsafePointer<UInt32>?) throws(QueryError) {
    preconditionFailure("every accumulator has its own")
  }

  /// Takes another's states; its group `i` is `map[i]` here.
  func merge(_ other: Accumulator, _ map: [UInt32]) throws(QueryError) {
    preconditionFailure("every accumulator has its own")
  }

  /// The results of some groups, in that order.
  func finish(_ groups: [UInt32], type: DataType) throws(QueryError) -> Column {
    preconditionFailure("every accumulator has its own")
  }

  /// Which rows count: those that are not NULL and that the filter lets through.
  final func counted(_ valid: UnsafePointer<UInt8>?, _ frame: Frame) throws(QueryError) -> UnsafePointer<
    UInt8
  >? {
    guard let filter else { return valid }
    let truth = try filter.test(frame)
    if let valid {
      for i in 0..<frame.count { masked[i] = valid[i] & (truth[i] &>> 1) }
    } else {
      for i in 0..<frame.count { masked[i] = truth[i] &>> 1 }
    }
    return UnsafePointer(masked)
  }
}

/// count(*) and count(x).
final class CountAccumulator: Accumulator {
  private let node: Node?
  @exclusivity(unchecked) private var counts = States<Int64>(0)
  /// Counts that are not in the others yet: half as wide, so that twice as many stay in the cache.
  @exclusivity(unchecked) private var recent = States<UInt32>(0)
  /// How many rows they are at most.
  private var recentRows = 0

  init(_ node: Node?, filter: Predicate?) {
    self.node = node
    super.init(filter: filter)
  }

  /// Whether it counts rows, whatever is in them.
  var countsRows: Bool { node == nil && filter == nil }

  override func reserve(_ count: Int) {
    counts.grow(to: count)
    recent.grow(to: count)
  }

  private func settle() {
    guard recentRows > 0 else { return }
    for group in 0..<recent.count {
      counts.base[group] &+= Int64(recent.base[group])
      recent.base[group] = 0
    }
    recentRows = 0
  }

  /// Takes some rows into group 0.
  func add(_ rows: Int) { counts.base[0] &+= Int64(rows) }

  override func add(_ frame: Frame, _ groups: UnsafePointer<UInt32>?) throws(QueryError) {
    let n = frame.count
    var valid: UnsafePointer<UInt8>?
    if let node { valid = try node.validity(frame) }
    let counted = try counted(valid, frame)
    guard let groups else {
      var ones = n
      if let counted {
        ones = 0
        for i in 0..<n { ones &+= Int(counted[i]) }
      }
      return add(ones)
    }
    if recentRows &+ n > Int(UInt32.max) { settle() }
    recentRows &+= n
    let target = recent.base
    if let counted {
      for i in 0..<n { target[Int(groups[i])] &+= UInt32(counted[i]) }
    } else {
      for i in 0..<n { target[Int(groups[i])] &+= 1 }
    }
  }

  override func add(whole block: Block) throws(QueryError) -> Bool {
    guard filter == nil else { return false }
    guard let node else {
      counts.base[0] += Int64(block.whole.count)
      return true
    }
    guard let column = node as? ColumnNode, let known = block.knownStatistics(column.index),
      column.type.layoutKind == .fixed
    else { return false }
    counts.base[0] += Int64(block.whole.count - known.nullCount - known.nanCount)
    return true
  }

  override func merge(_ other: Accumulator, _ map: [UInt32]) {
    let other = other as! CountAccumulator
    other.settle()
    for (i, group) in map.enumerated() { counts.base[Int(group)] &+= other.counts.base[i] }
  }

  override func finish(_ groups: [UInt32], type: DataType) throws(QueryError) -> Column {
    settle()
    let builder = FixedBuilder<Int64>(type: .int64)
    for group in groups { builder.append(counts.base[Int(group)]) }
    return builder.finish()
  }
}

/// sum, total and avg of integers.
final class IntegerSumAccumulator: Accumulator {
  enum Result { case sum, total, average }
  private let node: Node
  private let result: Result
  private struct State {
    var sum: Int64 = 0
    var count: Int64 = 0
  }
  @exclusivity(unchecked) private var states = States<State>(State())
  /// The bits of all magnitudes, by which a sum that may have overflowed is told.
  private var magnitudes: UInt64 = 0
  private var rows = 0

  init(_ node: Node, _ result: Result, filter: Predicate?) {
    self.node = node
    self.result = result
    super.init(filter: filter)
  }

  override func reserve(_ count: Int) { states.grow(to: count) }

  override func add(_ frame: Frame, _ groups: UnsafePointer<UInt32>?) throws(QueryError) {
    let n = frame.count
    let vector = try node.evaluate(frame)
    let counted = try counted(vector.valid, frame)
    let values = vector.integers
    var bits: Int64 = 0
    let target = states.base
    if let counted {
      for i in 0..<n { bits |= (values[i] ^ (values[i] &>> 63)) & (0 &- Int64(counted[i])) }
    } else {
      for i in 0..<n { bits |= values[i] ^ (values[i] &>> 63) }
    }
    switch (counted, groups) {
    case (nil, nil):
      var sum: Int64 = 0
      for i in 0..<n { sum &+= values[i] }
      target[0].sum &+= sum
      target[0].count &+= Int64(n)
    case (let counted?, nil):
      var sum: Int64 = 0
      var count: Int64 = 0
      for i in 0..<n {
        sum &+= values[i] & (0 &- Int64(counted[i]))
        count &+= Int64(counted[i])
      }
      target[0].sum &+= sum
      target[0].count &+= count
    case (nil, let groups?):
      for i in 0..<n {
        let group = Int(groups[i])
        target[group].sum &+= values[i]
        target[group].count &+= 1
      }
    case (let counted?, let groups?):
      for i in 0..<n {
        let group = Int(groups[i])
        target[group].sum &+= values[i] & (0 &- Int64(counted[i]))
        target[group].count &+= Int64(counted[i])
      }
    }
    magnitudes |= UInt64(bitPattern: bits)
    rows += n
  }

  override func add(whole block: Block) throws(QueryError) -> Bool {
    guard filter == nil, let column = node as? ColumnNode,
      case .integers(let low, let high)? = try block.statistics(column.index)?.bounds,
      let (sum, count) = try block.column(column.index).integerSum(block.whole)
    else { return false }
    states.base[0].sum &+= sum
    states.base[0].count &+= Int64(count)
    magnitudes |= UInt64(bitPattern: (low ^ (low &>> 63)) | (high ^ (high &>> 63)))
    rows += count
    return true
  }

  override func merge(_ other: Accumulator, _ map: [UInt32]) {
    let other = other as! IntegerSumAccumulator
    for (i, group) in map.enumerated() {
      states.base[Int(group)].sum &+= other.states.base[i].sum
      states.base[Int(group)].count &+= other.states.base[i].count
    }
    magnitudes |= other.magnitudes
    rows += other.rows
  }

  override func finish(_ groups: [UInt32], type: DataType) throws(QueryError) -> Column {
    // No order of the rows can have overflowed, or SQLite finds out whether its own did.
    let (bound, overflow) = (magnitudes + 1).multipliedReportingOverflow(by: UInt64(rows + 1))
    if overflow || bound > UInt64(Int64.max) {
      throw QueryError(.leftToSQLite, "a sum of integers may overflow")
    }
    if result == .sum {
      let builder = FixedBuilder<Int64>(type: .int64)
      for group in groups {
        let state = states.base[Int(group)]
        if state.count > 0 { builder.append(state.sum) } else { builder.appendNull() }
      }
      return builder.finish()
    }
    let builder = FixedBuilder<Double>(type: .float64)
    for group in groups {
      let state = states.base[Int(group)]
      if result == .total {
        builder.append(Double(state.sum))
      } else if state.count > 0 {
        builder.append(Double(state.sum) / Double(state.count))
      } else {
        builder.appendNull()
      }
    }
    return builder.finish()
  }
}

/// sum, total and avg of reals.
final class RealSumAccumulator: Accumulator {
  private let node: Node
  private let result: IntegerSumAccumulator.Result
  private struct State {
    var sum: Double = 0
    var count: Int64 = 0
  }
  @exclusivity(unchecked) private var states = States<State>(State())
  /// The greatest magnitude and how many values there were: whether a sum may have overflowed in some order of the rows.
  private var greatest = 0.0
  private var rows = 0

  init(_ node: Node, _ result: IntegerSumAccumulator.Result, filter: Predicate?) {
    self.node = node
    self.result = result
    super.init(filter: filter)
  }

  override func reserve(_ count: Int) { states.grow(to: count) }

  override func add(_ frame: Frame, _ groups: UnsafePointer<UInt32>?) throws(QueryError) {
    let n = frame.count
    let vector = try node.evaluate(frame)
    let counted = try counted(vector.valid, frame)
    let values = vector.reals
    rows += n
    var greatest = greatest
    let target = states.base
    switch (counted, groups) {
    case (nil, nil):
      target[0].sum += sum(values, n, &greatest)
      target[0].count &+= Int64(n)
    case (let counted?, nil):
      let (sum, count) = sum(values, counted, n, &greatest)
      target[0].sum += sum
      target[0].count &+= count
    case (nil, let groups?):
      for i in 0..<n {
        let group = Int(groups[i])
        target[group].sum += values[i]
        target[group].count &+= 1
        greatest = values[i].magnitude > greatest ? values[i].magnitude : greatest
      }
    case (let counted?, let groups?):
      for i in 0..<n {
        let group = Int(groups[i])
        let value = Double(bitPattern: values[i].bitPattern & (0 &- UInt64(counted[i])))
        target[group].sum += value
        target[group].count &+= Int64(counted[i])
        greatest = value.magnitude > greatest ? value.magnitude : greatest
      }
    }
    self.greatest = greatest
  }

  /// Eight sums side by side, because one addition waits for the one before.
  private func sum(_ values: UnsafePointer<Double>, _ n: Int, _ greatest: inout Double) -> Double {
    var sums = SIMD8<Double>(repeating: 0)
    var magnitudes = SIMD8<Double>(repeating: greatest)
    var i = 0
    while i &+ 8 <= n {
      let eight = UnsafeRawPointer(values + i).loadUnaligned(as: SIMD8<Double>.self)
      sums += eight
      let positive = SIMD8<Double>(
        unsafeBitCast(
          unsafeBitCast(eight, to: SIMD8<UInt64>.self) & SIMD8<UInt64>(repeating: UInt64.max >> 1),
          to: SIMD8<Double>.self))
      magnitudes.replace(with: positive, where: positive .> magnitudes)
      i &+= 8
    }
    var sum = sums.sum()
    greatest = magnitudes.max()
    while i < n {
      sum += values[i]
      greatest = values[i].magnitude > greatest ? values[i].magnitude : greatest
      i &+= 1
    }
    return sum
  }

  private func sum(
    _ values: UnsafePointer<Double>, _ counted: UnsafePointer<UInt8>, _ n: Int, _ greatest: inout Double
  ) -> (Double, Int64) {
    // What does not count becomes zero by its bits, which needs no branch and no wide masks.
    let bits = UnsafeRawPointer(values).assumingMemoryBound(to: UInt64.self)
    for i in 0..<n { zeroed[i] = bits[i] & (0 &- UInt64(counted[i])) }
    var count = 0
    for i in 0..<n { count &+= Int(counted[i]) }
    return (
      sum(UnsafeRawPointer(zeroed).assumingMemoryBound(to: Double.self), n, &greatest), Int64(count)
    )
  }

  private let zeroed = UnsafeMutablePointer<UInt64>.allocate(capacity: vectorSize)

  deinit { zeroed.deallocate() }

  override func add(whole block: Block) throws(QueryError) -> Bool {
    guard filter == nil, let column = node as? ColumnNode, let known = try block.statistics(column.index),
      known.nanCount == 0, case .reals(let low, let high) = known.bounds,
      let (sum, count) = try block.column(column.index).realSum(block.whole)
    else { return false }
    states.base[0].sum += sum
    states.base[0].count &+= Int64(count)
    greatest = max(greatest, low.magnitude, high.magnitude)
    rows += count
    return true
  }

  override func merge(_ other: Accumulator, _ map: [UInt32]) {
    let other = other as! RealSumAccumulator
    greatest = max(greatest, other.greatest)
    rows += other.rows
    for (i, group) in map.enumerated() {
      states.base[Int(group)].sum += other.states.base[i].sum
      states.base[Int(group)].count &+= other.states.base[i].count
    }
  }

  override func finish(_ groups: [UInt32], type: DataType) throws(QueryError) -> Column {
    let bound = greatest * Double(rows)
    if node.isMixed, result == .sum, bound >= 0x1p53 {
      throw QueryError(.leftToSQLite, "a sum of integers may overflow")
    }
    // What was infinite on the way stays so, or is NULL.
    if bound >= 1e308 { throw QueryError(.leftToSQLite, "a sum of reals may be infinite on the way") }
    let builder = FixedBuilder<Double>(type: .float64)
    for group in groups {
      let state = states.base[Int(group)]
      let value = result == .average ? state.sum / Double(state.count) : state.sum
      // Infinities of both signs make NaN, which is NULL.
      if (state.count > 0 || result == .total) && value == value {
        builder.append(value)
      } else {
        builder.appendNull()
      }
    }
    return builder.finish()
  }
}
