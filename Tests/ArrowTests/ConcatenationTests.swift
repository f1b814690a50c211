// Columns one after another, and batches cut and merged to a size.

import Arrow
import Memory
import Samples
import Testing

@Suite struct ConcatenationTests {
  @Test(arguments: allTypes.indices)
  func concatenatedColumnsHaveAllTheValuesInOrder(place: Int) throws {
    let type = allTypes[place]
    var random = RandomSource(seed: UInt64(place))
    for round in 0..<4 {
      // Different columns, so with different dictionaries, and slices of them; some without nulls.
      var parts: [Column] = []
      for _ in 0..<1 + random.below(4) {
        let whole = try randomColumn(
          type, rows: random.below(40), seed: random.next(), nullsOneIn: random.oneIn(3) ? nil : 3)
        parts.append(round == 0 ? whole : whole.slice(randomRange(whole.count, &random)))
      }
      let joined = try Column.concatenating(parts)
      #expect(joined.keys == parts.flatMap(\.keys))
      #expect(joined.json == parts.flatMap(\.json))
      #expect(joined.nullCount == parts.reduce(0) { $0 + $1.nullCount })
      try Column(type: type, count: joined.count, validity: joined.validity, layout: joined.layout).check(
        .full)
    }
  }

  @Test func aSingleColumnIsReturnedAsItIs() throws {
    let column = try randomColumn(.utf8, rows: 5, seed: 1)
    #expect(try Column.concatenating([column]) === column)
  }

  @Test func columnsThatDoNotHoldTogetherAreRefusedNotCopied() throws {
    let bad = try Column(
      type: .utf8, count: 2,
      layout: .variable(
        offsets: Buffer(copying: [0, 50, 3] as [Int32]), bytes: Buffer(copying: [1, 2, 3] as [UInt8])))
    let error = #expect(throws: DataError.self) { try Column.concatenating([try texts(["a"]), bad]) }
    #expect(error?.code == .malformed)
  }

  @Test func equalDictionariesStayOneDictionary() throws {
    let type = DataType.dictionary(indices: .int8, values: .utf8, isOrdered: false)
    let words = try texts((0..<100).map { "word \($0)" })
    let builder = DictionaryBuilder(type: type)
    for row in 0..<100 { try builder.append(value: words, at: row) }
    let column = builder.finish()
    // Three times a hundred values would not fit into int8 indices.
    let joined = try Column.concatenating([column, column.slice(50..<100), column])
    #expect(joined.children[0].count == 100)
  }
}

@Suite struct RebatcherTests {
  @Test(arguments: 0..<12)
  func batchesComeOutInOrderAndOfExactlyTheSize(seed: UInt64) throws {
    var random = RandomSource(seed: seed)
    var sample = People(seed: seed)
    var rebatcher = Rebatcher(rows: 1 + random.below(40))
    var (given, taken): ([[[UInt8]]], [[[UInt8]]]) = ([], [])
    func add(_ batch: RecordBatch, to rows: inout [[[UInt8]]]) throws {
      for row in 0..<batch.count { rows.append(try batch.columns.map { try $0.key(at: row) }) }
    }
    for _ in 0..<8 {
      var batch = try sample.batch(rows: random.below(90))
      batch.metadata["round"] = "x"
      try add(batch, to: &given)
      for full in try rebatcher.add(batch) {
        #expect(full.count == rebatcher.rows)
        #expect(full.metadata["round"] == "x")
        try add(full, to: &taken)
      }
      #expect(given.count - taken.count < rebatcher.rows)
    }
    if let last = try rebatcher.finish() { try add(last, to: &taken) }
    #expect(taken == given)
    #expect(try rebatcher.finish() == nil)
  }

  @Test func whatIsOnlyCutIsNotCopied() throws {
    var sample = Readings(seed: 1)
    let batch = try sample.batch(rows: 100)
    var rebatcher = Rebatcher(rows: 30)
    let parts = try rebatcher.add(batch) + [try #require(try rebatcher.finish())]
    #expect(parts.map(\.count) == [30, 30, 30, 10])
    for part in parts {
      for (column, whole) in zip(part.columns, batch.columns) {
        for (buffer, wholeBuffer) in zip(column.allBuffers, whole.allBuffers) {
          #expect(buffer.lies(within: wholeBuffer))
        }
      }
    }
    // A batch of the very size is passed through.
    var other = Rebatcher(rows: 100)
    #expect(try other.add(batch)[0].columns[0] === batch.columns[0])
  }

  @Test func rowsWithoutColumnsAreCountedToo() throws {
    var rebatcher = Rebatcher(rows: 10)
    let batch = try RecordBatch(schema: Schema([]), columns: [], count: 7)
    #expect(try rebatcher.add(batch).isEmpty)
    #expect(try rebatcher.add(batch).map(\.count) == [10])
    #expect(try rebatcher.finish()?.count == 4)
  }

  @Test func batchesThatAreNotTheirSchemasAreRefused() throws {
    let schema = Schema([Field("a", .int32), Field("b", .utf8)])
    let (numbers, words) = (try column(.int32, [1, 2] as [Int32]), try texts(["x", "y"]))
    for columns in [[numbers], [words, numbers], [numbers, words.slice(0..<1)], [numbers, words, words]] {
      let error = #expect(throws: DataError.self) { try RecordBatch(schema: schema, columns: columns) }
      #expect(error?.code == .invalid)
    }
    #expect(try RecordBatch(schema: schema, columns: [numbers, words]).count == 2)
  }
}
