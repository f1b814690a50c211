// Values and bits of validity as they lie in memory.

import Arrow
import Memory

extension IntegerType {
  @inline(__always)
  func load(_ base: UnsafeRawPointer, _ row: Int) -> Int {
    switch self {
    case .int8: Int(Query.load(base, row, as: Int8.self))
    case .int16: Int(Query.load(base, row, as: Int16.self))
    case .int32: Int(Query.load(base, row, as: Int32.self))
    case .int64: Int(Query.load(base, row, as: Int64.self))
    case .uint8: Int(Query.load(base, row, as: UInt8.self))
    case .uint16: Int(Query.load(base, row, as: UInt16.self))
    case .uint32: Int(Query.load(base, row, as: UInt32.self))
    case .uint64: Int(truncatingIfNeeded: Query.load(base, row, as: UInt64.self))
    }
  }
}

/// Value `index` of values that may stand at any address.
///
/// SAFETY: the caller stays within the column's count, which its structure was checked against.
@inline(__always)
func load<T: BitwiseCopyable>(_ values: UnsafeRawPointer, _ index: Int, as type: T.Type = T.self) -> T {
  values.loadUnaligned(fromByteOffset: index &* MemoryLayout<T>.stride, as: T.self)
}

/// Bits as bytes, from bit `first` on.
func expand(_ bits: Bitmap, _ first: Int, _ count: Int, _ target: UnsafeMutablePointer<UInt8>) {
  let slice = bits.slice(first..<first + count)
  for w in 0..<slice.wordCount {
    let word = slice.word(w)
    let n = min(64, count &- w &* 64)
    let place = target + w &* 64
    if n == 64, word == .max {
      place.update(repeating: 1, count: 64)
    } else if n == 64 {
      let raw = UnsafeMutableRawPointer(place)
      for byte in 0..<8 {
        raw.storeBytes(of: spread(word &>> UInt64(byte &* 8)), toByteOffset: byte &* 8, as: UInt64.self)
      }
    } else {
      for i in 0..<n { place[i] = UInt8(truncatingIfNeeded: word &>> UInt64(i) & 1) }
    }
  }
}

/// The lowest eight bits as bytes of 0 or 1.
@inline(__always)
func spread(_ bits: UInt64) -> UInt64 {
  // The first seven bits by one multiplication, whose products do not meet.
  let low = ((bits & 0x7F) &* 0x0002_0408_1020_4081) & 0x0001_0101_0101_0101
  return low | (bits & 0x80) &<< 49
}
