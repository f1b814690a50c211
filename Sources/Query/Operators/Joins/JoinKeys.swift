// The keys of a join's built side, read by all threads.

import Kernels
import Memory
import SQL

/// Values of some keys by their row, as words: integers and times as they are, reals by their bits.
final class JoinKeys: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): `init` writes, each row by one thread; nobody does afterwards.
  let count: Int
  let width: Int
  // SAFETY: room for `width` words for each row, and for a byte for each.
  let words: UnsafeMutablePointer<UInt64>
  let valid: UnsafeMutablePointer<UInt8>
  private(set) var hasNulls = false
  /// The least and the greatest of a single key.
  private(set) var bounds: ClosedRange<Int64>?
  /// Whether none of a single key's values is NULL or less than the one before it; whether none is the same besides.
  private(set) var isAscending = false
  private(set) var isStrictlyAscending = false

  deinit {
    words.deallocate()
    valid.deallocate()
  }

  /// - Parameter keys: of fixed kinds, of the block's first `count` rows.
  init(
    _ block: Block, _ count: Int, _ keys: [BoundExpression], _ shape: InputShape, _ givens: Givens,
    _ morsels: Morsels
  ) throws(QueryError) {
    self.count = count
    width = keys.count
    words = allocated(UInt64.self, count * keys.count)
    valid = allocated(UInt8.self, count)
    let parts = (count + JoinKeys.partRows - 1) / JoinKeys.partRows
    let found = Guarded([Part](repeating: Part(), count: parts))
    _ = try morsels.run(parts) { () throws(QueryError) in
      try Reader(block, keys, shape, givens)
    } _: { [self] reader, number throws(QueryError) in
      let start = number * JoinKeys.partRows
      let part = try reader.read(start..<min(start + JoinKeys.partRows, count), words, valid)
      found.withLock { $0[number] = part }
    }
    guard parts > 0 else { return }
    let all = found.withLock { $0 }
    hasNulls = all.contains { $0.hasNulls }
    guard width == 1, all.contains(where: { $0.low <= $0.high }) else { return }
    bounds = all.reduce(Int64.max) { min($0, $1.low) }...all.reduce(Int64.min) { max($0, $1.high) }
    guard !hasNulls else { return }
    let seams = (1..<parts).map { (integer($0 * JoinKeys.partRows - 1), integer($0 * JoinKeys.partRows)) }
    isAscending = all.allSatisfy(\.isAscending) && seams.allSatisfy { $0.0 <= $0.1 }
    isStrictlyAscending = all.allSatisfy(\.isStrict) && seams.allSatisfy { $0.0 < $0.1 }
  }

  /// Rows that a thread reads at once.
  static let partRows = 16 * vectorSize

  @inline(__always) func integer(_ row: Int) -> Int64 { Int64(bitPattern: words[row]) }

  /// The first row of an ascending key whose value is at least this.
  func firstRow(notBelow value: Int64) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = low + (high - low) / 2
      if integer(middle) >= value { high = middle } else { low = middle + 1 }
    }
    return low
  }

  private struct Part {
    var low = Int64.max
    var high = Int64.min
    var hasNulls = false
    var isAscending = true
    var isStrict = true
  }

  /// One thread's nodes.
  private final class Reader: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): used by one thread at a time, as `Morsels` hands it out.
    private let nodes: [Node]
    private let frame = Frame()

    init(_ block: Block, _ keys: [BoundExpression], _ shape: InputShape, _ givens: Givens) throws(QueryError)
    {
      let compiler = Compiler(shape, givens)
      nodes = try compiling { () throws(NotMine) in
        var nodes: [Node] = []
        for key in keys { nodes.append(try compiler.node(key)) }
        return nodes
      }
      frame.enter(block)
    }

    func read(
      _ rows: Range<Int>, _ words: UnsafeMutablePointer<UInt64>, _ valid: UnsafeMutablePointer<UInt8>
    ) throws(QueryError) -> Part {
      var part = Part()
      for start in stride(from: rows.lowerBound, to: rows.upperBound, by: vectorSize) {
        frame.select(start..<min(start + vectorSize, rows.upperBound))
        try keyWords(nodes, frame, words + start * nodes.count, valid + start)
        let n = frame.count
        var ones = 0
        for i in 0..<n { ones &+= Int(valid[start &+ i]) }
        if ones < n { part.hasNulls = true }
        if nodes.count == 1 { look(at: start..<start + n, since: rows.lowerBound, words, valid, &part) }
      }
      return part
    }

    private func look(
      at rows: Range<Int>, since first: Int, _ words: UnsafeMutablePointer<UInt64>,
      _ valid: UnsafeMutablePointer<UInt8>, _ part: inout Part
    ) {
      let values = UnsafeRawPointer(words).assumingMemoryBound(to: Int64.self)
      var (low, high) = (part.low, part.high)
      if part.hasNulls {
        for row in rows where valid[row] != 0 {
          low = min(low, values[row])
          high = max(high, values[row])
        }
        part.isAscending = false
        part.isStrict = false
      } else {
        for row in rows {
          low = min(low, values[row])
          high = max(high, values[row])
        }
        var (descents, repeats) = (0, 0)
        for row in max(rows.lowerBound, first + 1)..<max(rows.upperBound, first + 1) {
          descents &+= values[row] < values[row &- 1] ? 1 : 0
          repeats &+= values[row] == values[row &- 1] ? 1 : 0
        }
        part.isAscending = part.isAscending && descents == 0
        part.isStrict = part.isStrict && descents == 0 && repeats == 0
      }
      (part.low, part.high) = (low, high)
    }
  }
}

/// The words of a frame's rows, and whether none of each row's keys is NULL.
func keyWords(
  _ nodes: [Node], _ frame: Frame, _ words: UnsafeMutablePointer<UInt64>, _ valid: UnsafeMutablePointer<UInt8>
) throws(QueryError) {
  let n = frame.count
  let width = nodes.count
  valid.update(repeating: 1, count: n)
  for (column, node) in nodes.enumerated() {
    let vector = try node.evaluate(frame)
    if node.kind == .real {
      // Both zeroes are one key.
      for i in 0..<n { words[i &* width &+ column] = (vector.reals[i] + 0).bitPattern }
    } else if width == 1 {
      words.update(from: UnsafeRawPointer(vector.values).assumingMemoryBound(to: UInt64.self), count: n)
    } else {
      for i in 0..<n { words[i &* width &+ column] = UInt64(bitPattern: vector.integers[i]) }
    }
    if let bytes = vector.valid { for i in 0..<n { valid[i] &= bytes[i] } }
  }
}
