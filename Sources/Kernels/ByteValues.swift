// The values of a text or binary column as bytes, without an object for each.

import Arrow
import Glibc
import Memory

/// Reads text and binary values of any layout by pointer. The column must have passed `check(.access)`, and outlive this.
public struct ByteValues {
  private enum Kind {
    case offsets32, offsets64, fixed, views
  }

  private let kind: Kind
  private let places: UnsafeRawPointer
  private let bytes: UnsafeRawPointer
  private let width: Int
  private let blocks: [Buffer]

  /// Nil for columns of other types.
  public init?(_ column: Column) {
    switch column.layout {
    case .variable(let offsets, let data):
      kind = column.type.hasLargeOffsets ? .offsets64 : .offsets32
      places = offsets.base
      bytes = data.base
      width = 0
      blocks = []
    case .fixed(let values):
      guard case .fixedSizeBinary(let width) = column.type else { return nil }
      kind = .fixed
      places = values.base
      bytes = values.base
      self.width = width
      blocks = []
    case .views(let views, let data):
      kind = .views
      places = views.base
      bytes = views.base
      width = 16
      blocks = data
    default: return nil
    }
  }

  /// The bytes of one value, those of null slots too.
  ///
  /// SAFETY: offsets and views were checked to stay inside by `check(.access)`.
  @inline(__always)
  public subscript(_ index: Int) -> UnsafeRawBufferPointer {
    switch kind {
    case .offsets32:
      let start = Int(load(places, index, as: Int32.self))
      let end = Int(load(places, index &+ 1, as: Int32.self))
      return UnsafeRawBufferPointer(start: bytes + start, count: end &- start)
    case .offsets64:
      let start = Int(load(places, index, as: Int64.self))
      let end = Int(load(places, index &+ 1, as: Int64.self))
      return UnsafeRawBufferPointer(start: bytes + start, count: end &- start)
    case .fixed: return UnsafeRawBufferPointer(start: places + index &* width, count: width)
    case .views:
      let view = load(places, index, as: BinaryViewValue.self)
      if view.isInline { return UnsafeRawBufferPointer(start: places + index &* 16 + 4, count: view.length) }
      return UnsafeRawBufferPointer(start: blocks[view.bufferIndex].base + view.offset, count: view.length)
    }
  }
}

/// Bytes in SQLite's order: by `memcmp`, and a prefix before what it begins.
@inline(__always)
public func compareBytes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
  let common = min(left.count, right.count)
  if common > 0 {
    let order = memcmp(left.baseAddress!, right.baseAddress!, common)
    if order != 0 { return Int(order) }
  }
  return left.count &- right.count
}

/// The first eight bytes as a number, so that comparing two numbers mostly does for comparing the bytes.
@inline(__always)
func leadingBytes(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
  if bytes.count >= 8 { return UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)) }
  var result: UInt64 = 0
  for byte in bytes { result = result << 8 | UInt64(byte) }
  return bytes.isEmpty ? 0 : result << UInt64(64 - 8 * bytes.count)
}
