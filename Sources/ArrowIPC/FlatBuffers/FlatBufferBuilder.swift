// FlatBuffers written: from the end to the front, children before parents, as the format wants it.

import Memory

/// Writes one FlatBuffer. Everything is identified by its distance from the end, because the front is still to come.
struct FlatBufferBuilder {
  /// What is written so far, last byte first.
  private var reversed: [UInt8] = []
  /// The fields of the table that is being written: field number and where the field's value is.
  private var fields: [(id: Int, place: Int)] = []
  private var tableStart = 0
  private var largestAlignment = 4

  /// Where something begins, counted from the end.
  typealias Place = Int

  private mutating func prepend<T: FixedWidthInteger>(_ value: T) {
    align(MemoryLayout<T>.size, before: MemoryLayout<T>.size)
    withUnsafeBytes(of: value.littleEndian) { reversed.append(contentsOf: $0.reversed()) }
  }

  /// Pads so that after `size` more bytes the place is a multiple of `alignment`.
  private mutating func align(_ alignment: Int, before size: Int) {
    largestAlignment = max(largestAlignment, alignment)
    while (reversed.count + size) % alignment != 0 { reversed.append(0) }
  }

  /// An offset is stored as the distance from itself to its target.
  private mutating func prependOffset(_ target: Place) {
    align(4, before: 4)
    prepend(UInt32(reversed.count + 4 - target))
  }

  // MARK: Strings and vectors

  mutating func string(_ bytes: [UInt8]) -> Place {
    align(4, before: bytes.count + 1)
    reversed.append(0)
    reversed.append(contentsOf: bytes.reversed())
    prepend(UInt32(bytes.count))
    return reversed.count
  }

  mutating func string(_ text: String) -> Place { string(Array(text.utf8)) }

  mutating func vector(ofOffsets targets: [Place]) -> Place {
    align(4, before: targets.count * 4)
    for target in targets.reversed() { prependOffset(target) }
    prepend(UInt32(targets.count))
    return reversed.count
  }

  mutating func vector<T: FixedWidthInteger>(of values: [T]) -> Place {
    align(4, before: values.count * MemoryLayout<T>.size)
    align(MemoryLayout<T>.size, before: values.count * MemoryLayout<T>.size)
    for value in values.reversed() { prepend(value) }
    prepend(UInt32(values.count))
    return reversed.count
  }

  /// A vector of structs, each of `words` 64-bit words.
  mutating func vector(ofStructs values: [Int64], words: Int) -> Place {
    align(8, before: values.count * 8)
    for value in values.reversed() { prepend(value) }
    prepend(UInt32(values.count / words))
    return reversed.count
  }

  // MARK: Tables

  /// Begins a table; what it refers to must be written before.
  mutating func startTable() {
    precondition(fields.isEmpty, "tables do not nest while they are written")
    tableStart = reversed.count
  }

  /// Writes a scalar field, unless it has the value that absence means.
  mutating func add<T: FixedWidthInteger>(_ id: Int, _ value: T, default absent: T) {
    guard value != absent else { return }
    prepend(value)
    fields.append((id, reversed.count))
  }

  mutating func add(_ id: Int, offset target: Place?) {
    guard let target else { return }
    prependOffset(target)
    fields.append((id, reversed.count))
  }

  mutating func endTable() -> Place {
    // The table begins with the distance to its vtable, which follows in front of it and is patched in below.
    prepend(Int32(0))
    let table = reversed.count
    let slots = (fields.map(\.id).max() ?? -1) + 1
    for slot in (0..<slots).reversed() {
      let place = fields.first { $0.id == slot }?.place
      prepend(UInt16(place.map { table - $0 } ?? 0))
    }
    prepend(UInt16(table - tableStart))
    prepend(UInt16(4 + slots * 2))
    let distance = Int32(reversed.count - table)
    withUnsafeBytes(of: distance.littleEndian) { bytes in
      for (i, byte) in bytes.enumerated() { reversed[table - 1 - i] = byte }
    }
    fields.removeAll(keepingCapacity: true)
    return table
  }

  /// The finished buffer; its size is a multiple of 8.
  mutating func finish(root: Place) -> [UInt8] {
    align(max(largestAlignment, 8), before: 4)
    prependOffset(root)
    return reversed.reversed()
  }
}
