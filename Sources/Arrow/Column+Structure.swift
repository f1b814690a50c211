// What every column must satisfy to be a column at all: sizes, counts and children that fit its type.

import Memory

extension DataType {
  /// Items per value of a fixed-size list.
  var fixedListSize: Int {
    guard case .fixedSizeList(_, let size) = self else {
      preconditionFailure("\(self) is no fixed-size list")
    }
    return size
  }

  /// Bytes of a dictionary index.
  var indexWidth: Int {
    guard case .dictionary(let indices, _, _) = self else { preconditionFailure("\(self) is no dictionary") }
    return indices.byteWidth
  }

  /// What the address of the values must be a multiple of. Values of 16 and 32 bytes are read as 64-bit words.
  public var valueAlignment: Int {
    switch self {
    case .fixedSizeBinary: 1
    case .interval(.dayTime): 4
    case .dictionary(let indices, _, _): indices.byteWidth
    default: min(byteWidth ?? 1, 8)
    }
  }
}

extension Column {
  /// A column of no values may come without the one offset that the format asks for.
  static func withFirstOffset(_ layout: Layout, count: Int) -> Layout {
    guard count == 0 else { return layout }
    let zero = Buffer.zeroes(count: 8)
    return switch layout {
    case .variable(let offsets, let bytes) where offsets.count == 0: .variable(offsets: zero, bytes: bytes)
    case .list(let offsets, let child) where offsets.count == 0: .list(offsets: zero, child: child)
    default: layout
    }
  }

  static func checkStructure(
    type: DataType, count: Int, validity: Bitmap?, layout: Layout
  ) throws(DataError) {
    guard count >= 0 else { throw DataError(.malformed, "a column of \(count) values") }
    if let validity {
      guard type.hasValidity else { throw DataError(.malformed, "\(type) has no validity bitmap") }
      guard validity.count == count else {
        throw DataError(.malformed, "a validity bitmap of \(validity.count) bits for \(count) values")
      }
    }
    let offsetWidth = type.hasLargeOffsets ? 8 : 4
    switch (type.layoutKind, layout) {
    case (.null, .null): break
    case (.bits, .bits(let bits)):
      guard bits.count == count else {
        throw DataError(.malformed, "\(bits.count) bits for \(count) booleans")
      }
    case (.fixed, .fixed(let values)):
      try checkSize(values, count, type.byteWidth!, type.valueAlignment, "values of \(type)")
    case (.variable, .variable(let offsets, _)):
      try checkOffsets(offsets, count, offsetWidth, type)
    case (.views, .views(let views, _)):
      try checkSize(views, count, 16, 8, "views")
    case (.list, .list(let offsets, let child)):
      try checkOffsets(offsets, count, offsetWidth, type)
      try checkChild(child, type.children[0])
    case (.listView, .listView(let offsets, let sizes, let child)):
      try checkSize(offsets, count, offsetWidth, offsetWidth, "offsets of \(type)")
      try checkSize(sizes, count, offsetWidth, offsetWidth, "sizes of \(type)")
      try checkChild(child, type.children[0])
    case (.fixedList, .fixedList(let child)):
      let size = type.fixedListSize
      let (needed, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow, child.count == needed else {
        throw DataError(.malformed, "\(child.count) items for \(count) lists of \(size)")
      }
      try checkChild(child, type.children[0])
    case (.structure, .structure(let children)):
      try checkChildren(children, type.children, count: count)
    case (.union, .union(let ids, let offsets, let children)):
      guard case .union(let mode, _, _) = type, (mode == .dense) == (offsets != nil) else {
        throw DataError(.malformed, "offsets belong to dense unions only")
      }
      try checkSize(ids, count, 1, 1, "type ids")
      if let offsets { try checkSize(offsets, count, 4, 4, "union offsets") }
      try checkChildren(children, type.children, count: offsets == nil ? count : nil)
    case (.dictionary, .dictionary(let indices, let values)):
      guard case .dictionary(let index, let valueType, _) = type else { preconditionFailure() }
      try checkSize(indices, count, index.byteWidth, index.byteWidth, "dictionary indices")
      guard values.type == valueType else {
        throw DataError(.malformed, "a dictionary of \(values.type) where \(valueType) is declared")
      }
    case (.runs, .runs(let ends, let values, let offset)):
      try checkChildren([ends, values], type.children, count: nil)
      guard ends.validity == nil else { throw DataError(.malformed, "run ends must not be null") }
      guard ends.count == values.count else {
        throw DataError(.malformed, "\(ends.count) run ends for \(values.count) values")
      }
      guard offset >= 0, !offset.addingReportingOverflow(count).overflow else {
        throw DataError(.malformed, "run-end encoded rows from \(offset) on")
      }
    default:
      throw DataError(.malformed, "the buffers are not those of \(type)")
    }
  }

  private static func checkSize(
    _ buffer: Buffer, _ count: Int, _ width: Int, _ alignment: Int, _ what: String
  ) throws(DataError) {
    let (needed, overflow) = count.multipliedReportingOverflow(by: width)
    guard !overflow, buffer.count == needed else {
      throw DataError(.malformed, "\(buffer.count) bytes for \(count) \(what)")
    }
    guard count == 0 || buffer.isAligned(to: alignment) else {
      throw DataError(.malformed, "\(what) at an address that is no multiple of \(alignment)")
    }
  }

  private static func checkOffsets(
    _ offsets: Buffer, _ count: Int, _ width: Int, _ type: DataType
  ) throws(DataError) {
    let (offsetCount, overflow) = count.addingReportingOverflow(1)
    guard !overflow else { throw DataError(.malformed, "a column of \(count) values") }
    if count == 0, offsets.count >= width { return }
    try checkSize(offsets, offsetCount, width, width, "offsets of \(type)")
  }

  private static func checkChildren(
    _ children: [Column], _ fields: [Field], count: Int?
  ) throws(DataError) {
    guard children.count == fields.count else {
      throw DataError(.malformed, "\(children.count) children where the type has \(fields.count)")
    }
    for (child, field) in zip(children, fields) {
      try checkChild(child, field)
      if let count, child.count != count {
        throw DataError(.malformed, "child '\(field.name)' has \(child.count) values, its parent \(count)")
      }
    }
  }

  private static func checkChild(_ child: Column, _ field: Field) throws(DataError) {
    guard child.type == field.type else {
      throw DataError(.malformed, "child '\(field.name)' is \(child.type) where \(field.type) is declared")
    }
  }
}
