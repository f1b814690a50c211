// Simple conditions on one column, in the column's own terms.

import Arrow

/// One end of a range of bytes.
public struct ByteBound: Sendable, Hashable {
  public var bytes: [UInt8]
  public var isInclusive: Bool

  public init(_ bytes: [UInt8], isInclusive: Bool) {
    self.bytes = bytes
    self.isInclusive = isInclusive
  }
}

/// A condition on the values of one column. A null satisfies none but `isNull`.
public enum RangePredicate: Sendable, Hashable {
  /// Every value that is not null.
  case isNotNull
  case isNull
  case nothing
  /// In the domain of integers.
  case integers(ClosedRange<Int64>)
  /// In the domain of reals; NaN is in no range.
  case reals(ClosedRange<Double>)
  /// In the domain of bytes; nil where there is no bound.
  case bytes(lower: ByteBound?, upper: ByteBound?)
  /// One of these, in the domain of integers, of reals, of bytes.
  case integerSet(Set<Int64>)
  case realSet(Set<Double>)
  case byteSet(Set<[UInt8]>)
  /// Text that begins so; ASCII letters in either case when `foldsCase`, as LIKE has it. The prefix is in lower case then.
  case prefix([UInt8], foldsCase: Bool)

  /// The domain that the condition is in; nil when it is in any.
  public var domain: ValueDomain? {
    switch self {
    case .isNull, .isNotNull, .nothing: nil
    case .integers, .integerSet: .integers
    case .reals, .realSet: .reals
    case .bytes, .byteSet, .prefix: .bytes
    }
  }

  /// Whether a value of the domain of bytes satisfies it.
  func matches(_ value: UnsafeRawBufferPointer) -> Bool {
    switch self {
    case .isNotNull: return true
    case .bytes(let lower, let upper):
      if let lower {
        let order = lower.bytes.withUnsafeBytes { compareBytes(value, $0) }
        if order < 0 || (order == 0 && !lower.isInclusive) { return false }
      }
      if let upper {
        let order = upper.bytes.withUnsafeBytes { compareBytes(value, $0) }
        if order > 0 || (order == 0 && !upper.isInclusive) { return false }
      }
      return true
    case .byteSet(let set): return set.contains(Array(value))
    case .prefix(let prefix, let foldsCase):
      return prefix.withUnsafeBytes { hasPrefix(value, $0, foldsCase: foldsCase) }
    default: return false
    }
  }
}

/// - Parameter foldsCase: whether ASCII letters of the value count in either case; the prefix has them in lower case then.
@inline(__always)
func hasPrefix(_ value: UnsafeRawBufferPointer, _ prefix: UnsafeRawBufferPointer, foldsCase: Bool) -> Bool {
  guard value.count >= prefix.count else { return false }
  // SAFETY: `i` is below both counts.
  for i in 0..<prefix.count {
    var byte = value.baseAddress.unsafelyUnwrapped.load(fromByteOffset: i, as: UInt8.self)
    if foldsCase, byte &- 0x41 < 26 { byte |= 0x20 }
    if byte != prefix.baseAddress.unsafelyUnwrapped.load(fromByteOffset: i, as: UInt8.self) { return false }
  }
  return true
}
