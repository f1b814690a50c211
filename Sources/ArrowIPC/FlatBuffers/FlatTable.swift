// FlatBuffers read with every step checked: tables, scalars, strings and vectors of hostile bytes.

import Memory

/// How many tables may still be looked at. Offsets in a FlatBuffer may share tables, so that a few hundred bytes can unfold
/// into a tree of any size; an honest buffer has no more tables than it has room for.
final class VisitBudget {
  private var remaining: Int
  /// Names and metadata are copied for every table that has them, and may be shared, too: honest buffers share few.
  private var remainingBytes: Int

  init(forBytes count: Int) {
    // A table has four bytes of its own, and four that name it.
    remaining = count / 8 + 1
    remainingBytes = 4 * count + 1 << 16
  }

  func spend(bytes: Int, at offset: Int) throws(DataError) {
    guard bytes <= remainingBytes else {
      throw DataError(.malformed, "the metadata repeats its names and values too often", offset: offset)
    }
    remainingBytes -= bytes
  }

  func spend(at offset: Int) throws(DataError) {
    guard remaining > 0 else {
      throw DataError(.malformed, "the metadata visits its tables in circles", offset: offset)
    }
    remaining -= 1
  }
}

/// A table inside a FlatBuffer: a vtable says where its fields are, absent fields have defaults.
struct FlatTable {
  let buffer: Buffer
  /// Where the table begins.
  let position: Int
  private let vtable: Int
  private let vtableSize: Int
  private let budget: VisitBudget

  /// The root table of a buffer.
  static func root(of buffer: Buffer) throws(DataError) -> FlatTable {
    guard buffer.count >= 4 else {
      throw DataError(.malformed, "metadata of \(buffer.count) bytes", offset: 0)
    }
    return try FlatTable(
      in: buffer, at: Int(buffer.load(at: 0, as: UInt32.self)), budget: VisitBudget(forBytes: buffer.count))
  }

  private init(in buffer: Buffer, at position: Int, budget: VisitBudget) throws(DataError) {
    try budget.spend(at: position)
    self.buffer = buffer
    self.position = position
    self.budget = budget
    try FlatTable.check(buffer, position, 4, "a table")
    let vtable = position - Int(buffer.load(at: position, as: Int32.self))
    try FlatTable.check(buffer, vtable, 4, "a vtable")
    let size = Int(buffer.load(at: vtable, as: UInt16.self))
    guard size >= 4, size.isMultiple(of: 2) else {
      throw DataError(.malformed, "a vtable of \(size) bytes", offset: vtable)
    }
    try FlatTable.check(buffer, vtable, size, "a vtable")
    self.vtable = vtable
    vtableSize = size
  }

  private static func check(_ buffer: Buffer, _ offset: Int, _ size: Int, _ what: String) throws(DataError) {
    guard offset >= 0, size >= 0, offset <= buffer.count, size <= buffer.count - offset else {
      throw DataError(
        .malformed, "\(what) of \(size) bytes leaves the metadata of \(buffer.count)", offset: offset)
    }
  }

  /// Where a field is, or nil when it is absent.
  private func place(_ field: Int, size: Int) throws(DataError) -> Int? {
    let slot = 4 + field * 2
    guard slot + 2 <= vtableSize else { return nil }
    let offset = Int(buffer.load(at: vtable + slot, as: UInt16.self))
    guard offset != 0 else { return nil }
    try FlatTable.check(buffer, position + offset, size, "field \(field)")
    return position + offset
  }

  func has(_ field: Int) throws(DataError) -> Bool { try place(field, size: 0) != nil }

  func scalar<T: FixedWidthInteger & BitwiseCopyable>(_ field: Int, default absent: T) throws(DataError) -> T
  {
    guard let place = try place(field, size: MemoryLayout<T>.size) else { return absent }
    return buffer.load(at: place, as: T.self)
  }

  func bool(_ field: Int) throws(DataError) -> Bool { try scalar(field, default: UInt8(0)) != 0 }

  /// Where the thing is that an offset field names.
  private func target(_ field: Int) throws(DataError) -> Int? {
    guard let place = try place(field, size: 4) else { return nil }
    return place + Int(buffer.load(at: place, as: UInt32.self))
  }

  func table(_ field: Int) throws(DataError) -> FlatTable? {
    guard let target = try target(field) else { return nil }
    return try FlatTable(in: buffer, at: target, budget: budget)
  }

  func requiredTable(_ field: Int, _ name: String) throws(DataError) -> FlatTable {
    guard let table = try table(field) else {
      throw DataError(.malformed, "the metadata has no \(name)", offset: position)
    }
    return table
  }

  /// The elements of a vector of scalars or structs: where they begin and how many there are.
  func vector(_ field: Int, stride: Int) throws(DataError) -> FlatVector {
    guard let target = try target(field) else {
      return FlatVector(buffer: buffer, start: 0, count: 0, stride: stride)
    }
    try FlatTable.check(buffer, target, 4, "a vector")
    let count = Int(buffer.load(at: target, as: UInt32.self))
    try FlatTable.check(buffer, target + 4, count * stride, "a vector")
    return FlatVector(buffer: buffer, start: target + 4, count: count, stride: stride)
  }

  func bytes(_ field: Int) throws(DataError) -> [UInt8]? {
    guard try has(field) else { return nil }
    let vector = try vector(field, stride: 1)
    try budget.spend(bytes: vector.count, at: position)
    return buffer.slice(vector.start..<vector.start + vector.count).array
  }

  func string(_ field: Int) throws(DataError) -> String? {
    guard let bytes = try bytes(field) else { return nil }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw DataError(.malformed, "a name is not UTF-8", offset: position)
    }
    return text
  }

  func tables(_ field: Int) throws(DataError) -> [FlatTable] {
    let vector = try vector(field, stride: 4)
    var tables: [FlatTable] = []
    for i in 0..<vector.count {
      let place = vector.start + i * 4
      let offset = Int(buffer.load(at: place, as: UInt32.self))
      tables.append(try FlatTable(in: buffer, at: place + offset, budget: budget))
    }
    return tables
  }
}

/// A vector of scalars or structs, already checked to lie inside the buffer.
struct FlatVector {
  let buffer: Buffer
  let start: Int
  let count: Int
  let stride: Int

  /// The scalar `offset` bytes into element `index`.
  func load<T: BitwiseCopyable>(_ index: Int, offset: Int = 0, as type: T.Type) -> T {
    precondition(index >= 0 && index < count)
    return buffer.load(at: start + index * stride + offset, as: type)
  }
}
