// The values of a text or binary column as bytes, without an object for each.

import Arrow
import Glibc
import Memory

/// Reads text and binary values of any layout by pointer. The column must have passed `check(.access)`, and outlive this.
///
/// Offsets are compared with the ends of their buffers again all the same: the bytes may be those of a mapped file that somebody writes
/// to or cuts off since. A value that is outside is empty; whoever maps files asks `isUnchanged()` before believing values.
public struct ByteValues {
  private enum Kind {
    case offsets32, offsets64, fixed, views
  }

  private let kind: Kind
  private let places: UnsafeRawPointer
  private let bytes: UnsafeRawPointer
  private let byteCount: Int
  private let width: Int
  private let blocks: [Buffer]

  /// Nil for columns of other types.
  public init?(_ column: Column) {
    switch column.layout {
    case .variable(let offsets, let data):
      kind = column.type.hasLargeOffsets ? .offsets64 : .offsets32
      places = offsets.base
      bytes = data.base
      byteCount = data.count
      width = 0
      blocks = []
    case .fixed(let values):
      guard case .fixedSizeBinary(let width) = column.type else { return nil }
      kind = .fixed
      places = values.base
      bytes = values.base
      byteCount = values.count
      self.width = width
      blocks = []
    case .views(let views, let data):
      kind = .views
      places = views.base
      bytes = views.base
      byteCount = views.count
      width = 16
      blocks = data
    default: return nil
    }
  }

  /// The bytes of one value, those of null slots too.
  ///
  @inline(__always)
  public subscript(_ index: Int) -> UnsafeRawBufferPointer {
    switch kind {
    case .offsets32:
      let start = Int(load(places, index, as: Int32.self))
      let end = Int(load(places, index &+ 1, as: Int32.self))
      return slice(start, end)
    case .offsets64:
      let start = Int(load(places, index, as: Int64.self))
      let end = Int(load(places, index &+ 1, as: Int64.self))
      return slice(start, end)
    case .fixed: return UnsafeRawBufferPointer(start: places + index &* width, count: width)
    case .views:
      let view = load(places, index, as: BinaryViewValue.self)
      if view.isInline, view.length >= 0 {
        return UnsafeRawBufferPointer(start: places + index &* 16 + 4, count: view.length)
      }
      let (number, start, length) = (view.bufferIndex, view.offset, view.length)
      guard number >= 0, number < blocks.count, start >= 0, length >= 0,
        start <= blocks[number].count &- length
      else { return UnsafeRawBufferPointer(start: places, count: 0) }
      return UnsafeRawBufferPointer(start: blocks[number].base + start, count: length)
    }
  }

  @inline(__always)
  private func slice(_ start: Int, _ end: Int) -> UnsafeRawBufferPointer {
    // SAFETY: 0 <= start <= end <= byteCount, in two comparisons.
    guard UInt(bitPattern: start) <= UInt(bitPattern: end), end <= byteCount, end >= 0 else {
      return UnsafeRawBufferPointer(start: places, count: 0)
    }
    return UnsafeRawBufferPointer(start: bytes + start, count: end &- start)
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
