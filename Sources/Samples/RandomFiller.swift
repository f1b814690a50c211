// Random values of any type, appended to its builder.

import Arrow
import Memory

/// Fills a builder with values that its type allows: the extremes among them, short and long strings, empty lists.
public final class RandomFiller {
  public let builder: ColumnBuilder
  private let type: DataType
  private var random: RandomSource
  private let nullsOneIn: Int?
  private let children: [RandomFiller]
  /// The distinct values of a dictionary or of runs.
  private let pool: Column?
  /// How often the current run's value is still to come, and which it is.
  private var run = (left: 0, value: 0)

  public convenience init(_ type: DataType, _ random: RandomSource, nullsOneIn: Int?) {
    self.init(type.makeBuilder(), random, nullsOneIn: nullsOneIn)
  }

  private init(_ builder: ColumnBuilder, _ source: RandomSource, nullsOneIn: Int?) {
    self.builder = builder
    type = builder.type
    var random = source
    self.nullsOneIn = nullsOneIn
    let childBuilders: [ColumnBuilder] =
      switch builder {
      case let list as ListBuilder<Int32>: [list.child]
      case let list as ListBuilder<Int64>: [list.child]
      case let list as ListViewBuilder<Int32>: [list.child]
      case let list as ListViewBuilder<Int64>: [list.child]
      case let list as FixedSizeListBuilder: [list.child]
      case let structure as StructBuilder: structure.children
      case let union as UnionBuilder: union.children
      default: []
      }
    children = zip(childBuilders, type.children).map { child, field in
      RandomFiller(child, RandomSource(seed: random.next()), nullsOneIn: field.isNullable ? nullsOneIn : nil)
    }
    switch type {
    case .dictionary(_, let values, _): pool = RandomFiller.pool(values, &random, nullsOneIn: nil)
    case .runEndEncoded(_, let values): pool = RandomFiller.pool(values.type, &random, nullsOneIn: nullsOneIn)
    default: pool = nil
    }
    self.random = random
  }

  private static func pool(_ type: DataType, _ random: inout RandomSource, nullsOneIn: Int?) -> Column {
    let filler = RandomFiller(type, RandomSource(seed: random.next()), nullsOneIn: nullsOneIn)
    do throws(DataError) { for _ in 0..<12 { try filler.append() } } catch {
      preconditionFailure(error.message)
    }
    return filler.builder.finish()
  }

  /// Appends one value, or a null now and then.
  public func append() throws(DataError) {
    if let nullsOneIn, type.hasValidity || type == .null, random.oneIn(nullsOneIn) {
      builder.appendNull()
      return
    }
    switch builder {
    case is NullBuilder: builder.appendNull()
    case let booleans as BooleanBuilder: booleans.append(random.oneIn(2))
    case let numbers as FixedBuilder<UInt8>: numbers.append(UInt8(truncatingIfNeeded: bits()))
    case let numbers as FixedBuilder<UInt16>: numbers.append(UInt16(truncatingIfNeeded: bits()))
    case let numbers as FixedBuilder<UInt32>: numbers.append(UInt32(truncatingIfNeeded: bits()))
    case let numbers as FixedBuilder<UInt64>: numbers.append(bits())
    case let bytes as FixedSizeBinaryBuilder: bytes.append(wideBytes().span.bytes)
    case let texts as BinaryBuilder<Int32>: try texts.append(text().span.bytes)
    case let texts as BinaryBuilder<Int64>: try texts.append(text().span.bytes)
    case let texts as BinaryViewBuilder: try texts.append(text().span.bytes)
    case let list as ListBuilder<Int32>:
      try appendItems()
      try list.closeList()
    case let list as ListBuilder<Int64>:
      try appendItems()
      try list.closeList()
    case let list as ListViewBuilder<Int32>:
      try appendItems()
      try list.closeList()
    case let list as ListViewBuilder<Int64>:
      try appendItems()
      try list.closeList()
    case let list as FixedSizeListBuilder:
      guard case .fixedSizeList(_, let size) = type else { preconditionFailure() }
      for _ in 0..<size { try children[0].append() }
      list.closeList()
    case let structure as StructBuilder:
      for child in children { try child.append() }
      structure.closeStruct()
    case let union as UnionBuilder:
      let choice = random.below(children.count)
      try children[choice].append()
      union.closeValue(child: choice)
    case let dictionary as DictionaryBuilder:
      try dictionary.append(value: pool!, at: random.below(pool!.count))
    case let runs as RunEndBuilder:
      if run.left == 0 { run = (1 + random.below(5), random.below(pool!.count)) }
      run.left -= 1
      try runs.append(value: pool!, at: run.value)
    default: preconditionFailure("no filler for \(type)")
    }
  }

  private func appendItems() throws(DataError) { for _ in 0..<random.below(5) { try children[0].append() } }

  /// The bits of a number that the type allows.
  private func bits() -> UInt64 {
    func signed(below limit: Int) -> UInt64 {
      UInt64(bitPattern: Int64(random.below(limit) * (random.oneIn(2) ? 1 : -1)))
    }
    switch type {
    case .decimal32(let precision, _): return signed(below: RandomFiller.power(precision))
    case .decimal64(let precision, _): return signed(below: RandomFiller.power(precision))
    case .date32: return signed(below: 700_000)
    case .date64: return UInt64(bitPattern: Int64(bitPattern: signed(below: 700_000)) * 86_400_000)
    case .time32(let unit), .time64(let unit): return UInt64(random.below(86_400 * Int(unit.perSecond)))
    case .timestamp(let unit, _):
      // Nanoseconds reach from 1677 to 2262 only.
      return signed(below: unit == .nanosecond ? Int.max : 60_000_000_000 * Int(unit.perSecond))
    case .float16: return UInt64(Float16(random.unit() * 1000 - 500).bitPattern)
    case .float32: return UInt64(float(Float(random.unit() * 1e6 - 5e5)).bitPattern)
    case .float64: return float(random.unit() * 1e9 - 5e8).bitPattern
    default:
      // Whole numbers: often small, sometimes an extreme.
      switch random.below(8) {
      case 0: return 0
      case 1: return .max
      case 2: return 1 << 63 | 1 << 31 | 1 << 15 | 1 << 7
      case 3: return .max >> 1 & ~(1 << 31 | 1 << 15 | 1 << 7)
      case 4: return random.next()
      default: return UInt64(random.below(100))
      }
    }
  }

  private func float<T: BinaryFloatingPoint>(_ value: T) -> T {
    switch random.below(12) {
    case 0: T.nan
    case 1: T.infinity
    case 2: -T.infinity
    case 3: -T.zero
    case 4: T.leastNonzeroMagnitude
    case 5: -T.greatestFiniteMagnitude
    default: value
    }
  }

  private static func power(_ exponent: Int) -> Int {
    (0..<exponent).reduce(1) { product, _ in product * 10 }
  }

  /// The bytes of a decimal, an interval or a fixed-size binary value.
  private func wideBytes() -> [UInt8] {
    var bytes: [UInt8] = []
    if let (precision, _, width) = type.decimal {
      // A random number below the largest power of two that the precision holds, then its sign.
      let bits = random.below(Int(Double(precision) * 3.3219) + 1)
      var left = bits
      var magnitude: [UInt8] = []
      while left > 0 {
        magnitude.append(UInt8(truncatingIfNeeded: random.next()) >> UInt8(max(0, 8 - left)))
        left -= 8
      }
      bytes = magnitude + [UInt8](repeating: 0, count: width - magnitude.count)
      if random.oneIn(2) {
        var carry = true
        for i in bytes.indices {
          bytes[i] = ~bytes[i]
          if carry { (bytes[i], carry) = bytes[i].addingReportingOverflow(1) }
        }
      }
      return bytes
    }
    while bytes.count < type.byteWidth! {
      withUnsafeBytes(of: random.oneIn(2) ? random.next() : UInt64(random.below(100))) {
        bytes.append(contentsOf: $0)
      }
    }
    return Array(bytes.prefix(type.byteWidth!))
  }

  /// The bytes of a text or binary value: empty, short, long, and of several scripts.
  private func text() -> [UInt8] {
    guard type.isText else {
      return (0..<random.below(random.oneIn(8) ? 60 : 14)).map { _ in UInt8(random.below(256)) }
    }
    let pieces = ["a", "Zoë", "日本", "🏹", "\"", "\\", "\n", "\u{0}", "x y", "Ω"]
    var text = ""
    for _ in 0..<random.below(random.oneIn(8) ? 20 : 5) { text += random.pick(pieces) }
    return Array(text.utf8)
  }
}
