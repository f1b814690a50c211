// A text column of a query's input as codes, whose order is that of the texts.

import Arrow
import Kernels
import Memory
import Tables

/// The codes of one column in all blocks of a query: 0 for NULL, then the distinct texts in order.
final class CodedColumn: Sendable {
  /// NULL, then the texts.
  let entries: Column
  /// For each segment, what its own codes are here.
  private let segments: [ObjectIdentifier: (codes: SegmentCodes, map: [UInt32])]
  /// For each batch that is no segment's, by the identity of its column.
  private let batches: [ObjectIdentifier: [UInt32]]

  var count: Int { entries.count }

  /// The codes of a block's rows, before `map` is applied to them, and the map; nil for a block that is not known here.
  func codes(_ block: Block, _ column: Column) -> (raw: UnsafeRawPointer, isShort: Bool, map: [UInt32])? {
    switch block.origin {
    case .segment(let segment, let index, _):
      guard let known = segments[ObjectIdentifier(segment)] else { return nil }
      return (known.codes.codes[index].base, true, known.map)
    default: return nil
    }
  }

  func batchCodes(_ column: Column) -> [UInt32]? { batches[ObjectIdentifier(column)] }

  private init(
    entries: Column, segments: [ObjectIdentifier: (codes: SegmentCodes, map: [UInt32])],
    batches: [ObjectIdentifier: [UInt32]]
  ) {
    self.entries = entries
    self.segments = segments
    self.batches = batches
  }

  /// The codes of one column in memory; nil when it has too many values for its size.
  static func make(of column: Column) throws(QueryError) -> CodedColumn? {
    let table = BytesTable()
    guard
      let codes = table.codes(
        column, 0..<column.count, limit: Swift.min(SegmentCodes.entryLimit, max(column.count / 4, 1024)))
    else { return nil }
    let entries = table.entries.map { Array($0) }
    let order = entries.indices.sorted { a, b in
      entries[a].withUnsafeBytes { a in entries[b].withUnsafeBytes { compareBytes(a, $0) < 0 } }
    }
    var numbers = [UInt32](repeating: 0, count: entries.count + 1)
    for (rank, number) in order.enumerated() { numbers[number + 1] = UInt32(rank + 1) }
    let sorted = try data { () throws(DataError) in try SegmentCodes.column(order.map { entries[$0] }) }
    return CodedColumn(
      entries: sorted, segments: [:], batches: [ObjectIdentifier(column): codes.map { numbers[Int($0)] }])
  }

  /// nil when it does not pay: no large segment, or too many values.
  static func make(_ index: Int, _ blocks: [Block], _ morsels: Morsels) throws(QueryError) -> CodedColumn? {
    // All blocks of an input have their columns at the same places.
    let index = blocks.first?.place(index) ?? index
    var segments: [ObjectIdentifier: Segment] = [:]
    var columns: [ObjectIdentifier: Column] = [:]
    var small = 0
    for block in blocks {
      switch block.origin {
      case .segment(let segment, _, _): segments[ObjectIdentifier(segment)] = segment
      case .batch(let batch):
        columns[ObjectIdentifier(batch.columns[index])] = batch.columns[index]
        small += block.rows.count
      default: return nil
      }
    }
    guard segments.values.contains(where: { $0.rowCount * 2 >= morsels.options.learningRows }),
      small < 100_000
    else { return nil }
    var known: [ObjectIdentifier: SegmentCodes] = [:]
    for (identity, segment) in segments {
      guard let codes = try morsels.codes(segment, index) else { return nil }
      known[identity] = codes
    }
    if known.count == 1, columns.isEmpty, let (identity, codes) = known.first {
      let identityMap = (0...UInt32(codes.entries.count)).map { $0 }
      return CodedColumn(entries: codes.column, segments: [identity: (codes, identityMap)], batches: [:])
    }
    var all = Set<[UInt8]>()
    for codes in known.values { all.formUnion(codes.entries) }
    var local: [ObjectIdentifier: ([UInt16], [[UInt8]])] = [:]
    for (identity, column) in columns {
      let table = BytesTable()
      guard let codes = table.codes(column, 0..<column.count, limit: SegmentCodes.entryLimit) else {
        return nil
      }
      let entries = table.entries.map { Array($0) }
      all.formUnion(entries)
      local[identity] = (codes, entries)
    }
    guard all.count < SegmentCodes.entryLimit * 4 else { return nil }
    let sorted = all.sorted { a, b in a.withUnsafeBytes { a in b.withUnsafeBytes { compareBytes(a, $0) < 0 } }
    }
    var numbers: [[UInt8]: UInt32] = [:]
    for (number, entry) in sorted.enumerated() { numbers[entry] = UInt32(number + 1) }
    return CodedColumn(
      entries: try data { () throws(DataError) in try SegmentCodes.column(sorted) },
      segments: known.mapValues { codes in (codes, [0] + codes.entries.map { numbers[$0]! }) },
      batches: local.mapValues { codes, entries in
        codes.map { $0 == 0 ? 0 : numbers[entries[Int($0) - 1]]! }
      })
  }
}
