// Content from outside: what is checked before any value is looked at, and what may be arbitrary.

import Memory
import Samples
import Testing

@testable import Arrow

@Suite struct ContentCheckTests {
  /// Refuses at `level` and passes at the one below.
  private func refuses(
    _ column: Column, _ level: CheckLevel, code: DataError.Code = .malformed,
    at location: SourceLocation = #_sourceLocation
  ) throws {
    let error = #expect(throws: DataError.self, sourceLocation: location) { try column.check(level) }
    #expect(error?.code == code, sourceLocation: location)
    if level == .full { try column.check(.access) }
    #expect(column.passedLevel.load(ordering: .relaxed) < level.rawValue, sourceLocation: location)
  }

  private let words = Buffer(copying: Array("abcdefgh".utf8))

  private func variable<T: BitwiseCopyable>(_ type: DataType, _ offsets: [T]) throws -> Column {
    try Column(
      type: type, count: offsets.count - 1, layout: .variable(offsets: Buffer(copying: offsets), bytes: words)
    )
  }

  @Test func offsetsOnlyGrowAndStayInside() throws {
    for offsets: [Int32] in [
      [0, 5, 3], [-1, 2, 3], [0, 9], [5, 4, 8], [0, .max], [.min, 0], [0, 1, -1, 2], [9, 9],
    ] {
      try refuses(variable(.utf8, offsets), .access)
      try refuses(variable(.largeBinary, offsets.map { Int64($0) }), .access)
      let type = DataType.list(Field("item", .null))
      let items = try Column(type: .null, count: 8, layout: .null)
      let list = Layout.list(offsets: Buffer(copying: offsets), child: items)
      try refuses(Column(type: type, count: offsets.count - 1, layout: list), .access)
    }
    for offsets: [Int32] in [[0, 8], [3, 3, 3], [2, 5, 8], [0]] { try variable(.utf8, offsets).check(.full) }
  }

  @Test func listViewsStayInsideInAnyOrder() throws {
    let items = try column(.int32, [1, 2, 3, 4] as [Int32])
    func views(_ offsets: [Int32], _ sizes: [Int32]) throws -> Column {
      try Column(
        type: .listView(Field("item", .int32)), count: offsets.count,
        layout: .listView(offsets: Buffer(copying: offsets), sizes: Buffer(copying: sizes), child: items))
    }
    for (offset, size): (Int32, Int32) in [(-1, 1), (0, -1), (0, 5), (4, 1), (5, 0), (.max, .max), (1, .max)]
    {
      try refuses(views([0, offset], [4, size]), .access)
    }
    try views([3, 0, 1, 4], [1, 4, 2, 0]).check(.full)
  }

  @Test(arguments: IntegerType.allCases)
  func indicesStayInsideButUnderNulls(index: IntegerType) throws {
    let values = try texts(["a", "b", "c"])
    let type = DataType.dictionary(indices: index, values: .utf8, isOrdered: false)
    let outside = [3, 100, -1, index.maximum, index.isSigned ? ~index.maximum : 255].filter {
      index.isSigned || $0 >= 0
    }
    for wrong in outside {
      var indices = GrowableBuffer()
      for value in [2, wrong, 0] { indices.append(value, as: index) }
      let layout = Layout.dictionary(indices: indices.freeze(), values: values)
      try refuses(Column(type: type, count: 3, layout: layout), .access)
      let underNull = try Column(type: type, count: 3, validity: bitmap([true, false, true]), layout: layout)
      try underNull.check(.full)
      #expect(underNull.json == ["\"c\"", "null", "\"a\""])
    }
    let none = try Column(
      type: type, count: 1,
      layout: .dictionary(indices: Buffer(copying: [0]).slice(0..<index.byteWidth), values: texts([])))
    try refuses(none, .access)
  }

  @Test func negativeIndicesAreNoLargeOnesWhereTheDictionaryIsLonger() throws {
    let type = DataType.dictionary(indices: .int8, values: .null, isOrdered: false)
    let values = try Column(type: .null, count: 200, layout: .null)
    for index: Int8 in [-1, -56, -57, .min] {
      let indices = Buffer(copying: [0, index, 127])
      try refuses(
        Column(type: type, count: 3, layout: .dictionary(indices: indices, values: values)), .access)
    }
  }

  @Test func viewsStayInsideButUnderNulls() throws {
    let data = [Buffer(copying: Array("a text of 20 letters".utf8))]
    let good = BinaryViewValue(length: 20, prefix: data[0].load(at: 0, as: UInt32.self), buffer: 0, offset: 0)
    func views(_ view: BinaryViewValue, validity: Bitmap? = nil) throws -> Column {
      try Column(
        type: .utf8View, count: 2, validity: validity,
        layout: .views(Buffer(copying: [good.low, good.high, view.low, view.high]), data: data))
    }
    func view(_ length: Int32, _ buffer: Int32, _ offset: Int32) -> BinaryViewValue {
      BinaryViewValue(
        low: UInt64(UInt32(bitPattern: length)) | UInt64(good.prefix) << 32,
        high: UInt64(UInt32(bitPattern: buffer)) | UInt64(UInt32(bitPattern: offset)) << 32)
    }
    try views(good).check(.full)
    let wrong = [
      view(-1, 0, 0), view(.min, 0, 0), view(21, 0, 0), view(20, 1, 0), view(20, -1, 0), view(20, 0, 1),
      view(13, 0, -1), view(13, 0, .max), view(.max, 0, .max), view(13, 0, 8),
    ]
    for view in wrong {
      try refuses(views(view), .access)
      let column = try views(view, validity: bitmap([true, false]))
      try column.check(.full)
      #expect(column.json[1] == "null")
      // Copying such a column and cutting it does not look there either.
      #expect(try Column.concatenating([column, column]).json == column.json + column.json)
    }
    // Another prefix than the bytes have.
    try refuses(views(BinaryViewValue(length: 20, prefix: 0, buffer: 0, offset: 0)), .full)
  }

  @Test func overlappingViewsAreCheckedWithinAnAllowanceOnly() throws {
    let size = 10_000
    let good = (0..<size / 2).flatMap { _ in Array("é".utf8) }
    func views(_ count: Int, of bytes: [UInt8]) throws -> Column {
      let data = Buffer(copying: bytes)
      let prefix = data.load(at: 0, as: UInt32.self)
      let view = BinaryViewValue(length: size, prefix: prefix, buffer: 0, offset: 0)
      let values = (0..<count).flatMap { _ in [view.low, view.high] }
      return try Column(type: .utf8View, count: count, layout: .views(Buffer(copying: values), data: [data]))
    }
    // A byte behind the views that is no text: then each of them must be read.
    try views(50, of: good + [0xFF]).check(.full)
    try refuses(views(1000, of: good + [0xFF]), .full, code: .limit)
    // In a buffer that is text as a whole, their ends alone tell.
    try views(1000, of: good).check(.full)
  }

  @Test func runEndsGrowAndReachTheLastRow() throws {
    let type = DataType.runEndEncoded(
      runEnds: Field("run_ends", .int16, isNullable: false), values: Field("values", .int8))
    func runs(_ ends: [Int16], _ count: Int, offset: Int = 0) throws -> Column {
      try Column(
        type: type, count: count,
        layout: .runs(
          ends: column(.int16, ends), values: column(.int8, ends.map { _ in Int8(1) }), offset: offset))
    }
    for (ends, count): ([Int16], Int) in [
      ([2, 2], 2), ([3, 1], 1), ([0, 5], 5), ([-1, 5], 5), ([2, 4], 5), ([], 1),
    ] {
      try refuses(runs(ends, count), .access)
    }
    try refuses(runs([2, 5], 3, offset: 3), .access)
    try runs([2, 5], 2, offset: 3).check(.full)
    try runs([2, 9], 5).check(.full)
    try runs([], 0).check(.full)
  }

  @Test func unionsNameChildrenAndRowsThatExist() throws {
    let fields = [Field("a", .int32), Field("b", .utf8)]
    func union(_ mode: UnionMode, _ ids: [Int8], _ offsets: [Int32]) throws -> Column {
      try Column(
        type: .union(mode, fields: fields, ids: [3, 7]), count: 2,
        layout: .union(
          ids: Buffer(copying: ids), offsets: mode == .dense ? Buffer(copying: offsets) : nil,
          children: [column(.int32, [1, 2] as [Int32]), texts(["x", "y"])]))
    }
    for id: Int8 in [0, -1, .min, .max, 4] {
      try refuses(union(.sparse, [3, id], []), .access)
      try refuses(union(.dense, [3, id], [0, 0]), .access)
    }
    for row: Int32 in [-1, 2, .max, .min] { try refuses(union(.dense, [3, 7], [0, row]), .access) }
    let good = try union(.dense, [7, 3], [1, 1])
    try good.check(.full)
    #expect(good.json == ["{\"b\":\"y\"}", "{\"a\":2}"])
  }

  @Test(arguments: [9, 18, 38, 76])
  func decimalsHaveNoMoreDigitsThanDeclared(digits: Int) throws {
    for precision in [1, digits / 2, digits] {
      let type: DataType =
        switch digits {
        case 9: .decimal32(precision: precision, scale: 2)
        case 18: .decimal64(precision: precision, scale: 2)
        case 38: .decimal128(precision: precision, scale: 2)
        default: .decimal256(precision: precision, scale: 2)
        }
      func decimal(_ value: Int256, validity: Bitmap? = nil) throws -> Column {
        let bytes = Buffer(copying: (0..<4).map { value.words[$0] }).slice(0..<type.byteWidth!)
        return try Column(type: type, count: 1, validity: validity, layout: .fixed(bytes))
      }
      func minus(_ value: Int256) -> Int256 { Int256(words: value.magnitude.negated) }
      let bound = Int256.powerOfTen(precision)
      let largest = decremented(bound)
      for value in [largest, minus(largest), Int256(0)] { try decimal(value).check(.full) }
      for value in [bound, minus(bound)] {
        try refuses(decimal(value), .full)
        try decimal(value, validity: bitmap([false])).check(.full)
      }
    }
  }

  @Test func aDeclaredNullCountMustBeTrue() throws {
    let bits = bitmap([true, false, false, true])
    let layout = Layout.fixed(Buffer(copying: [1, 2, 3, 4] as [Int32]))
    for declared in [1, 3, 4] {
      try refuses(Column(type: .int32, count: 4, validity: bits, nullCount: declared, layout: layout), .full)
    }
    try Column(type: .int32, count: 4, validity: bits, nullCount: 2, layout: layout).check(.full)
    // No nulls declared means no bitmap, whatever is in it.
    #expect(
      try Column(type: .int32, count: 4, validity: bits, nullCount: 0, layout: layout).keys.count {
        $0 == [0]
      } == 0)
  }

  @Test func keysOfMapsAreNotNull() throws {
    let keys = try Column(
      type: .int8, count: 2, validity: bitmap([true, false]),
      layout: .fixed(Buffer(copying: [1, 2] as [Int8])))
    let fields = [Field("key", .int8, isNullable: false), Field("value", .int8)]
    let entries = try Column(
      type: .structure(fields), count: 2, layout: .structure([keys, column(.int8, [3, 4] as [Int8])]))
    let type = DataType.map(
      entries: Field("entries", .structure(fields), isNullable: false), keysSorted: false)
    let offsets = Buffer(copying: [0, 2] as [Int32])
    try refuses(Column(type: type, count: 1, layout: .list(offsets: offsets, child: entries)), .full)
  }

  @Test func errorsNameTheColumnAndTheChild() throws {
    let bad = try variable(.utf8, [0, 9] as [Int32])
    let type = DataType.structure([Field("inner", .utf8)])
    let column = try Column(type: type, count: 1, layout: .structure([bad]))
    let batch = try RecordBatch(schema: Schema([Field("outer", type)]), columns: [column])
    let error = #expect(throws: DataError.self) { try batch.check(.access) }
    #expect(error?.message.hasPrefix("column 'outer': 'inner': ") == true)
  }
}

private func decremented(_ value: Int256) -> Int256 {
  var words = value.words
  for i in 0..<4 {
    words[i] &-= 1
    if words[i] != .max { break }
  }
  return Int256(words: words)
}

extension Int256.Magnitude {
  fileprivate var negated: SIMD4<UInt64> {
    var result = ~words
    for i in 0..<4 {
      result[i] &+= 1
      if result[i] != 0 { break }
    }
    return result
  }
}
