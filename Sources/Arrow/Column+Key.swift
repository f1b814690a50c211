// Values as unambiguous bytes, so that any value of any type can be a key and two of them compared.

import Memory

extension Column {
  /// Bytes that are equal exactly if two values of this type are: floats by their bits, dictionaries and runs by what they
  /// stand for.
  /// - Throws: `.limit` for lists that make a key of more than 256 MiB: lists may share their items, level by level, so that one value of a
  ///   small file can be of any size.
  public func key(at row: Int) throws(DataError) -> [UInt8] {
    var key: [UInt8] = []
    try appendKey(at: row, to: &key)
    return key
  }

  private static let keyLimit = 1 << 28
  /// The most bytes of keys that may be kept or compared at once.
  static let keysLimit = 4 << 30

  private func appendKey(at row: Int, to key: inout [UInt8]) throws(DataError) {
    guard !isNull(row) else {
      key.append(0)
      return
    }
    key.append(1)
    switch layout {
    case .null: break
    case .bits(let bits): key.append(bits[row] ? 1 : 0)
    case .fixed: key.append(contentsOf: bytes(at: row).array)
    case .variable, .views:
      let bytes = bytes(at: row)
      Column.append(bytes.count, to: &key)
      key.append(contentsOf: UnsafeRawBufferPointer(start: bytes.base, count: bytes.count))
    case .list(_, let child), .listView(_, _, let child), .fixedList(let child):
      let items = items(at: row)
      Column.append(items.count, to: &key)
      for item in items {
        guard key.count <= Column.keyLimit else {
          throw DataError(.limit, "a \(type) value of more than \(Column.keyLimit) bytes cannot be looked up")
        }
        try child.appendKey(at: item, to: &key)
      }
    case .structure(let children): for child in children { try child.appendKey(at: row, to: &key) }
    case .union(_, _, let children):
      let (child, childRow) = unionValue(at: row)
      key.append(UInt8(child))
      try children[child].appendKey(at: childRow, to: &key)
    case .dictionary(_, let values): try values.appendKey(at: integer(at: row), to: &key)
    case .runs(_, let values, _): try values.appendKey(at: run(at: row), to: &key)
    }
  }

  /// The key of a value that is not null, of a fixed-width, text or binary type.
  static func key(ofBytes bytes: RawSpan, _ type: DataType) -> [UInt8] {
    var key: [UInt8] = [1]
    key.reserveCapacity(bytes.byteCount + 9)
    if type.layoutKind != .fixed { append(bytes.byteCount, to: &key) }
    bytes.withUnsafeBytes { key.append(contentsOf: $0) }
    return key
  }

  private static func append(_ count: Int, to key: inout [UInt8]) {
    withUnsafeBytes(of: UInt64(count)) { key.append(contentsOf: $0) }
  }

  /// Whether both have the same type and equal values in the same order. Both must have passed `check(.access)`.
  /// False, too, when the values share so many bytes that comparing them would not end.
  public func hasEqualValues(to other: Column) -> Bool {
    if self === other { return true }
    guard type == other.type, count == other.count, nullCount == other.nullCount else { return false }
    if validity == nil, other.validity == nil {
      // The common layouts by their bytes; value by value is many times slower.
      switch (layout, other.layout) {
      case (.fixed(let left), .fixed(let right)): return left.hasEqualBytes(to: right)
      case (.variable(let offsets, let bytes), .variable(let otherOffsets, let otherBytes))
      where offsets.hasEqualBytes(to: otherOffsets):
        // Slices share the bytes of the whole: only those that the offsets reach are theirs.
        let used = offset(0, in: offsets)..<offset(count, in: offsets)
        return bytes.slice(used).hasEqualBytes(to: otherBytes.slice(used))
      default: break
      }
    }
    var allowance = Column.keysLimit
    for row in 0..<count {
      guard let key = try? key(at: row), let otherKey = try? other.key(at: row), key == otherKey else {
        return false
      }
      allowance -= key.count
      if allowance < 0 { return false }
    }
    return true
  }
}

/// Bounds the values that are copied one by one: those of list views may overlap, and their copies do not.
package struct KeyAllowance: Sendable {
  private var remaining = Column.keysLimit

  package init() {}

  package mutating func add(_ key: [UInt8]) throws(DataError) {
    remaining -= key.count
    guard remaining >= 0 else {
      throw DataError(.limit, "distinct values of more than \(Column.keysLimit) bytes")
    }
  }
}
