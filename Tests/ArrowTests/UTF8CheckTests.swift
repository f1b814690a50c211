// UTF-8 validity against the standard library's, which was written by others.

import Memory
import Samples
import Testing

@testable import Arrow

@Suite struct UTF8CheckTests {
  private func isValid(_ bytes: [UInt8]) -> Bool { UTF8Check.isValid(bytes.span.bytes) }

  private func agree(_ bytes: [UInt8], at location: SourceLocation = #_sourceLocation) {
    let expected = String(validating: bytes, as: UTF8.self) != nil
    if isValid(bytes) != expected {
      Issue.record("\(bytes) is \(expected ? "valid" : "not valid")", sourceLocation: location)
    }
  }

  /// Where table 3-7 of the Unicode standard draws its lines.
  private static let borders: [UInt8] = [
    0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED,
    0xEE, 0xEF, 0xF0,
    0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
  ]

  @Test func allSequencesOfUpToThreeBordersAgree() {
    for one in UTF8CheckTests.borders {
      agree([one])
      for two in UTF8CheckTests.borders {
        agree([one, two])
        for three in UTF8CheckTests.borders { agree([one, two, three]) }
      }
    }
  }

  @Test func allPairsOfBytesAgree() {
    for one: UInt8 in 0x80...0xFF { for two: UInt8 in 0...0xFF { agree([one, two, 0x80, 0x80]) } }
  }

  @Test(arguments: 0..<8)
  func randomStringsAgree(seed: UInt64) {
    var random = RandomSource(seed: seed)
    for _ in 0..<2000 {
      // ASCII of any length in front, so that blocks of 64 begin and end anywhere.
      var bytes = [UInt8](repeating: 0x61, count: random.oneIn(2) ? random.below(140) : 0)
      for _ in 0..<random.below(10) { bytes.append(random.pick(UTF8CheckTests.borders)) }
      if random.oneIn(2) { bytes.append(contentsOf: repeatElement(0x62, count: random.below(80))) }
      agree(bytes)
    }
  }

  @Test(arguments: 0..<8)
  func validTextWithOneByteChangedOrCutAgrees(seed: UInt64) {
    var random = RandomSource(seed: 100 + seed)
    let scalars: [UInt32] = [
      0x41, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFD, 0xFFFF, 0x10000, 0x10FFFF,
    ]
    for _ in 0..<800 {
      var text = ""
      for _ in 0..<1 + random.below(30) { text.unicodeScalars.append(Unicode.Scalar(random.pick(scalars))!) }
      var bytes = Array(text.utf8)
      #expect(isValid(bytes))
      agree(Array(bytes.prefix(random.below(bytes.count + 1))))
      agree(Array(bytes.dropFirst(random.below(bytes.count + 1))))
      bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
      agree(bytes)
    }
  }

  @Test func overlongSurrogateAndTooLargeCharactersAreRefused() {
    for bytes: [UInt8] in [
      [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x9F, 0xBF], [0xF0, 0x8F, 0xBF, 0xBF], [0xED, 0xA0, 0x80],
      [0xED, 0xBF, 0xBF],
      [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80],
    ] {
      #expect(!isValid(bytes))
      agree(bytes)
    }
  }

  @Test(arguments: [DataType.utf8, .largeUtf8, .utf8View])
  func charactersCutBetweenTwoValuesAreRefused(type: DataType) throws {
    let builder = type.makeBuilder()
    func column(_ values: [[UInt8]]) throws -> Column {
      for value in values {
        switch builder {
        case let texts as BinaryBuilder<Int32>: try texts.append(value.span.bytes)
        case let texts as BinaryBuilder<Int64>: try texts.append(value.span.bytes)
        case let texts as BinaryViewBuilder: try texts.append(value.span.bytes)
        default: preconditionFailure()
        }
      }
      let made = builder.finish()
      return try Column(type: type, count: made.count, layout: made.layout)
    }
    // Together the bytes are "xxxxxxxxxxxxxé", which is well-formed.
    let cut = try column([Array("xxxxxxxxxxxxx".utf8) + [0xC3], [0xA9]])
    try cut.check(.access)
    #expect(throws: DataError.self) { try cut.check(.full) }
    try column([Array("xxxxxxxxxxxxxé".utf8), [], Array("日本".utf8), []]).check(.full)
    #expect(throws: DataError.self) { try column([Array("日本".utf8), [0xE6]]).check(.full) }
  }

  @Test func bytesUnderNullsNeedNotBeText() throws {
    let layout = Layout.variable(
      offsets: Buffer(copying: [0, 1, 2, 4] as [Int32]),
      bytes: Buffer(copying: [0x41, 0xFF, 0xC3, 0xA9] as [UInt8]))
    try Column(type: .utf8, count: 3, validity: bitmap([true, false, true]), layout: layout).check(.full)
    let bad = try Column(type: .utf8, count: 3, validity: bitmap([true, true, false]), layout: layout)
    #expect(throws: DataError.self) { try bad.check(.full) }
    // Binary columns hold anything.
    try Column(type: .binary, count: 3, layout: layout).check(.full)
  }
}
