// min and max of each kind of value.

import Arrow
import Kernels
import Memory

/// min and max of integers and times.
final class IntegerExtremeAccumulator: Accumulator {
  private let node: Node
  private let isLeast: Bool
  /// For times: the ticks whose order is that of their text.
  private let domain: ClosedRange<Int64>?
  @exclusivity(unchecked) private var bests: States<Int64>
  @exclusivity(unchecked) private var seen = States<UInt8>(0)

  init(_ node: Node, isLeast: Bool, filter: Predicate?) {
    self.node = node
    self.isLeast = isLeast
    if case .ticks(let type) = node.kind { domain = type.tickDomain } else { domain = nil }
    bests = States(isLeast ? .max : .min)
    super.init(filter: filter)
  }

  override func reserve(_ count: Int) {
    bests.grow(to: count)
    seen.grow(to: count)
  }

  override func add(_ frame: Frame, _ groups: UnsafePointer<UInt32>?) throws(QueryError) {
    let n = frame.count
    let vector = try node.evaluate(frame)
    if let domain { try checkTicks(vector, n, domain) }
    let counted = try counted(vector.valid, frame)
    let values = vector.integers
    let none: Int64 = isLeast ? .max : .min
    if let groups {
      for i in 0..<n {
        let group = Int(groups[i])
        let isCounted = counted.map { $0[i] } ?? 1
        let value = isCounted != 0 ? values[i] : none
        let best = bests.base[group]
        bests.base[group] = isLeast ? min(best, value) : max(best, value)
        seen.base[group] |= isCounted
      }
      return
    }
    var best = bests.base[0]
    var any: UInt8 = 0
    if let counted {
      for i in 0..<n {
        let value = counted[i] != 0 ? values[i] : none
        best = isLeast ? (value < best ? value : best) : (value > best ? value : best)
        any |= counted[i]
      }
    } else {
      if isLeast {
        for i in 0..<n { best = values[i] < best ? values[i] : best }
      } else {
        for i in 0..<n { best = values[i] > best ? values[i] : best }
      }
      any = 1
    }
    bests.base[0] = best
    seen.base[0] |= any
  }

  override func add(whole block: Block) throws(QueryError) -> Bool {
    guard filter == nil, let column = node as? ColumnNode, column.type.layoutKind == .fixed,
      column.type.decimal == nil, let statistics = try block.statistics(column.index)
    else { return false }
    guard case .integers(let low, let high) = statistics.bounds else {
      return statistics.nullCount == block.whole.count
    }
    // What is beyond the domain is found out value by value.
    if let domain, !domain.contains(low) || !domain.contains(high) { return false }
    bests.base[0] = isLeast ? min(bests.base[0], low) : max(bests.base[0], high)
    seen.base[0] = 1
    return true
  }

  override func merge(_ other: Accumulator, _ map: [UInt32]) {
    let other = other as! IntegerExtremeAccumulator
    for (i, group) in map.enumerated() where other.seen.base[i] != 0 {
      let (a, b) = (bests.base[Int(group)], other.bests.base[i])
      bests.base[Int(group)] = isLeast ? min(a, b) : max(a, b)
      seen.base[Int(group)] = 1
    }
  }

  override func finish(_ groups: [UInt32], type: DataType) throws(QueryError) -> Column {
    try column(type, groups.count) { i in
      let group = Int(groups[i])
      return seen.base[group] != 0 ? bests.base[group] : nil
    }
  }
}

/// min and max of reals.
final class RealExtremeAccumulator: Accumulator {
  private let node: Node
  private let isLeast: Bool
  @exclusivity(unchecked) private var bests: States<Double>
  @exclusivity(unchecked) private var seen = States<UInt8>(0)

  init(_ node: Node, isLeast: Bool, filter: Predicate?) {
    self.node = node
    self.isLeast = isLeast
    bests = States(isLeast ? .infinity : -.infinity)
    super.init(filter: filter)
  }

  override func reserve(_ count: Int) {
    bests.grow(to: count)
    seen.grow(to: count)
  }

  override func add(_ frame: Frame, _ groups: UnsafePointer<UInt32>?) throws(QueryError) {
    let n = frame.count
    let vector = try node.evaluate(frame)
    let counted = try counted(vector.valid, frame)
    let values = vector.reals
    let none: Double = isLeast ? .infinity : -.infinity
    if let groups {
      for i in 0..<n {
        let group = Int(groups[i])
        let isCounted = counted.map { $0[i] } ?? 1
        let value = isCounted != 0 ? values[i] : none
        let best = bests.base[group]
        bests.base[group] = isLeast ? (value < best ? value : best) : (value > best ? value : best)
        seen.base[group] |= isCounted
      }
      return
    }
    var source = values
    var any: UInt8 = counted == nil ? 1 : 0
    if let counted {
      // What does not count becomes the end that nothing is beyond, by its bits.
      let bits = UnsafeRawPointer(values).assumingMemoryBound(to: UInt64.self)
      let filler = none.bitPattern
      for i in 0..<n {
        let mask = 0 &- UInt64(counted[i])
        filled[i] = bits[i] & mask | filler & ~mask
        any |= counted[i]
      }
      source = UnsafePointer(UnsafeMutableRawPointer(filled).assumingMemoryBound(to: Double.self))
    }
    let best = isLeast ? extreme(source, n, bests.base[0], <) : extreme(source, n, bests.base[0], >)
    bests.base[0] = best
    if any != 0 { seen.base[0] = 1 }
  }

  private let filled = UnsafeMutablePointer<UInt64>.allocate(capacity: vectorSize)

  deinit { filled.deallocate() }

  /// Four at a time, because each comparison waits for the one before.
  @inline(__always)
  private func extreme(
    _ values: UnsafePointer<Double>, _ n: Int, _ start: Double, _ wins: (Double, Double) -> Bool
  ) -> Double {
    var (a, b, c, d) = (start, start, start, start)
    var i = 0
    while i &+ 4 <= n {
      a = wins(values[i], a) ? values[i] : a
      b = wins(values[i &+ 1], b) ? values[i &+ 1] : b
      c = wins(values[i &+ 2], c) ? values[i &+ 2] : c
      d = wins(values[i &+ 3], d) ? values[i &+ 3] : d
      i &+= 4
    }
    while i < n {
      a = wins(values[i], a) ? values[i] : a
      i &+= 1
    }
    a = wins(b, a) ? b : a
    c = wins(d, c) ? d : c
    return wins(c, a) ? c : a
  }

  override func add(whole block: Block) throws(QueryError) -> Bool {
    guard filter == nil, let column = node as? ColumnNode, column.type.layoutKind == .fixed,
      let statistics = try block.statistics(column.index)
    else { return false }
    guard case .reals(let low, let high) = statistics.bounds else {
      return statistics.nullCount + statistics.nanCount == block.whole.count
    }
    let (best, value) = (bests.base[0], isLeast ? low : high)
    bests.base[0] = isLeast ? (value < best ? value : best) : (value > best ? value : best)
    seen.base[0] = 1
    return true
  }

  override func merge(_ other: Accumulator, _ map: [UInt32]) {
    let other = other as! RealExtremeAccumulator
    for (i, group) in map.enumerated() where other.seen.base[i] != 0 {
      let (a, b) = (bests.base[Int(group)], other.bests.base[i])
      bests.base[Int(group)] = isLeast ? (b < a ? b : a) : (b > a ? b : a)
      seen.base[Int(group)] = 1
    }
  }

  override func finish(_ groups: [UInt32], type: DataType) throws(QueryError) -> Column {
    try column(type, groups.count) { i in
      let group = Int(groups[i])
      return seen.base[group] != 0 ? bests.base[group] : nil
    }
  }
}

/// min and max of texts and blobs, by their bytes.
final class TextExtremeAccumulator: Accumulator {
  private let node: Node
  private let isLeast: Bool
  @exclusivity(unchecked) private var bests: [[UInt8]?] = []

  init(_ node: Node, isLeast: Bool, filter: Predicate?) {
    self.node = node
    self.isLeast = isLeast
    super.init(filter: filter)
  }

  override func reserve(_ count: Int) {
    if count > bests.count { bests += [[UInt8]?](repeating: nil, count: count - bests.count) }
  }

  override func add(_ frame: Frame, _ groups: UnsafePointer<UInt32>?) throws(QueryError) {
    let vector = try node.evaluate(frame)
    let counted = try counted(vector.valid, frame)
    let slices = vector.slices
    for i in 0..<frame.count where counted.map({ $0[i] != 0 }) ?? true {
      offer(slices[i], groups.map { Int($0[i]) } ?? 0)
    }
  }

  @inline(__always)
  private func offer(_ slice: UnsafeRawBufferPointer, _ group: Int) {
    let order = bests[group]?.withUnsafeBytes { compareBytes(slice, $0) } ?? (isLeast ? -1 : 1)
    if isLeast ? order < 0 : order > 0 { bests[group] = Array(slice) }
  }

  override func merge(_ other: Accumulator, _ map: [UInt32]) {
    let other = other as! TextExtremeAccumulator
    for (i, group) in map.enumerated() {
      other.bests[i]?.withUnsafeBytes { offer($0, Int(group)) }
    }
  }

  override func finish(_ groups: [UInt32], type: DataType) throws(QueryError) -> Column {
    let builder = type.makeBuilder()
    for group in groups {
      if let best = bests[Int(group)] {
        try data { () throws(DataError) in try builder.append(bytes: best.span.bytes) }
      } else {
        builder.appendNull()
      }
    }
    return builder.finish()
  }
}

/// A column of integers or ticks in any type that holds them.
func column(
  _ type: DataType, _ count: Int, _ checkpoint: Checkpoint = .none, _ value: (Int) -> Int64?
) throws(QueryError) -> Column {
  func built<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) throws(QueryError) -> Column {
    let builder = FixedBuilder<T>(type: type)
    builder.reserve(count)
    for i in 0..<count {
      try checkpoint.check(i)
      if let value = value(i) { builder.append(T(truncatingIfNeeded: value)) } else { builder.appendNull() }
    }
    return builder.finish()
  }
  switch type {
  case .float64:
    // Integers that the result's type has reals for.
    let builder = FixedBuilder<Double>(type: .float64)
    for i in 0..<count {
      guard let value = value(i) else {
        builder.appendNull()
        continue
      }
      guard let real = Double(exactly: value) else {
        throw QueryError(.leftToSQLite, "an integer has no real that is equal to it")
      }
      builder.append(real)
    }
    return builder.finish()
  case .bool:
    let builder = BooleanBuilder()
    for i in 0..<count {
      if let value = value(i) { builder.append(value != 0) } else { builder.appendNull() }
    }
    return builder.finish()
  default:
    switch type.byteWidth {
    case 1: return try built(UInt8.self)
    case 2: return try built(UInt16.self)
    case 4: return try built(UInt32.self)
    case 8: return try built(Int64.self)
    case 16, 32: return try decimals(type, count, value)
    default: throw QueryError(.leftToSQLite, "integers in type \(type)")
    }
  }
}

/// A column of decimals, by their unscaled values.
private func decimals(_ type: DataType, _ count: Int, _ value: (Int) -> Int64?) throws(QueryError) -> Column {
  let builder = type.makeBuilder()
  for i in 0..<count {
    guard let value = value(i) else {
      builder.appendNull()
      continue
    }
    let sign: Int64 = value < 0 ? -1 : 0
    let words = [value, sign, sign, sign]
    try data { () throws(DataError) in
      try builder.append(bytes: words.span.bytes.extracting(0..<type.byteWidth!))
    }
  }
  return builder.finish()
}

/// A column of reals in any type that holds them.
func column(
  _ type: DataType, _ count: Int, _ checkpoint: Checkpoint = .none, _ value: (Int) -> Double?
) throws(QueryError) -> Column {
  func built<T: BinaryFloatingPoint & BitwiseCopyable>(_: T.Type) throws(QueryError) -> Column {
    let builder = FixedBuilder<T>(type: type)
    builder.reserve(count)
    for i in 0..<count {
      try checkpoint.check(i)
      if let value = value(i) { builder.append(T(value)) } else { builder.appendNull() }
    }
    return builder.finish()
  }
  switch type {
  case .float16: return try built(Float16.self)
  case .float32: return try built(Float.self)
  case .float64: return try built(Double.self)
  case .decimal32(_, let scale), .decimal64(_, let scale), .decimal128(_, let scale),
    .decimal256(_, let scale):
    var factor = 1.0
    for _ in 0..<scale { factor *= 10 }
    // Of at most 15 digits the product is less than half a unit off.
    return try decimals(type, count) { i in value(i).map { Int64(($0 * factor).rounded()) } }
  default: throw QueryError(.leftToSQLite, "reals in type \(type)")
  }
}
