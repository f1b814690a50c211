// Date and time functions of columns that are times: without modifiers, and never of 'now'.

import Arrow
import Memory
import SQL

extension Compiler {
  func time(_ name: String, _ nodes: [Node]) throws(NotMine) -> Node {
    guard let operand = nodes.last, case .ticks(let type) = operand.kind, let domain = type.tickDomain else {
      throw NotMine("the function \(name)() of what is no time")
    }
    mayLeave = true
    let perDay: Int64
    switch type {
    case .date32: perDay = 1
    case .timestamp(let unit, _): perDay = 86_400 * unit.perSecond
    default: throw NotMine("the function \(name)() of type \(type)")
    }
    switch name {
    case "date": return DayNode(operand, perDay: perDay, domain: domain)
    case "time": return try formatted("%H:%M:%S", operand, perDay, domain)
    case "datetime": return try formatted("%Y-%m-%d %H:%M:%S", operand, perDay, domain)
    default:
      guard case .text(let format)? = nodes[0].constant else { throw NotMine("a format that is no constant") }
      return try formatted(String(decoding: format, as: UTF8.self), operand, perDay, domain)
    }
  }

  private func formatted(
    _ format: String, _ operand: Node, _ perDay: Int64, _ domain: ClosedRange<Int64>
  ) throws(NotMine) -> Node {
    var pieces: [TimePiece] = []
    var rest = Array(format.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        pieces.append(.literal(byte))
        continue
      }
      guard let letter = rest.popFirst(), let piece = TimePiece(letter) else {
        throw NotMine("the format '\(format)'")
      }
      pieces.append(piece)
    }
    return TextNode([CheckedTicksNode(operand, domain)]) { vectors, row, arena in
      let moment = Moment(vectors[0].integers[row], perDay: perDay)
      var text: [UInt8] = []
      for piece in pieces { piece.append(moment, to: &text) }
      return arena.copy(text)
    }
  }
}

/// Ticks that are made sure of to be of the years 0 to 9999.
final class CheckedTicksNode: Node {
  private let inner: Node
  private let domain: ClosedRange<Int64>

  init(_ inner: Node, _ domain: ClosedRange<Int64>) {
    self.inner = inner
    self.domain = domain
    super.init(inner.kind)
  }

  override func evaluate(_ frame: Frame) throws(QueryError) -> Vector {
    let vector = try inner.evaluate(frame)
    try checkTicks(vector, frame.count, domain)
    return vector
  }
}

/// The day of a time, as a date: compared and grouped by as a number, and text where text is wanted.
final class DayNode: Node {
  private let operand: Node
  private let perDay: Int64
  private let scratch = Scratch()

  init(_ operand: Node, perDay: Int64, domain: ClosedRange<Int64>) {
    self.operand = CheckedTicksNode(operand, domain)
    self.perDay = perDay
    super.init(.ticks(.date32))
  }

  override func evaluate(_ frame: Frame) throws(QueryError) -> Vector {
    let vector = try operand.evaluate(frame)
    let ticks = vector.integers
    for i in 0..<frame.count { scratch.integers[i] = dayOf(ticks[i], perDay) }
    return scratch.vector(vector.valid)
  }
}

@inline(__always)
private func dayOf(_ ticks: Int64, _ perDay: Int64) -> Int64 {
  let (day, rest) = ticks.quotientAndRemainder(dividingBy: perDay)
  return rest < 0 ? day - 1 : day
}

/// A time taken apart.
private struct Moment {
  var day: Int64
  var second: Int64
  private(set) var date: [UInt8] = []

  init(_ ticks: Int64, perDay: Int64) {
    day = dayOf(ticks, perDay)
    second = perDay == 1 ? 0 : (ticks - day * perDay) / (perDay / 86_400)
    TemporalText.appendDate(days: Int(day), to: &date)
  }
}

/// A piece of strftime's format.
private enum TimePiece {
  case literal(UInt8)
  case year, month, day, hour, minute, second, weekday, dayOfYear

  init?(_ letter: UInt8) {
    switch letter {
    case UInt8(ascii: "Y"): self = .year
    case UInt8(ascii: "m"): self = .month
    case UInt8(ascii: "d"): self = .day
    case UInt8(ascii: "H"): self = .hour
    case UInt8(ascii: "M"): self = .minute
    case UInt8(ascii: "S"): self = .second
    case UInt8(ascii: "w"): self = .weekday
    case UInt8(ascii: "j"): self = .dayOfYear
    case UInt8(ascii: "%"): self = .literal(letter)
    default: return nil
    }
  }

  func append(_ moment: Moment, to text: inout [UInt8]) {
    func number(_ value: Int64, _ digits: Int) {
      let digitsOfValue = Array(String(value).utf8)
      text.append(contentsOf: repeatElement(0x30, count: max(0, digits - digitsOfValue.count)))
      text += digitsOfValue
    }
    switch self {
    case .literal(let byte): text.append(byte)
    // YYYY-MM-DD, within the years that have four digits.
    case .year: text += moment.date[0..<4]
    case .month: text += moment.date[5..<7]
    case .day: text += moment.date[8..<10]
    case .hour: number(moment.second / 3600, 2)
    case .minute: number(moment.second / 60 % 60, 2)
    case .second: number(moment.second % 60, 2)
    case .weekday: number(((moment.day + 4) % 7 + 7) % 7, 1)
    case .dayOfYear:
      var first: [UInt8] = moment.date
      first.replaceSubrange(5..<10, with: Array("01-01".utf8))
      let start = first.withUnsafeBytes { TemporalText.parseDate(RawSpan(_unsafeBytes: $0)) } ?? 0
      number(moment.day - Int64(start) + 1, 3)
    }
  }
}
