// group_concat: the texts of a group in the order of its rows.

import Arrow
import Memory

final class ConcatenationAccumulator: Accumulator {
  private struct Entry: Sendable {
    var group: UInt32
    var row: UInt64
    /// The separator and the text, among the bytes; and the key that makes it distinct.
    var start: Int
    var separator: Int
    var text: Int
    var key: Int
  }
  /// SQLite's own limit.
  private static let limit = 1_000_000_000

  private let node: Node
  private let separator: Node
  /// What texts are distinct by; nil where all are taken.
  private let key: Node?
  @exclusivity(unchecked) private var entries: [Entry] = []
  @exclusivity(unchecked) private var bytes: [UInt8] = []

  init(_ node: Node, separator: Node, distinctBy key: Node?, filter: Predicate?) {
    self.node = node
    self.separator = separator
    self.key = key
    super.init(filter: filter)
  }

  override func reserve(_ count: Int) {}

  override var byteCount: Int { bytes.count + entries.count * MemoryLayout<Entry>.stride }

  override func add(_ frame: Frame, _ groups: UnsafePointer<UInt32>?) throws(QueryError) {
    let texts = try node.evaluate(frame)
    let separators = try separator.evaluate(frame)
    let keys = try key?.evaluate(frame)
    let counted = try counted(texts.valid, frame)
    for i in 0..<frame.count where counted.map({ $0[i] != 0 }) ?? true {
      var entry = Entry(
        group: groups.map { $0[i] } ?? 0, row: position << 32 | UInt64(frame.row(i)), start: bytes.count,
        separator: 0, text: texts.slices[i].count, key: 0)
      // A separator that is NULL is none.
      if separators.isValid(i), separator.kind != .null {
        bytes.append(contentsOf: separators.slices[i])
        entry.separator = separators.slices[i].count
      }
      bytes.append(contentsOf: texts.slices[i])
      if let keys {
        bytes.append(contentsOf: keys.slices[i])
        entry.key = keys.slices[i].count
      }
      entries.append(entry)
    }
  }

  override func merge(_ other: Accumulator, _ map: [UInt32]) {
    let other = other as! ConcatenationAccumulator
    let base = bytes.count
    bytes += other.bytes
    entries.reserveCapacity(entries.count + other.entries.count)
    for var entry in other.entries {
      entry.group = map[Int(entry.group)]
      entry.start += base
      entries.append(entry)
    }
  }

  override func finish(_ groups: [UInt32], type: DataType) throws(QueryError) -> Column {
    entries.sort { $0.group != $1.group ? $0.group < $1.group : $0.row < $1.row }
    var starts: [UInt32: Int] = [:]
    for (place, entry) in entries.enumerated() where place == 0 || entries[place - 1].group != entry.group {
      starts[entry.group] = place
    }
    let builder = type.makeBuilder()
    for group in groups {
      guard var place = starts[group] else {
        builder.appendNull()
        continue
      }
      var text: [UInt8] = []
      var known: Set<ArraySlice<UInt8>> = []
      var isFirst = true
      while place < entries.count, entries[place].group == group {
        let entry = entries[place]
        place += 1
        let end = entry.start + entry.separator + entry.text
        if key != nil, !known.insert(bytes[end..<end + entry.key]).inserted { continue }
        text += bytes[entry.start + (isFirst ? entry.separator : 0)..<end]
        isFirst = false
        if text.count > ConcatenationAccumulator.limit {
          throw QueryError(.leftToSQLite, "a text is longer than SQLite's limit")
        }
      }
      try data { () throws(DataError) in try builder.append(bytes: text.span.bytes) }
    }
    return builder.finish()
  }
}
