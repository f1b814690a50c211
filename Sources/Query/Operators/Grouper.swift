// What numbers groups: a hash table, or an array where the keys are known to be few.

import Arrow
import Kernels
import Memory

/// Numbers the groups of rows.
class Grouper {
  /// Asked in what takes long.
  var checkpoint = Checkpoint.none

  /// How many numbers are in use, or can be.
  var count: Int { preconditionFailure("every grouper has its own") }
  var byteCount: Int { preconditionFailure("every grouper has its own") }

  /// The groups of the frame's rows. `position` is that of its block, among all.
  func assign(_ frame: Frame, position: UInt64) throws(QueryError) -> UnsafePointer<UInt32> {
    preconditionFailure("every grouper has its own")
  }

  /// Enters another's groups.
  /// - Parameter first: what the first column's words become, when they are numbers of groups themselves.
  /// - Returns: the number here of each of them.
  @discardableResult
  func merge(_ other: Grouper, first: [UInt32]?) throws(QueryError) -> [UInt32] {
    preconditionFailure("every grouper has its own")
  }

  /// All groups that have rows, by ascending keys: NULL first, then by value, as SQLite puts them out.
  func sortedGroups() throws(QueryError) -> [UInt32] { preconditionFailure("every grouper has its own") }

  /// All groups that have rows, in the order of their first rows.
  func groupsByAppearance() throws(QueryError) -> [UInt32] {
    preconditionFailure("every grouper has its own")
  }

  /// Where a group's first row was: the number of the block, and the row in it.
  func first(_ group: Int) -> UInt64 { preconditionFailure("every grouper has its own") }

  /// A key's word: an integer's or real's bits, or something that differs for every text; nil for NULL.
  func word(_ group: Int, _ column: Int) -> UInt64? { preconditionFailure("every grouper has its own") }

  /// A key's column for some groups.
  func column(_ column: Int, _ groups: [UInt32], type: DataType) throws(QueryError) -> Column {
    preconditionFailure("every grouper has its own")
  }
}

/// Groups whose number is made of the keys themselves: codes of texts, and integers of a small range.
final class DirectGroups: Grouper {
  enum Key {
    case coded(ColumnNode)
    /// Integers or times from `low` on, `size - 1` of them; 0 is NULL.
    case range(Node, low: Int64, size: Int)

    var size: Int {
      switch self {
      case .coded(let node): node.coded!.count
      case .range(_, _, let size): size
      }
    }
  }

  /// More groups than this do not stay in the cache.
  static let limit = 1 << 18

  /// The positions of no more than so many do not leave the nearest cache.
  private static let near = 1 << 11

  private let keys: [Key]
  private let strides: [Int]
  private let domain: Int
  // SAFETY: room for `vectorSize` groups, and for `domain` positions.
  private let groups = UnsafeMutablePointer<UInt32>.allocate(capacity: vectorSize)
  private let firsts: UnsafeMutablePointer<UInt64>
  /// A bit for each group that has a row, where they are many: looked at for every row, it stays in the nearest cache, as `firsts` would
  /// not.
  private let seen: UnsafeMutablePointer<UInt64>

  /// nil when there may be too many.
  init?(_ keys: [Key], limit: Int = DirectGroups.limit) {
    var domain = 1
    var strides = [Int](repeating: 1, count: keys.count)
    for (number, key) in keys.enumerated().reversed() {
      strides[number] = domain
      let (product, overflow) = domain.multipliedReportingOverflow(by: key.size)
      if overflow || product > limit { return nil }
      domain = product
    }
    self.keys = keys
    self.strides = strides
    self.domain = domain
    firsts = .allocate(capacity: domain)
    firsts.initialize(repeating: .max, count: domain)
    seen = .allocate(capacity: domain / 64 + 1)
    seen.initialize(repeating: 0, count: domain / 64 + 1)
  }

  deinit {
    groups.deallocate()
    seen.deallocate()
    firsts.deallocate()
  }

  override var count: Int { domain }
  override var byteCount: Int { domain * 8 }

  override func assign(_ frame: Frame, position: UInt64) throws(QueryError) -> UnsafePointer<UInt32> {
    let n = frame.count
    let groups = groups
    for (number, key) in keys.enumerated() {
      let stride = UInt32(strides[number])
      switch key {
      case .coded(let node):
        if number == 0 {
          try node.forEachCode(frame) { i, code in groups[i] = UInt32(truncatingIfNeeded: code) &* stride }
        } else {
          try node.forEachCode(frame) { i, code in groups[i] &+= UInt32(truncatingIfNeeded: code) &* stride }
        }
      case .range(let node, let low, let size):
        if number == 0, stride == 1, try assignStored(node, low, size, frame) { continue }
        let vector = try node.evaluate(frame)
        let integers = vector.integers
        if number == 0 { groups.update(repeating: 0, count: n) }
        var beyond: UInt64 = 0
        if let valid = vector.valid {
          for i in 0..<n {
            let place = UInt64(bitPattern: integers[i] &- low &+ 1) & (0 &- UInt64(valid[i]))
            beyond |= place >= UInt64(size) ? 1 : 0
            groups[i] &+= UInt32(truncatingIfNeeded: place) &* stride
          }
        } else {
          for i in 0..<n {
            let place = UInt64(bitPattern: integers[i] &- low &+ 1)
            beyond |= place >= UInt64(size) ? 1 : 0
            groups[i] &+= UInt32(truncatingIfNeeded: place) &* stride
          }
        }
        // The statistics are of the same bytes, unless somebody writes to the file.
        if beyond != 0 { throw QueryError(.data(.malformed), "values are not within their statistics") }
      }
    }
    let (seen, firsts) = (seen, firsts)
    if domain <= DirectGroups.near {
      for i in 0..<n where firsts[Int(groups[i])] == .max {
        firsts[Int(groups[i])] = position << 32 | UInt64(frame.row(i))
      }
      return UnsafePointer(groups)
    }
    for i in 0..<n {
      let group = Int(groups[i])
      if seen[group &>> 6] &>> UInt64(group & 63) & 1 == 0 {
        seen[group &>> 6] |= 1 &<< UInt64(group & 63)
        firsts[group] = position << 32 | UInt64(frame.row(i))
      }
    }
    return UnsafePointer(groups)
  }

  /// Numbers the values of a run as they are stored; false for other rows and widths.
  private func assignStored(_ node: Node, _ low: Int64, _ size: Int, _ frame: Frame) throws(QueryError)
    -> Bool
  {
    guard let column = node as? ColumnNode, column.type == .int32 || column.type == .int64,
      let values = try column.storedRun(frame)
    else { return false }
    guard try column.validity(frame) == nil else { return false }
    let isWithin =
      column.type == .int32
      ? number32(values, low, size, frame.count) : number64(values, low, size, frame.count)
    // The statistics are of the same bytes, unless somebody writes to the file.
    if !isWithin { throw QueryError(.data(.malformed), "values are not within their statistics") }
    return true
  }

  /// Eight at a time, since most of them come from memory.
  /// - Returns: whether all places are below `size`.
  private func number64(_ values: UnsafeRawPointer, _ low: Int64, _ size: Int, _ n: Int) -> Bool {
    let base = UInt64(bitPattern: low &- 1)
    let bases = SIMD8<UInt64>(repeating: base)
    let sizes = SIMD8<UInt32>(repeating: UInt32(size))
    var all = SIMD8<UInt64>(repeating: 0)
    var beyond = SIMDMask<SIMD8<Int32>>(repeating: false)
    let target = UnsafeMutableRawPointer(groups)
    var i = 0
    while i &+ 8 <= n {
      let places = (values + i &* 8).loadUnaligned(as: SIMD8<UInt64>.self) &- bases
      let halves = SIMD8<UInt32>(truncatingIfNeeded: places)
      all |= places
      beyond = beyond .| (halves .>= sizes)
      target.storeBytes(of: halves, toByteOffset: i &* 4, as: SIMD8<UInt32>.self)
      i &+= 8
    }
    var isWithin = true
    while i < n {
      let place = load(values, i, as: UInt64.self) &- base
      isWithin = isWithin && place < UInt64(size)
      groups[i] = UInt32(truncatingIfNeeded: place)
      i &+= 1
    }
    for lane in 0..<8 { isWithin = isWithin && all[lane] &>> 32 == 0 && !beyond[lane] }
    return isWithin
  }

  /// The same for four bytes each: differences of what is within the statistics fit into them.
  private func number32(_ values: UnsafeRawPointer, _ low: Int64, _ size: Int, _ n: Int) -> Bool {
    let base = UInt32(truncatingIfNeeded: low &- 1)
    let bases = SIMD8<UInt32>(repeating: base)
    let sizes = SIMD8<UInt32>(repeating: UInt32(size))
    var beyond = SIMDMask<SIMD8<Int32>>(repeating: false)
    let target = UnsafeMutableRawPointer(groups)
    var i = 0
    while i &+ 8 <= n {
      let places = (values + i &* 4).loadUnaligned(as: SIMD8<UInt32>.self) &- bases
      beyond = beyond .| (places .>= sizes)
      target.storeBytes(of: places, toByteOffset: i &* 4, as: SIMD8<UInt32>.self)
      i &+= 8
    }
    var isWithin = true
    while i < n {
      groups[i] = load(values, i, as: UInt32.self) &- base
      isWithin = isWithin && groups[i] < UInt32(size)
      i &+= 1
    }
    for lane in 0..<8 where beyond[lane] { isWithin = false }
    return isWithin
  }

  override func merge(_ other: Grouper, first: [UInt32]?) -> [UInt32] {
    let other = other as! DirectGroups
    for group in 0..<domain { firsts[group] = min(firsts[group], other.firsts[group]) }
    for word in 0...domain / 64 { seen[word] |= other.seen[word] }
    return Array(0..<UInt32(domain))
  }

  override func sortedGroups() -> [UInt32] { (0..<UInt32(domain)).filter { firsts[Int($0)] != .max } }

  override func groupsByAppearance() -> [UInt32] {
    sortedGroups().sorted { firsts[Int($0)] < firsts[Int($1)] }
  }

  override func first(_ group: Int) -> UInt64 { firsts[group] }

  private func code(_ group: Int, _ column: Int) -> Int { group / strides[column] % keys[column].size }

  override func word(_ group: Int, _ column: Int) -> UInt64? {
    let code = code(group, column)
    guard code > 0 else { return nil }
    if case .range(_, let low, _) = keys[column] { return UInt64(bitPattern: low &+ Int64(code) &- 1) }
    return UInt64(code)
  }

  override func column(_ column: Int, _ groups: [UInt32], type: DataType) throws(QueryError) -> Column {
    switch keys[column] {
    case .range(_, let low, _):
      return try Query.column(type, groups.count) { i in
        let code = code(Int(groups[i]), column)
        return code > 0 ? low &+ Int64(code) &- 1 : nil
      }
    case .coded(let node):
      let builder = type.makeBuilder()
      let entries = TextReader(node.coded!.entries)!
      for group in groups {
        let code = code(Int(group), column)
        if code > 0 {
          try data { () throws(DataError) in try builder.append(bytes: RawSpan(_unsafeBytes: entries[code])) }
        } else {
          builder.appendNull()
        }
      }
      return builder.finish()
    }
  }
}
