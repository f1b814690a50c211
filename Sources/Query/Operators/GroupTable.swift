// Which group a row belongs to, by its keys.

import Arrow
import Kernels
import Memory

/// Numbers groups in the order in which they came. A key is a word for each column, and one that tells which of them are NULL.
final class GroupTable: Grouper {
  private let nodes: [Node]
  let texts: [BytesTable?]
  private let width: Int
  private let codes: [UnsafeMutablePointer<UInt64>]
  private let nulls = UnsafeMutablePointer<UInt64>.allocate(capacity: vectorSize)
  private let groups = UnsafeMutablePointer<UInt32>.allocate(capacity: vectorSize)
  /// `width` words for each group: the columns' words, then the NULLs.
  @exclusivity(unchecked) private var keys = States<UInt64>(0)
  @exclusivity(unchecked) private var slots: UnsafeMutablePointer<UInt32>
  private var slotCount = 4096
  @exclusivity(unchecked) private var used = 0
  /// Whether the query was cancelled while the table grew.
  @exclusivity(unchecked) private var isAbandoned = false
  override var checkpoint: Checkpoint { didSet { for table in texts { table?.checkpoint = checkpoint } } }
  override var count: Int { used }
  /// Where each group's first row was.
  @exclusivity(unchecked) private var firsts = States<UInt64>(0)

  init(_ nodes: [Node]) {
    self.nodes = nodes
    texts = nodes.map { $0.kind.isFixed ? nil : BytesTable() }
    width = nodes.count + 1
    codes = nodes.map { _ in .allocate(capacity: vectorSize) }
    slots = .allocate(capacity: slotCount)
    slots.initialize(repeating: .max, count: slotCount)
  }

  deinit {
    for code in codes { code.deallocate() }
    nulls.deallocate()
    groups.deallocate()
    slots.deallocate()
  }

  override var byteCount: Int {
    count * (width + 1) * 8 + slotCount * 4 + texts.reduce(0) { $0 + ($1?.byteCount ?? 0) }
  }

  /// The groups of the frame's rows. `position` is that of its block, among all.
  override func assign(_ frame: Frame, position: UInt64) throws(QueryError) -> UnsafePointer<UInt32> {
    let n = frame.count
    nulls.update(repeating: 0, count: n)
    for (column, node) in nodes.enumerated() {
      let vector = try node.evaluate(frame)
      let target = codes[column]
      switch node.kind {
      case .null: target.update(repeating: 0, count: n)
      case .real:
        // Both zeroes are one key.
        for i in 0..<n { target[i] = (vector.reals[i] + 0).bitPattern }
      case .text, .blob:
        let table = texts[column]!
        for i in 0..<n { target[i] = vector.isValid(i) ? UInt64(table.number(vector.slices[i])) : 0 }
        if table.isAbandoned { try checkpoint.check() }
      default: for i in 0..<n { target[i] = UInt64(bitPattern: vector.integers[i]) }
      }
      if let valid = vector.valid {
        let bit: UInt64 = 1 << UInt64(column)
        for i in 0..<n {
          target[i] = valid[i] != 0 ? target[i] : 0
          nulls[i] |= valid[i] != 0 ? 0 : bit
        }
      }
    }
    if nodes.count == 1 {
      findSingle(frame, position)
    } else {
      for i in 0..<n { groups[i] = find(i, position << 32 | UInt64(frame.row(i))) }
    }
    if isAbandoned { try checkpoint.check() }
    return UnsafePointer(groups)
  }

  /// `find` for keys of one column, which most are.
  private func findSingle(_ frame: Frame, _ position: UInt64) {
    let (codes, nulls, groups) = (codes[0], nulls, groups)
    for i in 0..<frame.count {
      let (code, null) = (codes[i], nulls[i])
      let hash = ValueHash.mix(null &* 0x9E37_79B9_7F4A_7C15 ^ code)
      let mask = slotCount &- 1
      var place = Int(truncatingIfNeeded: hash) & mask
      while true {
        let group = slots[place]
        if group == .max {
          groups[i] = enter(i, place, position << 32 | UInt64(frame.row(i)))
          break
        }
        let key = keys.base + Int(group) &* 2
        if key[0] == code, key[1] == null {
          groups[i] = group
          break
        }
        place = (place &+ 1) & mask
      }
    }
  }

  @inline(__always)
  private func find(_ row: Int, _ position: UInt64) -> UInt32 {
    var hash = nulls[row] &* 0x9E37_79B9_7F4A_7C15
    for column in 0..<width &- 1 { hash = ValueHash.mix(hash ^ codes[column][row]) }
    let mask = slotCount &- 1
    var place = Int(truncatingIfNeeded: hash) & mask
    while true {
      let group = slots[place]
      if group == .max { return enter(row, place, position) }
      let key = keys.base + Int(group) &* width
      var isEqual = key[width &- 1] == nulls[row]
      for column in 0..<width &- 1 { isEqual = isEqual && key[column] == codes[column][row] }
      if isEqual { return group }
      place = (place &+ 1) & mask
    }
  }

  /// The group of a key without NULLs; `.max` when there is none.
  func lookUp(_ words: UnsafePointer<UInt64>) -> UInt32 {
    var hash: UInt64 = 0
    for column in 0..<width &- 1 { hash = ValueHash.mix(hash ^ words[column]) }
    let mask = slotCount &- 1
    var place = Int(truncatingIfNeeded: hash) & mask
    while true {
      let group = slots[place]
      if group == .max { return .max }
      let key = keys.base + Int(group) &* width
      var isEqual = key[width &- 1] == 0
      for column in 0..<width &- 1 { isEqual = isEqual && key[column] == words[column] }
      if isEqual { return group }
      place = (place &+ 1) & mask
    }
  }

  @inline(never)
  private func enter(_ row: Int, _ place: Int, _ position: UInt64) -> UInt32 {
    let group = count
    used += 1
    keys.grow(to: count * width)
    firsts.grow(to: count)
    let key = keys.base + group * width
    for column in 0..<width - 1 { key[column] = codes[column][row] }
    key[width - 1] = nulls[row]
    firsts.base[group] = position
    slots[place] = UInt32(group)
    if count * 2 > slotCount { grow() }
    return UInt32(group)
  }

  private func grow() {
    slots.deallocate()
    slotCount *= 4
    slots = .allocate(capacity: slotCount)
    HugePages.advise(slots, slotCount * MemoryLayout<UInt32>.stride)
    let checkpoint = checkpoint
    // Of ten million groups this takes half a second.
    for start in stride(from: 0, to: slotCount, by: 1 << 20) {
      if checkpoint.isReached { return abandon() }
      (slots + start).initialize(repeating: .max, count: min(1 << 20, slotCount - start))
    }
    for group in 0..<count {
      if checkpoint.isReached(group) { return abandon() }
      let key = keys.base + group * width
      var hash = key[width - 1] &* 0x9E37_79B9_7F4A_7C15
      for column in 0..<width - 1 { hash = ValueHash.mix(hash ^ key[column]) }
      var place = Int(truncatingIfNeeded: hash) & (slotCount - 1)
      while slots[place] != .max { place = (place + 1) & (slotCount - 1) }
      slots[place] = UInt32(group)
    }
  }

  /// Forgets what it has found, because the query was cancelled: whoever asks for groups next throws.
  private func abandon() {
    isAbandoned = true
    slots.deallocate()
    slotCount = 4096
    slots = .allocate(capacity: slotCount)
    slots.initialize(repeating: .max, count: slotCount)
  }

  /// Enters another table's groups.
  /// - Parameter first: what the first column's words become, when they are numbers of groups themselves.
  /// - Returns: the number here of each of them.
  @discardableResult
  override func merge(_ other: Grouper, first: [UInt32]?) throws(QueryError) -> [UInt32] {
    let other = other as! GroupTable
    var translated: [[UInt64]?] = []
    for (mine, theirs) in zip(texts, other.texts) {
      guard let mine, let theirs else {
        translated.append(nil)
        continue
      }
      var numbers = [UInt64](capacity: theirs.count)
      for (turn, entry) in theirs.entries.enumerated() {
        try checkpoint.check(turn)
        numbers.append(UInt64(mine.number(entry)))
      }
      if mine.isAbandoned { try checkpoint.check() }
      translated.append(numbers)
    }
    var map = [UInt32](capacity: other.count)
    let checkpoint = checkpoint
    for group in 0..<other.count {
      try checkpoint.check(group)
      let key = other.keys.base + group * width
      nulls[0] = key[width - 1]
      for column in 0..<width - 1 {
        let isNull = nulls[0] >> UInt64(column) & 1 == 1
        codes[column][0] = isNull ? 0 : translated[column].map { $0[Int(key[column])] } ?? key[column]
      }
      if let first { codes[0][0] = UInt64(first[Int(key[0])]) }
      let found = find(0, other.firsts.base[group])
      if other.firsts.base[group] < firsts.base[Int(found)] {
        firsts.base[Int(found)] = other.firsts.base[group]
      }
      map.append(found)
    }
    if isAbandoned { try checkpoint.check() }
    return map
  }

  // MARK: Results

  /// In no order, where none is asked for.
  func allGroups() throws(QueryError) -> [UInt32] { try Array(count, checkpoint) { UInt32($0) } }

  override func first(_ group: Int) -> UInt64 { firsts.base[group] }

  /// A key's word; nil for NULL.
  override func word(_ group: Int, _ column: Int) -> UInt64? {
    let key = keys.base + group * width
    return key[width - 1] >> UInt64(column) & 1 == 1 ? nil : key[column]
  }

  /// All groups, by ascending keys: NULL first, then by value, as SQLite puts them out.
  override func sortedGroups() throws(QueryError) -> [UInt32] {
    // Numbers of texts by their order.
    var ranks: [[UInt64]?] = []
    for table in texts {
      guard let table else {
        ranks.append(nil)
        continue
      }
      let entries = table.entries
      var order = try Array(entries.count, checkpoint) { UInt32($0) }
      try order.sort(checkpoint) { compareBytes(entries[Int($0)], entries[Int($1)]) < 0 }
      var rank = try Array(order.count, checkpoint) { _ in UInt64(0) }
      for (place, number) in order.enumerated() {
        try checkpoint.check(place)
        rank[Int(number)] = UInt64(place)
      }
      ranks.append(rank)
    }
    /// A key's column as a number in the order of its values; 0 for NULL.
    func word(_ group: UInt32, _ column: Int) -> (Bool, UInt64) {
      let key = keys.base + Int(group) * width
      if key[width - 1] >> UInt64(column) & 1 == 1 { return (false, 0) }
      if let ranks = ranks[column] { return (true, ranks[Int(key[column])]) }
      if nodes[column].kind == .real { return (true, orderedBits(Double(bitPattern: key[column]))) }
      return (true, key[column] ^ 1 << 63)
    }
    if width == 2 {
      // In 16 bytes rather than 24: most of the time goes by moving them.
      struct Pair {
        var key: UInt64
        var group: UInt32
        var isValue: Bool
      }
      var pairs = try Array(count, checkpoint) { group in
        let (isValue, key) = word(UInt32(group), 0)
        return Pair(key: key, group: UInt32(group), isValue: isValue)
      }
      try pairs.sort(checkpoint) { a, b in a.isValue != b.isValue ? !a.isValue : a.key < b.key }
      return try Array(count, checkpoint) { pairs[$0].group }
    }
    var groups = try allGroups()
    try groups.sort(checkpoint) { a, b in
      for column in 0..<width - 1 {
        let (x, y) = (word(a, column), word(b, column))
        if x.0 != y.0 { return !x.0 }
        if x.1 != y.1 { return x.1 < y.1 }
      }
      return false
    }
    return groups
  }

  /// All groups, in the order of their first rows.
  override func groupsByAppearance() throws(QueryError) -> [UInt32] {
    var groups = try allGroups()
    try groups.sort(checkpoint) { firsts.base[Int($0)] < firsts.base[Int($1)] }
    return groups
  }

  /// A key's column for some groups.
  override func column(_ column: Int, _ groups: [UInt32], type: DataType) throws(QueryError) -> Column {
    func word(_ i: Int) -> UInt64? {
      let key = keys.base + Int(groups[i]) * width
      return key[width - 1] >> UInt64(column) & 1 == 1 ? nil : key[column]
    }
    switch nodes[column].kind {
    case .text, .blob:
      let builder = type.makeBuilder()
      let entries = texts[column]!.entries
      for i in groups.indices {
        if let word = word(i) {
          try data { () throws(DataError) in
            try builder.append(bytes: RawSpan(_unsafeBytes: entries[Int(word)]))
          }
        } else {
          builder.appendNull()
        }
      }
      return builder.finish()
    case .real: return try Query.column(type, groups.count) { i in word(i).map { Double(bitPattern: $0) } }
    case .null:
      if type == .null {
        let builder = NullBuilder()
        for _ in groups { builder.appendNull() }
        return builder.finish()
      }
      let builder = type.makeBuilder()
      for _ in groups { builder.appendNull() }
      return builder.finish()
    default: return try Query.column(type, groups.count) { i in word(i).map { Int64(bitPattern: $0) } }
    }
  }
}

/// The bits of a real as a number in the same order.
@inline(__always)
func orderedBits(_ real: Double) -> UInt64 {
  let bits = (real + 0).bitPattern
  return bits >> 63 == 1 ? ~bits : bits | 1 << 63
}
