// Hashes of values by which equal values are found, whatever type each side is stored as.

import Arrow

/// Hashes of the three domains: equal values of a domain have equal hashes in every type.
public enum ValueHash {
  @inline(__always)
  public static func of(_ value: Int64) -> UInt64 { mix(UInt64(bitPattern: value)) }

  /// Both zeroes are one value.
  @inline(__always)
  public static func of(_ value: Double) -> UInt64 { mix(value == 0 ? 0 : value.bitPattern) }

  @inline(__always)
  public static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var hash: UInt64 = 0x9E37_79B9_7F4A_7C15 &+ UInt64(truncatingIfNeeded: bytes.count)
    var place = 0
    while place &+ 8 <= bytes.count {
      hash = mix(hash ^ bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
      place &+= 8
    }
    if place < bytes.count {
      hash = mix(hash ^ leadingBytes(UnsafeRawBufferPointer(rebasing: bytes[place...])))
    }
    return mix(hash)
  }

  /// David Stafford's thirteenth variant of MurmurHash3's finalizer.
  @inline(__always)
  public static func mix(_ value: UInt64) -> UInt64 {
    var hash = value
    hash = (hash ^ hash >> 30) &* 0xBF58_476D_1CE4_E5B9
    hash = (hash ^ hash >> 27) &* 0x94D0_49BB_1331_11EB
    return hash ^ hash >> 31
  }
}

extension Column {
  /// Hashes each value of `rows` that is not null and has a domain. The column must have passed `check(.access)`.
  public func forEachHash(_ rows: Range<Int>, descending: Bool, _ body: (Int, UInt64) -> Void) {
    func visit(_ hash: (Int) -> UInt64) {
      if descending {
        for row in rows.reversed() where !isNull(row) { body(row, hash(row)) }
      } else {
        for row in rows where !isNull(row) { body(row, hash(row)) }
      }
    }
    switch layout {
    case .dictionary(_, let values):
      var hashes = [UInt64?](repeating: nil, count: values.count)
      values.forEachHash(0..<values.count, descending: false) { hashes[$0] = $1 }
      for row in descending ? Array(rows.reversed()) : Array(rows) where !isNull(row) {
        let entry = integer(at: row)
        if entry >= 0, entry < hashes.count, let hash = hashes[entry] { body(row, hash) }
      }
    case .bits(let bits): visit { ValueHash.of(Int64(bits[unchecked: $0] ? 1 : 0)) }
    case .fixed(let buffer):
      let values = buffer.base
      switch type {
      case .int8: visit { ValueHash.of(Int64(load(values, $0, as: Int8.self))) }
      case .int16: visit { ValueHash.of(Int64(load(values, $0, as: Int16.self))) }
      case .int32, .date32, .time32, .decimal32:
        visit { ValueHash.of(Int64(load(values, $0, as: Int32.self))) }
      case .uint8: visit { ValueHash.of(Int64(load(values, $0, as: UInt8.self))) }
      case .uint16: visit { ValueHash.of(Int64(load(values, $0, as: UInt16.self))) }
      case .uint32: visit { ValueHash.of(Int64(load(values, $0, as: UInt32.self))) }
      case .uint64: visit { ValueHash.of(Int64(clamping: load(values, $0, as: UInt64.self))) }
      case .decimal128: visit { ValueHash.of(Int64(clamping: load(values, $0, as: Int128.self))) }
      case .int64, .date64, .time64, .timestamp, .duration, .decimal64:
        visit { ValueHash.of(load(values, $0, as: Int64.self)) }
      case .float16: visit { ValueHash.of(Double(load(values, $0, as: Float16.self))) }
      case .float32: visit { ValueHash.of(Double(load(values, $0, as: Float.self))) }
      case .float64: visit { ValueHash.of(load(values, $0, as: Double.self)) }
      default:
        guard let bytes = ByteValues(self) else { return }
        visit { ValueHash.of(bytes[$0]) }
      }
    default:
      guard let bytes = ByteValues(self) else { return }
      visit { ValueHash.of(bytes[$0]) }
    }
  }
}

extension RangePredicate {
  /// The hash of the only value that satisfies it; nil when there may be several.
  public var singleHash: UInt64? {
    switch self {
    case .integers(let range): range.lowerBound == range.upperBound ? ValueHash.of(range.lowerBound) : nil
    case .reals(let range): range.lowerBound == range.upperBound ? ValueHash.of(range.lowerBound) : nil
    case .bytes(let lower?, let upper?):
      lower == upper && lower.isInclusive ? lower.bytes.withUnsafeBytes { ValueHash.of($0) } : nil
    default: nil
    }
  }
}
