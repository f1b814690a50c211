// Single values of columns: for printing, hashing and building, where a kernel over whole spans does not pay.
//
// All of these trap on content that has not passed `check(.access)` and does not hold together.

import Memory

/// A value of a view column: 16 bytes that hold up to 12 bytes themselves or say where more are.
///
///     length ≤ 12:  length:4  bytes:12, zero-padded
///     else:         length:4  prefix:4  buffer:4  offset:4
@frozen
public struct BinaryViewValue: BitwiseCopyable, Sendable {
  public var low: UInt64
  public var high: UInt64

  public static let inlineLimit = 12

  @inlinable
  public init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }

  @inlinable
  public init(length: Int, prefix: UInt32, buffer: Int, offset: Int) {
    low = UInt64(UInt32(length)) | UInt64(prefix) << 32
    high = UInt64(UInt32(buffer)) | UInt64(UInt32(offset)) << 32
  }

  @inlinable public var length: Int { Int(Int32(truncatingIfNeeded: low)) }
  @inlinable public var prefix: UInt32 { UInt32(truncatingIfNeeded: low >> 32) }
  @inlinable public var bufferIndex: Int { Int(Int32(truncatingIfNeeded: high)) }
  @inlinable public var offset: Int { Int(Int32(truncatingIfNeeded: high >> 32)) }
  @inlinable public var isInline: Bool { length <= BinaryViewValue.inlineLimit }
}

extension Column {
  /// Offset `index` of an offset-based layout, or of a list view.
  func offset(_ index: Int, in offsets: Buffer) -> Int {
    type.hasLargeOffsets
      ? Int(offsets.load(at: index * 8, as: Int64.self)) : Int(offsets.load(at: index * 4, as: Int32.self))
  }

  /// The bytes of one text, binary or fixed-width value.
  public func bytes(at index: Int) -> Buffer {
    precondition(index >= 0 && index < count, "value outside of the column")
    switch layout {
    case .fixed(let values):
      let width = type.byteWidth!
      return values.slice(index * width..<(index + 1) * width)
    case .variable(let offsets, let bytes):
      return bytes.slice(offset(index, in: offsets)..<offset(index + 1, in: offsets))
    case .views(let views, let data):
      let view = views.load(at: index * 16, as: BinaryViewValue.self)
      if view.isInline { return views.slice(index * 16 + 4..<index * 16 + 4 + view.length) }
      return data[view.bufferIndex].slice(view.offset..<view.offset + view.length)
    default: preconditionFailure("\(type) has no bytes")
    }
  }

  /// One value of a text column.
  public func string(at index: Int) -> String {
    let bytes = bytes(at: index)
    return String(decoding: UnsafeRawBufferPointer(start: bytes.base, count: bytes.count), as: UTF8.self)
  }

  /// One boolean.
  public func bool(at index: Int) -> Bool {
    guard case .bits(let bits) = layout else { preconditionFailure("\(type) is not bool") }
    return bits[index]
  }

  /// The child's rows that one value of a list, list view, fixed-size list or map has.
  public func items(at index: Int) -> Range<Int> {
    precondition(index >= 0 && index < count, "value outside of the column")
    switch layout {
    case .list(let offsets, _):
      return offset(index, in: offsets)..<offset(index + 1, in: offsets)
    case .listView(let offsets, let sizes, _):
      let start = offset(index, in: offsets)
      return start..<start + offset(index, in: sizes)
    case .fixedList:
      let size = type.fixedListSize
      return index * size..<(index + 1) * size
    default: preconditionFailure("\(type) has no items")
    }
  }

  /// The child's rows that the lists of `rows` span together, in a list view. Costs a pass.
  public func itemSpan(_ rows: Range<Int>) -> Range<Int> {
    var low = Int.max
    var high = 0
    for row in rows {
      let items = items(at: row)
      if !items.isEmpty {
        low = min(low, items.lowerBound)
        high = max(high, items.upperBound)
      }
    }
    return low <= high ? low..<high : 0..<0
  }

  /// The children of a nested column, in the format's order; of a dictionary, its values.
  public var children: [Column] {
    switch layout {
    case .list(_, let child), .listView(_, _, let child), .fixedList(let child): [child]
    case .structure(let children), .union(_, _, let children): children
    case .runs(let ends, let values, _): [ends, values]
    case .dictionary(_, let values): [values]
    default: []
    }
  }

  /// An integer of any width, or a dictionary's index. Unsigned values beyond `Int.max` trap.
  public func integer(at index: Int) -> Int {
    let type: IntegerType
    let buffer: Buffer
    switch (self.type, layout) {
    case (.dictionary(let indices, _, _), .dictionary(let values, _)): (type, buffer) = (indices, values)
    case (_, .fixed(let values)):
      guard let integer = self.type.integerType else { preconditionFailure("\(self.type) is no integer") }
      (type, buffer) = (integer, values)
    default: preconditionFailure("\(self.type) is no integer")
    }
    return Column.integer(in: buffer, at: index, type)
  }

  static func integer(in buffer: Buffer, at index: Int, _ type: IntegerType) -> Int {
    switch type {
    case .int8: Int(buffer.load(at: index, as: Int8.self))
    case .int16: Int(buffer.load(at: index * 2, as: Int16.self))
    case .int32: Int(buffer.load(at: index * 4, as: Int32.self))
    case .int64: Int(buffer.load(at: index * 8, as: Int64.self))
    case .uint8: Int(buffer.load(at: index, as: UInt8.self))
    case .uint16: Int(buffer.load(at: index * 2, as: UInt16.self))
    case .uint32: Int(buffer.load(at: index * 4, as: UInt32.self))
    case .uint64: Int(buffer.load(at: index * 8, as: UInt64.self))
    }
  }

  /// The child and the row in it that a value of a union is.
  public func unionValue(at index: Int) -> (child: Int, row: Int) {
    guard case .union(let ids, let offsets, _) = layout, case .union(_, _, let known) = type else {
      preconditionFailure("\(type) is no union")
    }
    let id = ids.load(at: index, as: Int8.self)
    let row = offsets.map { Int($0.load(at: index * 4, as: Int32.self)) } ?? index
    return (known.firstIndex(of: id)!, row)
  }

  /// The run that a row of a run-end encoded column is in; costs a binary search.
  public func run(at index: Int) -> Int {
    precondition(index >= 0 && index <= count, "value outside of the column")
    guard case .runs(let ends, _, let offset) = layout else { preconditionFailure("\(type) has no runs") }
    let row = index + offset
    var low = 0
    var high = ends.count
    while low < high {
      let middle = (low + high) / 2
      if ends.integer(at: middle) <= row { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
