// Values as unambiguous bytes, so that any value of any type can be a key and two of them compared.

import Memory

extension Column {
  /// Bytes that are equal exactly if two values of this type are: floats by their bits, dictionaries and runs by what they
  /// stand for.
  public func key(at row: Int) -> [UInt8] {
    var key: [UInt8] = []
    appendKey(at: row, to: &key)
    return key
  }

  private func appendKey(at row: Int, to key: inout [UInt8]) {
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
      for item in items { child.appendKey(at: item, to: &key) }
    case .structure(let children): for child in children { child.appendKey(at: row, to: &key) }
    case .union(_, _, let children):
      let (child, childRow) = unionValue(at: row)
      key.append(UInt8(child))
      children[child].appendKey(at: childRow, to: &key)
    case .dictionary(_, let values): values.appendKey(at: integer(at: row), to: &key)
    case .runs(_, let values, _): values.appendKey(at: run(at: row), to: &key)
    }
  }

  private static func append(_ count: Int, to key: inout [UInt8]) {
    withUnsafeBytes(of: UInt64(count)) { key.append(contentsOf: $0) }
  }

  /// Whether both have the same type and equal values in the same order. Both must have passed `check(.access)`.
  public func hasEqualValues(to other: Column) -> Bool {
    if self === other { return true }
    guard type == other.type, count == other.count, nullCount == other.nullCount else { return false }
    if validity == nil, other.validity == nil {
      // The common layouts by their bytes; value by value is many times slower.
      switch (layout, other.layout) {
      case (.fixed(let left), .fixed(let right)): return left.hasEqualBytes(to: right)
      case (.variable(let offsets, let bytes), .variable(let otherOffsets, let otherBytes))
      where offsets.hasEqualBytes(to: otherOffsets) && bytes.hasEqualBytes(to: otherBytes):
        return true
      default: break
      }
    }
    for row in 0..<count where key(at: row) != other.key(at: row) { return false }
    return true
  }
}
