// Texts of segments as numbers: found out once for each segment and column, and kept while there is room.

import Arrow
import Glibc
import Kernels
import Memory
import Synchronization
import Tables

/// The codes of one text column of a segment: 0 for NULL, else the number of the entry from 1 on.
final class SegmentCodes: Sendable {
  /// By block.
  let codes: [Buffer]
  /// In order.
  let entries: [[UInt8]]
  /// NULL, then the entries.
  let column: Column
  let byteCount: Int

  init(codes: [Buffer], entries: [[UInt8]]) throws(DataError) {
    self.codes = codes
    self.entries = entries
    column = try SegmentCodes.column(entries)
    byteCount = codes.reduce(0) { $0 + $1.count } + entries.reduce(0) { $0 + $1.count + 32 }
  }

  static func column(_ entries: [[UInt8]]) throws(DataError) -> Column {
    let builder = BinaryBuilder<Int64>(type: .largeUtf8)
    builder.appendNull()
    for entry in entries { try builder.append(entry.span.bytes) }
    return builder.finish()
  }

  /// More distinct values than this are not worth it, and would not fit into the codes.
  static let entryLimit = 60_000
}

/// Codes that were made, for all queries of the process.
final class CodeCache: Sendable {
  /// A sixteenth of the machine's memory: what does not fit is found out again by each query, which takes three times as long.
  static let shared = CodeCache(
    limit: max(256 << 20, sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) / 16))

  private struct Key: Hashable {
    var segment: ObjectIdentifier
    var column: Int
  }
  private struct Entry {
    weak var segment: Segment?
    /// nil for a column that has too many values.
    var codes: SegmentCodes?
    var lastUse: UInt64
  }
  private struct State {
    var entries: [Key: Entry] = [:]
    var clock: UInt64 = 0
  }
  private let state = Mutex(State())
  let limit: Int

  init(limit: Int) { self.limit = limit }

  /// - Returns: nil when nobody has looked yet; `.some(nil)` when there are too many values.
  func known(_ segment: Segment, _ column: Int) -> SegmentCodes?? {
    state.withLock { state in
      let key = Key(segment: ObjectIdentifier(segment), column: column)
      guard let entry = state.entries[key], entry.segment === segment else { return nil }
      state.clock += 1
      state.entries[key]!.lastUse = state.clock
      return .some(entry.codes)
    }
  }

  func keep(_ codes: SegmentCodes?, of segment: Segment, _ column: Int) {
    state.withLock { state in
      state.clock += 1
      state.entries = state.entries.filter { $0.value.segment != nil }
      state.entries[Key(segment: ObjectIdentifier(segment), column: column)] = Entry(
        segment: segment, codes: codes, lastUse: state.clock)
      var held = state.entries.values.reduce(0) { $0 + ($1.codes?.byteCount ?? 0) }
      while held > limit, let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
        held -= oldest.value.codes?.byteCount ?? 0
        state.entries[oldest.key] = nil
      }
    }
  }
}

extension Morsels {
  /// The codes of a segment's text column, made by all threads if they are not known; nil when it has too many values.
  func codes(_ segment: Segment, _ column: Int) throws(QueryError) -> SegmentCodes? {
    if let known = CodeCache.shared.known(segment, column) { return known }
    let merged = Mutex(MergedEntries())
    let blocks = Mutex([Int: [UInt16]]())
    _ = try run(segment.blocks.count) { () throws(QueryError) in
      0
    } _: { _, index throws(QueryError) in
      if merged.withLock({ $0.isTooMany }) { return }
      let block = segment.blocks[index]
      let values = try data { () throws(DataError) in try segment.column(column, ofBatch: block.batch) }
      let table = BytesTable()
      // A block of which most rows differ says that the others are alike.
      guard
        let local = table.codes(
          values, block.rows, limit: min(SegmentCodes.entryLimit, max(1024, block.count / 4)))
      else { return merged.withLock { $0.isTooMany = true } }
      let map: [UInt16]? = merged.withLock { merged in
        var map: [UInt16] = [0]
        for entry in table.entries { map.append(UInt16(truncatingIfNeeded: merged.number(Array(entry)) + 1)) }
        if merged.entries.count > SegmentCodes.entryLimit { merged.isTooMany = true }
        return merged.isTooMany ? nil : map
      }
      guard let map else { return }
      let translated = local.map { map[Int($0)] }
      blocks.withLock { $0[index] = translated }
    }
    let found = blocks.withLock { $0 }
    var codes: SegmentCodes?
    if let (map, entries) = merged.withLock({ $0.isTooMany ? nil : $0.sorted() }) {
      codes = try data { () throws(DataError) in
        try SegmentCodes(
          codes: segment.blocks.indices.map { index in
            var codes = found[index]!
            for i in codes.indices { codes[i] = map[Int(codes[i])] }
            return Buffer(copying: codes)
          }, entries: entries)
      }
    }
    CodeCache.shared.keep(codes, of: segment, column)
    return codes
  }
}

private struct MergedEntries {
  var entries: [[UInt8]] = []
  var numbers: [[UInt8]: Int] = [:]
  var isTooMany = false

  /// The entries in order, and what each code is then.
  func sorted() -> (map: [UInt16], entries: [[UInt8]]) {
    let order = entries.indices.sorted { a, b in
      entries[a].withUnsafeBytes { a in entries[b].withUnsafeBytes { compareBytes(a, $0) < 0 } }
    }
    var map = [UInt16](repeating: 0, count: entries.count + 1)
    for (rank, number) in order.enumerated() { map[number + 1] = UInt16(rank + 1) }
    return (map, order.map { entries[$0] })
  }

  mutating func number(_ entry: [UInt8]) -> Int {
    if let number = numbers[entry] { return number }
    numbers[entry] = entries.count
    entries.append(entry)
    return entries.count - 1
  }
}

extension BytesTable {
  /// The numbers of a column's values, plus 1; 0 for NULL. nil when there are more than `limit`.
  func codes(_ column: Column, _ rows: Range<Int>, limit: Int) -> [UInt16]? {
    guard let bytes = TextReader(column) else { return nil }
    var codes = [UInt16](repeating: 0, count: rows.count)
    let validity = column.validity
    var row = rows.lowerBound
    while row < rows.upperBound {
      let end = min(row + vectorSize, rows.upperBound)
      codes.withUnsafeMutableBufferPointer { codes in
        for r in row..<end where validity.map({ $0[unchecked: r] }) ?? true {
          codes[r &- rows.lowerBound] = UInt16(truncatingIfNeeded: number(bytes[r]) &+ 1)
        }
      }
      if count > limit { return nil }
      row = end
    }
    return codes
  }
}

/// Texts of plain offsets by pointer, within this module so that it is inlined.
struct TextReader {
  private let offsets: UnsafeRawPointer
  private let bytes: UnsafeRawPointer
  private let isLarge: Bool

  /// nil for other layouts. The column must have passed `check(.access)`, and outlive this.
  init?(_ column: Column) {
    guard case .variable(let offsets, let bytes) = column.layout else { return nil }
    self.offsets = offsets.base
    self.bytes = bytes.base
    isLarge = column.type.hasLargeOffsets
  }

  @inline(__always)
  subscript(_ row: Int) -> UnsafeRawBufferPointer {
    let start: Int
    let end: Int
    if isLarge {
      start = Int(load(offsets, row, as: Int64.self))
      end = Int(load(offsets, row &+ 1, as: Int64.self))
    } else {
      start = Int(load(offsets, row, as: Int32.self))
      end = Int(load(offsets, row &+ 1, as: Int32.self))
    }
    return UnsafeRawBufferPointer(start: bytes + start, count: end &- start)
  }
}
