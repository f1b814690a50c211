// Builders: what was appended comes out, without a copy, and the builder can be used again; limits are errors.

import Glibc
import Memory
import Samples
import Testing

@testable import Arrow

@Suite struct BuilderTests {
  @Test(arguments: allTypes.indices)
  func rowsOfOtherColumnsComeOutAndTheBuilderBeginsAgain(place: Int) throws {
    let type = allTypes[place]
    let source = try randomColumn(type, rows: 50, seed: UInt64(place))
    let keys = source.keys
    var random = RandomSource(seed: UInt64(place))
    let builder = type.makeBuilder()
    var before: [(column: Column, keys: [[UInt8]])] = []
    for _ in 0..<3 {
      var expected: [[UInt8]] = []
      for _ in 0..<6 {
        let rows = randomRange(source.count, &random)
        // Of the column itself, or of a slice of it.
        if random.oneIn(2) {
          try builder.append(source, rows: rows)
        } else {
          try builder.append(source.slice(rows))
        }
        expected.append(contentsOf: keys[rows])
        #expect(builder.count == expected.count)
      }
      let column = builder.finish()
      #expect(builder.count == 0)
      #expect(column.keys == expected)
      #expect(column.nullCount == (0..<column.count).count { column.isNull($0) })
      try Column(type: type, count: column.count, validity: column.validity, layout: column.layout).check(
        .full)
      before.append((column, expected))
    }
    // What was finished is not touched by what came later.
    for (column, keys) in before { #expect(column.keys == keys) }
  }

  @Test(arguments: allTypes.indices)
  func nullsAndEmptyValuesStandBetweenOthers(place: Int) throws {
    let type = allTypes[place]
    let source = try randomColumn(type, rows: 3, seed: UInt64(place), nullsOneIn: nil)
    let builder = type.makeBuilder()
    for _ in 0..<2 {
      builder.appendNull()
      try builder.append(source)
      builder.appendEmpty()
      builder.appendNull()
      try builder.append(source, rows: 1..<2)
      let column = builder.finish()
      #expect(column.count == 7)
      // Of unions it is the first child's.
      for row in [0, 5] { #expect(column.json[row] == "null" || column.json[row].hasSuffix(":null}")) }
      #expect(Array(column.keys[1...3]) == source.keys)
      #expect(column.keys[6] == source.keys[1])
      if type.hasValidity {
        #expect(column.isNull(0) && column.isNull(5) && !column.isNull(1) && !column.isNull(6))
      }
      if case .dictionary = type {
      } else if type != .null {
        #expect(!column.isNull(4))
        if !type.children.isEmpty || type.layoutKind == .structure { #expect(column.json[4] != "null") }
      }
      let asReceived = try Column(type: type, count: 7, validity: column.validity, layout: column.layout)
      try asReceived.check(.full)
    }
  }

  @Test(arguments: allTypes.indices)
  func nothingAppendedIsAColumnOfNoValues(place: Int) throws {
    let column = allTypes[place].makeBuilder().finish()
    #expect(column.count == 0 && column.nullCount == 0 && column.validity == nil)
    try Column(type: column.type, count: 0, layout: column.layout).check(.full)
  }

  @Test func validityCostsNothingUntilTheFirstNull() {
    let builder = FixedBuilder<Int32>(type: .int32)
    for i in 0..<100 { builder.append(Int32(i)) }
    #expect(builder.finish().validity == nil)
    for i in 0..<100 { builder.append(Int32(i)) }
    builder.appendNull()
    let column = builder.finish()
    #expect(column.nullCount == 1)
    #expect((0..<101).allSatisfy { column.isNull($0) == ($0 == 100) })
  }

  @Test func numbersAreFrozenWhereTheyWereWritten() {
    let builder = FixedBuilder<Int64>(type: .int64)
    builder.append(contentsOf: ([1, 2, 3] as [Int64]).span)
    let address = builder.values.withBytes { UnsafeRawPointer($0.baseAddress!) }
    let column = builder.finish()
    #expect(column.allBuffers[0].base == address)
    #expect(column.values(of: Int64.self)[2] == 3)
  }

  @Test func viewsShareTheDataOfTheColumnsTheyComeFrom() throws {
    let long = String(repeating: "long text ", count: 1000)
    let source = BinaryViewBuilder(type: .utf8View)
    try source.append(long.utf8Span.span.bytes)
    try source.append("short".utf8Span.span.bytes)
    let column = source.finish()
    let builder = BinaryViewBuilder(type: .utf8View)
    try builder.append("something long of its own".utf8Span.span.bytes)
    try builder.append(column)
    try builder.append("and something more after it".utf8Span.span.bytes)
    try builder.append(column)
    let built = builder.finish()
    #expect(
      (0..<6).map { built.string(at: $0) } == [
        "something long of its own", long, "short", "and something more after it", long, "short",
      ])
    let data = column.allBuffers[1]
    #expect(built.allBuffers.count { $0.isSame(as: data) } == 1)
    #expect(built.bytes(at: 1).isSame(as: column.bytes(at: 0)))
  }
}

@Suite struct BuilderLimitTests {
  private func limit(_ body: () throws -> Void) {
    let error = #expect(throws: DataError.self) { try body() }
    #expect(error?.code == .limit)
  }

  @Test(arguments: [(IntegerType.int8, 128), (.uint8, 256), (.int16, 32_768)])
  func dictionariesEndWhereTheirIndicesDo(index: IntegerType, most: Int) throws {
    let values = try column(.int32, (0...most).map { Int32($0) })
    let builder = DictionaryBuilder(type: .dictionary(indices: index, values: .int32, isOrdered: false))
    for row in 0..<most { try builder.append(value: values, at: row) }
    // A value that is known costs no index.
    try builder.append(value: values, at: most - 1)
    #expect(builder.distinctCount == most)
    limit { try builder.append(value: values, at: most) }
    let built = DictionaryBuilder(type: .dictionary(indices: index, values: .int32, isOrdered: false))
    for row in 0..<most { try built.append(value: values, at: row) }
    let column = built.finish()
    #expect(column.integer(at: most - 1) == most - 1)
    try Column(type: column.type, count: most, layout: column.layout).check(.full)
  }

  @Test func runEndsEndWhereTheirIntegersDo() throws {
    let values = try column(.int32, [7, 8] as [Int32])
    let type = DataType.runEndEncoded(
      runEnds: Field("run_ends", .int16, isNullable: false), values: Field("values", .int32))
    let builder = RunEndBuilder(type: type)
    try builder.append(value: values, at: 0, length: 32_766)
    try builder.append(value: values, at: 1)
    limit { try builder.append(value: values, at: 1) }
    let whole = RunEndBuilder(type: type)
    try whole.append(value: values, at: 0, length: 32_767)
    let column = whole.finish()
    limit { _ = try Column.concatenating([column, column]) }
  }

  /// 2 GiB of zeros that take no memory.
  private func twoGigabytes() -> Buffer {
    let size = 1 << 31
    let base = mmap(nil, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)!
    nonisolated(unsafe) let pointer = base
    return Buffer(owner: ForeignMemory { munmap(pointer, size) }, base: base, count: size)
  }

  @Test func offsetsOf32BitsEndAtTwoGigabytes() throws {
    let bytes = twoGigabytes().slice(0..<Int(Int32.max))
    let column = try Column(
      type: .binary, count: 1, layout: .variable(offsets: Buffer(copying: [0, Int32.max]), bytes: bytes))
    let builder = BinaryBuilder<Int32>(type: .binary)
    try builder.append("x")
    limit { try builder.append(column) }
    limit { try builder.append(bytes.bytes) }
  }

  @Test func listsOf32BitsEndAtTwoToThe31Items() throws {
    let nulls = try Column(type: .null, count: 1 << 30, layout: .null)
    let offsets = Buffer(copying: [0, Int32(1 << 30)])
    let list = try Column(
      type: .list(Field("item", .null)), count: 1, layout: .list(offsets: offsets, child: nulls))
    limit { _ = try Column.concatenating([list, list]) }
    let view = try Column(
      type: .listView(Field("item", .null)), count: 1,
      layout: .listView(
        offsets: Buffer(copying: [Int32(0)]), sizes: Buffer(copying: [Int32(1 << 30)]), child: nulls))
    limit { _ = try Column.concatenating([view, view]) }
  }

  @Test func countsBeyondTheWidthOfAnIntegerAreErrors() throws {
    let nulls = try Column(type: .null, count: .max - 5, layout: .null)
    limit { _ = try Column.concatenating([nulls, nulls]) }
    let items = Buffer(copying: [Int.max - 5])
    let zero = Buffer(copying: [0])
    let view = try Column(
      type: .largeListView(Field("item", .null)), count: 1,
      layout: .listView(offsets: zero, sizes: items, child: nulls))
    limit { _ = try Column.concatenating([view, view]) }
    let list = try Column(
      type: .largeList(Field("item", .null)), count: 1,
      layout: .list(offsets: Buffer(copying: [0, Int.max - 5]), child: nulls))
    limit { _ = try Column.concatenating([list, list]) }
  }

  /// A union in one child of which 16-bit run ends count the rows, also those of other children.
  @Test func unionsOfMoreRowsThanTheirRunEndsCountAreErrors() throws {
    let ends = Field("run_ends", .int16, isNullable: false)
    let runs = DataType.runEndEncoded(runEnds: ends, values: Field("values", .int32))
    let type = DataType.union(.sparse, fields: [Field("n", .int8), Field("r", runs)], ids: [0, 1])
    let child = RunEndBuilder(type: runs)
    try child.append(value: column(.int32, [1] as [Int32]), at: 0, length: 20_000)
    let numbers = try column(.int8, [Int8](repeating: 3, count: 20_000))
    let union = try Column(
      type: type, count: 20_000,
      layout: .union(
        ids: Buffer(copying: [Int8](repeating: 0, count: 20_000)), offsets: nil,
        children: [numbers, child.finish()]))
    limit { _ = try Column.concatenating([union, union]) }
  }
}
