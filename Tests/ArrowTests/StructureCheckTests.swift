// Columns whose parts do not fit together: an error for each, never a trap.

import Arrow
import Memory
import Samples
import Testing

@Suite struct StructureCheckTests {
  private func refuses(
    _ type: DataType, _ count: Int, _ layout: Layout, validity: Bitmap? = nil,
    at location: SourceLocation = #_sourceLocation
  ) {
    let error = #expect(throws: DataError.self, sourceLocation: location) {
      try Column(type: type, count: count, validity: validity, layout: layout)
    }
    #expect(error?.code == .malformed, sourceLocation: location)
  }

  private func bytes(_ count: Int) -> Buffer { Buffer(copying: [UInt8](repeating: 0, count: count)) }
  private func ints(_ count: Int) throws -> Column { try column(.int32, [Int32](repeating: 0, count: count)) }
  private let item = Field("item", .int32)

  /// Layouts that have a count of their own.
  private func countsItself(_ type: DataType) -> Bool {
    switch type {
    case .null, .runEndEncoded, .fixedSizeBinary(0), .fixedSizeList(_, 0), .structure([]): false
    default: true
    }
  }

  @Test(arguments: allTypes.indices)
  func anotherCountThanThatOfTheBuffersIsRefused(place: Int) throws {
    let made = try randomColumn(allTypes[place], rows: 20, seed: UInt64(place))
    guard countsItself(made.type) else { return }
    for count in [0, 1, 19, 21, 1 << 40, Int.max, -1] {
      if count == 0, made.type.layoutKind == .variable || made.type.layoutKind == .list { continue }
      refuses(made.type, count, made.layout)
    }
  }

  @Test(arguments: allTypes.indices)
  func theLayoutOfAnotherTypeIsRefused(place: Int) throws {
    let made = try randomColumn(allTypes[place], rows: 20, seed: UInt64(place))
    for other in allTypes where other.layoutKind != made.type.layoutKind { refuses(other, 20, made.layout) }
    // Of the same kind it may be right or wrong, by its width and children.
    for other in allTypes where other.layoutKind == made.type.layoutKind && other != made.type {
      if let column = try? Column(type: other, count: 20, layout: made.layout) {
        #expect(column.children.map(\.type) == made.children.map(\.type))
        #expect(other.byteWidth == made.type.byteWidth)
      }
    }
  }

  @Test(arguments: allTypes.indices)
  func aBitmapOfAnotherLengthIsRefused(place: Int) throws {
    let made = try randomColumn(allTypes[place], rows: 20, seed: UInt64(place))
    let bits = Bitmap(buffer: bytes(10), count: 21)
    refuses(made.type, 20, made.layout, validity: bits)
    refuses(made.type, 20, made.layout, validity: bits.slice(0..<19))
    if !made.type.hasValidity { refuses(made.type, 20, made.layout, validity: bits.slice(0..<20)) }
  }

  @Test func fixedWidthValuesMustBeAllThereAndAligned() {
    refuses(.int64, 2, .fixed(bytes(15)))
    refuses(.int64, 2, .fixed(bytes(24)))
    for shift in 1..<8 { refuses(.int64, 2, .fixed(bytes(32).slice(shift..<shift + 16))) }
    refuses(.decimal256(precision: 3, scale: 0), 1, .fixed(bytes(40).slice(4..<36)))
    refuses(.fixedSizeBinary(3), 2, .fixed(bytes(5)))
    refuses(.fixedSizeBinary(.max), 2, .fixed(bytes(5)))
    #expect(throws: Never.self) {
      try Column(type: .fixedSizeBinary(3), count: 2, layout: .fixed(bytes(7).slice(1..<7)))
    }
  }

  @Test func offsetsAreOneMoreThanTheValues() throws {
    refuses(.utf8, 2, .variable(offsets: bytes(8), bytes: .empty))
    refuses(.largeUtf8, 2, .variable(offsets: bytes(12), bytes: .empty))
    refuses(.utf8, 2, .variable(offsets: bytes(16).slice(2..<14), bytes: .empty))
    refuses(.list(item), 2, .list(offsets: bytes(8), child: try ints(3)))
    refuses(.utf8, .max, .variable(offsets: bytes(8), bytes: .empty))
    // A column of no values may come without the one offset.
    let empty = try Column(type: .utf8, count: 0, layout: .variable(offsets: .empty, bytes: .empty))
    #expect(empty.byteCount >= 0 && empty.slice(0..<0).count == 0)
  }

  @Test func listsAndTheirItemsFit() throws {
    let wrong = try texts(["a"])
    refuses(.list(item), 1, .list(offsets: bytes(8), child: wrong))
    refuses(.listView(item), 1, .listView(offsets: bytes(4), sizes: bytes(4), child: wrong))
    refuses(.listView(item), 1, .listView(offsets: bytes(4), sizes: bytes(8), child: try ints(1)))
    refuses(.largeListView(item), 1, .listView(offsets: bytes(4), sizes: bytes(8), child: try ints(1)))
    refuses(.fixedSizeList(item, 3), 2, .fixedList(try ints(5)))
    refuses(.fixedSizeList(item, 3), .max, .fixedList(try ints(5)))
    refuses(.fixedSizeList(item, 1), 1, .fixedList(wrong))
  }

  @Test func structsAndUnionsHaveOneChildPerField() throws {
    let pair = DataType.structure([item, Field("b", .utf8)])
    refuses(pair, 1, .structure([try ints(1)]))
    refuses(pair, 1, .structure([try ints(1), try ints(1)]))
    refuses(pair, 1, .structure([try ints(2), try texts(["a"])]))
    let sparse = DataType.union(.sparse, fields: [item], ids: [0])
    let dense = DataType.union(.dense, fields: [item], ids: [0])
    refuses(sparse, 1, .union(ids: bytes(1), offsets: bytes(4), children: [try ints(1)]))
    refuses(dense, 1, .union(ids: bytes(1), offsets: nil, children: [try ints(1)]))
    refuses(sparse, 1, .union(ids: bytes(1), offsets: nil, children: [try ints(2)]))
    refuses(sparse, 1, .union(ids: bytes(2), offsets: nil, children: [try ints(1)]))
    refuses(dense, 1, .union(ids: bytes(1), offsets: bytes(8), children: [try ints(1)]))
    refuses(dense, 1, .union(ids: bytes(1), offsets: bytes(4), children: []))
  }

  @Test func dictionariesAndRunsHaveTheDeclaredParts() throws {
    let dictionary = DataType.dictionary(indices: .int16, values: .utf8, isOrdered: false)
    refuses(dictionary, 2, .dictionary(indices: bytes(2), values: try texts(["a"])))
    refuses(dictionary, 2, .dictionary(indices: bytes(4), values: try ints(1)))
    refuses(dictionary, 2, .dictionary(indices: bytes(8).slice(1..<5), values: try texts(["a"])))
    let runs = DataType.runEndEncoded(
      runEnds: Field("run_ends", .int32, isNullable: false), values: Field("values", .utf8))
    let words = try texts(["a", "b"])
    refuses(runs, 1, .runs(ends: try ints(1), values: words, offset: 0))
    refuses(runs, 1, .runs(ends: try ints(2), values: words, offset: -1))
    refuses(runs, 1, .runs(ends: try ints(2), values: words, offset: .max))
    refuses(runs, 1, .runs(ends: words, values: words, offset: 0))
    let nullable = try Column(
      type: .int32, count: 2, validity: bitmap([true, false]),
      layout: .fixed(Buffer(copying: [1, 2] as [Int32])))
    refuses(runs, 1, .runs(ends: nullable, values: words, offset: 0))
  }

  @Test func typesThatTheFormatDoesNotAllowAreRefused() throws {
    let ends = Field("run_ends", .int8, isNullable: false)
    let wrong: [DataType] = [
      .decimal32(precision: 10, scale: 0), .decimal64(precision: 0, scale: 0),
      .decimal128(precision: 39, scale: 0),
      .decimal256(precision: 77, scale: 0), .time32(.nanosecond), .time64(.second), .fixedSizeBinary(-1),
      .fixedSizeList(item, -1), .map(entries: item, keysSorted: false),
      .map(entries: Field("entries", .structure([item])), keysSorted: false),
      .union(.dense, fields: [item], ids: []), .union(.dense, fields: [item, item], ids: [1, 1]),
      .union(.sparse, fields: [item], ids: [-1]), .runEndEncoded(runEnds: ends, values: item),
    ]
    for type in wrong {
      for nested in [
        type, .list(Field("x", type)), .dictionary(indices: .int8, values: type, isOrdered: false),
      ] {
        let error = #expect(throws: DataError.self, "\(nested)") { try nested.check() }
        #expect(error?.code == .malformed)
      }
    }
    for type in allTypes { #expect(throws: Never.self) { try type.check() } }
    func nested(_ depth: Int) -> DataType {
      (0..<depth).reduce(.int8) { type, _ in .list(Field("item", type)) }
    }
    #expect(throws: Never.self) { try nested(63).check() }
    let error = #expect(throws: DataError.self) { try nested(64).check() }
    #expect(error?.code == .limit)
  }
}
