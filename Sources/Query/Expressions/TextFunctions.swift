// Functions that make or measure text.

import Arrow
import Kernels
import Memory

/// A text for each row that has all of its operands.
final class TextNode: Node {
  /// Told the operands' values for one row; nil makes NULL.
  typealias Body = (_ operands: [Vector], _ row: Int, _ arena: ByteArena) -> UnsafeRawBufferPointer?
  private let operands: [Node]
  private let body: Body
  private let scratch = Scratch()
  private let arena = ByteArena()

  init(_ operands: [Node], kind: ValueKind = .text, _ body: @escaping Body) {
    self.operands = operands
    self.body = body
    super.init(kind)
  }

  override func evaluate(_ frame: Frame) throws(QueryError) -> Vector {
    arena.reset()
    let n = frame.count
    var vectors: [Vector] = []
    for operand in operands { vectors.append(try operand.evaluate(frame)) }
    let valid = scratch.valid
    valid.update(repeating: 1, count: n)
    for vector in vectors {
      if let other = vector.valid { for i in 0..<n { valid[i] &= other[i] } }
    }
    let target = scratch.slices
    for i in 0..<n {
      if valid[i] != 0, let slice = body(vectors, i, arena) {
        target[i] = slice
      } else {
        valid[i] = 0
        target[i] = UnsafeRawBufferPointer(start: nil, count: 0)
      }
    }
    return scratch.vector(UnsafePointer(valid))
  }
}

/// An integer for each row that has all of its operands.
final class TextMeasureNode: Node {
  typealias Body = (_ operands: [Vector], _ row: Int) -> Int64
  private let operands: [Node]
  private let body: Body
  private let scratch = Scratch()

  init(_ operands: [Node], _ body: @escaping Body) {
    self.operands = operands
    self.body = body
    super.init(.integer)
  }

  override func evaluate(_ frame: Frame) throws(QueryError) -> Vector {
    let n = frame.count
    var vectors: [Vector] = []
    for operand in operands { vectors.append(try operand.evaluate(frame)) }
    let valid = scratch.valid
    valid.update(repeating: 1, count: n)
    for vector in vectors {
      if let other = vector.valid { for i in 0..<n { valid[i] &= other[i] } }
    }
    for i in 0..<n { scratch.integers[i] = valid[i] != 0 ? body(vectors, i) : 0 }
    return scratch.vector(UnsafePointer(valid))
  }
}

/// Pieces of the functions themselves, over UTF-8.
enum Text {
  /// The characters before the first NUL.
  static func length(_ text: UnsafeRawBufferPointer) -> Int {
    var count = 0
    for byte in text {
      if byte == 0 { break }
      count &+= byte & 0xC0 == 0x80 ? 0 : 1
    }
    return count
  }

  /// Where the character that begins at `place` ends.
  @inline(__always)
  private static func skip(_ text: UnsafeRawBufferPointer, _ place: Int) -> Int {
    var next = place + 1
    if text[place] >= 0xC0 { while next < text.count, text[next] & 0xC0 == 0x80 { next += 1 } }
    return next
  }

  /// `substr` as SQLite 3.40 has it: numbers are cut to 32 bits, a NUL ends the text.
  static func substring(_ text: UnsafeRawBufferPointer, _ start: Int64, _ length: Int64?)
    -> UnsafeRawBufferPointer
  {
    var p1 = Int(Int32(truncatingIfNeeded: start))
    var p2 = length.map { Int(Int32(truncatingIfNeeded: $0)) } ?? 1_000_000_000
    let isNegative = p2 < 0
    if isNegative { p2 = -p2 }
    if p1 < 0 {
      p1 += self.length(text)
      if p1 < 0 {
        p2 = max(0, p2 + p1)
        p1 = 0
      }
    } else if p1 > 0 {
      p1 -= 1
    } else if p2 > 0 {
      p2 -= 1
    }
    if isNegative {
      p1 -= p2
      if p1 < 0 {
        p2 += p1
        p1 = 0
      }
    }
    var first = 0
    while first < text.count, text[first] != 0, p1 > 0 {
      first = skip(text, first)
      p1 -= 1
    }
    var end = first
    while end < text.count, text[end] != 0, p2 > 0 {
      end = skip(text, end)
      p2 -= 1
    }
    return UnsafeRawBufferPointer(rebasing: text[first..<end])
  }

  /// ASCII letters in the other case.
  static func mapped(_ text: UnsafeRawBufferPointer, _ arena: ByteArena, isUpper: Bool)
    -> UnsafeRawBufferPointer
  {
    let target = arena.allocate(text.count).assumingMemoryBound(to: UInt8.self)
    if isUpper {
      for i in 0..<text.count { target[i] = text[i] &- 0x61 < 26 ? text[i] & 0xDF : text[i] }
    } else {
      for i in 0..<text.count { target[i] = lowered(text[i]) }
    }
    return UnsafeRawBufferPointer(start: target, count: text.count)
  }

  static func trimmed(_ text: UnsafeRawBufferPointer, left: Bool, right: Bool) -> UnsafeRawBufferPointer {
    var (first, end) = (0, text.count)
    if left { while first < end, text[first] == 0x20 { first += 1 } }
    if right { while end > first, text[end - 1] == 0x20 { end -= 1 } }
    return UnsafeRawBufferPointer(rebasing: text[first..<end])
  }

  /// The character, from 1, at which the needle begins; 0 if nowhere.
  static func place(of needle: UnsafeRawBufferPointer, in text: UnsafeRawBufferPointer) -> Int64 {
    if needle.isEmpty { return 1 }
    var character: Int64 = 1
    var place = 0
    while place + needle.count <= text.count {
      if compareBytesEqual(UnsafeRawBufferPointer(rebasing: text[place..<place + needle.count]), needle) {
        return character
      }
      repeat { place += 1 } while place < text.count && text[place] & 0xC0 == 0x80
      character += 1
    }
    return 0
  }

  static func joined(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer, _ arena: ByteArena)
    -> UnsafeRawBufferPointer
  {
    let target = arena.allocate(a.count + b.count)
    if let base = a.baseAddress { target.copyMemory(from: base, byteCount: a.count) }
    if let base = b.baseAddress { (target + a.count).copyMemory(from: base, byteCount: b.count) }
    return UnsafeRawBufferPointer(start: target, count: a.count + b.count)
  }

  static func replaced(
    _ text: UnsafeRawBufferPointer, _ pattern: UnsafeRawBufferPointer, _ replacement: UnsafeRawBufferPointer,
    _ arena: ByteArena
  ) -> UnsafeRawBufferPointer {
    // A pattern that begins with NUL is empty to SQLite.
    guard let first = pattern.first, first != 0, pattern.count <= text.count else { return text }
    var result: [UInt8] = []
    var place = 0
    while place < text.count {
      if place + pattern.count <= text.count, text[place] == first,
        compareBytesEqual(UnsafeRawBufferPointer(rebasing: text[place..<place + pattern.count]), pattern)
      {
        result.append(contentsOf: replacement)
        place += pattern.count
      } else {
        result.append(text[place])
        place += 1
      }
    }
    return arena.copy(result)
  }

  /// What SQLite's CAST to INTEGER makes of text: the digits that it begins with.
  static func integer(_ text: UnsafeRawBufferPointer) -> Int64 {
    var place = 0
    while place < text.count, [0x20, 0x09, 0x0A, 0x0B, 0x0C, 0x0D].contains(text[place]) { place += 1 }
    var isNegative = false
    if place < text.count, text[place] == 0x2D || text[place] == 0x2B {
      isNegative = text[place] == 0x2D
      place += 1
    }
    var value: UInt64 = 0
    while place < text.count, text[place] &- 0x30 < 10 {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carries) = product.addingReportingOverflow(UInt64(text[place] &- 0x30))
      if overflow || carries || sum > 1 << 63 { return isNegative ? .min : .max }
      value = sum
      place += 1
    }
    if isNegative { return value >= 1 << 63 ? .min : -Int64(value) }
    return value >= 1 << 63 ? .max : Int64(value)
  }
}

extension DataType {
  /// Appends the text that ticks of this type stand for (as `Tables.ColumnReader` reads them).
  func appendText(ofTicks ticks: Int, to text: inout [UInt8]) {
    switch self {
    case .date32: TemporalText.appendDate(days: ticks, to: &text)
    case .date64:
      if ticks % 86_400_000 == 0 {
        TemporalText.appendDate(days: ticks / 86_400_000, to: &text)
      } else {
        TemporalText.appendSQLTimestamp(ticks: ticks, .millisecond, to: &text)
      }
    case .time32(let unit), .time64(let unit): TemporalText.appendSQLTime(ticks: ticks, unit, to: &text)
    case .timestamp(let unit, _): TemporalText.appendSQLTimestamp(ticks: ticks, unit, to: &text)
    default: preconditionFailure("\(self) is no time")
    }
  }

  /// The ticks whose text is in the order of time: those of the years 0 to 9999, or of one day.
  var tickDomain: ClosedRange<Int64>? {
    let (firstDay, lastDay): (Int64, Int64) = (-719_528, 2_932_896)
    func days(_ ticksPerDay: Int64) -> ClosedRange<Int64> {
      let (low, lowOverflows) = firstDay.multipliedReportingOverflow(by: ticksPerDay)
      let (high, highOverflows) = (lastDay + 1).multipliedReportingOverflow(by: ticksPerDay)
      return (lowOverflows ? .min : low)...(highOverflows ? .max : high - 1)
    }
    switch self {
    case .date32: return days(1)
    case .date64: return days(86_400_000)
    case .timestamp(let unit, _): return days(86_400 * unit.perSecond)
    case .time32(let unit), .time64(let unit): return 0...(86_400 * unit.perSecond - 1)
    default: return nil
    }
  }

  /// The ticks whose text compares with a constant so; nil when there is none.
  func ticks(_ order: Order, _ constant: [UInt8]) -> ClosedRange<Int64>? {
    guard let domain = tickDomain else { return nil }
    func compared(_ ticks: Int64) -> Int {
      var text: [UInt8] = []
      appendText(ofTicks: Int(ticks), to: &text)
      return text.withUnsafeBytes { left in constant.withUnsafeBytes { compareBytes(left, $0) } }
    }
    /// The first that is at or (strictly) behind the constant.
    func first(_ isBehind: (Int) -> Bool) -> Int64? {
      guard isBehind(compared(domain.upperBound)) else { return nil }
      var (low, high) = (domain.lowerBound, domain.upperBound)
      while low < high {
        let middle = low + Int64((UInt64(bitPattern: high) &- UInt64(bitPattern: low)) / 2)
        if isBehind(compared(middle)) { high = middle } else { low = middle + 1 }
      }
      return low
    }
    func before(_ end: Int64?) -> ClosedRange<Int64>? {
      guard let end else { return domain }
      return end == domain.lowerBound ? nil : domain.lowerBound...end - 1
    }
    switch order {
    case .greaterOrEqual: return first { $0 >= 0 }.map { $0...domain.upperBound }
    case .greater: return first { $0 > 0 }.map { $0...domain.upperBound }
    case .less: return before(first { $0 >= 0 })
    case .lessOrEqual: return before(first { $0 > 0 })
    case .equal, .notEqual:
      guard let low = first({ $0 >= 0 }), compared(low) == 0 else { return nil }
      return low...(first { $0 > 0 }.map { $0 - 1 } ?? domain.upperBound)
    }
  }
}
