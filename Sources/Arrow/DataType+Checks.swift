// Which types make sense at all: checked once when a schema comes in from outside.

import Memory

extension DataType {
  /// Throws for types that the format does not allow, here or in a child.
  /// - Parameter depth: how many more levels may follow; types are read recursively everywhere.
  public func check(depth: Int = 64) throws(DataError) {
    guard depth > 0 else { throw DataError(.limit, "types nest deeper than 64 levels") }
    switch self {
    case .decimal32(let precision, let scale): try DataType.check(precision, scale, limit: 9)
    case .decimal64(let precision, let scale): try DataType.check(precision, scale, limit: 18)
    case .decimal128(let precision, let scale): try DataType.check(precision, scale, limit: 38)
    case .decimal256(let precision, let scale): try DataType.check(precision, scale, limit: 76)
    case .time32(let unit):
      guard unit == .second || unit == .millisecond else {
        throw DataError(.malformed, "time32 counts seconds or milliseconds, not \(unit.symbol)")
      }
    case .time64(let unit):
      guard unit == .microsecond || unit == .nanosecond else {
        throw DataError(.malformed, "time64 counts microseconds or nanoseconds, not \(unit.symbol)")
      }
    case .fixedSizeBinary(let width):
      guard width >= 0 else { throw DataError(.malformed, "fixed_size_binary of \(width) bytes") }
    case .fixedSizeList(_, let size):
      guard size >= 0 else { throw DataError(.malformed, "fixed_size_list of \(size) items") }
    case .map(let entries, _):
      guard case .structure(let fields) = entries.type, fields.count == 2 else {
        throw DataError(
          .malformed, "the entries of a map must be a struct of two fields, not \(entries.type)")
      }
    case .union(_, let fields, let ids):
      guard fields.count == ids.count else {
        throw DataError(.malformed, "a union of \(fields.count) fields with \(ids.count) type ids")
      }
      guard ids.allSatisfy({ $0 >= 0 }), Set(ids).count == ids.count else {
        throw DataError(.malformed, "type ids of a union must differ and lie in 0...127: \(ids)")
      }
    case .dictionary(_, let values, _):
      try values.check(depth: depth - 1)
    case .runEndEncoded(let runEnds, _):
      switch runEnds.type {
      case .int16, .int32, .int64: break
      default:
        throw DataError(.malformed, "run ends must be int16, int32 or int64, not \(runEnds.type)")
      }
    default: break
    }
    for child in children { try child.type.check(depth: depth - 1) }
  }

  private static func check(_ precision: Int, _ scale: Int, limit: Int) throws(DataError) {
    guard precision >= 1, precision <= limit else {
      throw DataError(.malformed, "a decimal of \(precision) digits; its width has room for 1 to \(limit)")
    }
    // The format's number has 32 bits, its other implementations 8; a value's text is as long as its scale.
    guard (-128...127).contains(scale) else {
      throw DataError(.unsupported, "a decimal of scale \(scale); scales are -128 to 127")
    }
  }
}
